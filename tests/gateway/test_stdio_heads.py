"""The heads that lines would have had over HTTP: those that come again are kept, and no more than that."""

from __future__ import annotations

import tracemalloc

from gatepost.gateway.stdio.heads import Heads
from gatepost.gateway.stdio.peek import peek


def test_a_head_that_comes_again_is_the_same_and_a_long_one_is_not_kept() -> None:
    heads = Heads("s")
    short = peek(b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t"}}')
    assert heads.of(short, b"", {}, modern=True) is heads.of(short, b"", {}, modern=True)
    tracemalloc.start()
    try:
        for number in range(64):
            line = b'{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"x://%d%b"}}' % (
                number,
                b"x" * 10**6,
            )
            heads.of(peek(line), line, {}, modern=True)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 16_000_000

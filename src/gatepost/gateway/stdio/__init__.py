"""One client on standard input and output in front of the main path: each line is a request to `pipeline.handle`.

`peek` reads as much of a line as its head is made of, `line_request` is what `handle` answers, `front` keeps what a
client's connection has: the era, the legacy session, what is in flight; `waiting` the lines that something has to be
done before, `streams` those that a client would hold open over HTTP. What a line says is judged as if it had come
over HTTP; the head that HTTP would have had is made from the line, so header and body cannot disagree.
"""

from __future__ import annotations

from gatepost.gateway.stdio.front import Front

__all__ = ["Front"]

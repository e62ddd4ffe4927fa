"""`python -m tests.audit.indexing_child INDEX JOURNAL` brings an index up to date, again and again; it is there to be
killed. Small batches make many transactions."""

from __future__ import annotations

import sys
from pathlib import Path

from gatepost.audit import Index, indexing

if __name__ == "__main__":
    indexing.BATCH = 7
    index = Index(Path(sys.argv[1]), Path(sys.argv[2]))
    print("ready", flush=True)
    while True:
        index.catch_up()
        print(index.rows(), flush=True)

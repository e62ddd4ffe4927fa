"""Puts the shipped servers into an index."""

from __future__ import annotations

from gatepost.catalogue.index import Index
from gatepost.catalogue.shipped import SOURCE, edition, shipped


def keep_shipped(index: Index) -> None:
    """Sees to it that the index holds the shipped servers as this version of the program has them.

    A server of the same name that came from elsewhere stays: somebody scanned or imported it here. Once this edition
    is in, nothing is done, so that a shipped server that is then imported from elsewhere is not put back.
    """
    current = edition()
    if index.progress(SOURCE)[1] == current:
        return
    sources = index.sources()
    index.put(one.entry() for one in shipped().values() if sources.get(one.name, SOURCE) == SOURCE)
    index.set_progress(SOURCE, "", current)

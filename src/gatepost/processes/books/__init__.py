"""The books of a data folder: its journal and its ledger, kept by one process and shared with all others.

`serve`, or else the first `run`, holds the journal's lock, and serves both on `DATA/run/books.sock` (0600). Every other
`run` on the folder takes part over that socket, and tries to take the holder's place when it goes. `words` is what goes
over the socket, `keeper` the holder's side, `guest` the others', `shelf` the search for a place to be.
"""

from __future__ import annotations

from gatepost.processes.books.guest import GuestLedger
from gatepost.processes.books.keeper import Keeper, taken_over
from gatepost.processes.books.shelf import Shelf

SOCKET = "books.sock"

__all__ = ["SOCKET", "GuestLedger", "Keeper", "Shelf", "taken_over"]

"""A whole data folder in one file: taken while `serve` runs, checked before it is put in place somewhere else.

The file is a gzip-compressed tar archive. In it, in this order: copies of the store and of the catalogue's
index; of each chain its snapshot and its
segments up to the last whole row, the admin chain last; the public half of the checkpoint key; the keys, sealed with a
passphrase, where they were asked for; and `manifest.json`, which names every member with its size and SHA-256.

Not in it: the index (made again), sockets and locks, and arguments that are kept for a time, which have to be gone
after it.
"""

from gatepost.carry.bringing import Brought, bring
from gatepost.carry.taking import Taken, take

__all__ = ["Brought", "Taken", "bring", "take"]

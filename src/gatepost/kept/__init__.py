"""Arguments of calls, kept encrypted for a while: off unless a server is told to (`gatepost server set`).

The log holds the names of a call's arguments and a keyed hash of their values. For judging past calls by a new policy,
and for auditors, a server may keep the values beside the log: `DATA/arguments/SERVER/HOUR-SECONDS.sealed`, a file for
each hour, one line for each call. A line is sealed for its call's decision id with the installation's keys, so that it
can be read only here, and as nothing else; the record's own hash tells that it is what was judged.

Nothing of a call waits for it: `Keeper` takes the arguments over and writes from a thread. What could not be written is
not kept, which a reader sees as any other call without arguments. A file goes when its last line's time has come;
`Keeper` sees to that as it writes, the worker in any case.
"""

from gatepost.kept.files import FOLDER, expire, forget
from gatepost.kept.keeper import Keeper
from gatepost.kept.reader import KeptArguments, KeptCall

__all__ = ["FOLDER", "Keeper", "KeptArguments", "KeptCall", "expire", "forget"]

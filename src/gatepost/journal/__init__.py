"""The journal: append-only, chained segments of JSON Lines that say what was decided, before it is carried out."""

from gatepost.journal.admin import append_acts, append_admin
from gatepost.journal.errors import ChainBroken, JournalUnavailable
from gatepost.journal.recovery import Recovery
from gatepost.journal.writer import Journal

__all__ = ["ChainBroken", "Journal", "JournalUnavailable", "Recovery", "append_acts", "append_admin"]

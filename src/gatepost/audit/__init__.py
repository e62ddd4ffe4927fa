"""Reading the journal: verification, the queryable index, exports, following."""

from gatepost.audit.entries import Filter, cursor
from gatepost.audit.export import export_csv, export_jsonl
from gatepost.audit.follow import follow
from gatepost.audit.index import Index
from gatepost.audit.verify import Verification, verify_folder
from gatepost.audit.verify_export import verify_export

__all__ = [
    "Filter",
    "Index",
    "Verification",
    "cursor",
    "export_csv",
    "export_jsonl",
    "follow",
    "verify_export",
    "verify_folder",
]

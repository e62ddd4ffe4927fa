"""`python -m tests.journal.admin_child FOLDER NAME COUNT` appends so many acts to an admin chain, one by one."""

from __future__ import annotations

import sys
from pathlib import Path

from gatepost.journal import append_admin
from tests.journal.using import KEYS

if __name__ == "__main__":
    folder, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    for number in range(count):
        append_admin(folder, KEYS, {"id": f"{name}-{number}", "actor": name, "action": "x", "object": str(number)})
        print(f"{name}-{number}", flush=True)

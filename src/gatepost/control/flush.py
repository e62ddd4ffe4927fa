"""Moving admin records from the outbox into the admin chain: each once, whatever is killed in between."""

from __future__ import annotations

import json

from gatepost.control.chain import AdminChain
from gatepost.errors import GatepostError
from gatepost.storage import outbox
from gatepost.storage.database import Database


def flush(database: Database, chain: AdminChain) -> list[str]:
    """Writes every waiting record to the chain and takes it out of the outbox. Returns warnings.

    One process does it at a time: the store's write lock is held meanwhile. Where one was killed after writing to the
    chain and before taking the record out, the record is found in the chain by its id and not written again. Where the
    chain cannot be written, the records stay in the outbox, which is as durable, until the next change or opening.
    """
    # A lost deletion is found out as above, so that it need not be forced to the disk.
    with database.write(durable=False) as connection:
        records = outbox.waiting(connection)
        if not records:
            return []
        try:
            present = chain.ids_after(outbox.last_written(connection))
            new = [json.loads(record) for id, record in records if id not in present]
            if new:
                chain.append(new)
        except GatepostError as error:
            return [f"The change is stored, but not yet in the log ({error.message}); it follows with the next change."]
        outbox.written(connection, [id for id, _ in records])
    return []

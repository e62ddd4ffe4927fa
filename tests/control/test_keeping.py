"""What a server keeps of its calls' arguments is a setting that is published, and what is over goes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from gatepost.audit import Index
from gatepost.control.keeping import expire_kept, keeps, set_keeping
from gatepost.control.retention import Retention
from gatepost.control.store import Store
from gatepost.errors import GatepostError
from gatepost.kept import FOLDER
from gatepost.paths import DataFolder
from gatepost.processes.retaining import Retaining
from tests.control.helpers import ANNA, acts, published, told, with_server


def test_the_data_plane_is_told_and_a_rescan_does_not_forget_it(store: Store, folder: DataFolder) -> None:
    with_server(store)
    assert published(folder, "server")["files"]["keep_arguments"] is None
    done = set_keeping(store, ANNA, "files", 3600)
    assert done.revision > 0
    assert published(folder, "server")["files"]["keep_arguments"] == 3600
    set_keeping(store, ANNA, "files", 3600)
    assert told(folder).count(("server.keep-arguments", "server:files")) == 1
    assert acts(folder)[-1]["after"] == {"seconds": 3600}
    assert keeps(store) == {"files": 3600}
    with pytest.raises(GatepostError, match="no server"):
        set_keeping(store, ANNA, "nobody", 3600)


def test_the_worker_removes_what_is_over(store: Store, folder: DataFolder) -> None:
    with_server(store)
    set_keeping(store, ANNA, "files", 3600)
    old = folder.root / FOLDER / "files" / "0-3600.sealed"
    old.parent.mkdir(parents=True)
    old.write_text("")

    async def directly(work: Callable[[], Any]) -> Any:
        return work()

    async def act() -> None:
        index = Index(folder.index, folder.journal)
        keeping = asyncio.create_task(Retaining(folder, store, index, Retention(), directly, directly).keep())
        try:
            while old.exists():
                await asyncio.sleep(0)
        finally:
            keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeping
            index.close()

    asyncio.run(asyncio.wait_for(act(), 30))
    assert expire_kept(store) == 0

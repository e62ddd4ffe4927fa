"""The log as people see it: which entries are shown, and in which columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from gatepost.cli.output import clean, count, decision, local, style

if TYPE_CHECKING:
    from gatepost.audit import Filter, Verification
    from gatepost.paths import DataFolder

COLUMNS = ("TIME", "GRANT", "SERVER", "CALL", "DECISION", "RULE", "OUTCOME")

# Rows that keep the chain and the sessions, rather than say what somebody did.
_BEHIND_THE_SCENES = frozenset({"checkpoint", "settled", "session", "server_request", "released"})
_WORKER_SECONDS = 30.0


def entries(data: DataFolder, narrowed: Filter, limit: int | None) -> list[dict[str, Any]]:
    """The newest entries that are meant, oldest of them first, up to this moment."""
    from gatepost.audit import Index

    bring_up_to_date(data)
    index = Index(data.index, data.journal)
    try:
        found = index.query(
            grant=narrowed.grant,
            server=narrowed.server,
            tool=narrowed.tool,
            decision=narrowed.decision,
            kind=narrowed.kind,
            since=narrowed.since,
            until=narrowed.until,
        )
        shown = (entry for entry in found if entry["kind"] not in _BEHIND_THE_SCENES)
        return list(islice(shown, limit))[::-1]
    finally:
        index.close()


def bring_up_to_date(data: DataFolder) -> None:
    """Has the log indexed up to now: by the worker, who also notes when grants were last used, else by this process.

    Raises `GatepostError` GP-5003 where the index cannot be written: a full disk, a folder that is read-only.
    """
    from gatepost.audit import Index
    from gatepost.audit.schema import telling
    from gatepost.processes.ops import ask_now

    if ask_now(data.socket("worker.sock"), {"op": "look"}, seconds=_WORKER_SECONDS) is not None:
        return
    with telling(data.index):
        index = Index(data.index, data.journal)
        try:
            index.catch_up()
            used = index.take_last_used()
        finally:
            index.close()
    if used and data.store.exists():  # `gatepost run` alone needs none
        from gatepost.control.grants import touch_last_used
        from gatepost.control.store import open_store

        with open_store(data, create=False) as store:
            touch_last_used(store, used)


def followed(data: DataFolder, narrowed: Filter, begun: Callable[[], None]) -> Iterator[dict[str, Any]]:
    """New entries as they come, for ever. `begun` is called when it looks: from then on none is missed."""
    from gatepost.audit import follow

    told = False

    def never() -> bool:
        # Asked for the first time when the end of the log has been found, from which it goes on.
        nonlocal told
        if not told:
            told = True
            begun()
        return False

    for entry in follow(data.journal, narrowed, stop=never):
        if entry["kind"] not in _BEHIND_THE_SCENES:
            yield entry


def columns(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """One entry in `COLUMNS`."""
    kind, time = entry["kind"], local(entry["time"])
    if kind == "decided":
        effect = decision(entry["decision"]) if entry["enforced"] else style(f"{entry['decision']} (shadow)", dim=True)
        call = entry.get("tool") or entry["method"]
        return (time, entry["grant"], entry["server"], call, effect, entry["rule"], _outcome(entry))
    if kind == "refused":
        grant = entry.get("grant") or entry.get("grant_id") or entry.get("client") or ""
        code, reason = str(entry.get("code") or ""), str(entry.get("reason") or "")
        return (time, grant, entry.get("server") or "", reason, style("refused", fg="red"), code, "")
    if kind in ("admin", "drift"):
        return (time, f"({entry.get('actor')})", "", f"{entry.get('action')} {entry.get('object')}", kind, "", "")
    return (time, "", entry.get("server") or "", str(entry.get("reason") or entry.get("of") or ""), kind, "", "")


def _outcome(entry: Mapping[str, Any]) -> str:
    """How a call ended: its time, or what went wrong."""
    carried_out = entry.get("carried_out")
    if carried_out is False:
        return "" if entry["decision"] != "allow" else style("not sent", fg="yellow")
    if carried_out is None:
        return style("running", dim=True)
    if carried_out == "unknown":
        return style("unknown", fg="yellow")
    if entry.get("error_class"):
        return style(str(entry["error_class"]), fg="yellow")
    took = f"{int(entry.get('latency_us') or 0) / 1000:.0f} ms"
    return style(f"error, {took}", fg="yellow") if entry.get("is_error") else took


def show_verification(verdict: Verification) -> None:
    """Prints what was found, the first bad record first."""
    import click

    if verdict.first_bad is not None:
        bad = verdict.first_bad
        row = f", record {bad.seq}" if bad.seq is not None else ""
        click.echo(f"{style('broken', fg='red')}  {clean(bad.file)} line {bad.line}{row}: {clean(bad.why)}")
    else:
        click.echo(f"{style('holds', fg='green')}  {verdict.rows:,} records, each bound to the one before it")
    for chain in verdict.chains:
        signed = "no signed checkpoint yet"
        if chain.checkpoints:
            open_end = f", {chain.unsigned:,} after the last one" if chain.unsigned else ""
            signed = f"{count(chain.checkpoints, 'signed checkpoint')}{open_end}"
        click.echo(f"  chain {clean(chain.chain)}: records {chain.first:,} to {chain.last:,}, {signed}")
    for note in verdict.notes:
        click.echo(f"  {clean(note)}")

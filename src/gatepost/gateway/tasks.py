"""A server's tasks under ids that are sealed to the grant and the tool that began them, where a message names one.

Of what comes from a server, that is the task of a result, the params of a task's status, and the `related-task` in the
metadata of a result, a notification or a request: there a client sees sealed ids alone. Of what comes from a client, it
is the params of `tasks/*` (`judge`), and the `related-task` in the metadata of a request, a notification or an answer
(2025-11-25, Tasks, Associating Task-Related Messages): there the server sees its own ids alone, and a message that
names any other is refused. Anywhere else, as in texts, an id is passed on as it stands.
"""

from __future__ import annotations

from typing import Any, Final

from gatepost.gateway.caller import Caller
from gatepost.gateway.core import Gateway
from gatepost.mcp.lists import BadList
from gatepost.mcp.message import INVALID_PARAMS, Id, Message, refuse_lookalikes
from gatepost.mcp.refused import Refused

RELATED: Final = "io.modelcontextprotocol/related-task"
_META_KEYS: Final = frozenset({"_meta"})
_RELATED_KEYS: Final = frozenset({RELATED})
_TASK_KEYS: Final = frozenset({"taskId"})
_MOST_KEPT: Final = 10_000


def in_result(gateway: Gateway, caller: Caller, target: str | None, result: dict[str, Any]) -> dict[str, Any]:
    """A result with the ids of tasks sealed.

    Args:
        target: the tool that was called, or that began the task which is asked after.

    Raises:
        BadList: a task that this grant is not known to have begun, where there is no such tool.
    """
    changed = result
    if isinstance(result.get("taskId"), str):
        changed = {**changed, "taskId": _token(gateway, caller, target, result["taskId"])}
    task = result.get("task")
    if isinstance(task, dict) and isinstance(task.get("taskId"), str):
        changed = {**changed, "task": {**task, "taskId": _token(gateway, caller, target, task["taskId"])}}
    return _related(gateway, caller, target, changed)


def names_one(result: dict[str, Any]) -> bool:
    """Whether a server's result names a task, so that what becomes of it is for one grant alone."""
    task = result.get("task")
    return "taskId" in result or (isinstance(task, dict) and "taskId" in task) or _meta(result)[1] is not None


def related(gateway: Gateway, caller: Caller, message: Message, target: str | None) -> Message:
    """A server's notification or request with the task that its `_meta` names sealed. Raises as `in_result` does."""
    params = _related(gateway, caller, target, message.params)
    return message if params is message.params else message.with_params(params)


def replayed(gateway: Gateway, caller: Caller, message: Message, target: str | None) -> Message:
    """A response on a resumed stream with the ids of tasks sealed. Raises as `in_result` does."""
    result = message.body.get("result")
    if not isinstance(result, dict):
        return message
    changed = in_result(gateway, caller, target, result)
    if changed is result:
        return message
    return Message("response", message.id, None, {}, {**message.body, "result": changed})


def status(gateway: Gateway, caller: Caller, message: Message) -> Message | None:
    """A task's status reaches the grant that began the task, under the id it knows; nobody else."""
    token = gateway.tasks.get((caller.grant.id, caller.server_name, str(message.params.get("taskId"))))
    return None if token is None else message.with_params({**message.params, "taskId": token})


def asked(gateway: Gateway, caller: Caller, message: Message) -> Message:
    """A client's request or notification whose `_meta` has `RELATED`, with the task under the server's own id. Raises
    as `answered` does."""
    return message.with_params(_opened(gateway, caller, message.params, message.meta(), message.id))


def answered(gateway: Gateway, caller: Caller, message: Message) -> Message:
    """A client's answer to a server's request with the task that its `_meta` names under the server's own id.

    Raises:
        Refused: it is no task of this grant.
        MessageError: it may be read as naming a task, but is not spelled so.
    """
    result = message.body.get("result")
    if not isinstance(result, dict):
        return message
    refuse_lookalikes(result, _META_KEYS, "result", message.id)
    meta = result.get("_meta")
    if not isinstance(meta, dict):
        return message
    refuse_lookalikes(meta, _RELATED_KEYS, "result._meta", message.id)
    if RELATED not in meta:
        return message
    opened = _opened(gateway, caller, result, meta, message.id)
    return Message("response", message.id, None, {}, {**message.body, "result": opened})


def _opened(
    gateway: Gateway, caller: Caller, holder: dict[str, Any], meta: dict[str, Any], id: Id | None
) -> dict[str, Any]:
    """What holds `_meta`, with the task that a client named there under the server's own id."""
    found = meta[RELATED]
    if not isinstance(found, dict) or not isinstance(found.get("taskId"), str):
        raise Refused(400, INVALID_PARAMS, "GP-1006", f"The member {RELATED} of _meta names no task.")
    refuse_lookalikes(found, _TASK_KEYS, RELATED, id)
    try:
        _, task_id = gateway.sealer.open("task", caller.grant.id, caller.server_name, found["taskId"])
    except (ValueError, TypeError):
        raise Refused(400, INVALID_PARAMS, "GP-1006", "The task is not known.") from None
    return {**holder, "_meta": {**meta, RELATED: {**found, "taskId": task_id}}}


def _related(gateway: Gateway, caller: Caller, target: str | None, holder: dict[str, Any]) -> dict[str, Any]:
    meta, found = _meta(holder)
    if found is None:
        return holder
    sealed = {**found, "taskId": _token(gateway, caller, target, found["taskId"])}
    return {**holder, "_meta": {**meta, RELATED: sealed}}


def _meta(holder: Any) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """`_meta`, and the task in it that a message belongs to."""
    meta = holder.get("_meta") if isinstance(holder, dict) else None
    if not isinstance(meta, dict):
        return {}, None
    found = meta.get(RELATED)
    return meta, found if isinstance(found, dict) and isinstance(found.get("taskId"), str) else None


def _token(gateway: Gateway, caller: Caller, target: str | None, task_id: str) -> str:
    key = (caller.grant.id, caller.server_name, task_id)
    token = gateway.tasks.get(key)
    if token is None:
        if target is None:
            raise BadList("It names a task that this grant is not known to have begun.")
        if len(gateway.tasks) >= _MOST_KEPT:
            del gateway.tasks[next(iter(gateway.tasks))]
        token = gateway.sealer.seal("task", caller.grant.id, caller.server_name, [target, task_id])
        gateway.tasks[key] = token
    return token

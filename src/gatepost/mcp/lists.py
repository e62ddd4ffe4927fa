"""Lists and notifications without what a policy hides.

Pure: the policy is passed in as a `View`. A list whose shape is not what the specification says is an error, never
passed on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol


class View(Protocol):
    """What one grant may see of one server."""

    def shows_tool(self, name: str) -> bool: ...
    def shows_resource(self, uri: str) -> bool: ...
    def shows_template(self, template: str) -> bool: ...
    def shows_prompt(self, name: str) -> bool: ...


class BadList(Exception):
    """A list's result is not what the specification says; it must not be passed on."""


_MEMBERS: Final = {
    "tools/list": ("tools", "name"),
    "resources/list": ("resources", "uri"),
    "resources/templates/list": ("resourceTemplates", "uriTemplate"),
    "prompts/list": ("prompts", "name"),
}
_BY_MEMBER: Final = dict(_MEMBERS.values())


def filter_result(method: str | None, result: Any, view: View) -> dict[str, Any] | None:
    """A result without what the view does not show.

    Args:
        method: the request's method; None where it is not known (a replayed stream), then the shape decides.
        result: the `result` member as parsed.

    Returns: a new result where something was taken out, else None (pass on what came).

    Raises:
        BadList: the result of a list request has no list, or an entry without its name.
    """
    if method is None:
        if not isinstance(result, dict):
            return None
        filtered: dict[str, Any] | None = None
        for member, key in _BY_MEMBER.items():
            if isinstance(result.get(member), list):
                current = filtered or result
                filtered = _without_hidden(current, member, key, view) or filtered
        return filtered
    member, key = _MEMBERS[method]
    if not isinstance(result, dict) or not isinstance(result.get(member), list):
        raise BadList(f"The result of {method} has no list of {member}.")
    return _without_hidden(result, member, key, view)


def _without_hidden(result: dict[str, Any], member: str, key: str, view: View) -> dict[str, Any] | None:
    shows = _shows(member, view)
    kept = []
    for entry in result[member]:
        name = entry.get(key) if isinstance(entry, dict) else None
        if not isinstance(name, str):
            raise BadList(f"An entry of {member} has no {key}.")
        if shows(name):
            kept.append(entry)
    return None if len(kept) == len(result[member]) else {**result, member: kept}


def _shows(member: str, view: View) -> Callable[[str], bool]:
    if member == "tools":
        return view.shows_tool
    if member == "resources":
        return view.shows_resource
    return view.shows_template if member == "resourceTemplates" else view.shows_prompt


def shows_notification(method: str | None, params: dict[str, Any], view: View) -> bool:
    """Whether a notification from the server may reach the client: not one that names a hidden resource."""
    if method == "notifications/resources/updated":
        uri = params.get("uri")
        return isinstance(uri, str) and view.shows_resource(uri)
    return True


def visible_subscriptions(params: dict[str, Any], view: View) -> dict[str, Any]:
    """The params of `subscriptions/listen` without resources that the view does not show, and without tasks.

    The ids of tasks are not the server's own here, and one that is may be another grant's.
    """
    wanted = params.get("notifications")
    if not isinstance(wanted, dict):
        return params
    shown = {key: value for key, value in wanted.items() if key != "taskIds"}
    if isinstance(wanted.get("resourceSubscriptions"), list):
        named = wanted["resourceSubscriptions"]
        shown["resourceSubscriptions"] = [u for u in named if isinstance(u, str) and view.shows_resource(u)]
    return params if shown == wanted else {**params, "notifications": shown}

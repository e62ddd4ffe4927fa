"""Lists and notifications without what a policy hides."""

from __future__ import annotations

import pytest

from gatepost.mcp import lists, modern


class Only:
    """A view that shows what it is told to."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def shows_tool(self, name: str) -> bool:
        return name in self.names

    shows_resource = shows_template = shows_prompt = shows_tool


@pytest.mark.parametrize(
    ("method", "member", "key"),
    [
        ("tools/list", "tools", "name"),
        ("resources/list", "resources", "uri"),
        ("resources/templates/list", "resourceTemplates", "uriTemplate"),
        ("prompts/list", "prompts", "name"),
    ],
)
def test_hidden_entries_are_taken_out_and_nothing_else_is_lost(method: str, member: str, key: str) -> None:
    result = {member: [{key: "a", "x": 1}, {key: "b"}], "nextCursor": "c", "_meta": {"m": 1}}
    filtered = lists.filter_result(method, result, Only("a"))
    assert filtered == {member: [{key: "a", "x": 1}], "nextCursor": "c", "_meta": {"m": 1}}
    assert lists.filter_result(method, result, Only("a", "b")) is None


@pytest.mark.parametrize(
    "result", [None, [], {}, {"tools": None}, {"tools": {}}, {"tools": [1]}, {"tools": [{"name": 1}]}]
)
def test_a_list_that_is_none_is_not_passed_on(result: object) -> None:
    with pytest.raises(lists.BadList):
        lists.filter_result("tools/list", result, Only())


def test_a_replayed_response_is_filtered_by_its_shape() -> None:
    result = {"tools": [{"name": "a"}, {"name": "b"}], "prompts": [{"name": "b"}]}
    assert lists.filter_result(None, result, Only("a")) == {"tools": [{"name": "a"}], "prompts": []}
    assert lists.filter_result(None, {"content": []}, Only()) is None


def test_a_notification_that_names_a_hidden_resource_is_not_shown() -> None:
    assert not lists.shows_notification("notifications/resources/updated", {"uri": "x://b"}, Only("x://a"))
    assert lists.shows_notification("notifications/resources/updated", {"uri": "x://a"}, Only("x://a"))
    assert not lists.shows_notification("notifications/resources/updated", {}, Only())
    assert lists.shows_notification("notifications/progress", {"progressToken": 1}, Only())


def test_a_subscription_asks_only_for_what_is_shown() -> None:
    params = {"notifications": {"toolsListChanged": True, "resourceSubscriptions": ["x://a", "x://b"]}}
    visible = lists.visible_subscriptions(params, Only("x://a"))
    assert visible["notifications"] == {"toolsListChanged": True, "resourceSubscriptions": ["x://a"]}


@pytest.mark.parametrize(("ttl", "fresh"), [(None, 0), (0, 0), (4999, 4999), (3600000, 5000), (-1, 0), (True, 0)])
def test_a_filtered_list_is_private_and_soon_stale(ttl: object, fresh: int) -> None:
    result = {"tools": [], "cacheScope": "public"} | ({} if ttl is None else {"ttlMs": ttl})
    assert modern.make_private(result) == {"tools": [], "cacheScope": "private", "ttlMs": fresh}

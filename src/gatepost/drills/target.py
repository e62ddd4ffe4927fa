"""What the attacks are played against: the tools of a server and the policy of a grant on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gatepost.catalogue.listed import ListedTool, read_tools
from gatepost.catalogue.recommend import recommend
from gatepost.catalogue.schema_facts import kind_of
from gatepost.policy import Policy, compile_policy

_DEEPEST = 6


@dataclass(frozen=True, slots=True)
class Target:
    """A server's tools and a policy.

    Attributes:
        server, policy_name: what they are called where the result is shown.
        definitions: the tools as listed, by name.
        tools: the same, classified.
        policy: the compiled policy.
    """

    server: str
    policy_name: str
    definitions: Mapping[str, Mapping[str, Any]]
    tools: tuple[ListedTool, ...]
    policy: Policy

    def first(self, wanted: Callable[[ListedTool], bool]) -> ListedTool | None:
        """The first tool that is wanted, one that the policy lets through before others."""
        found = [tool for tool in self.tools if tool.callable and wanted(tool)]
        return next((tool for tool in found if self.allows(tool)), found[0] if found else None)

    def allowed(self) -> Iterator[ListedTool]:
        """The tools of which an ordinary call is let through."""
        return (tool for tool in self.tools if tool.callable and self.allows(tool))

    def allows(self, tool: ListedTool) -> bool:
        """Whether an ordinary call of a tool is let through."""
        decision = self.policy.decide(
            tool=tool.name,
            arguments=ordinary(tool),
            category=tool.category,
            definition=self.definitions[tool.name],
        )
        return decision.effect == "allow"


def target_of(
    server: str,
    definitions: Sequence[Mapping[str, Any]],
    categories: Mapping[str, str | None],
    policy: tuple[str, Mapping[str, Any]] | None,
) -> Target:
    """A registered server's tools with a policy (its name and document), or with the recommended one."""
    tools = read_tools(definitions, categories)
    name, document = policy or ("the recommended policy", recommend(tools).document)
    listed = {str(one["name"]): one for one in definitions}
    return Target(server, name, listed, tools, compile_policy(document))


def sample_target() -> Target:
    """A small shop, whose tools do one of everything, with the recommended policy and its rules for arguments."""
    tools = read_tools(_SHOP)
    document = recommend(tools, about="shop", arguments=True).document
    return Target(
        "shop", "the recommended policy", {one["name"]: one for one in _SHOP}, tools, compile_policy(document)
    )


def ordinary(tool: ListedTool) -> dict[str, Any]:
    """Arguments of an ordinary call: what must be given, with harmless values that the schema and our rules take."""
    return {one.name: _value(one.schema, _hint(tool, one.name), 0) for one in tool.facts.parameters if one.required}


def _hint(tool: ListedTool, name: str) -> str:
    if name in tool.facts.urls:
        return "https://api.example.com/"
    if name in tool.facts.paths:
        relative = {"repo", "repository", "owner", "project"} & {one.name for one in tool.facts.parameters}
        return "notes.txt" if relative else "/srv/agent/notes.txt"
    if name in ("to", "email", "recipient"):
        return "someone@example.com"
    return "a1"


def _value(schema: Mapping[str, Any], hint: str, depth: int) -> Any:
    for member in ("const", "default"):
        if isinstance(schema.get(member), (str, bool, int, float)):
            return schema[member]
    choices = schema.get("enum")
    if isinstance(choices, list) and choices and isinstance(choices[0], (str, bool, int, float)):
        return choices[0]
    kind = kind_of(schema)
    if kind in ("number", "integer"):
        least = schema.get("minimum")
        return least if isinstance(least, (int, float)) and not isinstance(least, bool) and least > 1 else 1
    if kind == "boolean":
        return False
    if kind == "array":
        items = schema.get("items")
        return [_value(items if isinstance(items, Mapping) else {}, hint, depth + 1)] if depth < _DEEPEST else []
    if kind == "object":
        return _object(schema, depth)
    longest = schema.get("minLength")
    return hint.ljust(longest, "a") if isinstance(longest, int) and longest < 4096 else hint


def _object(schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
    properties, required = schema.get("properties"), schema.get("required")
    if depth >= _DEEPEST or not isinstance(properties, Mapping) or not isinstance(required, list):
        return {}
    return {
        name: _value(properties[name], "a1", depth + 1)
        for name in required
        if isinstance(name, str) and isinstance(properties.get(name), Mapping)
    }


def _tool(name: str, description: str, /, **properties: Any) -> dict[str, Any]:
    return {
        "name": name,
        "description": description,
        "inputSchema": {"type": "object", "properties": properties, "required": list(properties)},
    }


_TEXT = {"type": "string"}
_SHOP: list[dict[str, Any]] = [
    _tool("search_products", "Searches the products of the shop", query=_TEXT),
    _tool("read_file", "Reads a file", path=_TEXT),
    _tool("fetch_page", "Fetches a page from a URL", url=_TEXT),
    _tool("update_product", "Updates a product", product_id=_TEXT, title=_TEXT),
    _tool("start_campaign", "Starts a campaign", name=_TEXT),
    _tool("run_command", "Runs a shell command", command=_TEXT),
    _tool("send_email", "Sends an email to a customer", to=_TEXT, body=_TEXT),
    _tool("delete_customer", "Deletes a customer and all orders", customer_id=_TEXT),
    _tool("create_refund", "Refunds a payment", payment_id=_TEXT, amount={"type": "number"}),
]

"""Documents and calls for the property tests, from anything that chooses like `random.Random`.

The vocabulary is small on purpose: names, globs, values and operands meet each other often, so that every branch of the
language is reached. A Hypothesis random object may stand in for the plain one, to shrink what is found.
"""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

TOOLS = ["a", "ab", "abc", "read_x", "read_y", "delete_x", "pay", "x.y", "a/b", "A"]
KEYS = [*TOOLS, "*", "a*", "ab*", "*b", "a*c", "read_*", "*_x", "r*d*x", "delete_*", "p*y*", "a~*", "a**b"]
CATEGORY_KEYS = ["@read", "@write", "@execute", "@destructive", "@financial"]
CATEGORIES = [None, None, "read", "write", "execute", "destructive", "financial", "other", ""]

NAMES = ["n", "s", "list", "obj", "flag", "url", "file", "mail", "odd.name", "é"]
PATHS = [
    "args.n",
    "args.n",
    "args.n",
    "args.s",
    "args.s",
    "args.s",
    "args.flag",
    "args.url",
    "args.file",
    "args.mail",
    "args.list",
    "args.list[0]",
    "args.list[1]",
    "args.list[*]",
    "args.list[*]",
    "args.list[*].n",
    "args.list[*].s",
    "args.list[*][*]",
    "args.list[*][0]",
    "args.list[0].n",
    "args.obj",
    "args.obj.n",
    "args.obj.s",
    "args.obj.obj.n",
    "args.obj.list[*].n",
    'args["odd.name"]',
    'args["n"]',
    "args.odd.name",
    "args.é",
    "args[0]",
    "args[*]",
    "args.s.n",
]

NUMBERS: list[Any] = [
    0,
    1,
    1.0,
    -1,
    2,
    5,
    5.0,
    5.5,
    -0.0,
    0.1,
    0.3,
    0.30000000000000004,
    100,
    100.25,
    999999999,
    1000000000,
    999999999.999999,
    0.000001,
    0.0000001,
    2**53 - 1,
    2**53,
    2**53 + 2,
    10**21,
    10**22,
    1e22,
    1e300,
    5e-324,
]
# met often, so that equality is
FEW_NUMBERS: list[Any] = [1, 1.0, 5, 5.0, 5.5, 0.3, 0.30000000000000004]
FEW_STRINGS = ["a", "abc", "abc\n", "é"]
# what a call may carry and a document may not, or what is unknown to every rule
ODD_NUMBERS: list[Any] = [
    2**53 + 1,
    2**63 + 1,
    10**23 + 1,
    10**400,
    float("nan"),
    float("inf"),
    Decimal("13.0000000000000000001"),
    Decimal("5.0"),
    Decimal("5.50"),
    Decimal("1e2"),
    Decimal("-0"),
    Decimal("0.30000000000000004"),
    Decimal("0.3000000000000000444"),
    Decimal("1e-400"),
    Decimal("1e400"),
    Decimal("NaN"),
]
OPERAND_NUMBERS = [*NUMBERS, 2**53 + 1, Decimal("5.0000000000000000001")]

STRINGS = [
    "",
    "a",
    "b",
    "abc",
    "abc\n",
    "ABC",
    "é",
    "e\u0301",
    "5",
    "a b",
    "read",
    "x" * 20,
    "𝒳y",
    "line\nbreak",
    "\x00",
]
URLS = [
    "https://ok.example/path",
    "http://OK.example",
    "https://ok.example.",
    "https://ok.example.:8443/x",
    "https://sub.ok.example/",
    "https://deep.sub.ok.example?q=1",
    "https://notok.example/",
    "https://ok.example@evil.example/",
    "https://evil.example\\@ok.example/",
    "https://evil.example/@ok.example",
    "https://evil.example#@ok.example/",
    "https://ok.example?x=%41",
    "https://ok%2eexample/",
    "https://ok.example /",
    "https:/ok.example",
    "https:///ok.example",
    "ftp://ok.example/",
    "//ok.example/",
    "http://127.0.0.1/",
    "http://127.0.0.1.:80/",
    "http://127.1/",
    "http://0x7f.0.0.1/",
    "http://2130706433/",
    "http://0177.0.0.1/",
    "http://256.0.0.1/",
    "http://[::1]:80/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[2001:DB8::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://ok.example:99999/",
    "http://ok.example:x/",
    "http://ok..example/",
    "http://ｏk.example/",
    "http://oK.example/",
    "http://.ok.example/",
    "http://",
    "ok.example",
    "javascript:alert(1)",
    " http://ok.example/",
    "http://ok.example\n/",
]
HOST_LISTS = [
    ["ok.example"],
    [".ok.example"],
    ["ok.example", ".example"],
    ["127.0.0.1", "::1"],
    ["OK.example", "[2001:db8::1]"],
]
FILES = [
    "/srv/data",
    "/srv/data/",
    "/srv/data/a",
    "/srv/data/../data/x",
    "/srv/data/../../etc/passwd",
    "/srv/database",
    "/srv//data/./a",
    "/srv/./data/a",
    "//srv/data/a",
    "///srv/data/a",
    "srv/data",
    "~/data",
    "/srv/data/%2e%2e/x",
    "/srv/data/100%",
    "/srv/data\\..\\x",
    "/srv/data\n",
    "/..",
    "/",
    "",
    "/etc/passwd",
    "/srv/dáta",
]
FOLDER_LISTS = [["/srv/data"], ["/srv/data/", "/tmp"], ["/"], ["/etc"], ["/srv/dáta"]]
MAILS = [
    "a@ok.example",
    "A@OK.Example",
    "a@sub.ok.example",
    "a@evil.example",
    "a@evil.example@ok.example",
    '"a@evil.example" <a@ok.example>',
    "a@ok.example,b@evil.example",
    "a@ok.example\n",
    "a@ok.example.",
    "@ok.example",
    "a@",
    "a",
    "é@ok.example",
    "a@ｏk.example",
    "a(b)@ok.example",
]
DOMAIN_LISTS = [["ok.example"], ["ok.example", "evil.example"], ["OK.example"]]
PATTERNS = ["abc", "^abc$", "^a", "c$", "[a-z]+", "a|b", "^[0-9]+$", "", "b.", "é"]

SCHEMA_KINDS = ["string", "number", "integer", "boolean", "array", "object", None, None]


def chance(random: Random, out_of: int) -> bool:
    return random.randrange(out_of) == 0


def scalar(random: Random) -> Any:
    return random.choice([number, string, lambda random: random.choice([True, False])])(random)


def number(random: Random) -> Any:
    return random.choice(FEW_NUMBERS if chance(random, 2) else NUMBERS)


def string(random: Random) -> str:
    return random.choice(FEW_STRINGS if chance(random, 2) else STRINGS)


def value(random: Random, depth: int = 0) -> Any:
    kind = random.randrange(16)
    if kind < 4:
        return random.choice(NUMBERS)
    if kind < 5:
        return random.choice(ODD_NUMBERS)
    if kind < 8:
        return random.choice(STRINGS)
    if kind < 9:
        return random.choice([True, False])
    if kind < 10:
        return None
    if kind < 11 and chance(random, 6):
        return "\ud800"
    if depth < 3 and kind < 14:
        return [value(random, depth + 1) for _ in range(random.randrange(4))]
    if depth < 3:
        return {random.choice(NAMES): value(random, depth + 1) for _ in range(random.randrange(3))}
    return random.choice(STRINGS)


TYPICAL = {
    "n": lambda random: random.choice(ODD_NUMBERS) if chance(random, 12) else number(random),
    "s": string,
    "flag": lambda random: random.choice([True, False]),
    "url": lambda random: random.choice(URLS),
    "file": lambda random: random.choice(FILES),
    "mail": lambda random: random.choice(MAILS),
    "list": lambda random: [random.choice([scalar, amounts, members])(random) for _ in range(random.randrange(4))],
    "obj": lambda random: members(random),
    "odd.name": scalar,
    "é": scalar,
}


def amounts(random: Random) -> Any:
    return {"n": number(random)}


def members(random: Random) -> Any:
    return {name: TYPICAL[name](random) for name in ("n", "s") if not chance(random, 4)}


def arguments(random: Random) -> dict[str, Any]:
    chosen = {}
    for name in NAMES:
        if not chance(random, 4):
            chosen[name] = value(random) if chance(random, 6) else TYPICAL[name](random)
    if chance(random, 20):
        chosen["undeclared"] = 1
    return chosen


def operand(random: Random, op: str) -> Any:
    if op in ("eq", "neq", "contains"):
        return scalar(random)
    if op in ("in", "not_in"):
        pool = random.choice([OPERAND_NUMBERS, STRINGS, [True, False]])
        return [random.choice(pool) for _ in range(random.randrange(1, 6))]
    if op in ("lt", "lte", "gt", "gte"):
        return random.choice(FEW_NUMBERS if chance(random, 2) else OPERAND_NUMBERS)
    if op == "exists":
        return random.choice([True, False])
    if op in ("regex", "matches"):
        return random.choice(PATTERNS)
    if op in ("starts_with", "ends_with"):
        return random.choice(["a", "c", "", ["b", "A"], ["abc"], ["/srv/", "x"], "\n"])
    if op in ("max_length", "min_length"):
        return random.choice([0, 1, 2, 3, 5, 3.0])
    return random.choice({"host_in": HOST_LISTS, "path_within": FOLDER_LISTS, "email_domain_in": DOMAIN_LISTS}[op])


OPERATORS = [
    "eq",
    "neq",
    "in",
    "not_in",
    "lt",
    "lte",
    "gt",
    "gte",
    "exists",
    "contains",
    "regex",
    "matches",
    "starts_with",
    "ends_with",
    "max_length",
    "min_length",
    "host_in",
    "path_within",
    "email_domain_in",
]
_NUMERIC = ["args.n", "args.n", "args.obj.n", "args.list[*].n", "args.list[*]", 'args["n"]']
_TEXTUAL = ["args.s", "args.s", "args.obj.s", "args.list[*].s", "args.list[*]", "args.é"]
_SIZED = ["args.list", "args.list", "args.s", "args.obj", "args.list[*]"]
_FITTING = [
    ("host_in", ["args.url"]),
    ("path_within", ["args.file"]),
    ("email_domain_in", ["args.mail"]),
    ("lt lte gt gte", _NUMERIC),
    ("regex matches starts_with ends_with", _TEXTUAL),
    ("max_length min_length contains", _SIZED),
    ("eq neq in not_in", [*_NUMERIC, *_TEXTUAL, "args.flag"]),
]
FITTING = {op: paths for ops, paths in _FITTING for op in ops.split()}


def condition(random: Random) -> dict[str, Any]:
    op = random.choice(OPERATORS)
    path = random.choice(FITTING[op] if op in FITTING and not chance(random, 4) else PATHS)
    return {"path": path, "op": op, "value": fitting_operand(random, op, path)}


def fitting_operand(random: Random, op: str, path: str) -> Any:
    """An operand that mostly is of the kind that stands at the path."""
    last = path.rpartition(".")[2]
    kind = {"n": number, "s": string, "é": string, 'args["n"]': number}.get(last)
    if kind is None or chance(random, 6) or op not in ("eq", "neq", "in", "not_in"):
        return operand(random, op)
    return kind(random) if op in ("eq", "neq") else [kind(random) for _ in range(random.randrange(1, 5))]


def conditions(random: Random) -> list[dict[str, Any]]:
    return [condition(random) for _ in range(random.choice([0, 1, 1, 1, 1, 1, 2, 2, 3]))]


def rules(random: Random, most: int) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = []
    for index in range(random.randrange(most + 1)):
        rule: dict[str, Any] = {"conditions": conditions(random)}
        if chance(random, 4):
            rule["when"] = conditions(random)
        if chance(random, 4):
            rule["mode"] = random.choice(["enforce", "shadow"])
        if chance(random, 4):
            rule["name"] = random.choice([f"rule-{index}", f"always-{index}"])
        if chance(random, 4):
            rule["on_deny"] = "No."
        listed.append(rule)
    return listed


# counters by what they count, so that limits which share one agree
COUNTERS: dict[str, dict[str, Any]] = {
    "calls": {},
    "slid": {"algorithm": "sliding"},
    "money": {"amount": "args.n"},
    "sum": {"amount": "args.list[*].n"},
    "deep": {"amount": "args.obj.n", "algorithm": "sliding"},
}
WINDOWS: list[Any] = ["second", "minute", "hour", "day", 60, 1, 3600, 90]


def limits(random: Random, *, amounts: bool) -> list[dict[str, Any]]:
    listed = []
    for index in range(random.choice([0, 0, 0, 1, 1, 2])):
        counter = random.choice(list(COUNTERS) if amounts else ["calls", "slid"])
        limit = {"counter": counter, "window": random.choice(WINDOWS), "max": random.choice([0, 1, 10, 2.5, 10**9])}
        limit.update(COUNTERS[counter])
        if chance(random, 3):
            limit["scope"] = random.choice(["grant", "identity", "server"])
        if chance(random, 4):
            limit["mode"] = random.choice(["enforce", "shadow"])
        if chance(random, 4):
            limit["name"] = f"limit-{index}"
        listed.append(limit)
    return listed


def approval(random: Random) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if chance(random, 2):
        settings["timeout"] = random.choice(["90s", "5m", "2h", "1d"])
    if chance(random, 2):
        settings["approvers"] = random.choice([["role:a"], ["role:b", "user:c"]])
    return settings


def entry(random: Random) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    if chance(random, 3):
        chosen["action"] = random.choice(["allow", "deny", "require_approval", "require_approval", "hide"])
    if chance(random, 5):
        chosen["mode"] = random.choice(["enforce", "shadow"])
    for where in ("require", "deny_if", "approve_if"):
        if chance(random, 2):
            chosen[where] = rules(random, 2)
    if chance(random, 2):
        chosen["limits"] = limits(random, amounts=True)
    if chance(random, 6):
        chosen["rate_limit"] = {"max": 10, "window": random.choice(WINDOWS)}
    if chance(random, 4):
        chosen["approval"] = approval(random)
    if chance(random, 5):
        chosen["validate_arguments"] = random.choice([True, False])
    return chosen


def document(random: Random) -> dict[str, Any]:
    """A valid policy document."""
    chosen: dict[str, Any] = {"version": "1", "default": random.choice(["allow", "allow", "deny"])}
    if chance(random, 5):
        chosen["mode"] = random.choice(["enforce", "shadow", "shadow"])
    if chance(random, 5):
        chosen["hide"] = random.sample(["a", "delete_*", "x*", "*_y", "zzz"], random.randrange(1, 3))
    if chance(random, 3):
        chosen["all_tools"] = {
            "require": rules(random, 1),
            "deny_if": rules(random, 1),
            "approve_if": rules(random, 1),
            "limits": limits(random, amounts=False),
            "approval": approval(random),
        }
    keys = random.sample(KEYS, random.randrange(0, 7)) + random.sample(CATEGORY_KEYS, random.choice([0, 0, 1, 2]))
    chosen["tools"] = {key: entry(random) for key in keys}
    for section, globs in (("resources", URI_GLOBS), ("prompts", KEYS)):
        if chance(random, 2):
            chosen[section] = {
                "allow": random.sample(globs, random.randrange(3)),
                "deny": random.sample(globs, random.randrange(2)),
                "limits": limits(random, amounts=False),
            }
            if chance(random, 2):
                chosen[section]["default"] = random.choice(["allow", "deny"])
    return chosen


URI_GLOBS = ["plex://library/*", "plex://*", "*", "plex://library/1", "file:///srv/*", "*secret*"]
URIS = [
    "plex://library/1",
    "plex://library/",
    "plex://users",
    "plex://library/../users",
    "plex://library/.",
    "plex://library/%2e%2E/users",
    "plex://library/a%2fb",
    "plex://library/a%5Cb",
    "plex://library/a\\b",
    "plex://library/a\nb",
    "PLEX://library/1",
    "Plex://library/1",
    "file:///srv/data/secret",
    "file:///srv/..;/etc",
    "trakt://x",
    "no-scheme",
    "",
    "plex://library/..a",
    "plex://library?x=..",
]


def schema(random: Random, depth: int = 0) -> dict[str, Any]:
    """A schema of the few keywords that the reference evaluator knows."""
    kind = "object" if depth == 0 else random.choice(SCHEMA_KINDS)
    chosen: dict[str, Any] = {} if kind is None else {"type": kind}
    if depth and chance(random, 3):
        chosen["default"] = value(random, 2) if chance(random, 3) else scalar(random)
    if kind == "object" and depth < 3:
        names = NAMES if depth == 0 and not chance(random, 5) else random.sample(NAMES, random.randrange(len(NAMES)))
        chosen["properties"] = {name: property_schema(random, name, depth) for name in names}
        if chance(random, 3):
            chosen["required"] = random.sample(names, min(len(names), random.randrange(2)))
        if chance(random, 2):
            chosen["additionalProperties"] = random.choice([True, True, False, {}, {"type": "number"}])
    if kind == "array" and depth < 3:
        chosen["items"] = schema(random, depth + 1)
    return chosen


NATURAL = {
    "n": "number",
    "s": "string",
    "flag": "boolean",
    "url": "string",
    "file": "string",
    "mail": "string",
    "list": "array",
}


def property_schema(random: Random, name: str, depth: int) -> dict[str, Any]:
    if chance(random, 8):
        return schema(random, depth + 1)
    chosen: dict[str, Any] = {"type": NATURAL[name]} if name in NATURAL and chance(random, 2) else {}
    if chance(random, 3):
        chosen["default"] = TYPICAL[name](random) if name in TYPICAL else scalar(random)
    return chosen


def definition(random: Random) -> dict[str, Any] | None:
    """A tool's definition, one with an unusable schema, or none."""
    kind = random.randrange(8)
    if kind < 4:
        return None
    if kind == 4 and chance(random, 3):
        return {"name": "x", "inputSchema": {"type": "nonsense"}}
    return {"name": "x", "inputSchema": plain_numbers(schema(random))}


def plain_numbers(node: Any) -> Any:
    """Without the numbers that no schema document could hold."""
    if isinstance(node, dict):
        return {key: plain_numbers(member) for key, member in node.items()}
    if isinstance(node, list):
        return [plain_numbers(item) for item in node]
    if isinstance(node, (float, Decimal, int)) and not isinstance(node, bool):
        return node if node in NUMBERS else 7
    return "?" if node == "\ud800" else node


def one_rule(random: Random) -> tuple[dict[str, Any], str]:
    """A document with a single rule of a single condition, and the list it stands in ("when" among them)."""
    where = random.choice(["require", "deny_if", "approve_if", "when"])
    rule: dict[str, Any] = {"conditions": [condition(random)]}
    if where == "when":
        rule = {"when": rule["conditions"], "conditions": []}
    return {"version": "1", "default": "deny", "tools": {"a": {"deny_if" if where == "when" else where: [rule]}}}, where

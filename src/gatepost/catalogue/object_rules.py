"""The rules, as data: what a verb's object changes about what it says. The first row that fits counts."""

from __future__ import annotations

from typing import Final

from gatepost.catalogue.classification import Category
from gatepost.catalogue.lexicon import PLAIN, STRONG, WEAK

# What an object changes: verbs, objects (heads, in the singular), what the two together are, and why.
Row = tuple[str, str, Category, int, str]
_OBJECT_ROWS: Final[tuple[Row, ...]] = (
    # machines, houses and networks are acted on
    (
        "set turn toggle adjust dim change enable disable lock unlock open close",
        "light lights lamp thermostat heater fan plug climate garage blind curtain sprinkler appliance vehicle car",
        "execute",
        PLAIN,
        "controls a device",
    ),
    ("scan run perform start", "nmap port network host target subnet", "execute", PLAIN, "probes other machines"),
    ("move lock unlock drag", "mouse cursor pointer screen", "execute", PLAIN, "drives a machine"),
    ("freeze unfreeze", "card account", "write", PLAIN, "changes a state"),
    ("issue", "card", "financial", PLAIN, "lets money be spent"),
    ("generate", "number integer dice name palette color", "read", PLAIN, "gives a value back"),
    ("reset change", "password pin passphrase", "execute", PLAIN, "changes who can sign in"),
    ("clean", "text string html markdown name column address transcript", "write", PLAIN, "changes a text"),
    # things that run once they are made
    ("create new add", "run execution deployment rollout call", "execute", PLAIN, "starts something that runs"),
    ("unblock unlock", "job run build pipeline state", "execute", PLAIN, "lets something run on"),
    ("apply", "migration plan terraform run", "execute", PLAIN, "carries a change out"),
    ("apply complete start run carry perform", "migration migrations", "execute", PLAIN, "carries a change out"),
    (
        "complete finish start begin",
        "auth authentication login signin oauth authorization",
        "execute",
        PLAIN,
        "signs in",
    ),
    ("evaluate", "script javascript js code function python", "execute", STRONG, "runs code"),
    ("convert", "issue task ticket page note card item lead subtask epic story", "write", PLAIN, "changes a record"),
    (
        "update upgrade",
        "system firmware os server software package packages chart",
        "execute",
        PLAIN,
        "replaces software",
    ),
    (
        "make perform request send issue do",
        "request http api call rpc graphql inference action",
        "execute",
        PLAIN,
        "calls an interface",
    ),
    (
        "generate",
        "image video audio speech music song voice model asset mesh 3d sound clip avatar animation",
        "execute",
        PLAIN,
        "starts a generation that costs",
    ),
    (
        "generate create rotate issue",
        "key token credential credentials secret password certificate",
        "write",
        PLAIN,
        "makes a credential",
    ),
    (
        "generate",
        "guidance guide analysis visualization documentation recommendation insight overview report link url "
        "deeplink summary snippet query type types code text qr chart explanation sql command "
        "preview id uuid diff",
        "read",
        PLAIN,
        "gives a text back",
    ),
    (
        "release allocate reserve",
        "device machine node session runner",
        "execute",
        PLAIN,
        "takes or gives a machine",
    ),
    ("set change", "power", "execute", PLAIN, "controls a device"),
    ("manage handle control", "playback player speaker", "execute", PLAIN, "controls a device"),
    ("execute run perform issue send", "destructive", "destructive", STRONG, "says itself that it destroys"),
    # browsers, apps and devices are driven
    (
        "close open new select resize handle go switch forward reload",
        "page tab browser window dialog app application screen viewport element",
        "execute",
        PLAIN,
        "drives a program",
    ),
    ("open", "url link dashboard door gate valve garage", "execute", PLAIN, "acts outside"),
    ("open", "file document node entity page note record", "read", WEAK, "shows a thing"),
    ("open", "issue ticket pr account", "write", PLAIN, "makes a record"),
    ("close open disconnect", "connection session tunnel socket", "execute", PLAIN, "begins or ends a connection"),
    ("create", "tab window", "execute", PLAIN, "drives a program"),
    ("take capture", "screenshot snapshot photo picture", "read", PLAIN, "captures what is shown"),
    # people are reached
    (
        "create add post publish push reply forward write submit",
        "message email mail sms tweet notification dm voicemail announcement",
        "execute",
        PLAIN,
        "reaches other people",
    ),
    ("reply respond answer", "thread conversation chat channel", "execute", PLAIN, "reaches other people"),
    ("draft", "message email mail reply", "write", STRONG, "is kept, not sent"),
    # identifiers are resolved, issues are too
    (
        "resolve",
        "issue thread comment incident alert case conflict ticket dispute finding task discussion",
        "write",
        PLAIN,
        "changes a state",
    ),
    ("watch track follow", "log logs", "read", PLAIN, "shows a log"),
    ("group ungroup", "element node shape layer tab cell object frame", "write", PLAIN, "changes an arrangement"),
    ("sort", "range row column cell sheet worksheet", "write", PLAIN, "changes an order that is kept"),
    ("expand", "link url address query paper acronym abbreviation", "read", PLAIN, "shows more of it"),
    ("give leave", "rating score feedback vote", "write", PLAIN, "makes a record"),
    ("scan submit", "library folder media", "execute", WEAK, "starts a job"),
    ("checkout", "cart order basket", "financial", STRONG, "buys"),
    ("start begin end finish schedule", "timer entry tracking meeting event", "write", WEAK, "makes a record"),
    ("cancel", "booking event meeting reservation appointment invitation reminder", "write", PLAIN, "changes a record"),
    ("forget", "password", "execute", PLAIN, "starts a recovery"),
    ("reset", "zoom view filter camera timer selection layout viewport highlight", "write", PLAIN, "changes a view"),
    (
        "terminate",
        "instance instances compute cluster vm machine environment droplet",
        "destructive",
        PLAIN,
        "a terminated machine is gone",
    ),
    (
        "stop shutdown",
        "instance instances compute cluster vm machine environment droplet",
        "execute",
        PLAIN,
        "stops a machine",
    ),
    ("disable remove unset", "highlight overlay mock", "write", PLAIN, "changes a view"),
    ("load", "dataset data fixture backup", "write", WEAK, "brings data in"),
    ("load", "collection", "write", PLAIN, "takes a server's memory"),
    ("test", "suite suites tests", "execute", PLAIN, "runs code"),
    (
        "run perform do",
        "search lookup analysis report check count aggregation calculation scan audit validation review assessment "
        "diagnostic diagnosis benchmark",
        "read",
        WEAK,
        "only looks",
    ),
    ("subscribe", "plan product", "financial", PLAIN, "begins to pay"),
    ("upgrade downgrade change", "plan subscription", "financial", PLAIN, "changes what is paid"),
    ("set update change", "collateral", "financial", PLAIN, "changes a position"),
    (
        "close open exercise increase decrease reduce",
        "position positions option leverage",
        "financial",
        STRONG,
        "trades",
    ),
    ("register renew transfer", "domain domains basename", "financial", PLAIN, "is paid for"),
    ("approve increase set", "spender allowance", "financial", STRONG, "lets another spend"),
    ("book reserve", "flight hotel ticket trip ride room-night car", "financial", PLAIN, "is paid for"),
    ("sign send broadcast submit", "transaction transactions", "financial", STRONG, "moves what a wallet holds"),
    ("place submit replace", "order orders bid trade", "financial", STRONG, "buys or sells"),
    ("request claim", "faucet reward rewards", "financial", PLAIN, "moves tokens"),
    ("accept", "dispute disputes chargeback liability", "financial", STRONG, "gives money"),
    (
        "capture initiate authorize authorise make send process submit confirm execute",
        "payment payments payout transfer otp",
        "financial",
        STRONG,
        "moves money",
    ),
    ("create fund", "wallet", "financial", PLAIN, "moves money"),
    ("create add fund", "funds balance credits", "financial", PLAIN, "moves money"),
    ("stake unstake swap trade buy sell bridge wrap", "quote estimate", "read", PLAIN, "gives a price"),
    ("wrap unwrap bridge", "eth sol token tokens asset coin", "financial", PLAIN, "exchanges tokens"),
)


def _object_rules() -> dict[str, dict[str, tuple[Category, int, str]]]:
    rules: dict[str, dict[str, tuple[Category, int, str]]] = {}
    for verbs, objects, category, strength, why in _OBJECT_ROWS:
        for verb in verbs.split():
            for thing in objects.split():
                rules.setdefault(verb, {}).setdefault(thing, (category, strength, why))
    return rules


OBJECT_RULES: Final = _object_rules()
"""Verb → object → (category, strength, why)."""

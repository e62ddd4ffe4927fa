"""The rules, as data: what verbs say of a tool, and what their objects change about it.

A verb is `strong` where it says the same whatever it stands with (delete, pay, execute), `plain` where a description
may say more of it, and `weak` where it says little by itself (manage, handle, open). No entry is a tool's name.
"""

from __future__ import annotations

from typing import Final

from gatepost.catalogue.classification import Category
from gatepost.catalogue.words import vocabulary

WEAK, PLAIN, STRONG = 1, 2, 3


def _verbs(text: str) -> tuple[str, ...]:
    return tuple(text.split())


VERB_ROWS: Final[tuple[tuple[Category, int, tuple[str, ...]], ...]] = (
    (
        "read",
        PLAIN,
        _verbs(
            "get list read fetch show view describe retrieve lookup find search query select browse inspect "
            "examine check verify validate count compare diff preview explain analyze analyse summarize summarise "
            "calculate compute estimate convert translate parse extract detect identify classify recommend suggest "
            "discover explore monitor track trace watching peek tail head poll wait ping echo return display print "
            "dump lint audit assess evaluate score rank measure introspect disassemble decompile scrape scan probe "
            "resolve geocode forecast predict profile whois visualize render screenshot capture map learn teach "
            "help think ask answer collect aggregate filter sort group match exist exists has is diagnose "
            "troubleshoot investigate review research crawl simulate test sample transcribe download info whoami "
            "report receive observe load determine enumerate locate obtain provide give tell say "
            "decode hash quote price optimize reflect walk unreads debug ground sum gather decompress scrutinize "
            "interpret consume cite decrypt outline proofread correlate triangulate benchmark directions optimise dry "
            "consult perceive reverse paginate look"
        ),
    ),
    (
        "write",
        PLAIN,
        _verbs(
            "create add new make update edit modify change set put patch write insert upsert append prepend save "
            "store upload import copy clone duplicate fork move rename replace merge rebase commit push pull stage "
            "checkout tag label annotate comment reply respond assign unassign link unlink attach detach associate "
            "disassociate enable disable activate deactivate toggle mark unmark flag unflag pin unpin star unstar "
            "favorite favourite unfavorite like unlike follow unfollow subscribe unsubscribe watch unwatch vote "
            "upvote downvote rate archive unarchive restore undelete hide unhide mute unmute snooze close reopen "
            "lock unlock approve unapprove reject decline accept dismiss acknowledge ack escalate transition "
            "advance draft schedule reschedule book reserve register enroll enrol onboard join leave invite grant "
            "share unshare allow permit protect unprotect configure customize customise adjust tune resize scale "
            "expand extend format apply record log note remember memorize define declare bind unbind increment "
            "decrement incr decr expire persist cache index reindex rotate renew replicate mirror backup export "
            "submit complete finish conclude finalize finalise transfer switch use choose pick sign stamp populate "
            "seed init setup compose prepare publish unpublish post promote demote reorder rearrange arrange align "
            "split combine unmerge separate crop draw paint fix refactor reformat rewrite improve relabel retag "
            "categorize categorise queue enqueue lpush rpush suspend unsuspend ban unban block unblock confirm "
            "maintain keep remap relate reparent ignore nest indent mock unroute route bookmark unbookmark checkin "
            "tabulate clarify touch mkdir symlink place exercise increase decrease reduce fund supply unset wrap "
            "unwrap bridge issue compress encrypt ingest embed vectorize scaffold bootstrap shorten collapse "
            "uncheck trim fulfill fulfil silence stash unfreeze claim triage allocate release specify reopen "
            "untag remark narrow widen correct supersede "
            "unresolve uncomplete unapply unconfirm unsnooze unfriend unshelve unschedule unstage unmap unmount "
            "ungroup unvote untrack unassociate unhighlight reprioritize reprioritise prioritize prioritise postpone "
            "defer "
            "reconcile sanitize "
            "obfuscate whitelist blacklist allowlist denylist symlink chmod chown rebalance redefine override "
            "synthesize"
        ),
    ),
    (
        "execute",
        PLAIN,
        _verbs(
            "remind nudge turn dim quit exit freeze thaw continue step start stop restart run rerun resume "
            "pause reboot "
            "boot shutdown halt kill terminate abort cancel retry replay launch relaunch spawn install upgrade "
            "downgrade build rebuild compile click tap press type hover drag swipe scroll navigate goto fill "
            "emulate focus interact control play skip rewind seek stream connect reconnect disconnect authenticate "
            "authorize authorise login logout signin signout reauthenticate send resend notify alert email sms "
            "message dm call dial tweet forward broadcast exec eval provision sync synchronize synchronise migrate "
            "failover rollback revert undo redo drain cordon uncordon evict dispatch ssh attack exploit fuzz crack "
            "reload perform act do go begin end initiate kick power wake sleep hibernate flash actuate speak "
            "announce instruct delegate orchestrate automate prompt inject hook joystick solve mine train finetune "
            "infer unpause standby ring"
        ),
    ),
    ("execute", STRONG, _verbs("execute trigger invoke deploy redeploy")),
    (
        "destructive",
        PLAIN,
        _verbs(
            "remove rm clear clean empty reset discard revoke void deallocate cleanup uninstall deregister unregister "
            "invalidate forget pop"
        ),
    ),
    (
        "destructive",
        STRONG,
        _verbs(
            "delete del destroy erase purge wipe drop truncate obliterate flush trash prune teardown decommission "
            "deprovision undeploy expunge shred annihilate nuke hdel srem zrem xdel lrem lpop rpop recreate"
        ),
    ),
    (
        "financial",
        STRONG,
        _verbs(
            "pay repay prepay refund charge withdraw deposit buy sell purchase invest donate payout disburse remit "
            "swap stake unstake borrow lend mint burn bid redeem trade settle liquidate reimburse wire tip rent "
            "lease bill"
        ),
    ),
    ("write", WEAK, _verbs("manage handle process organize organise administer support work ")),
    ("write", WEAK, _verbs("open generate request")),
    ("execute", WEAK, _verbs("control operate")),
)

VERBS: Final[dict[str, tuple[Category, int]]] = {
    verb: (category, strength) for category, strength, verbs in VERB_ROWS for verb in verbs
}
"""Verb → (category, strength)."""

TWO_WORDS: Final[dict[tuple[str, str], str]] = {
    ("log", "in"): "login",
    ("sign", "in"): "signin",
    ("log", "out"): "logout",
    ("sign", "out"): "signout",
    ("check", "in"): "checkin",
    ("set", "up"): "setup",
    ("sets", "up"): "setup",
    ("shut", "down"): "shutdown",
    ("tear", "down"): "teardown",
    ("roll", "back"): "rollback",
    ("rolls", "back"): "rollback",
    ("turn", "on"): "enable",
    ("turn", "off"): "disable",
    ("turns", "on"): "enable",
    ("turns", "off"): "disable",
    ("look", "up"): "lookup",
    ("looks", "up"): "lookup",
    ("carry", "out"): "perform",
    ("spin", "up"): "launch",
    ("sign", "up"): "register",
    ("kick", "off"): "trigger",
    ("kicks", "off"): "trigger",
    ("port", "forward"): "connect",
}
"""Two words that are one verb."""

THINGS: Final[frozenset[tuple[str, str]]] = frozenset(
    {("pull", "request"), ("merge", "request"), ("check", "run"), ("test", "run"), ("play", "list"), ("log", "entry")}
)
"""Two words that look like a verb with its object and are one thing."""

SWITCHES: Final[frozenset[str]] = frozenset(("on", "off"))
"""What a name ends with that switches something: `maintenance_on`."""

AMBIGUOUS: Final[frozenset[str]] = vocabulary(
    "index view like log note label tag comment list order trade price quote report record rate group map profile "
    "message email call book stage lock link star pin flag vote track trace test build type watch cache queue "
    "schedule draft split use sample head tail score filter match stream alert process support control request "
    "block branch release post backup store share query format sort power hook play prompt end has is info hash "
    "setup ssh issue transfer charge deposit purchase bid tip bill swap ring sign copy export import key review help "
    "new sum place route leave"
)
"""Verbs that are nouns as often: as a name's word that is not the first they are taken for the noun."""

OBJECT_LAST: Final[frozenset[str]] = vocabulary(
    "list get create delete update set add remove build test run exec start stop restart search read write find "
    "query edit "
    "log view install uninstall send upload download clear copy move rename scale kill upgrade restore "
    "describe show check mark notify teardown fetch insert drop reset put post patch trigger cancel "
    "pause resume promote"
)
"""Verbs that names with the object first end with: `pods_list`, `kv_namespace_delete`."""

MONEY_ONLY_WITH_MONEY: Final[frozenset[str]] = vocabulary(
    "swap bid burn mint settle redeem deposit charge rent lease bill wire lend borrow tip trade liquidate supply"
)
"""Verbs that move money only where money is spoken of: a battery is charged, a bus is swapped for a train."""

LIGHT: Final[frozenset[str]] = vocabulary("perform do make carry conduct issue take give provide allow")
"""Verbs whose object is the act: `performs a search`."""

LEAD_INS: Final[frozenset[str]] = vocabulary(
    "this tool function will can be used use to allows allow you the user users agent lets let is for should when "
    "helps help a an it command method primary please which that may enables api endpoint operation client in one "
    "used-to intended ability able only simply also first your our we by tools action model assistant llm designed "
    "useful and/or call enable permits just quickly easily safely securely permanently recursively temporarily "
    "automatically programmatically directly efficiently forcefully force forcibly gracefully asynchronously "
    "synchronously immediately optionally batch bulk simple fast smart advanced natural hard soft manually "
    "irreversibly deprecated beta experimental start here required returns-only instead"
)
"""Words before the main verb of a description that say nothing."""

READ_HEADS: Final[frozenset[str]] = vocabulary(
    "status state info information detail details list overview summary stats statistics metrics history log logs "
    "schema metadata count size version health report version tree content contents config configuration settings "
    "properties capabilities permissions usage activity events results result data documentation docs guide help "
    "diff difference differences balance quote price prices weather forecast profile members users items whoami "
    "current recent latest all available number total search lookup view views feed timeline calendar chart charts "
    "ranking trending popular analytics insights recommendations suggestions comments stories links link address "
    "url identity name names type types response output value values code text image screenshot snapshot preview "
    "thumbnail transcript explanation definition definitions example examples time date clock timezone xrefs "
    "directions distance elevation matrix route routes position coordinates mentions mention sizes news facts fact "
    "quotes followers following friends references reference assembly discussions issues overview explorer "
    "inspector viewer dashboard unread historical past related top open whole detailed statistic what whether how "
    "who one top-level preference preferences rules guidelines instructions"
)
"""Nouns that a reading tool is named or described by."""

MONEY: Final[frozenset[str]] = vocabulary(
    "payment payout refund invoice charge settlement fund money cash withdrawal payroll purchase trade escrow "
    "donation mandate dispute chargeback payable receivable remittance giftcard disbursement stablecoin loan bill "
    "billing checkout"
)
"""Things that an acting verb moves money with."""

MONEY_IF_TRADING: Final[frozenset[str]] = vocabulary(
    "order position transaction token eth sol btc usdc usdt crypto coin asset share stock option quote transfer "
    "flow nft basket swap sale redemption"
)
"""Things that are money where the tool or its siblings speak of amounts, prices or trades."""

CHOICES: Final[frozenset[str]] = vocabulary("option")
"""Those of them that are a choice in a list where they are made or changed (`tracking options`), and not traded."""

MONEY_IN_TWO_WORDS: Final = frozenset((("bank", "transaction"), ("credit", "note"), ("debit", "note")))
"""Things that are money behind this word before them."""

MONEY_PAPERWORK: Final[frozenset[str]] = vocabulary(
    "item line link intent request batch activity schedule draft order session claim"
)
"""Words after a thing of money that leave it one (`invoice item`); any other makes it none (`invoice template`)."""

NEUTRAL: Final[frozenset[str]] = vocabulary("state status level mode now value setting")
"""Words after a thing that leave it what it is: `light state`."""

NOT_PAID: Final[frozenset[str]] = vocabulary(
    "webhook topic event notification message channel feed issue email thread push newsletter pubsub sns consumer "
    "alert resource repository log"
)
"""What a subscription to costs nothing."""

PREPOSITIONS: Final[frozenset[str]] = vocabulary(
    "by for to from in of with on via using at as into about within over under between after before without and or "
    "per around against near through across that which who whose when if so"
)

DEALS: Final[frozenset[str]] = vocabulary(
    "create place send transfer submit cancel replace close execute update modify mint approve move bridge supply "
    "sign broadcast make process open new issue convert exchange claim start stop delete write call deploy"
)
"""Verbs that, in a server that deals in money, deal with such things; adding an asset to a list does not."""

TIDIES: Final[frozenset[str]] = vocabulary(
    "format sort filter split group combine highlight use log cache organize organise page convert "
    "arrange align merge join link connect open cover start run process"
)
"""Verbs that, joined to a reading one, say how its answer is made: `retrieves and formats`."""

NEEDS_OBJECT: Final[frozenset[str]] = vocabulary(
    "issue order trade quote price profile record note comment message email stage post tag label flag rate map "
    "page branch release block file book queue report log schedule stream watch group vote star pin like call "
    "share store link lock play prompt power hook support process control"
)
"""Verbs that begin a description only with an object after them (`issue a refund`); else they are nouns."""

SCOPES: Final[frozenset[str]] = vocabulary(
    "operations management crud actions manager editor upload creation deletion removal modification control "
    "administration"
)
"""Nouns by which a description names more than what it gives: `page operations`."""

MANAGES: Final[frozenset[str]] = vocabulary(
    "manage handle process organize organise administer work support control operate perform"
)
"""Verbs that say so little that every verb of the sentence counts with them: `manage nodes: cordon, drain`."""

CONDITIONS: Final[frozenset[str]] = vocabulary("given if when once")
"""Words that begin a clause before the one that says what the tool does."""

NOMINAL: Final[dict[str, str]] = {
    "deletion": "delete",
    "removal": "remove",
    "creation": "create",
    "execution": "execute",
    "installation": "install",
    "cancellation": "cancel",
    "modification": "modify",
    "deployment": "deploy",
    "destruction": "destroy",
    "assessment": "assess",
    "analysis": "analyze",
    "comparison": "compare",
    "validation": "validate",
    "evaluation": "evaluate",
    "calculation": "calculate",
    "inspection": "inspect",
    "diagnosis": "diagnose",
    "lookup": "lookup",
}
"""Nouns that a description may begin with in the place of a verb: `deletion of a record`."""

DRIVEN: Final[frozenset[str]] = vocabulary("click hover tap type navigate press drag swipe scroll")
"""Verbs that drive a browser, an app or a device."""

DRIVES: Final[frozenset[str]] = vocabulary(
    "close upload resize select fill drop handle emulate new evaluate switch open"
)
"""Verbs that do so too where the server's other tools do."""

SHOWS: Final[frozenset[str]] = vocabulary(
    "get read fetch show view retrieve return reveal export dump print display give"
)
"""Verbs that give the thing itself out, not its name or its state."""

SECRETS: Final[frozenset[str]] = vocabulary("secret password passphrase credential env apikey")
"""Things that nobody but their owner may know."""

SECRET_PAIRS: Final[frozenset[tuple[str, str]]] = frozenset(
    (first, second)
    for second, firsts in (
        ("variable", "environment env"),
        ("var", "environment env"),
        ("key", "api private access secret signing"),
        ("token", "access refresh bearer"),
        ("value", "secret"),
        ("string", "connection"),
    )
    for first in firsts.split()
)
"""Such things of two words."""

CONTACT: Final[frozenset[str]] = vocabulary(
    "message email mail sms tweet notification dm invitation invite reminder post comment reply text call whatsapp "
    "slack"
)
"""What reaches other people."""

"""Classifying tools: the published examples, the labelled ones, and what each kind of evidence does."""

from __future__ import annotations

import pytest

from gatepost.catalogue import Siblings, classify, lexicon
from gatepost.catalogue.classification import SEVERITY_OF
from tests.catalogue.labelled import DATA, Labelled, holdout_servers, later, servers

PUBLISHED = [line.split("|") for line in (DATA / "published.txt").read_text().splitlines()]
CRITICAL = ("destructive", "financial")


@pytest.mark.parametrize(("category", "severity", "name", "description"), PUBLISHED, ids=lambda value: value[:30])
def test_a_published_example_comes_out_as_published(category: str, severity: str, name: str, description: str) -> None:
    got = classify(name, description)
    assert (got.category, got.severity) == (category, severity)


def _disagreements(tools: list[Labelled]) -> list[str]:
    return [
        f"{tool.server}/{tool.name}: labelled {tool.label}, classified {got.category}"
        for tool in tools
        if (got := tool.classified()).category != tool.label
    ]


def _side(holdout: bool) -> list[Labelled]:
    held = holdout_servers()
    return [tool for name, tools in servers().items() if (name in held) == holdout for tool in tools]


def test_servers_that_the_rules_were_never_fitted_to_are_classified_as_labelled_in_93_of_100() -> None:
    tools = _side(holdout=True)
    assert len(tools) >= 300
    wrong = _disagreements(tools)
    assert len(wrong) <= 0.07 * len(tools), "\n".join(wrong)


def test_servers_that_the_rules_were_made_with_are_classified_as_labelled_in_97_of_100() -> None:
    tools = _side(holdout=False)
    wrong = _disagreements(tools)
    assert len(wrong) <= 0.03 * len(tools), "\n".join(wrong)


def test_tools_of_other_services_are_classified_as_labelled_in_93_of_100_also_without_siblings() -> None:
    tools = later()
    wrong = _disagreements(tools)
    assert len(wrong) <= 0.07 * len(tools), "\n".join(wrong)


def test_no_labelled_tool_that_destroys_or_moves_money_is_called_read() -> None:
    tools = [tool for tools in (*servers().values(), later()) for tool in tools if tool.label in CRITICAL]
    assert len(tools) >= 150
    assert [tool.name for tool in tools if tool.classified().category == "read"] == []


def test_the_media_servers_tools_agree_with_their_inventories_but_for_the_listed_reasons() -> None:
    published = {name: (category, text) for category, _, name, text in PUBLISHED}
    listed = [line.split("|")[0:3] for line in (DATA / "media-disagreements.txt").read_text().splitlines()]
    found = []
    total = wrong = 0
    for tools in servers("media").values():
        for tool in tools:
            label, text = published.get(tool.name, (tool.label, tool.description))
            got = classify(tool.name, text, tool.schema, None, tool.siblings).category
            total += 1
            if got != label:
                wrong += 1
                found.append([tool.name, label, got])
    assert total >= 150
    assert wrong <= 0.05 * total
    assert {tuple(one) for one in found} == {tuple(one) for one in listed}


def test_what_cannot_be_read_is_execute_at_low_confidence_never_read() -> None:
    for name, description in [("frobnicate", ""), ("", None), ("x9", "Zorgs the blarg"), ("\ud800", "…"), ("_", "???")]:
        got = classify(name, description)
        assert (got.category, got.severity, got.confidence) == ("execute", "high", "low")


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("delete_user", "destructive"),
        ("deleteUser", "destructive"),
        ("delete-user", "destructive"),
        ("users.delete", "destructive"),
        ("acme_users_delete", "destructive"),
        ("AcmeDeleteUser", "destructive"),
        ("listOpenInvoices", "read"),
        ("list-staff-leave", "read"),
        ("leave_workspace", "write"),
        ("create_credit_note", "financial"),
        ("list_debit_notes", "read"),
        ("HTTPRequestSend", "execute"),
        ("get_or_create_label", "write"),
        ("pods_exec", "execute"),
        ("check_in", "write"),
        ("maintenance_off", "write"),
    ],
)
def test_a_name_is_read_however_it_is_spelt(name: str, category: str) -> None:
    assert classify(name, "").category == category


@pytest.mark.parametrize(
    ("name", "description", "category"),
    [
        ("get_report", "Permanently deletes the report and returns it.", "destructive"),
        ("lookup", "This tool can be used to execute shell commands on the host.", "execute"),
        ("status", "**Deprecated.** Removes all jobs from the queue", "destructive"),
        ("helper", "Use this tool to send money: transfers funds to a bank account", "financial"),
        ("handle_items", "Manage items: list, create, update or delete them", "destructive"),
        ("do_it", "Irreversible. Wipes everything on the disk", "destructive"),
        ("records", "Deletion of all records of a customer", "destructive"),
    ],
)
def test_a_harmless_name_is_not_believed_where_the_description_says_more(
    name: str, description: str, category: str
) -> None:
    assert classify(name, description).category == category


@pytest.mark.parametrize(
    ("name", "description", "category"),
    [
        ("delete_file", "Returns information about a file", "destructive"),
        ("create_refund", "Gets the state of the shop", "financial"),
        ("run_script", "Lists things", "execute"),
    ],
)
def test_a_harmless_description_does_not_excuse_a_name_that_says_more(
    name: str, description: str, category: str
) -> None:
    assert classify(name, description).category == category


def test_annotations_raise_a_severity_and_never_lower_one() -> None:
    claims = {"readOnlyHint": True, "destructiveHint": False}
    deletes = classify("delete_file", "Deletes a file", None, claims)
    assert (deletes.category, deletes.severity) == ("destructive", "critical")
    assert "read-only-doubtful" in deletes.signals
    assert classify("update_file", "Updates a file", None, {"destructiveHint": True}).severity == "high"
    assert classify("get_file", "Gets a file", None, {"readOnlyHint": False}).severity == "medium"
    assert classify("get_file", "Gets a file", None, {"readOnlyHint": True}).severity == "low"


def test_the_schema_shows_what_the_words_hide() -> None:
    actions = {"type": "object", "properties": {"action": {"enum": ["list", "delete"]}, "name": {"type": "string"}}}
    assert classify("items", "Work with items", actions).category == "destructive"
    sql = {"type": "object", "properties": {"sql": {"type": "string"}}}
    assert classify("query", "Query the database", sql).category == "execute"
    assert classify("query", "Run a read-only SQL query", sql).category == "read"
    assert classify("explain_query", "Explains a query's plan", sql).category == "read"


def test_siblings_take_the_services_name_out_of_the_way() -> None:
    names = ["push_list_devices", "push_get_device", "push_history", "push_quota", "push_send_note"]
    assert Siblings.of(names).prefix == ()  # a verb that may be meant stays
    names = [name.replace("push", "acme") for name in names]
    siblings = Siblings.of(names)
    assert siblings.prefix == ("acme",)
    assert classify("acme_history", "", None, None, siblings).category == "read"


def test_signals_say_what_a_policy_should_look_at() -> None:
    schema = {
        "type": "object",
        "properties": {
            "webhook_url": {"type": "string"},
            "api_key": {"type": "string"},
            "output_path": {"type": "string"},
            "command": {"type": "string"},
            **{f"option_{number}": {"type": "string"} for number in range(10)},
        },
    }
    got = classify("run_command", "", schema, {"readOnlyHint": True})
    assert got.signals == (
        "takes-url",
        "takes-path",
        "takes-credentials",
        "runs-code",
        "many-parameters",
        "empty-description",
        "read-only-doubtful",
    )
    assert "moves-money" in classify("create_payout", "Pays money out").signals
    assert "sends-messages" in classify("send_email", "Sends an email").signals
    assert "bulk" in classify("delete_all_users", "Deletes all users").signals
    assert classify("get_user", "Gets a user", {"properties": {"page_token": {"type": "string"}}}).signals == ()


def test_the_evidence_quotes_the_words_that_decided() -> None:
    got = classify("get_thing", "Deletes the thing for good.")
    assert got.evidence[0].source == "description"
    assert got.evidence[0].quote == "deletes the thing for"
    assert got.as_dict()["evidence"][0]["says"] == "delete: takes something away"


def test_without_annotations_the_severity_is_that_of_the_category() -> None:
    for tools in servers().values():
        for tool in tools:
            got = tool.classified()
            secret = "gives-secrets" in got.signals
            assert got.severity == ("high" if secret else SEVERITY_OF[got.category])
            assert got.evidence or got.confidence == "low"


HEAVY = [
    verb for verb, (category, _) in lexicon.VERBS.items() if category in CRITICAL and verb not in lexicon.AMBIGUOUS
]
HARMLESS = ("", "Returns the result", "A tool for records", "Details of the record")


@pytest.mark.parametrize(
    ("name", "category"),
    [("create_report_options", "write"), ("update_field_option", "write"), ("exercise_option", "financial")],
)
def test_in_a_server_that_trades_an_option_that_is_made_is_a_choice_and_one_exercised_is_traded(
    name: str, category: str
) -> None:
    assert classify(name, "", siblings=["list_orders", "get_portfolio", name]).category == category


@pytest.mark.parametrize("description", HARMLESS)
def test_wherever_a_heavy_verb_stands_in_a_name_no_harmless_description_makes_the_tool_read(description: str) -> None:
    spellings = ("{}_record", "acme_{}_record", "record.{}", "records_{}", "acme-{}-all-records", "get_and_{}_record")
    names = [spelling.format(verb) for verb in HEAVY for spelling in spellings]
    assert [name for name in names if classify(name, description).category == "read"] == []


@pytest.mark.parametrize(
    "description",
    [
        "Deletes a user",
        "This will delete the user",
        "Use this tool to delete a user",
        "Allows you to wipe the disk",
        "IMPORTANT! Deletes a user",
        "[Admin] Delete a user",
        "- Deletes a user",
        "POST /delete – deletes a user",
        "Helper that deletes users",
        "Endpoint to delete users",
        "Bulk deletion of users",
        "List, create and delete users",
        "Fetches then deletes a user",
        "Executes a trade",
        "Transfers funds between accounts",
        "Book and pay for a flight",
        "Charge a credit card",
    ],
)
def test_however_a_description_says_that_it_destroys_or_pays_no_harmless_name_makes_the_tool_read(
    description: str,
) -> None:
    for name in ("xyz", "helper", "do_thing", "user_tool", "get_user", "users"):
        assert classify(name, description).category != "read", name

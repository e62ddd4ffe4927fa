"""What single words and their objects decide, where another reading of them would be the easier one."""

from __future__ import annotations

import pytest

from gatepost.catalogue import classify


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("unresolve_remark", "Unresolve a remark that was settled before."),
        ("uncomplete-chores", "Uncomplete (open again) some of the finished chores."),
        ("reprioritize_ticket_queue", "Reprioritizes a ticket among the others."),
        ("board.postpone", "Postpones a card to next week"),
    ],
)
def test_a_verb_that_takes_a_change_back_or_shifts_it_changes_something(name: str, description: str) -> None:
    assert classify(name, description).category == "write"


def test_converting_a_record_that_is_kept_changes_it_and_converting_a_value_does_not() -> None:
    assert classify("convert_lead", "Convert a lead to an account").category == "write"
    assert classify("convert_tracker_item_kind", "Convert a tracker item to another kind").category == "write"
    assert classify("convert_temperature", "Converts degrees to kelvin").category == "read"


def test_accepting_a_claim_against_oneself_gives_money() -> None:
    assert classify("accept_claim_of_buyer", "Accept liability for what a buyer claims").category == "financial"
    assert classify("settle_case", "Accepts a dispute claim").category == "financial"
    assert classify("accept_friend", "Accepts a friend").category == "write"


def test_adding_a_wallet_to_a_list_moves_nothing_and_adding_funds_to_it_does() -> None:
    assert classify("add_wallets_to_watch_page", "Adds wallets to a page").category == "write"
    assert classify("add_funds_to_wallet", "Adds funds to a wallet").category == "financial"
    assert classify("create_wallet_for_user", "Creates a wallet").category == "financial"


def test_what_is_managed_is_acted_on_where_it_plays() -> None:
    assert classify("hifi", "Manages the playback: start it, pause it or say what is on").category == "execute"
    assert classify("shelf", "Manages the books of a shelf").category == "write"


def test_what_calls_itself_destructive_is_destructive() -> None:
    assert classify("cache_admin", "Execute a destructive cache command.").category == "destructive"
    assert classify("cache_admin", "Execute a cache command.").category == "execute"


def test_a_route_is_a_thing_in_a_name_that_lists() -> None:
    assert classify("proxy_route_list", "List all active routes").category == "read"
    assert classify("proxy_route", "Set up a route for requests").category == "write"


def test_preferences_are_something_a_tool_gives() -> None:
    assert classify("delivery-preferences", "Delivery preferences of the signed-in person").category == "read"
    assert classify("set_delivery_preferences", "Sets the delivery preferences").category == "write"


SQL = {"type": "object", "properties": {"sql": {"type": "string"}}}


@pytest.mark.parametrize(
    "description",
    [
        "Execute a SQL statement. For instance: select name from people",
        "Executes SQL statements. Use it for SELECT, INSERT, UPDATE and DELETE",
        "Query the warehouse. Not read-only: INSERT works as well.",
        "Execute SQL statements in a transaction. READ-ONLY MODE: only SELECT. Otherwise: INSERT, UPDATE and DROP work",
        "Run a SQL statement. Common ones: SELECT * FROM people",
        "Run a SQL statement, like SELECT or DELETE",
        "Run SQL. Select queries come back as rows. INSERT gives a count",
        "Run a SQL statement. It is read-only if the server was started so",
    ],
)
def test_the_word_select_in_an_example_or_beside_others_makes_no_query_harmless(description: str) -> None:
    for name in ("query", "warehouse", "transact"):
        assert classify(name, description, SQL).category == "execute"


@pytest.mark.parametrize(
    "description",
    [
        "Run a read-only SQL query",
        "Run a SQL statement. Only SELECT is let through",
        "Run a SELECT query and get its rows",
        "Executes SQL queries. This tool is read-only. INSERT and UPDATE are rejected",
    ],
)
def test_a_query_tool_that_says_it_only_selects_only_looks(description: str) -> None:
    assert classify("query", description, SQL).category == "read"


def test_asking_what_a_trade_would_cost_is_no_trade() -> None:
    assert classify("swap_quote", "Retrieve a quote for a swap of tokens").category == "read"
    assert classify("unstake_estimate", "Estimates what unstaking gives").category == "read"
    assert classify("swap_tokens", "Swaps tokens").category == "financial"
    # what is sold here is an asset, and the word for a price only stands before it
    assert classify("helper", "Sell quote assets for a base asset").category == "financial"


def _choosing(name: str, *choices: str) -> dict[str, object]:
    return {"type": "object", "properties": {name: {"type": "string", "enum": list(choices)}}}


def test_what_only_manages_does_what_its_choices_say() -> None:
    runs = _choosing("action", "list", "start", "stop")
    assert classify("gadgets", "Manage the gadgets of a house", runs).category == "execute"
    assert classify("manage_gadgets", "Manage the gadgets of a house", runs).category == "execute"
    assert classify("gadgets", "Manage the gadgets", _choosing("action", "list", "rename")).category == "write"
    assert classify("update_gadget", "Updates a gadget", runs).category == "write"


def test_the_method_of_a_request_that_is_written_down_deletes_nothing() -> None:
    methods = _choosing("method", "GET", "POST", "DELETE")
    assert classify("create_probe", "Create a probe of a web address", methods).category == "write"
    assert classify("call_anything", "Makes an HTTP request", methods).category == "destructive"
    assert classify("write_probe", "Write a probe", _choosing("method", "get", "delete_all")).category == "destructive"


def test_a_sentence_that_explains_a_word_does_not_make_a_tool_one_that_gives_it() -> None:
    assert classify("TagShelf", "Tags are pairs of a key and a value. Put them on a shelf.").category == "write"
    assert classify("shelf_tags", "Tags of a shelf").category == "read"


def test_management_of_something_is_more_than_giving_it() -> None:
    assert classify("shelf_config", "Advanced shelf configuration and management").category != "read"
    assert classify("shelf_config", "Configuration of a shelf").category == "read"


def test_a_message_that_is_pushed_reaches_somebody_and_a_commit_does_not() -> None:
    assert classify("push_banner_message", "Push a message to a customer").category == "execute"
    assert classify("push_branch", "Push a branch to its origin").category == "write"


def test_what_is_called_destructive_is_so_whatever_the_name_says() -> None:
    assert classify("confirm_operation", "Execute a destructive operation after a person said yes").category == (
        "destructive"
    )


def test_a_query_whose_own_words_call_it_sql_is_run() -> None:
    def asking(told: str) -> dict[str, object]:
        return {"type": "object", "properties": {"query": {"type": "string", "description": told}}}

    assert classify("query_warehouse", "Query the warehouse", asking("Raw SQL query")).category == "execute"
    assert classify("query_metrics", "Query the metrics", asking("PromQL expression")).category == "read"
    assert classify("query_warehouse", "Run a read-only query", asking("Raw SQL query")).category == "read"


def test_an_export_that_is_returned_leaves_nothing() -> None:
    assert classify("export_outline", "Export the outline. Returns a JSON string.").category == "read"
    assert classify("export_outline", "Export the outline to a file. Returns its path.").category == "write"
    assert classify("export_outline", "Export the outline").category == "write"


@pytest.mark.parametrize(
    ("description", "category"),
    [
        ("Transcribe a recording. COST WARNING: a call may incur costs.", "execute"),
        ("Transcribe a recording. Each call incurs a small fee", "execute"),
        ("Transcribe a recording. This does not incur any costs.", "read"),
        ("Transcribe a recording. No call incurs costs", "read"),
    ],
)
def test_a_reading_tool_that_says_it_is_paid_for_does_more_than_read(description: str, category: str) -> None:
    assert classify("transcribe_tape", description).category == category


def test_a_url_that_is_opened_is_no_url_that_is_given() -> None:
    assert classify("kiosk_show", "Open URL in the kiosk").category == "execute"
    assert classify("kiosk_notes", "Open issues of the kiosk").category == "read"


def test_a_query_that_is_said_to_write_is_run() -> None:
    assert classify("graph_helper", "Execute a write query on the graph").category == "execute"
    assert classify("graph_helper", "Execute a read query on the graph").category == "read"


def test_a_conversion_that_is_told_where_to_put_its_result_leaves_a_file() -> None:
    told = {"type": "object", "properties": {"source_path": {"type": "string"}, "output_path": {"type": "string"}}}
    asked = {"type": "object", "properties": {"source_path": {"type": "string"}}}
    assert classify("convert_leaflet", "Converts a leaflet to a slide deck", told).category == "write"
    assert classify("convert_leaflet", "Converts a leaflet to plain text", asked).category == "read"


def test_a_swap_that_is_carried_out_moves_what_is_swapped_where_prices_are_spoken_of() -> None:
    pair = {"type": "object", "properties": {"from": {"type": "string"}, "amount": {"type": "string"}}}
    assert classify("pool_helper", "Execute a swap on the exchange", pair).category == "financial"
    assert classify("pool_helper", "Execute a swap of two pages").category == "execute"


def test_grouping_what_is_drawn_changes_it_and_grouping_rows_of_an_answer_does_not() -> None:
    assert classify("group_shapes", "Group some shapes together").category == "write"
    assert classify("ungroup_layers", "Ungroup layers").category == "write"
    assert classify("group_by_month", "Group expenses by month").category == "read"

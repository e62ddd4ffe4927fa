"""POLICY.md section 3, `path_within` and `email_domain_in`."""

from __future__ import annotations

import pytest

from .support import truth


def within(path: str, *folders: str) -> str:
    return truth("args.path", "path_within", list(folders or ["/srv/data"]), {"path": path})


@pytest.mark.parametrize(
    "path",
    [
        "/srv/data",
        "/srv/data/",
        "/srv/data/a/b",
        "/srv/data/./a",
        "/srv/./data/a",
        "/./srv/data",
        "/srv/data/a/../b",
        "/srv/data/a/../../data/b",
        "/srv//data///a",
        "///srv/data/a",
        "/x/../srv/data/a",
        "/../srv/data/a",
        "/srv/data/a b",
        "/srv/data/100%",
        "/srv/data/%zz",
        "/srv/data/~",
        "/srv/data/..a",
        "/srv/data/...",
        "/srv/data/dáta",
    ],
)
def test_a_path_lies_within_its_folder_once_its_dots_are_resolved(path: str) -> None:
    assert within(path) == "true"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/srv",
        "/srv/database",
        "/srv/data.txt",
        "/srv/Data/a",
        "/srv/data/..",
        "/srv/data/../x",
        "/srv/data/../../etc/passwd",
        "/srv/data/a/../../../etc/passwd",
        "/etc/passwd",
        "/srv /data/a",
        "/srv/datа/a",
    ],
)
def test_a_path_elsewhere_does_not(path: str) -> None:
    assert within(path) == "false"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "srv/data/a",
        "./srv/data/a",
        "../srv/data/a",
        "~/a",
        "~root/a",
        "/srv/data/%2e%2e/x",
        "/srv/data/%2E%2E/x",
        "/srv/data/a%2fb",
        "/srv/data/%00",
        "/srv/data\\..\\..\\etc",
        "\\srv\\data",
        "C:\\srv\\data",
        "C:/srv/data",
        "file:///srv/data/a",
        "/srv/data/a\n",
        "/srv/data/\x00",
        "/srv/data/a\x1b[2J",
        "/srv/data/\x85",
        " /srv/data/a",
        "//srv/data/a",
        "//server/share",
    ],
)
def test_a_path_that_can_be_read_in_two_ways_is_unknown(path: str) -> None:
    assert within(path) == "unknown"


def test_the_root_holds_every_absolute_path_and_any_folder_of_a_list_will_do() -> None:
    assert within("/any/thing", "/") == "true"
    assert within("/tmp/x", "/srv/data/", "/tmp") == "true"
    assert within("/srv/data/x", "/srv/data/") == "true"


def mail(address: str, *domains: str) -> str:
    return truth("args.to", "email_domain_in", list(domains or ["corp.example"]), {"to": address})


@pytest.mark.parametrize("address", ["a@corp.example", "A.B+c@CORP.Example", "é@corp.example", "a'b@corp.example"])
def test_an_address_in_a_listed_domain_is_found(address: str) -> None:
    assert mail(address) == "true"


@pytest.mark.parametrize(
    "address",
    ["a@evil.example", "a@sub.corp.example", "a@corp.example.evil.example", "a@xcorp.example", "a@corp-example"],
)
def test_an_address_in_another_domain_is_not(address: str) -> None:
    assert mail(address) == "false"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a",
        "@corp.example",
        "a@",
        "a@evil.example@corp.example",
        "a@corp.example@evil.example",
        "a @corp.example",
        "a@corp.example ",
        "a@corp.example,b@evil.example",
        "a@corp.example;b@evil.example",
        "a:b@corp.example",
        "Evil <a@corp.example>",
        "<a@corp.example>",
        "a(b)@corp.example",
        '"a b"@corp.example',
        "a@corp.example\n",
        "a@corp.example\r\nBcc: b@evil.example",
        "a@corp.example\x00",
        "a\\b@corp.example",
        "a@corp.example.",
        "a@.corp.example",
        "a@corp..example",
        "a@[192.0.2.1]",
        "a@cоrp.example",
        "a@ｃorp.example",
        "a@corp\u3002example",
        "a＠corp.example",
    ],
)
def test_an_address_that_can_be_read_in_two_ways_is_unknown(address: str) -> None:
    assert mail(address) == "unknown"

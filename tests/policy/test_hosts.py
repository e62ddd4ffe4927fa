"""POLICY.md section 3, `host_in`: only a URL in which everybody reads the same host is known."""

from __future__ import annotations

import pytest

from .support import truth

ALLOWED = ["allowed.example", ".trusted.example", "192.0.2.1", "2001:db8::1"]


def judged(url: str) -> str:
    return truth("args.url", "host_in", ALLOWED, {"url": url})


@pytest.mark.parametrize(
    "url",
    [
        "https://allowed.example",
        "http://allowed.example/",
        "https://ALLOWED.Example/path",
        "HTTPS://allowed.example/",
        "https://allowed.example./path",
        "https://allowed.example:8443/path",
        "https://allowed.example.:8443",
        "https://allowed.example:",
        "https://allowed.example?q=1",
        "https://allowed.example#fragment",
        "https://allowed.example/p%2Fq?x=a%20b",
        "https://allowed.example/@evil.example",
        "https://allowed.example/\\evil.example",
        "https://allowed.example/ with space",
        "https://a.trusted.example/",
        "https://a.b.c.trusted.example/",
        "https://192.0.2.1/",
        "https://192.0.2.1:80/",
        "https://[2001:db8::1]/",
        "https://[2001:DB8::1]:443/",
    ],
)
def test_the_host_of_an_allowed_url_is_found(url: str) -> None:
    assert judged(url) == "true"


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "https://allowed.example.evil.example/",
        "https://notallowed.example/",
        "https://trusted.example/",
        "https://nottrusted.example/",
        "https://evil.example/allowed.example",
        "https://evil.example?allowed.example",
        "https://evil.example#allowed.example",
        "https://xn--lowed-example.example/",
        "https://192.0.2.2/",
        "https://[2001:db8::2]/",
        "https://localhost/",
    ],
)
def test_another_host_is_another_host(url: str) -> None:
    assert judged(url) == "false"


@pytest.mark.parametrize(
    "url",
    [
        # user info, and what some readers take for it
        "http://allowed.example@evil.example/",
        "http://evil.example@allowed.example/",
        "http://user:password@allowed.example/",
        "http://evil.example\\@allowed.example/",
        "http://allowed.example\\@evil.example/",
        "http://allowed.example\\.evil.example/",
        "http://evil.example#@allowed.example/",
        "http://allowed.example?@evil.example/",
        "http://allowed.example#\\@evil.example/",
        "http://@allowed.example/",
        # escapes, spaces and controls before the path
        "http://allowed%2eexample/",
        "http://allowed.example%00.evil.example/",
        "http://allowed.example%20/",
        "http://allowed.example /",
        " http://allowed.example/",
        "http://allowed.example\t/",
        "http://allo\nwed.example/",
        "http://allowed.example\r\n/",
        "http://allowed.example\x00/",
        "http://allowed.example\x7f/",
        "http://allowed.example\u2028/",
        "ht\ntp://allowed.example/",
        # other spellings of a scheme and its slashes
        "http:/allowed.example/",
        "http:allowed.example/",
        "http:///allowed.example/",
        "http:\\\\allowed.example/",
        "//allowed.example/",
        "allowed.example",
        "ftp://allowed.example/",
        "file://allowed.example/",
        "javascript://allowed.example/%0aalert(1)",
        "http s://allowed.example/",
        "http+x://allowed.example/",
        "",
        "http://",
        "http:///",
        # addresses in other forms
        "http://127.1/",
        "http://127.0.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.0.0.1/",
        "http://0X7F.0.0.1/",
        "http://0177.0.0.1/",
        "http://192.0.2.01/",
        "http://192.0.2.256/",
        "http://192.0.2.1./",
        "http://192.0.2.1.1/",
        "http://1.2.3.0x/",
        "http://evil.example.1/",
        "http://[2001:db8:0:0:0:0:0:1]/",
        "http://[2001:0db8::1]/",
        "http://[::ffff:192.0.2.1]/",
        "http://[::ffff:c000:201]/",
        "http://[2001:db8::1%25eth0]/",
        "http://[2001:db8::1/",
        "http://2001:db8::1/",
        "http://[2001:db8::1]evil.example/",
        "http://[v1.x]/",
        "http://[]/",
        # names that are none
        "http://allowed..example/",
        "http://.allowed.example/",
        "http://allowed.example../",
        "http://./",
        "http://allowed,example/",
        "http://allowed.example;evil.example/",
        "http://allowed.example|evil.example/",
        "http://allowed!example/",
        "http://*.allowed.example/",
        "http://" + "a" * 64 + ".example/",
        "http://" + "a." * 127 + "example/",
        # ports
        "http://allowed.example:x/",
        "http://allowed.example:80:80/",
        "http://allowed.example:65536/",
        "http://allowed.example:-1/",
        "http://allowed.example:٣/",
        # letters that fold or normalise to others
        "http://аllowed.example/",
        "http://ａllowed.example/",
        "http://allowed。example/",
        "http://ALLOWED.EXAMPLE\u212a/",
        "http://allowed.exaｍple/",
        "http://allowed\u00ad.example/",
        "http://ﬀ.example/",
    ],
)
def test_a_url_that_can_be_read_in_two_ways_is_unknown(url: str) -> None:
    assert judged(url) == "unknown"


def test_a_suffix_means_strictly_below() -> None:
    assert truth("args.url", "host_in", [".example"], {"url": "https://example/"}) == "false"
    assert truth("args.url", "host_in", [".example"], {"url": "https://a.example/"}) == "true"
    assert truth("args.url", "host_in", ["a.example"], {"url": "https://b.a.example/"}) == "false"
    assert truth("args.url", "host_in", [".example"], {"url": "https://192.0.2.1/"}) == "false"


def test_an_operand_is_read_like_a_host() -> None:
    for operand in ("Allowed.EXAMPLE", "allowed.example."):
        assert truth("args.url", "host_in", [operand], {"url": "https://allowed.example"}) == "true"
    for operand in ("::1", "[::1]"):
        assert truth("args.url", "host_in", [operand], {"url": "http://[::1]:8080/x"}) == "true"


def test_a_very_long_url_is_judged_in_linear_time() -> None:
    assert judged("https://allowed.example?" + "a" * 4_000_000) == "true"
    assert judged("https://" + "a" * 4_000_000) == "unknown"
    assert judged("https://" + "[" * 1_000_000) == "unknown"

"""Reads a registry's paged API, `GET /v0/servers?cursor=…&updated_since=…`: resumable, polite, bounded."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from gatepost.catalogue.index.entries import Counts, ServerEntry
from gatepost.catalogue.index.sources import Problems, registry_entry
from gatepost.catalogue.index.store import Index
from gatepost.errors import GatepostError

PAGE: Final = 100
_LARGEST_PAGE: Final = 16 * 1024 * 1024
_MOST_PAGES: Final = 100_000
_TRIES: Final = 6
_LONGEST_WAIT: Final = 60.0
_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a registry is asked: seconds between pages, the first wait after a refusal, and how to wait."""

    between: float = 0.2
    first: float = 1.0
    sleep: Callable[[float], None] = time.sleep


def import_registry(
    index: Index,
    url: str,
    *,
    now: str,
    pace: Pace | None = None,
    told: Callable[[Counts], None] | None = None,
    anew: bool = False,
    problems: Problems | None = None,
) -> Counts:
    """Reads every page, from where the last import of this registry was cut off, else what changed since it.

    Each page is stored, with the way to the next, before the next is asked for. A registry that names a cursor a second
    time is left: what lies behind its circle is not known, so that the next import begins where this one did.

    Args:
        url: of the registry, such as `https://registry.example`; `/v0/servers` is added where there is no path.
        now: the time, ISO 8601, remembered as when this import began.
        anew: whether to begin from the beginning.
        problems: what is left out goes there: entries of a page that are no servers.

    Raises `GatepostError` GP-4005 for a URL that is none, GP-3001, GP-3002 or GP-3003 where the registry fails for
    good or goes in a circle; what was read until then is kept, and after a failure the next import goes on there.
    """
    base = base_of(url)
    steps = pace or Pace()
    cursor, since = ("", "") if anew else index.progress(base)
    began = since.partition("|")[2] if cursor else now
    since = since.partition("|")[0]
    seen: set[str] = set()
    servers = 0
    for number in range(_MOST_PAGES):
        if number:
            steps.sleep(steps.between)
        page = _page(base, cursor, since, steps)
        found = list(_entries(page, problems))
        servers += index.put(found).servers
        following = _following(page)
        if not following:
            index.set_progress(base, "", f"{began}|")
            break
        if following in seen or following == cursor:
            index.set_progress(base, "", f"{since}|")
            raise GatepostError(
                "GP-3003",
                "The registry's pages go in a circle: one names a cursor that was followed already. "
                f"The {servers:,} servers that were read are kept.",
                "Tell whoever runs it; the next import begins where this one did.",
            )
        seen.add(following)
        cursor = following
        index.set_progress(base, cursor, f"{since}|{began}")
        if told is not None:
            told(Counts(servers, 0))
    return Counts(servers, 0)


def base_of(url: str) -> str:
    """Where a registry's pages are asked for, without their parameters. Raises `GatepostError` GP-4005."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
    except ValueError:
        usable = False
    if not usable:
        raise GatepostError(
            "GP-4005", "The registry's URL is not usable.", "Give one such as https://registry.example."
        )
    path = parts.path.rstrip("/") or "/v0/servers"
    return f"{parts.scheme}://{parts.netloc}{path}"


def _page(base: str, cursor: str, since: str, pace: Pace) -> Mapping[str, Any]:
    """One page. Refusals and faults are tried again, later and later, as far as the registry asks for."""
    query = {"limit": str(PAGE)} | ({"cursor": cursor} if cursor else {}) | ({"updated_since": since} if since else {})
    request = Request(f"{base}?{urlencode(query)}", headers={"accept": "application/json", "user-agent": "gatepost"})  # noqa: S310
    wait = pace.first
    for attempt in range(_TRIES):
        asked = None
        try:
            with urlopen(request, timeout=_SECONDS) as response:  # noqa: S310 - the scheme was checked
                return _read(response.read(_LARGEST_PAGE + 1))
        except HTTPError as error:
            asked = error.headers.get("retry-after")
            failure = GatepostError("GP-3003", f"The registry answered HTTP {error.code}.", "Try again later.")
            error.close()
            if error.code != 429 and error.code < 500:
                raise failure from None
        except TimeoutError:
            failure = GatepostError("GP-3002", "The registry did not answer in time.", "Try again later.")
        except (URLError, OSError) as error:
            failure = GatepostError("GP-3001", f"The registry cannot be reached: {error}.", "Try again later.")
        except (_HalfAPage, HTTPException):
            failure = GatepostError("GP-3003", "The registry's answer is no page of servers.", "Try again later.")
        if attempt + 1 < _TRIES:
            told = asked is not None and asked.isascii() and asked.isdigit()
            pace.sleep(min(float(asked or 0), _LONGEST_WAIT) if told else wait)
            wait = min(2 * wait, _LONGEST_WAIT)
    raise failure


class _HalfAPage(Exception):
    """An answer that is no whole page."""


def _read(body: bytes) -> Mapping[str, Any]:
    if len(body) > _LARGEST_PAGE:
        raise _HalfAPage
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise _HalfAPage from None
    if not isinstance(value, dict) or not isinstance(value.get("servers"), list):
        raise _HalfAPage
    return value


def _entries(page: Mapping[str, Any], problems: Problems | None) -> Iterator[ServerEntry]:
    for number, one in enumerate(page["servers"], start=1):
        entry = registry_entry(one)
        if entry is not None:
            yield entry
        elif problems is not None:
            problems.add(f"Entry {number} of a page of the registry is no server.")


def _following(page: Mapping[str, Any]) -> str:
    metadata = page.get("metadata")
    if not isinstance(metadata, Mapping):
        return ""
    cursor = metadata.get("nextCursor", metadata.get("next_cursor"))
    return cursor if isinstance(cursor, str) else ""

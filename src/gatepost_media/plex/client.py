"""The client of one Plex server, of plex.tv and of the watchlist: requests, the token, containers, pages, names.

The token travels in a header, never in an address. It comes from PLEX_TOKEN, else from the private file that signing in
writes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Container, Mapping, Sequence

from gatepost_media import __version__
from gatepost_media.common.errors import BadArgument, NotConfigured, NotFound, NotSignedIn, Refused
from gatepost_media.common.files import read_private, write_private
from gatepost_media.common.http import Answer, Http, QueryValue
from gatepost_media.common.settings import Settings
from gatepost_media.plex import paths
from gatepost_media.plex.raw import Raw, mapping, rows, text, total, whole

PAGE = 500
"""Rows a request, where all of a list is walked."""
_NAMES_FOR_SECONDS = 300.0
ACCOUNT_TOKEN = "plex-token"  # noqa: S105 - a file's name
SERVER_TOKEN = "plex-server-token"  # noqa: S105
"""Where signing in keeps its tokens, below the home folder."""

Query = Mapping[str, QueryValue]


class NoSuchTag(BadArgument):
    """A genre, person or mood that a library does not have."""


class Plex:
    """One per process: `ctx.plex`."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._saved: dict[str, str | None] = {}
        self._machine: str | None = None
        self._identifier: str | None = None
        self._names: dict[tuple[str, str], tuple[float, dict[int, str]]] = {}

    # The tokens: the account's, and the server's own where the account's is not accepted there.

    def token(self) -> str | None:
        """The account's token in force: PLEX_TOKEN, else the saved one, else None."""
        return self._settings.plex_token or self._kept(ACCOUNT_TOKEN)

    def _kept(self, name: str) -> str | None:
        if name not in self._saved:
            content = read_private(self._settings.home / name)
            self._saved[name] = content.decode("utf-8", "replace").strip() or None if content else None
        return self._saved[name]

    def save_token(self, token: str, name: str = ACCOUNT_TOKEN) -> None:
        """Keeps a token that signing in brought, before it is used. A new account's has no server's yet."""
        if name == ACCOUNT_TOKEN:
            self.forget_token()
        write_private(self._settings.home / name, token.encode())
        self._saved[name] = token

    def forget_token(self) -> bool:
        """Deletes the saved tokens; says whether there were any. PLEX_TOKEN stays in force."""
        files = [self._settings.home / name for name in (SERVER_TOKEN, ACCOUNT_TOKEN)]
        had = any(file.exists() for file in files)
        for file in files:
            file.unlink(missing_ok=True)
        self._saved = {}
        return had

    def headers(self, *, account: bool = False) -> dict[str, str]:
        """What every request carries: who asks, in which form, and the token if there is one; the account's for plex.tv
        and the watchlist, else the server's."""
        if self._identifier is None:
            self._identifier = self._settings.client_identifier()
        sent = {
            "accept": "application/json",
            "x-plex-client-identifier": self._identifier,
            "x-plex-product": "Gatepost media",
            "x-plex-version": __version__,
            "x-plex-platform": "Python",
            "x-plex-device-name": "Gatepost media",
        }
        token = self.token()
        if not account and not self._settings.plex_token:
            token = self._kept(SERVER_TOKEN) or token
        if token:
            sent["x-plex-token"] = token
        return sent

    # Requests.

    @property
    def url(self) -> str:
        """The server's address. Raises NotConfigured."""
        if self._settings.plex_url is None:
            raise NotConfigured(
                "PLEX_URL is not set. Start this server with the address of your Plex Media Server in it, such as "
                "PLEX_URL=http://127.0.0.1:32400."
            )
        return self._settings.plex_url

    async def send(
        self, method: str, path: str, query: Query | None = None, *, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Sends one request to the server at a path from `paths`."""
        return await self._http.request(
            method, self.url + path, query=query, headers={**self.headers(), **(headers or {})}, service="Plex"
        )

    async def container(self, path: str, query: Query | None = None) -> Raw:
        """The `MediaContainer` at a path. Raises Refused where there is none."""
        return container_of(await self.send("GET", path, query))

    async def page(self, path: str, query: Query | None = None, *, start: int, size: int) -> Raw:
        """A page of the list at a path: a container with `totalSize` and at most `size` rows."""
        place = {"x-plex-container-start": str(start), "x-plex-container-size": str(size)}
        return container_of(await self.send("GET", path, query, headers=place))

    async def walk(
        self, path: str, query: Query | None = None, *, start: int = 0, size: int = PAGE
    ) -> AsyncIterator[tuple[list[Raw], int | None]]:
        """All pages of the list at a path, one request each, as rows and the length of the whole list if known.

        Ends at the announced length, and where a page is empty; a server that ignores the position (it answers with
        more than was asked for) is asked once.
        """
        while True:
            container = await self.page(path, query, start=start, size=size)
            found = rows(container, "Metadata")
            length = total(container)
            if found:
                yield found, length
            start += len(found)
            if not found or len(found) > size or (length is None and len(found) < size):
                return
            if length is not None and start >= length:
                return

    async def item(self, key: str, query: Query | None = None) -> Raw:
        """One item's metadata. Raises NotFound."""
        try:
            found = rows(await self.container(paths.metadata(key), query), "Metadata")
        except NotFound:
            found = []
        if not found:
            raise NotFound(f"There is no item with ratingKey {key} on this Plex server.")
        return found[0]

    async def items(self, keys: Sequence[str], *, batch: int = 50) -> list[Raw]:
        """Several items' metadata, in requests of `batch`; those that do not exist are missing."""
        found: list[Raw] = []
        for begin in range(0, len(keys), batch):
            with contextlib.suppress(NotFound):
                found += rows(await self.container(paths.metadata(*keys[begin : begin + batch])), "Metadata")
        return found

    async def sections(self) -> list[Raw]:
        """All library sections."""
        return rows(await self.container(paths.SECTIONS), "Directory")

    async def section(self, library: str, argument: str = "libraryKey") -> Raw:
        """One section from the list of all. Raises NotFound naming those that there are."""
        found = await self.sections()
        for each in found:
            if text(each, "key") == library:
                return each
        known = ", ".join(f"{text(each, 'key')} ({text(each, 'title')})" for each in found) or "none"
        raise NotFound(f"{argument}: there is no library {library}. There are: {known}.")

    async def tag(self, library: str, field: str, name: str, argument: str, number: int) -> str:
        """The number of a tag in a section, for a filter. Raises NoSuchTag naming some of those that there are."""
        found = rows(await self.container(paths.section_choices(library, field), {"type": number}), "Directory")
        for each in found:
            key = text(each, "key")
            if key and key.isascii() and key.isdigit() and (text(each, "title") or "").casefold() == name.casefold():
                return key
        known = ", ".join(sorted(title for each in found if (title := text(each, "title")))[:40]) or "none"
        raise NoSuchTag(argument, f"library {library} has none of that name. There are: {known}.")

    async def first(
        self, path: str, query: Query | None = None, *, start: int, size: int
    ) -> tuple[list[Raw], int | None]:
        """`size` rows of the list at a path from `start`, in requests of 500, and the length of the whole list."""
        found: list[Raw] = []
        length: int | None = None
        while len(found) < size:
            container = await self.page(path, query, start=start + len(found), size=min(size - len(found), PAGE))
            page = rows(container, "Metadata")
            length = total(container)
            found += page
            if not page or len(page) < PAGE or length is None or start + len(found) >= length:
                break
        return found[:size], length

    async def count(self, path: str, query: Query | None = None) -> int | None:
        """How long the list at a path is, without its rows."""
        container = await self.page(path, query, start=0, size=0)
        return total(container)

    async def machine(self) -> str:
        """The server's machine identifier, needed in the addresses of items."""
        if self._machine is None:
            found = text(await self.container(paths.IDENTITY), "machineIdentifier")
            if not found or not found.isascii() or not found.isalnum():
                raise Refused("The Plex server did not say its machine identifier. Is PLEX_URL a Plex Media Server?")
            self._machine = found
        return self._machine

    async def library_uri(self, path: str) -> str:
        """The address of items for playlists: `server://<machine>/com.plexapp.plugins.library<path>`."""
        return f"server://{await self.machine()}/com.plexapp.plugins.library{path}"

    async def accounts(self) -> dict[int, str]:
        """Account id → name."""
        return await self._name_table(paths.ACCOUNTS, "Account")

    async def check_account(self, account: str, argument: str = "account_id") -> None:
        """Raises NotFound for an account that the server neither lists nor has plays of (those of one that was removed
        stay), so that "no such account" differs from "has played nothing"."""
        listed = await self.accounts()
        if int(account) in listed:
            return
        if not rows(await self.page(paths.HISTORY, {"accountID": account}, start=0, size=1), "Metadata"):
            known = ", ".join(f"{key} ({name})" for key, name in sorted(listed.items())[:40]) or "none"
            raise NotFound(f"{argument}: there is no account {account}. There are: {known}.")

    async def devices(self) -> dict[int, str]:
        """Device id → name."""
        return await self._name_table(paths.DEVICES, "Device")

    async def platforms(self) -> dict[int, str]:
        """Device id → platform."""
        return await self._name_table(paths.DEVICES, "Device", "platform")

    async def _name_table(self, path: str, element: str, attribute: str = "name") -> dict[int, str]:
        now = asyncio.get_running_loop().time()
        kept = self._names.get((path, attribute))
        if kept is not None and now - kept[0] < _NAMES_FOR_SECONDS:
            return kept[1]
        container = await self.container(path)
        table = {}
        for each in rows(container, element):
            key, name = whole(each, "id"), text(each, attribute)
            if key is not None and name:
                table[key] = name
        self._names[path, attribute] = (now, table)
        return table

    # plex.tv and the watchlist.

    async def tv(
        self, method: str, path: str, query: Query | None = None, *, ok: Container[int] = range(200, 300)
    ) -> Answer:
        """Sends one request to plex.tv."""
        return await self._http.request(
            method,
            self._settings.plex_tv_url + path,
            query=query,
            headers=self.headers(account=True),
            service="plex.tv",
            ok=ok,
            harmless=True,  # a PIN more
        )

    async def discover(
        self, method: str, path: str, query: Query | None = None, *, start: int | None = None, size: int = PAGE
    ) -> Answer:
        """Sends one request to the account's discover service. Raises NotSignedIn without a token."""
        if self.token() is None:
            raise NotSignedIn("The watchlist belongs to a Plex account. Set PLEX_TOKEN, or run authenticate_plex.")
        headers = self.headers(account=True)
        if start is not None:
            headers |= {"x-plex-container-start": str(start), "x-plex-container-size": str(size)}
        return await self._http.request(
            method, self._settings.plex_discover_url + path, query=query, headers=headers, service="plex.tv"
        )


def container_of(answer: Answer) -> Raw:
    """The `MediaContainer` of an answer. Raises Refused where there is none."""
    body = mapping(answer.json())
    if not isinstance(body.get("MediaContainer"), dict):
        raise Refused("Plex answered with something that is not a MediaContainer. Is PLEX_URL a Plex Media Server?")
    return mapping(body["MediaContainer"])

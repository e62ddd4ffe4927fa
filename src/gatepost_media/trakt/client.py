"""Trakt's API, one object for a process: requests, sign-in, paging, one write a second, what each status means.

    trakt = ctx.process.of(Trakt)                                      # in a tool; or Trakt(settings, http)
    await trakt.get(("shows", "the-wire", "ratings"))                  # JSON
    async for play in trakt.history("episodes"): ...                   # every page, 250 rows a request
    await trakt.add_history({"movies": [{"ids": {"imdb": "tt0017925"}, "watched_at": "2026-11-21T20:00:00Z"}]})
    outcome = await trakt.scrobble("stop", {"movie": {"ids": {"imdb": "tt0017925"}}}, 91.5)

A path is a tuple of segments, each percent-encoded, so no id can climb out of its place or start a query. Every call
raises a MediaError (common/errors.py, trakt/refusals.py) for anything but a success, and never in part: a page that
fails fails the whole.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, cast

from gatepost_media.common.errors import MediaError, Refused, Unreachable
from gatepost_media.common.http import Answer, Http, join
from gatepost_media.common.settings import Settings
from gatepost_media.trakt.refusals import AlreadyThere, refusal
from gatepost_media.trakt.signin import SignIn
from gatepost_media.trakt.waiting import Pace

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
Object = dict[str, Json]
Action = Literal["start", "pause", "scrobble"]
Query = Mapping[str, str | int]
Kind = Literal["movies", "shows", "seasons", "episodes"]

PAGE_SIZE = 250
"""The most rows that Trakt gives in one page since June 2026; more is silently cut to this."""
DEFAULT_PAGE_SIZE = 100
"""What Trakt gives where nothing is asked for: 100, except 50 for a search and 10 for comments."""

INTERVAL = 1.1
"""Seconds between two writes. Trakt takes one a second; the tenth is for what two requests lose on their way."""

_ACTIONS: dict[str, Action] = {"start": "start", "pause": "pause", "scrobble": "scrobble"}
_HANDLED = frozenset(range(100, 600)) - {429, 502, 503, 504}
"""Statuses that are explained here; the others are tried again by the HTTP client where that is safe."""


class Changeable(Protocol):
    """Something that can stand in a change."""

    def body(self) -> Mapping[str, object]:
        """As Trakt wants it."""
        ...


@dataclass(frozen=True, slots=True)
class Rows:
    """One page. `pages` and `total` are what the paging headers say.

    Trakt sends these headers with every page, so an answer without them (None) is the whole list, whatever page and
    size were asked for.
    """

    items: list[Object]
    page: int
    pages: int | None
    total: int | None

    @property
    def is_whole(self) -> bool:
        """Whether this is a list that has no pages."""
        return self.pages is None

    @property
    def is_last(self) -> bool:
        """Whether nothing follows. An empty page ends any list: some lists state a page count that is not theirs."""
        return not self.items or self.pages is None or self.page >= self.pages


@dataclass(frozen=True, slots=True)
class ScrobbleOutcome:
    """What Trakt did with a scrobble.

    `action` is Trakt's word: start, pause, or scrobble (a play was recorded). `history_id` is the play's id, where one
    was recorded. `already` says that Trakt had just recorded this play (409): a success, until `expires_at`.
    """

    action: Action
    progress: float
    history_id: int | None = None
    already: bool = False
    expires_at: str | None = None


class Trakt:
    """The client of one account. `interval` is how many seconds lie between two writes at least (INTERVAL)."""

    def __init__(self, settings: Settings, http: Http, *, interval: float | None = None) -> None:
        self._http = http
        self._base = settings.trakt_api_url
        self._pace = Pace(settings.home / "trakt-writes", INTERVAL if interval is None else interval)
        self.sign_in = SignIn(settings, http)

    async def aclose(self) -> None:
        """Waits for a renewal of the sign-in that is under way: without its answer the sign-in would be lost."""
        await self.sign_in.settle()

    # requests

    async def get(self, path: Sequence[str], query: Query | None = None, *, auth: bool = False, what: str = "") -> Json:
        """The JSON at a path; `auth` where only a signed-in user may ask. None where Trakt answers without a body."""
        return _json(await self._send("GET", path, query, auth=auth, what=what))

    async def post(self, path: Sequence[str], body: Mapping[str, object], *, what: str = "") -> Json:
        """Sends one write for the signed-in user, in its turn. Never sent twice by itself."""
        return _json(await self._send("POST", path, body=body, auth=True, what=what))

    async def delete(self, path: Sequence[str], *, what: str = "") -> None:
        """Deletes, for the signed-in user, in its turn."""
        await self._send("DELETE", path, auth=True, what=what)

    async def rows(
        self,
        path: Sequence[str],
        query: Query | None = None,
        *,
        page: int = 1,
        size: int = PAGE_SIZE,
        auth: bool = False,
        what: str = "",
    ) -> Rows:
        """One page of a list. `size` over 250 is cut to 250 by Trakt, and the answer says so."""
        asked = {**(query or {}), "page": page, "limit": size}
        answer = await self._send("GET", path, asked, auth=auth, what=what)
        items = _json(answer)
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise Refused(f"Trakt answered with something that is not a list of {what or 'items'}.")
        return Rows(
            cast("list[Object]", items),
            page,
            _header(answer, "x-pagination-page-count"),
            _header(answer, "x-pagination-item-count"),
        )

    async def every(
        self,
        path: Sequence[str],
        query: Query | None = None,
        *,
        limit: int | None = None,
        auth: bool = False,
        what: str = "",
    ) -> AsyncIterator[Object]:
        """The items of a list, page by page, `limit` at most. Asks for a page only when its items are wanted."""
        size = PAGE_SIZE if limit is None else max(1, min(PAGE_SIZE, limit))
        page, left = 1, limit
        while left is None or left > 0:
            rows = await self.rows(path, query, page=page, size=size, auth=auth, what=what)
            for item in rows.items if left is None else rows.items[:left]:
                yield item
            left = None if left is None else left - len(rows.items)
            if rows.is_last:
                return
            page += 1

    # the signed-in user's lists

    def history(
        self, kind: Kind | None = None, *, start_at: str | None = None, end_at: str | None = None
    ) -> AsyncIterator[Object]:
        """Every play, newest first: {id, watched_at, action, type, movie | episode + show}. Times are ISO 8601."""
        dates = {name: value for name, value in (("start_at", start_at), ("end_at", end_at)) if value}
        return self.every(("sync", "history", *((kind,) if kind else ())), dates, auth=True, what="the history")

    def watched(self, kind: Literal["movies", "shows"]) -> AsyncIterator[Object]:
        """Everything watched, once each: {plays, last_watched_at, movie}, or {..., show, seasons}.

        `seasons` is [{number, episodes: [{number, plays, last_watched_at}]}]; Trakt gives it only where it is asked
        for by `extended=progress`.
        """
        query = {"extended": "progress"} if kind == "shows" else {}
        return self.every(("sync", "watched", kind), query, auth=True, what=f"the watched {kind}")

    def playback(self, kind: Literal["movies", "episodes"] | None = None) -> AsyncIterator[Object]:
        """What was paused: {id, progress, paused_at, type, movie | episode + show}."""
        return self.every(("sync", "playback", *((kind,) if kind else ())), auth=True, what="the paused items")

    def ratings(self, kind: Kind) -> AsyncIterator[Object]:
        """The user's ratings of a kind: {rated_at, rating, type, movie | show | season | episode}."""
        return self.every(("sync", "ratings", kind), auth=True, what=f"the ratings of {kind}")

    async def add_history(self, items: Mapping[str, Sequence[Mapping[str, object]]]) -> Object:
        """Adds plays: {"movies": [...], "shows": [...], "episodes": [...]}. Answers {added, not_found}."""
        return _object(await self.post(("sync", "history"), items, what="the plays"))

    async def add_ratings(self, items: Mapping[str, Sequence[Mapping[str, object]]]) -> Object:
        """Adds ratings, each item with `rating` from 1 to 10. Answers {added, not_found}."""
        return _object(await self.post(("sync", "ratings"), items, what="the ratings"))

    async def change(
        self, path: Sequence[str], kind: str, items: Sequence[Changeable], *, what: str = "the things named"
    ) -> Object:
        """Adds or removes things of one kind; answers {added | deleted, existing, not_found, ...}."""
        return await self.change_raw(path, {kind: [each.body() for each in items]}, what=what)

    async def change_raw(
        self, path: Sequence[str], body: Mapping[str, object], *, what: str = "the things named"
    ) -> Object:
        """The same with the body as Trakt wants it: {"movies": [...], "shows": [...], ...}."""
        return _object(await self.post(path, body, what=what))

    async def account(self) -> str:
        """The slug of whoever is signed in: one account, whichever way it is signed in. Raises NotSignedIn."""
        user = _object(await self.get(("users", "settings"), auth=True, what="the account")).get("user")
        ids = user.get("ids") if isinstance(user, dict) else None
        slug = ids.get("slug") if isinstance(ids, dict) else None
        if not isinstance(slug, str) or not slug:
            raise Refused("Trakt does not say whose sign-in this is. Sign in again.")
        return slug

    async def scrobble(
        self, action: Literal["start", "pause", "stop"], item: Mapping[str, object], progress: float
    ) -> ScrobbleOutcome:
        """Says that watching began, paused or stopped, `progress` percent in (0 to 100).

        `item` is {"movie": {"ids": {...}}}, {"episode": {"ids": {...}}} or {"show": {...}, "episode": {"season": 1,
        "number": 2}}. A stop at 80 % or more records a play; below 1 % Trakt refuses with 422, so do not send it.
        """
        body = {**item, "progress": round(min(max(progress, 0.0), 100.0), 2)}
        try:
            said = _object(await self.post(("scrobble", action), body, what="what is being watched"))
        except AlreadyThere as error:
            return ScrobbleOutcome("scrobble", progress, already=True, expires_at=error.expires_at)
        history_id = said.get("id")
        return ScrobbleOutcome(
            _ACTIONS.get(str(said.get("action")), "start" if action == "start" else "pause"),
            progress,
            history_id if isinstance(history_id, int) and history_id > 0 else None,
        )

    # below

    async def _send(
        self,
        method: str,
        path: Sequence[str],
        query: Query | None = None,
        *,
        body: Mapping[str, object] | None = None,
        auth: bool,
        what: str,
    ) -> Answer:
        url = join(self._base, *path)
        headers = {"trakt-api-version": "2", "trakt-api-key": self.sign_in.client_id}
        token = await self.sign_in.access_token() if auth else None
        if method != "GET":
            await self._turn()
        answer = await self._request(method, url, query, headers, token, body)
        if answer.status == 401 and token is not None:
            # Not accepted means not done, so a write may go again. Somebody else may have renewed the pair meanwhile.
            token = await self.sign_in.access_token(rejected=token)
            answer = await self._request(method, url, query, headers, token, body)
        if 200 <= answer.status < 300:
            return answer
        raise refusal(answer, what or "this", method)

    async def _request(
        self,
        method: str,
        url: str,
        query: Query | None,
        headers: Mapping[str, str],
        token: str | None,
        body: Mapping[str, object] | None,
    ) -> Answer:
        allowed = {**headers, "authorization": f"Bearer {token}"} if token else headers
        return await self._http.request(
            method, url, query=query, headers=allowed, json=body, service="Trakt", ok=_HANDLED
        )

    async def _turn(self) -> None:
        try:
            await self._pace.turn()
        except TimeoutError:
            raise Unreachable(
                "Other programs keep writing to Trakt with this sign-in. Try again in a minute."
            ) from None
        except OSError as error:
            raise MediaError(
                f"The state folder cannot be used: {error.strerror}. Set GATEPOST_MEDIA_HOME to a folder of your own."
            ) from error


def _json(answer: Answer) -> Json:
    if not answer.content.strip():
        return None
    return cast("Json", answer.json())


def _object(value: Json) -> Object:
    if not isinstance(value, dict):
        raise Refused("Trakt answered with something else than was asked for.")
    return value


def _header(answer: Answer, name: str) -> int | None:
    text = answer.headers.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None

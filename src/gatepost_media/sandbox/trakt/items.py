"""The lists of titles that `sync` requests send: read into works, with what could not be found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from starlette.requests import Request

from gatepost_media.sandbox.trakt.reply import Row, objects
from gatepost_media.sandbox.trakt.state import PLURALS, Trakt
from gatepost_media.sandbox.works import Kind, Work

GROUPS: tuple[tuple[str, Kind], ...] = (
    ("movies", "movie"),
    ("shows", "show"),
    ("seasons", "season"),
    ("episodes", "episode"),
)


ALL = ("movies", "shows", "seasons", "episodes")
PLAYED = ("movies", "episodes")


def asked_type(request: Request, allowed: Iterable[str] = ALL) -> str | None:
    """The kind that the path asks for, "" for all; None for one that there is not."""
    asked: str = request.path_params.get("type", "")
    return asked if asked in ("", "all", *allowed) else None


def is_of(asked: str, work: Work) -> bool:
    """Whether a work is of the kind that was asked for."""
    return asked in ("", "all", f"{work.kind}s")


@dataclass(slots=True)
class Sent:
    """What a request means: each work with the object that said it; the rest as it was sent."""

    found: list[tuple[Work, Mapping[str, object]]] = field(default_factory=list)
    not_found: dict[str, list[Row]] = field(default_factory=lambda: {group: [] for group in PLURALS})


def read(trakt: Trakt, body: Mapping[str, object], *, leaves: bool) -> Sent:
    """The works that a body names. `leaves`: a show or season stands for its episodes (history, collection)."""
    sent = Sent()
    for group, kind in GROUPS:
        for said in objects(body.get(group)):
            work = trakt.find(kind, said)
            if work is None:
                ids = said.get("ids")
                sent.not_found[group].append(
                    {"ids": ids} if ids else {"title": said.get("title"), "year": said.get("year")}
                )
            elif kind == "show" and isinstance(said.get("seasons"), list):
                _parts(trakt, sent, work, said, leaves=leaves)
            elif leaves and work.children:
                sent.found += [
                    (leaf, said)
                    for leaf in work.leaves()
                    if leaf.parent is not None and (kind == "season" or leaf.parent.index)
                ]
            else:
                sent.found.append((work, said))
    return sent


def _parts(trakt: Trakt, sent: Sent, show: Work, said: Mapping[str, object], *, leaves: bool) -> None:
    """Seasons and episodes of a show by number."""
    for part in objects(said.get("seasons")):
        season = next((one for one in show.children if one.index == part.get("number")), None)
        if season is None:
            sent.not_found["seasons"].append({"ids": said.get("ids"), "number": part.get("number")})
            continue
        if isinstance(part.get("episodes"), list):
            for one in objects(part.get("episodes")):
                episode = trakt.episode(show, season.index, one.get("number"))
                if episode is None:
                    sent.not_found["episodes"].append(
                        {"ids": said.get("ids"), "season": season.index, "number": one.get("number")}
                    )
                else:
                    sent.found.append((episode, {**said, **part, **one}))
        elif leaves:
            sent.found += [(leaf, {**said, **part}) for leaf in season.children]
        else:
            sent.found.append((season, {**said, **part}))


def counts(works: list[Work], groups: tuple[str, ...]) -> Row:
    """How many of each kind."""
    return {group: sum(1 for work in works if f"{work.kind}s" == group) for group in groups}

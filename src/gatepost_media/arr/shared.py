"""What Sonarr's and Radarr's tools have in common: limits, days, paged lists, the profile and folder of a new title."""

from __future__ import annotations

import datetime
from typing import Annotated

from pydantic import BeforeValidator, Field

from gatepost_media.arr.client import Arr, Query
from gatepost_media.arr.replies import Profiles, QualityProfile, RootFolder
from gatepost_media.common.errors import BadArgument, NotFound, Refused
from gatepost_media.common.ids import When, moment
from gatepost_media.plex.raw import Raw, flag, rows, text, whole

DEFAULT_LIMIT = 200
_PAGE = 200

Limit = Annotated[int, Field(ge=0, le=10_000, description="How many at most; 0 means 200.")]
PageNumber = Annotated[int, Field(ge=1, le=100_000, description="Which page of the service's list.")]
PageSize = Annotated[int, Field(ge=1, le=1_000, description="Rows of one page.")]
Filter = Annotated[str | None, Field(max_length=200, description="Only titles that contain this, in any case.")]
Day = Annotated[When | None, Field(description="A day or a time, such as 2026-11-21.")]


def _whole(value: object) -> object:
    # `true`, "1004 " and digits of other scripts would be taken for numbers.
    if isinstance(value, bool) or (isinstance(value, str) and not (value.isascii() and value.isdigit())):
        raise ValueError("must be a whole number")
    return value


Number = Annotated[int, Field(ge=1, le=2**31 - 1), BeforeValidator(_whole)]
"""An id of Sonarr's, Radarr's, TheTVDB's or TMDB's."""

BACK = datetime.timedelta(days=7)
AHEAD = datetime.timedelta(days=30)


def matching(found: list[Raw], wanted: str | None, limit: int) -> list[Raw]:
    """The rows whose title contains the text, in the order of their titles, `limit` at most."""
    part = (wanted or "").casefold()
    kept = [row for row in found if part in (text(row, "title") or "").casefold()]
    kept.sort(key=lambda row: (text(row, "sortTitle") or text(row, "title") or "").casefold())
    return kept[: limit or DEFAULT_LIMIT]


def span(start: str | None, end: str | None) -> dict[str, str]:
    """The calendar's `start` and `end`, UTC: from 7 days ago to 30 ahead where not given, an end day to its end.

    Raises BadArgument where the end is before the start.
    """
    today = datetime.datetime.now(datetime.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    first = moment("startDate", start) if start is not None else None
    last = moment("endDate", end) if end is not None else None
    if last is not None and end is not None and len(end) == 10:
        last += datetime.timedelta(days=1, seconds=-1)
    if first is None:
        first = today - BACK if last is None or last > today - BACK else last - BACK
    if last is None:
        last = max(today, first) + AHEAD
    if last <= first:
        raise BadArgument("endDate", "must not be before startDate.")
    return {"start": _utc(first), "end": _utc(last)}


def _utc(when: datetime.datetime) -> str:
    return when.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def queue(arr: Arr, query: Query, limit: int) -> tuple[list[Raw], int]:
    """Up to `limit` entries of the download queue, page by page, and how many there are."""
    wanted = limit or DEFAULT_LIMIT
    found: list[Raw] = []
    page = 1
    while True:
        answer = await arr.row("queue", query={**query, "page": page, "pageSize": min(_PAGE, wanted)})
        records = rows(answer, "records")
        found += records
        total = whole(answer, "totalRecords") or len(found)
        if not records or len(found) >= min(total, wanted):
            return found[:wanted], total
        page += 1


async def profiles(arr: Arr) -> Profiles:
    """The quality profiles and root folders."""
    return Profiles(
        qualityProfiles=[
            QualityProfile(id=whole(row, "id") or 0, name=text(row, "name") or "")
            for row in await arr.list("qualityprofile")
        ],
        rootFolders=[
            RootFolder(
                id=whole(row, "id") or 0,
                path=text(row, "path") or "",
                accessible=flag(row, "accessible"),
                freeSpace=whole(row, "freeSpace"),
            )
            for row in await arr.list("rootfolder")
        ],
    )


def chosen(arr: Arr, known: Profiles, profile: int | None, folder: str | None) -> tuple[QualityProfile, RootFolder]:
    """The profile and the folder that were asked for, or the first of each.

    Raises BadArgument naming those that there are, and Refused where the service has none yet.
    """
    if not known.qualityProfiles or not known.rootFolders:
        what = "root folder" if known.qualityProfiles else "quality profile"
        raise Refused(f"{arr.service} has no {what} yet. Make one in its settings first.")
    by_id = {each.id: each for each in known.qualityProfiles}
    by_path = {each.path.rstrip("/"): each for each in known.rootFolders}
    if profile is not None and profile not in by_id:
        there = ", ".join(f"{each.id} ({each.name})" for each in known.qualityProfiles)
        raise BadArgument("qualityProfileId", f"{arr.service} has no such profile. There are: {there}.")
    if folder is not None and folder.rstrip("/") not in by_path:
        there = ", ".join(each.path for each in known.rootFolders)
        raise BadArgument("rootFolderPath", f"{arr.service} has no such root folder. There are: {there}.")
    usable = [each for each in known.rootFolders if each.accessible is not False] or known.rootFolders
    return (
        by_id[profile] if profile is not None else known.qualityProfiles[0],
        by_path[folder.rstrip("/")] if folder is not None else usable[0],
    )


async def the_one(arr: Arr, kind: str, name: str, number: int) -> Raw:
    """What the service finds under an id of TheTVDB's or TMDB's. Raises NotFound where it finds nothing of that id."""
    for row in await arr.list(kind, "lookup", query={"term": f"{name.removesuffix('Id')}:{number}"}):
        if whole(row, name) == number:
            return row
    raise NotFound(f"{name}: {arr.service} finds nothing under {number}. Look it up with {arr.service.lower()}_search.")

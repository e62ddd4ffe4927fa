"""The tools of Sonarr."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatepost_media.arr import shared
from gatepost_media.arr.client import Sonarr
from gatepost_media.arr.replies import (
    DownloadPage,
    EpisodePage,
    Profiles,
    Searching,
    SeriesAdded,
    SeriesPage,
    download,
    episode,
    series,
)
from gatepost_media.common.errors import NotFound
from gatepost_media.common.ids import Text
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.plex.raw import rows, text, whole

tools = Toolset("sonarr", "", {"arr": ""})
_PROFILES = ("arr",)

Monitor = Literal["all", "future", "missing", "existing", "firstSeason", "latestSeason", "none"]


@tools.tool("sonarr_get_series", title="Sonarr series", effect="read", idempotent=True, profiles=_PROFILES)
async def sonarr_get_series(
    ctx: Context, filter: shared.Filter = None, limit: shared.Limit = shared.DEFAULT_LIMIT
) -> SeriesPage:
    """List the series that Sonarr looks after, by title."""
    found = shared.matching(await ctx.process.of(Sonarr).list("series"), filter, limit)
    start = ctx.offset()
    return SeriesPage(items=[series(row) for row in found[start:]], offset=start, totalSize=len(found))


@tools.tool("sonarr_search", title="Search for series", effect="read", idempotent=True, profiles=_PROFILES)
async def sonarr_search(
    ctx: Context,
    query: Annotated[Text, Field(description="A title, or tvdb:71663.")],
    limit: shared.Limit = shared.DEFAULT_LIMIT,
) -> SeriesPage:
    """Look for series that could be added; those in the library already have an id."""
    found = await ctx.process.of(Sonarr).list("series", "lookup", query={"term": query})
    found = found[: limit or shared.DEFAULT_LIMIT]
    start = ctx.offset()
    return SeriesPage(items=[series(row) for row in found[start:]], offset=start, totalSize=len(found))


@tools.tool("sonarr_add_series", title="Add a series", effect="execute", idempotent=True, profiles=_PROFILES)
async def sonarr_add_series(
    ctx: Context,
    tvdbId: Annotated[shared.Number, Field(description="TheTVDB's id, from sonarr_search.")],
    title: Annotated[Text, Field(description="The title that the id is believed to have.")],
    qualityProfileId: Annotated[
        shared.Number | None, Field(description="From sonarr_get_profiles; the first if left out.")
    ] = None,
    rootFolderPath: Annotated[
        Text | None, Field(description="From sonarr_get_profiles; the first usable if left out.")
    ] = None,
    monitored: Annotated[bool, Field(description="Look for its episodes from now on.")] = True,
    seasonFolder: Annotated[bool, Field(description="A folder for each season.")] = True,
    monitorType: Annotated[Monitor, Field(description="Which episodes to look for.")] = "all",
    searchForMissingEpisodes: Annotated[
        bool, Field(description="Begin to search, and so to download, at once.")
    ] = True,
) -> SeriesAdded:
    """Add a series to Sonarr by its TheTVDB id. A series that is there already is left as it is, and nothing is
    searched."""
    sonarr = ctx.process.of(Sonarr)
    found = await shared.the_one(sonarr, "series", "tvdbId", tvdbId)
    if whole(found, "id"):
        return SeriesAdded(added=False, series=series(found), searching=False)
    profile, folder = shared.chosen(sonarr, await shared.profiles(sonarr), qualityProfileId, rootFolderPath)
    made = await sonarr.post(
        "series",
        body={
            **found,
            "title": text(found, "title") or title,
            "tvdbId": tvdbId,
            "qualityProfileId": profile.id,
            "rootFolderPath": folder.path,
            "monitored": monitored,
            "seasonFolder": seasonFolder,
            "addOptions": {"monitor": monitorType, "searchForMissingEpisodes": searchForMissingEpisodes},
        },
    )
    return SeriesAdded(
        added=True,
        series=series(made),
        qualityProfile=profile.name,
        rootFolder=folder.path,
        searching=searchForMissingEpisodes,
    )


@tools.tool("sonarr_get_missing", title="Missing episodes", effect="read", idempotent=True, profiles=_PROFILES)
async def sonarr_get_missing(
    ctx: Context, page: shared.PageNumber = 1, pageSize: shared.PageSize = shared.DEFAULT_LIMIT
) -> EpisodePage:
    """List monitored episodes that have aired and are missing, newest first."""
    number = page if ctx.start is None else ctx.start // pageSize + 1
    answer = await ctx.process.of(Sonarr).row(
        "wanted",
        "missing",
        query={
            "page": number,
            "pageSize": pageSize,
            "sortKey": "airDateUtc",
            "sortDirection": "descending",
            "includeSeries": "true",
        },
    )
    start = ctx.offset((page - 1) * pageSize)
    records = rows(answer, "records")[start - (number - 1) * pageSize :]
    return EpisodePage(items=[episode(row) for row in records], offset=start, totalSize=whole(answer, "totalRecords"))


@tools.tool("sonarr_get_queue", title="Sonarr queue", effect="read", idempotent=True, profiles=_PROFILES)
async def sonarr_get_queue(ctx: Context, limit: shared.Limit = shared.DEFAULT_LIMIT) -> DownloadPage:
    """List what Sonarr downloads now, how far it is, and what is wrong with it."""
    query = {"includeUnknownSeriesItems": "true", "includeSeries": "true"}
    found, total = await shared.queue(ctx.process.of(Sonarr), query, limit)
    start = ctx.offset()
    note = f"{total} in the queue; {len(found)} were asked for." if total > len(found) else None
    return DownloadPage(items=[download(row) for row in found[start:]], offset=start, totalSize=len(found), note=note)


@tools.tool("sonarr_get_calendar", title="Episodes that air", effect="read", idempotent=True, profiles=_PROFILES)
async def sonarr_get_calendar(
    ctx: Context,
    startDate: shared.Day = None,
    endDate: shared.Day = None,
    limit: shared.Limit = shared.DEFAULT_LIMIT,
) -> EpisodePage:
    """List monitored episodes that air between two days, both included; from 7 days ago to 30 days ahead if left
    out."""
    query = {**shared.span(startDate, endDate), "unmonitored": "false", "includeSeries": "true"}
    found = (await ctx.process.of(Sonarr).list("calendar", query=query))[: limit or shared.DEFAULT_LIMIT]
    start = ctx.offset()
    return EpisodePage(items=[episode(row) for row in found[start:]], offset=start, totalSize=len(found))


@tools.tool("sonarr_get_profiles", title="Sonarr profiles", effect="read", idempotent=True, profiles=_PROFILES)
async def sonarr_get_profiles(ctx: Context) -> Profiles:
    """List Sonarr's quality profiles and root folders, for sonarr_add_series."""
    return await shared.profiles(ctx.process.of(Sonarr))


@tools.tool(
    "sonarr_trigger_search", title="Search for episodes", effect="execute", idempotent=False, profiles=_PROFILES
)
async def sonarr_trigger_search(
    ctx: Context,
    seriesId: Annotated[
        shared.Number | None, Field(description="Sonarr's id of a series; left out: everything that is missing.")
    ] = None,
) -> Searching:
    """Have Sonarr search for, and download, the episodes of one series or everything that is missing."""
    sonarr = ctx.process.of(Sonarr)
    command: dict[str, object]
    if seriesId is None:
        command, of = {"name": "MissingEpisodeSearch"}, "everything that is missing"
    else:
        try:
            of = text(await sonarr.row("series", str(seriesId)), "title") or str(seriesId)
        except NotFound:
            raise NotFound(f"seriesId: Sonarr has no series {seriesId}. List them with sonarr_get_series.") from None
        command = {"name": "SeriesSearch", "seriesId": seriesId}
    made = await sonarr.post("command", body=command)
    return Searching(command=str(command["name"]), commandId=whole(made, "id"), status=text(made, "status"), of=of)

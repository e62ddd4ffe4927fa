"""The tools of Radarr."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatepost_media.arr import shared
from gatepost_media.arr.client import Radarr
from gatepost_media.arr.replies import (
    DownloadPage,
    MovieAdded,
    MoviePage,
    Profiles,
    ReleasePage,
    Searching,
    download,
    movie,
    release,
)
from gatepost_media.common.errors import NotFound
from gatepost_media.common.ids import Text
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.plex.raw import rows, text, whole

tools = Toolset("radarr", "", {"arr": ""})
_PROFILES = ("arr",)


@tools.tool("radarr_get_movies", title="Radarr movies", effect="read", idempotent=True, profiles=_PROFILES)
async def radarr_get_movies(
    ctx: Context, filter: shared.Filter = None, limit: shared.Limit = shared.DEFAULT_LIMIT
) -> MoviePage:
    """List the films that Radarr looks after, by title."""
    found = shared.matching(await ctx.process.of(Radarr).list("movie"), filter, limit)
    start = ctx.offset()
    return MoviePage(items=[movie(row) for row in found[start:]], offset=start, totalSize=len(found))


@tools.tool("radarr_search", title="Search for films", effect="read", idempotent=True, profiles=_PROFILES)
async def radarr_search(
    ctx: Context,
    query: Annotated[Text, Field(description="A title, or tmdb:961.")],
    limit: shared.Limit = shared.DEFAULT_LIMIT,
) -> MoviePage:
    """Look for films that could be added; those in the library already have an id."""
    found = await ctx.process.of(Radarr).list("movie", "lookup", query={"term": query})
    found = found[: limit or shared.DEFAULT_LIMIT]
    start = ctx.offset()
    return MoviePage(items=[movie(row) for row in found[start:]], offset=start, totalSize=len(found))


@tools.tool("radarr_add_movie", title="Add a film", effect="execute", idempotent=True, profiles=_PROFILES)
async def radarr_add_movie(
    ctx: Context,
    tmdbId: Annotated[shared.Number, Field(description="TMDB's id, from radarr_search.")],
    title: Annotated[Text, Field(description="The title that the id is believed to have.")],
    qualityProfileId: Annotated[
        shared.Number | None, Field(description="From radarr_get_profiles; the first if left out.")
    ] = None,
    rootFolderPath: Annotated[
        Text | None, Field(description="From radarr_get_profiles; the first usable if left out.")
    ] = None,
    monitored: Annotated[bool, Field(description="Look for it from now on.")] = True,
    minimumAvailability: Annotated[
        Literal["announced", "inCinemas", "released", "preDB"], Field(description="From when to look for it.")
    ] = "released",
    searchForMovie: Annotated[bool, Field(description="Begin to search, and so to download, at once.")] = True,
) -> MovieAdded:
    """Add a film to Radarr by its TMDB id. A film that is there already is left as it is, and nothing is searched."""
    radarr = ctx.process.of(Radarr)
    found = await shared.the_one(radarr, "movie", "tmdbId", tmdbId)
    if whole(found, "id"):
        return MovieAdded(added=False, movie=movie(found), searching=False)
    profile, folder = shared.chosen(radarr, await shared.profiles(radarr), qualityProfileId, rootFolderPath)
    made = await radarr.post(
        "movie",
        body={
            **found,
            "title": text(found, "title") or title,
            "tmdbId": tmdbId,
            "qualityProfileId": profile.id,
            "rootFolderPath": folder.path,
            "monitored": monitored,
            "minimumAvailability": minimumAvailability,
            "addOptions": {"searchForMovie": searchForMovie},
        },
    )
    return MovieAdded(
        added=True, movie=movie(made), qualityProfile=profile.name, rootFolder=folder.path, searching=searchForMovie
    )


@tools.tool("radarr_get_missing", title="Missing films", effect="read", idempotent=True, profiles=_PROFILES)
async def radarr_get_missing(
    ctx: Context, page: shared.PageNumber = 1, pageSize: shared.PageSize = shared.DEFAULT_LIMIT
) -> ReleasePage:
    """List monitored films that are out and missing, newest first."""
    number = page if ctx.start is None else ctx.start // pageSize + 1
    answer = await ctx.process.of(Radarr).row(
        "wanted",
        "missing",
        query={
            "page": number,
            "pageSize": pageSize,
            "sortKey": "digitalRelease",
            "sortDirection": "descending",
            "monitored": "true",
        },
    )
    start = ctx.offset((page - 1) * pageSize)
    records = rows(answer, "records")[start - (number - 1) * pageSize :]
    return ReleasePage(items=[release(row) for row in records], offset=start, totalSize=whole(answer, "totalRecords"))


@tools.tool("radarr_get_queue", title="Radarr queue", effect="read", idempotent=True, profiles=_PROFILES)
async def radarr_get_queue(ctx: Context, limit: shared.Limit = shared.DEFAULT_LIMIT) -> DownloadPage:
    """List what Radarr downloads now, how far it is, and what is wrong with it."""
    query = {"includeUnknownMovieItems": "true", "includeMovie": "true"}
    found, total = await shared.queue(ctx.process.of(Radarr), query, limit)
    start = ctx.offset()
    note = f"{total} in the queue; {len(found)} were asked for." if total > len(found) else None
    return DownloadPage(items=[download(row) for row in found[start:]], offset=start, totalSize=len(found), note=note)


@tools.tool("radarr_get_calendar", title="Films that come out", effect="read", idempotent=True, profiles=_PROFILES)
async def radarr_get_calendar(
    ctx: Context,
    startDate: shared.Day = None,
    endDate: shared.Day = None,
    limit: shared.Limit = shared.DEFAULT_LIMIT,
) -> ReleasePage:
    """List monitored films that come out between two days, both included; from 7 days ago to 30 days ahead if left
    out."""
    query = {**shared.span(startDate, endDate), "unmonitored": "false"}
    found = (await ctx.process.of(Radarr).list("calendar", query=query))[: limit or shared.DEFAULT_LIMIT]
    start = ctx.offset()
    return ReleasePage(items=[release(row) for row in found[start:]], offset=start, totalSize=len(found))


@tools.tool("radarr_get_profiles", title="Radarr profiles", effect="read", idempotent=True, profiles=_PROFILES)
async def radarr_get_profiles(ctx: Context) -> Profiles:
    """List Radarr's quality profiles and root folders, for radarr_add_movie."""
    return await shared.profiles(ctx.process.of(Radarr))


@tools.tool("radarr_trigger_search", title="Search for a film", effect="execute", idempotent=False, profiles=_PROFILES)
async def radarr_trigger_search(
    ctx: Context,
    movieId: Annotated[
        shared.Number | None, Field(description="Radarr's id of a film; left out: everything that is missing.")
    ] = None,
) -> Searching:
    """Have Radarr search for, and download, one film or everything that is missing."""
    radarr = ctx.process.of(Radarr)
    command: dict[str, object]
    if movieId is None:
        command, of = {"name": "MissingMoviesSearch"}, "everything that is missing"
    else:
        try:
            of = text(await radarr.row("movie", str(movieId)), "title") or str(movieId)
        except NotFound:
            raise NotFound(f"movieId: Radarr has no film {movieId}. List them with radarr_get_movies.") from None
        command = {"name": "MoviesSearch", "movieIds": [movieId]}
    made = await radarr.post("command", body=command)
    return Searching(command=str(command["name"]), commandId=whole(made, "id"), status=text(made, "status"), of=of)

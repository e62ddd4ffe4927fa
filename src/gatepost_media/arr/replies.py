"""What the tools of Sonarr and Radarr answer, and how it is read from what the services say."""

from __future__ import annotations

from gatepost_media.common.output import Out, Page, Row
from gatepost_media.plex.raw import Raw, flag, mapping, number, rows, text, whole


class QualityProfile(Row):
    """A quality profile."""

    id: int
    name: str


class RootFolder(Row):
    """A folder that titles are put below. `freeSpace` in bytes."""

    id: int
    path: str
    accessible: bool | None = None
    freeSpace: int | None = None


class Profiles(Out):
    """What a new title can be given."""

    qualityProfiles: list[QualityProfile]
    rootFolders: list[RootFolder]


class Series(Row):
    """A series. `id` is Sonarr's, absent for one that is not in the library."""

    id: int | None = None
    tvdbId: int | None = None
    tmdbId: int | None = None
    imdbId: str | None = None
    title: str
    year: int | None = None
    status: str | None = None
    network: str | None = None
    monitored: bool | None = None
    inLibrary: bool
    seasons: int | None = None
    episodes: int | None = None
    episodeFiles: int | None = None
    sizeOnDisk: int | None = None
    path: str | None = None
    overview: str | None = None


class Movie(Row):
    """A film. `id` is Radarr's, absent for one that is not in the library."""

    id: int | None = None
    tmdbId: int | None = None
    imdbId: str | None = None
    title: str
    year: int | None = None
    status: str | None = None
    monitored: bool | None = None
    inLibrary: bool
    hasFile: bool | None = None
    sizeOnDisk: int | None = None
    runtime: int | None = None
    path: str | None = None
    overview: str | None = None


class Episode(Row):
    """An episode that airs, or that is missing."""

    id: int | None = None
    seriesId: int | None = None
    series: str | None = None
    season: int | None = None
    episode: int | None = None
    title: str
    airDateUtc: str | None = None
    hasFile: bool | None = None
    monitored: bool | None = None


class Release(Row):
    """A film that comes out, or that is missing."""

    id: int | None = None
    tmdbId: int | None = None
    title: str
    year: int | None = None
    inCinemas: str | None = None
    digitalRelease: str | None = None
    physicalRelease: str | None = None
    hasFile: bool | None = None
    monitored: bool | None = None


class Download(Row):
    """An entry of a download queue. Sizes in bytes."""

    id: int | None = None
    title: str
    of: str | None = None
    status: str | None = None
    state: str | None = None
    progress: float | None = None
    size: int | None = None
    sizeLeft: int | None = None
    timeLeft: str | None = None
    client: str | None = None
    protocol: str | None = None
    problems: list[str] | None = None


class SeriesPage(Page[Series]):
    """Series."""


class MoviePage(Page[Movie]):
    """Films."""


class EpisodePage(Page[Episode]):
    """Episodes."""


class ReleasePage(Page[Release]):
    """Films and when they come out."""


class DownloadPage(Page[Download]):
    """The download queue."""


class SeriesAdded(Out):
    """A series in the library. `added` is false where it was there before."""

    added: bool
    series: Series
    qualityProfile: str | None = None
    rootFolder: str | None = None
    searching: bool


class MovieAdded(Out):
    """A film in the library. `added` is false where it was there before."""

    added: bool
    movie: Movie
    qualityProfile: str | None = None
    rootFolder: str | None = None
    searching: bool


class Searching(Out):
    """A search that has been started."""

    command: str
    commandId: int | None = None
    status: str | None = None
    of: str


class Health(Row):
    """How one service is."""

    configured: bool
    reachable: bool
    version: str | None = None
    name: str | None = None
    problem: str | None = None


class ArrStatus(Out):
    """How both services are."""

    sonarr: Health
    radarr: Health


def series(row: Raw) -> Series:
    """A series in a row of /series or /series/lookup."""
    statistics = mapping(row.get("statistics"))
    known = whole(row, "id") or None
    return Series(
        id=known,
        tvdbId=whole(row, "tvdbId") or None,
        tmdbId=whole(row, "tmdbId") or None,
        imdbId=text(row, "imdbId"),
        title=text(row, "title") or "",
        year=whole(row, "year"),
        status=text(row, "status"),
        network=text(row, "network"),
        monitored=flag(row, "monitored") if known else None,
        inLibrary=known is not None,
        seasons=whole(statistics, "seasonCount"),
        episodes=whole(statistics, "episodeCount"),
        episodeFiles=whole(statistics, "episodeFileCount"),
        sizeOnDisk=whole(statistics, "sizeOnDisk"),
        path=text(row, "path") if known else None,
        overview=_overview(row),
    )


def movie(row: Raw) -> Movie:
    """A film in a row of /movie or /movie/lookup."""
    known = whole(row, "id") or None
    return Movie(
        id=known,
        tmdbId=whole(row, "tmdbId") or None,
        imdbId=text(row, "imdbId"),
        title=text(row, "title") or "",
        year=whole(row, "year") or None,
        status=text(row, "status"),
        monitored=flag(row, "monitored") if known else None,
        inLibrary=known is not None,
        hasFile=flag(row, "hasFile") if known else None,
        sizeOnDisk=whole(row, "sizeOnDisk") if known else None,
        runtime=whole(row, "runtime") or None,
        path=text(row, "path") if known else None,
        overview=_overview(row),
    )


def episode(row: Raw) -> Episode:
    """An episode in a row of /calendar or /wanted/missing."""
    return Episode(
        id=whole(row, "id"),
        seriesId=whole(row, "seriesId"),
        series=text(mapping(row.get("series")), "title"),
        season=whole(row, "seasonNumber"),
        episode=whole(row, "episodeNumber"),
        title=text(row, "title") or "",
        airDateUtc=text(row, "airDateUtc"),
        hasFile=flag(row, "hasFile"),
        monitored=flag(row, "monitored"),
    )


def release(row: Raw) -> Release:
    """A film in a row of /calendar or /wanted/missing."""
    return Release(
        id=whole(row, "id"),
        tmdbId=whole(row, "tmdbId"),
        title=text(row, "title") or "",
        year=whole(row, "year"),
        inCinemas=text(row, "inCinemas"),
        digitalRelease=text(row, "digitalRelease"),
        physicalRelease=text(row, "physicalRelease"),
        hasFile=flag(row, "hasFile"),
        monitored=flag(row, "monitored"),
    )


def download(row: Raw) -> Download:
    """An entry of /queue."""
    size, left = number(row, "size"), number(row, "sizeleft")
    of = text(mapping(row.get("series")), "title") or text(mapping(row.get("movie")), "title")
    said = [text(row, "errorMessage"), *(text(each, "title") for each in rows(row, "statusMessages"))]
    return Download(
        id=whole(row, "id"),
        title=text(row, "title") or "",
        of=of,
        status=text(row, "status"),
        state=text(row, "trackedDownloadState"),
        progress=round(100 * (1 - left / size), 1) if size and left is not None else None,
        size=int(size) if size is not None else None,
        sizeLeft=int(left) if left is not None else None,
        timeLeft=text(row, "timeleft"),
        client=text(row, "downloadClient"),
        protocol=text(row, "protocol"),
        problems=[each for each in said if each] or None,
    )


def _overview(row: Raw) -> str | None:
    said = text(row, "overview")
    return said if said is None or len(said) <= 300 else said[:299] + "…"

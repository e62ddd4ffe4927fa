"""One person: who it is, and what it had a part in."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from gatepost_media.common.output import Out, Page
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.trakt.arguments import Extended, ItemId, ListSort, ListType, checked
from gatepost_media.trakt.listing import begin, stretch, trakt
from gatepost_media.trakt.models import Person, Work, read, read_all
from gatepost_media.trakt.profiles import CATALOGUE, PROFILES
from gatepost_media.trakt.tools.shapes import ListInfo, Lists, credit_rows, cut, named

TOOLS = Toolset("trakt-people", "", PROFILES)


class PersonSummary(Person, Out):
    """A person."""

    model_config = ConfigDict(extra="ignore")


class Part(Work):
    """What a person did in a movie or a show; ids are the movie's or the show's."""

    department: str = Field(description="cast, or a department of the crew such as directing.")
    parts: list[str] = Field(description="Characters of the cast, jobs of the crew.")
    episode_count: int | None = None
    series_regular: bool | None = None


class Parts(Page[Part]):
    """What a person had a part in: cast, then crew."""

    name: str


@TOOLS.tool("fetch_person_summary", title="A person", effect="read", idempotent=True, profiles=CATALOGUE)
async def fetch_person_summary(ctx: Context, person_id: ItemId, extended: Extended = True) -> PersonSummary:
    """What Trakt knows of one person: in full, or name and ids alone."""
    person = checked("person_id", person_id)
    query = {"extended": "full"} if extended else {}
    return read(PersonSummary, await trakt(ctx).get(("people", person), query, what=f"the person {person}"))


@TOOLS.tool("fetch_person_movies", title="Movies of a person", effect="read", idempotent=True, profiles=CATALOGUE)
async def fetch_person_movies(ctx: Context, person_id: ItemId) -> Parts:
    """The movies that one person had a part in."""
    return await _parts(ctx, person_id, "movies")


@TOOLS.tool("fetch_person_shows", title="Shows of a person", effect="read", idempotent=True, profiles=CATALOGUE)
async def fetch_person_shows(ctx: Context, person_id: ItemId) -> Parts:
    """The shows that one person had a part in."""
    return await _parts(ctx, person_id, "shows")


@TOOLS.tool("fetch_person_lists", title="Lists with a person", effect="read", idempotent=True, profiles=CATALOGUE)
async def fetch_person_lists(
    ctx: Context, person_id: ItemId, list_type: ListType = "all", sort: ListSort = "popular"
) -> Lists:
    """Lists of Trakt's users that one person is on."""
    person = checked("person_id", person_id)
    offset, rows = begin(ctx, 0, None)
    path = ("people", person, "lists", list_type, sort)
    asked = stretch(trakt(ctx), path, offset=offset, limit=rows, what=f"the person {person}")
    name, found = await named(ctx, person, asked)
    return Lists(
        title=name, items=read_all(ListInfo, found.items), offset=offset, totalSize=found.total, more=found.more
    )


async def _parts(ctx: Context, person_id: str, kind: str) -> Parts:
    person = checked("person_id", person_id)
    name, found = await named(ctx, person, trakt(ctx).get(("people", person, kind), what=f"the person {person}"))
    items, offset, total = cut(ctx, read_all(Part, credit_rows(found, kind[:-1])))
    return Parts(name=name, items=items, offset=offset, totalSize=total)

"""Editing what describes an item: fields and tags, in one request, locked so that Plex's own refresh keeps them.

An edit goes to `/library/sections/{id}/all` with `field.value` and `field.locked`. A tag family is replaced in the same
request: the tags wanted are named, and those no longer wanted are taken out, so that nothing is lost half way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, cast
from urllib.parse import urlsplit

from pydantic import Field, JsonValue, ValidationError

from gatepost_media.common.arguments import Spread
from gatepost_media.common.errors import BadArgument, Refused
from gatepost_media.common.ids import LongText, Text
from gatepost_media.common.output import Out, Row
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.plex import paths
from gatepost_media.plex.fields import FAMILIES, SIMPLE, families_of
from gatepost_media.plex.raw import TYPES, Raw, tags, text
from gatepost_media.plex.rows import RatingKey

TOOLS = Toolset("plex edits", "", {})

Tags = Annotated[
    list[Annotated[Text, Field(max_length=200)]], Field(max_length=200, description="The whole new list; [] for none.")
]


class Edit(Spread):
    """New values; what is not given stays."""

    title: Text | None = Field(default=None, description="The title that is shown.")
    sortTitle: Text | None = Field(default=None, description="What it is sorted by.")
    originalTitle: Text | None = Field(default=None, description="The title in its own language.")
    summary: LongText | None = Field(default=None, description="What it is about.")
    year: Annotated[int, Field(ge=1800, le=2200)] | None = Field(default=None, description="Year of release.")
    contentRating: Annotated[Text, Field(max_length=50)] | None = Field(
        default=None, description="Such as PG or TV-14."
    )
    rating: Annotated[float, Field(ge=0, le=10)] | None = Field(
        default=None, description="The critics' rating that is shown; the user's own is rate_media."
    )
    tagline: Text | None = Field(default=None, description="The line below the title.")
    studio: Text | None = Field(default=None, description="The studio, or the label of music.")
    genres: Tags | None = None
    collections: Tags | None = None
    roles: Tags | None = None
    directors: Tags | None = None


class Change(Row):
    """A field before and after."""

    field: str
    before: str | None = None
    after: str | None = None


class Edited(Out):
    """What an edit changed."""

    ratingKey: str
    title: str
    changes: list[Change]
    ignored: list[str] = Field(default_factory=list, description="Keys that name nothing that can be edited.")
    poster: str | None = Field(default=None, description="The address that the poster was set from.")
    message: str


@TOOLS.tool("update_metadata", title="Edit metadata", effect="destructive", idempotent=True, profiles=())
async def update_metadata(ctx: Context, ratingKey: RatingKey, edit: Edit) -> Edited:
    """Change what describes an item: simple fields, and tag lists, which are replaced as a whole. Changed fields are
    locked, so that Plex keeps them when it refreshes. get_editable_fields shows what an item has."""
    wanted = {name: value for name in Edit.model_fields if (value := getattr(edit, name)) is not None}
    if not wanted:
        raise BadArgument("title", f"or another field is required: {', '.join(Edit.model_fields)}.")
    return await _apply(ctx, ratingKey, wanted)


@TOOLS.tool(
    "update_metadata_from_json", title="Edit metadata from JSON", effect="destructive", idempotent=True, profiles=()
)
async def update_metadata_from_json(
    ctx: Context,
    ratingKey: RatingKey,
    metadata: Annotated[
        dict[str, JsonValue],
        Field(description="The arguments of update_metadata as keys; others are reported and left alone."),
    ],
    setPosterFromUrl: Annotated[
        bool, Field(description="Have Plex fetch the poster from images.posters[0].url.")
    ] = False,
) -> Edited:
    """Change what describes an item from a JSON object with the keys of update_metadata, and its poster if asked. Keys
    that name nothing are reported in `ignored`."""
    known = {name: value for name, value in metadata.items() if name in Edit.model_fields}
    ignored = [name[:100] for name in metadata if name not in Edit.model_fields and name != "images"]
    try:
        edit = Edit.model_validate(known)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        said = first["msg"].removeprefix("Value error, ")
        raise BadArgument(f"metadata.{first['loc'][0]}", f"{said[:1].lower()}{said[1:]}.") from None
    wanted = {name: value for name in known if (value := getattr(edit, name)) is not None}
    poster = _poster(metadata) if setPosterFromUrl else None
    if not wanted and poster is None:
        raise BadArgument("metadata", f"names nothing that can be edited. Keys are {', '.join(Edit.model_fields)}.")
    return await _apply(ctx, ratingKey, wanted, ignored=ignored, poster=poster)


def _poster(metadata: Mapping[str, JsonValue]) -> str:
    images = metadata.get("images")
    posters = images.get("posters") if isinstance(images, dict) else None
    first = posters[0] if isinstance(posters, list) and posters else None
    url = first.get("url") if isinstance(first, dict) else None
    where = "metadata.images.posters[0].url"
    if not isinstance(url, str) or not url:
        raise BadArgument(where, "is required with setPosterFromUrl.")
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if len(url) > 2000 or not url.isprintable() or parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadArgument(where, "must be an http or https address.")
    if parts.username or parts.password:
        raise BadArgument(where, "must hold no user name or password.")
    return url


async def _apply(
    ctx: Context,
    key: str,
    wanted: Mapping[str, object],
    *,
    ignored: Sequence[str] = (),
    poster: str | None = None,
) -> Edited:
    before = await ctx.plex.item(key)
    kind, section = text(before, "type") or "", text(before, "librarySectionID")
    if kind not in TYPES or section is None:
        raise Refused(f"{text(before, 'title')} is a {kind or 'thing'} whose metadata Plex does not edit this way.")
    for name in wanted:
        if name in FAMILIES and name not in families_of(kind):
            raise BadArgument(name, f"a {kind} has none; it has {', '.join(families_of(kind)) or 'no tags'}.")
    if wanted:
        query = {"type": str(TYPES[kind]), "id": key} | _query(before, wanted)
        await ctx.plex.send("PUT", paths.section_all(section), query)
    if poster is not None:
        await ctx.plex.send("PUT", paths.poster(key), {"url": poster})
    after = await ctx.plex.item(key)
    changes = [change for name in wanted if (change := _change(name, before, after)) is not None]
    title = text(after, "title") or ""
    said = f"{title}: {len(changes)} of {len(wanted)} fields are different now."
    return Edited(ratingKey=key, title=title, changes=changes, ignored=list(ignored), poster=poster, message=said)


def _query(before: Raw, wanted: Mapping[str, object]) -> dict[str, str]:
    query = {}
    for name, value in wanted.items():
        if name in SIMPLE:
            field = SIMPLE[name].write
            query[f"{field}.value"] = f"{value:g}" if isinstance(value, float) else str(value)
            query[f"{field}.locked"] = "1"
            continue
        family = FAMILIES[name]
        new = list(dict.fromkeys(cast("list[str]", value)))
        for index, tag in enumerate(new):
            query[f"{family.tag}[{index}].tag.tag"] = tag
        gone = [tag for tag in tags(before, family.element) if tag not in new]
        if gone:
            # Plex splits this value at commas and decodes each part once more.
            query[f"{family.tag}[].tag.tag-"] = ",".join(tag.replace("%", "%25").replace(",", "%2C") for tag in gone)
        query[f"{family.tag}.locked"] = "1"
    return query


def _change(name: str, before: Raw, after: Raw) -> Change | None:
    if name in SIMPLE:
        old, new = text(before, SIMPLE[name].read), text(after, SIMPLE[name].read)
    else:
        element = FAMILIES[name].element
        old, new = ", ".join(tags(before, element)), ", ".join(tags(after, element))
    return None if old == new else Change(field=name, before=old, after=new)

"""The arguments that Trakt's tools share: their types, bounds and what is said of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from gatepost_media.common.errors import BadArgument
from gatepost_media.common.ids import Text, slug

MOST = 100
"""Rows in one reply at most; a `cursor` or `page` gives the next ones."""


def _as_text(value: object) -> object:
    # A model that was shown a numeric id often sends it back as a number.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _not_too_long(value: str) -> str:
    if value.isdigit() and len(value) > 18:
        raise ValueError("must have at most 18 digits")
    return value


_ID = r"^[a-z0-9][a-z0-9_-]{0,199}$"

ItemId = Annotated[
    str,
    Field(min_length=1, max_length=200, pattern=_ID, description="Trakt id, slug or IMDb id, such as the-wire."),
    BeforeValidator(_as_text),
    AfterValidator(_not_too_long),
]
Season = Annotated[int, Field(ge=0, le=10_000, description="Season number; 0 holds the specials.")]
EpisodeNumber = Annotated[int, Field(ge=1, le=100_000, description="Episode number.")]
Limit = Annotated[int, Field(ge=0, le=MOST, description="Rows in the reply; 0 is as many as possible, 100.")]
PageNumber = Annotated[
    int | None, Field(ge=1, le=100_000, description="One page of `limit` rows; left out, the list begins at its start.")
]
Extended = Annotated[bool, Field(description="True for the full record, false for title, year and ids.")]
Embed = Annotated[bool, Field(description="True adds an HTML frame for each YouTube video.")]
Spoilers = Annotated[bool, Field(description="False hides comments that are marked as spoilers.")]
Period = Annotated[
    Literal["daily", "weekly", "monthly", "yearly", "all"], Field(description="Of which time the counts are.")
]
CommentSort = Annotated[Literal["newest", "oldest", "likes", "replies"], Field(description="In which order.")]
ListType = Annotated[Literal["all", "personal", "official", "watchlists"], Field(description="Which kind of lists.")]
ListSort = Annotated[
    Literal["popular", "likes", "comments", "items", "added", "updated"], Field(description="In which order.")
]
Language = Annotated[
    str, Field(pattern="^(all|[a-z]{2})$", description="Two letters, such as de, or all.", examples=["all", "de"])
]
Query = Annotated[Text, Field(max_length=200, description="What to look for.")]
ItemKind = Annotated[Literal["movies", "shows", "seasons", "episodes"], Field(description="What kind of things.")]


def checked(argument: str, value: str) -> str:
    """An id again, where a path is built from it. Raises BadArgument."""
    try:
        return slug(argument, value)
    except BadArgument:
        raise BadArgument(
            argument, "must be a Trakt id, a slug or an IMDb id, such as the-wire or tt0306414."
        ) from None


def ids_of(argument: str, value: str) -> dict[str, str | int]:
    """The id under the name that Trakt wants in a body: digits: Trakt's, tt and digits: IMDb's, else a slug."""
    text = checked(argument, value)
    if text.isdigit():
        return {"trakt": int(text)}
    return {"imdb": text} if text.startswith("tt") and text[2:].isdigit() else {"slug": text}

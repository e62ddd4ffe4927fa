"""Checking what a language model wrote: four shapes that the prompts ask for."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from gatepost_media.common.output import Json, Out, Row
from gatepost_media.common.tools import Context, Toolset

TOOLS = Toolset("plex shapes", "", {"plex-read": "", "music": ""})

Words = Annotated[str, Field(min_length=1, max_length=5000)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="allow")


class PlaylistDescription(_Shape):
    """What the prompt playlist_description asks for."""

    name: Words
    description: Words
    mood: str | None = None
    tags: list[str] = Field(default_factory=list, max_length=50)


class Recommended(_Shape):
    """One recommendation."""

    title: Words
    reason: Words
    type: Literal["movie", "show", "episode", "artist", "album", "track"] | None = None
    year: Annotated[int, Field(ge=1800, le=2200)] | None = None


class ContentRecommendation(_Shape):
    """What the prompt content_recommendation asks for."""

    recommendations: list[Recommended] = Field(min_length=1, max_length=100)


class Rule(_Shape):
    """One condition; field and operator are those of create_smart_playlist."""

    field: Literal[
        "artist.title",
        "album.title",
        "track.title",
        "genre.tag",
        "year",
        "rating",
        "addedAt",
        "lastViewedAt",
        "viewCount",
    ]
    operator: Literal["is", "isnot", "contains", "doesnotcontain", "beginswith", "endswith", "gt", "gte", "lt", "lte"]
    value: str | int | float


class SmartPlaylistRules(_Shape):
    """What the prompt smart_playlist_rules asks for: the arguments of create_smart_playlist."""

    title: Words
    type: Literal["audio", "video", "photo"]
    filters: list[Rule] = Field(min_length=1, max_length=20)
    sort: str | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] | None = None


class MediaAnalysis(_Shape):
    """What the prompt media_analysis asks for."""

    summary: Words
    findings: list[Words] = Field(min_length=1, max_length=100)
    recommendations: list[str] = Field(default_factory=list, max_length=100)


SHAPES: dict[str, type[_Shape]] = {
    "playlist_description": PlaylistDescription,
    "content_recommendation": ContentRecommendation,
    "smart_playlist_rules": SmartPlaylistRules,
    "media_analysis": MediaAnalysis,
}


class Problem(Row):
    """What is wrong, and where."""

    where: str
    problem: str


class Checked(Out):
    """Whether a response has the shape."""

    valid: bool
    prompt_type: str
    problems: list[Problem]
    unknownKeys: list[str] = Field(description="Keys at the top that the shape does not have; they do no harm.")


@TOOLS.tool(
    "validate_llm_response",
    title="Check a model's response",
    effect="read",
    idempotent=True,
    open_world=False,
    profiles=("plex-read", "music"),
)
async def validate_llm_response(
    _ctx: Context,
    response: Annotated[dict[str, JsonValue], Field(description="The object to check.")],
    prompt_type: Annotated[
        Literal["playlist_description", "content_recommendation", "smart_playlist_rules", "media_analysis"],
        Field(description="The prompt that asked for it."),
    ],
) -> Checked:
    """Check a JSON object that a language model wrote against the shape that a prompt of this server asks for. Asks no
    service."""
    shape = SHAPES[prompt_type]
    problems = []
    try:
        shape.model_validate(response)
    except ValidationError as error:
        for each in error.errors(include_url=False, include_input=False)[:50]:
            where = ".".join(str(part) for part in each["loc"])[:200]
            problems.append(Problem(where=where, problem=each["msg"]))
    unknown = sorted(name[:100] for name in response if name not in shape.model_fields)
    return Checked(valid=not problems, prompt_type=prompt_type, problems=problems, unknownKeys=unknown[:50])


def schema(prompt_type: str) -> dict[str, Json]:
    """The JSON schema of a shape."""
    return SHAPES[prompt_type].model_json_schema()

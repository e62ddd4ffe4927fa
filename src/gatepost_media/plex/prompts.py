"""Prompts: text for a language model, with the shape that validate_llm_response checks."""

from __future__ import annotations

import json
from collections.abc import Mapping

from gatepost_media.common.arguments import lean
from gatepost_media.common.tools import PromptArgument, Toolset
from gatepost_media.plex.shapes import schema

TOOLS = Toolset("plex prompts", "")


def _answer(prompt_type: str) -> str:
    shape = json.dumps(lean(schema(prompt_type)), separators=(",", ":"))
    return (
        f"Answer with one JSON object and nothing else. Its schema: {shape}\n"
        f"Check it with validate_llm_response and prompt_type {prompt_type} before you use it."
    )


def _given(given: Mapping[str, str], **sentences: str) -> str:
    """The sentences whose arguments were given, each followed by the argument's text on lines of its own."""
    return "".join(f"\n{said}\n---\n{given[name]}\n---" for name, said in sentences.items() if given.get(name))


@TOOLS.prompt(
    "playlist_description",
    title="Describe a playlist",
    description="Write a name and a description for a playlist.",
    arguments=[
        PromptArgument("playlist_name", "The playlist's name.", required=True),
        PromptArgument("genre", "Its genre or mood."),
        PromptArgument("content_info", "What is in it, from browse_playlist."),
    ],
)
def playlist_description(given: Mapping[str, str]) -> str:
    told = _given(given, playlist_name="The playlist is called:", genre="Its genre:", content_info="It holds:")
    return (
        "Write a short description for a Plex playlist: what ties it together, when to play it, without praise that "
        f"any playlist could get. Two or three sentences.{told}\n{_answer('playlist_description')}"
    )


@TOOLS.prompt(
    "content_recommendation",
    title="Recommend from the library",
    description="Recommend things to watch or hear, starting from what somebody liked.",
    arguments=[
        PromptArgument("liked_content", "What they liked.", required=True),
        PromptArgument("content_type", "movie, show, artist, album or track."),
        PromptArgument("mood_or_genre", "What they are in the mood for."),
    ],
)
def content_recommendation(given: Mapping[str, str]) -> str:
    told = _given(
        given, liked_content="They liked:", content_type="They want:", mood_or_genre="They are in the mood for:"
    )
    return (
        "Recommend five things from this Plex server. Look with search_plex, browse_library and get_recommendations, "
        f"recommend only what is there, and give each a reason that names what it shares with what they liked.{told}\n"
        f"{_answer('content_recommendation')}"
    )


@TOOLS.prompt(
    "smart_playlist_rules",
    title="Rules for a smart playlist",
    description="Turn a wish into the arguments of create_smart_playlist.",
    arguments=[
        PromptArgument("intent", "What the playlist should hold.", required=True),
        PromptArgument("library_type", "audio, video or photo."),
    ],
)
def smart_playlist_rules(given: Mapping[str, str]) -> str:
    told = _given(given, intent="The wish:", library_type="For libraries of kind:")
    return (
        "Turn a wish into conditions for create_smart_playlist. All conditions have to hold; take as few as say what "
        f"is meant. Titles take is, contains, beginswith, endswith; numbers and dates take gt, gte, lt, lte.{told}\n"
        f"{_answer('smart_playlist_rules')}"
    )


@TOOLS.prompt(
    "media_analysis",
    title="Analyse media",
    description="Find what is worth knowing in statistics or technical data.",
    arguments=[
        PromptArgument("content_data", "Output of get_library_stats, get_media_info or a history.", required=True),
        PromptArgument("analysis_type", "What to look for: quality, habits, gaps."),
    ],
)
def media_analysis(given: Mapping[str, str]) -> str:
    told = _given(given, analysis_type="Look for:", content_data="The data:")
    return (
        "Analyse this data of a Plex server. Say what the figures show, one finding a sentence with its figure, and "
        f"what could be done about it. What the data do not say, do not guess.{told}\n{_answer('media_analysis')}"
    )


@TOOLS.prompt(
    "server_troubleshooting",
    title="Find what is wrong",
    description="Work out why the Plex server or this server does not do what it should.",
    arguments=[
        PromptArgument("error_details", "The error, word for word.", required=True),
        PromptArgument("server_info", "What is known of the server."),
    ],
)
def server_troubleshooting(given: Mapping[str, str]) -> str:
    told = _given(given, error_details="The error:", server_info="The server:")
    return (
        "Help to find what is wrong with a Plex server. Begin with check_auth_status and get_libraries: they tell "
        "apart no address, no server at it, no sign-in, and a refused token. Then name the most likely cause, how to "
        f"check it, and what to do, one step at a time.{told}"
    )

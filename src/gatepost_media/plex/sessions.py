"""What is playing now, and stopping it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gatepost_media.common.errors import NotFound
from gatepost_media.common.ids import Text
from gatepost_media.common.output import Out, Row
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.plex import paths
from gatepost_media.plex.raw import Raw, flag, mapping, rows, text, whole
from gatepost_media.plex.rows import Item, item

TOOLS = Toolset("plex sessions", "", {"plex-read": "", "music": "", "trakt-sync": ""})


class Session(Row):
    """Something that plays now."""

    sessionId: str | None = Field(default=None, description="What stop_session takes.")
    item: Item
    user: str | None = None
    player: str | None = None
    product: str | None = None
    platform: str | None = None
    state: str | None = None
    location: str | None = Field(default=None, description="lan or wan.")
    secure: bool | None = None
    bandwidth: int | None = Field(default=None, description="kbit/s.")
    percent: int | None = None
    video: str | None = Field(default=None, description="directplay, copy or transcode.")
    audio: str | None = Field(default=None, description="directplay, copy or transcode.")
    resolution: str | None = None
    videoCodec: str | None = None
    audioCodec: str | None = None


class Sessions(Out):
    """Everything that plays now."""

    sessions: list[Session]


class SessionStopped(Out):
    """What was stopped."""

    sessionId: str
    title: str
    user: str | None = None
    message: str


def _session(raw: Raw) -> Session:
    player, session = mapping(raw.get("Player")), mapping(raw.get("Session"))
    transcode, media = mapping(raw.get("TranscodeSession")), (rows(raw, "Media") or [{}])[0]
    offset, duration = whole(raw, "viewOffset"), whole(raw, "duration")
    return Session(
        sessionId=text(session, "id"),
        item=item(raw, "viewOffset", "duration", "minutesLeft", "library"),
        user=text(mapping(raw.get("User")), "title"),
        player=text(player, "title"),
        product=text(player, "product"),
        platform=text(player, "platform"),
        state=text(player, "state"),
        location=text(session, "location"),
        secure=flag(player, "secure"),
        bandwidth=whole(session, "bandwidth"),
        percent=round(100 * offset / duration) if offset is not None and duration else None,
        video=text(transcode, "videoDecision") or _decision(media, 1),
        audio=text(transcode, "audioDecision") or _decision(media, 2),
        resolution=text(media, "videoResolution"),
        videoCodec=text(media, "videoCodec"),
        audioCodec=text(media, "audioCodec"),
    )


def _decision(media: Raw, kind: int) -> str | None:
    for part in rows(media, "Part"):
        for stream in rows(part, "Stream"):
            if whole(stream, "streamType") == kind and text(stream, "decision"):
                return text(stream, "decision")
        if text(part, "decision"):
            return text(part, "decision")
    return None


@TOOLS.tool(
    "get_active_sessions",
    title="Active sessions",
    effect="read",
    idempotent=True,
    profiles=("plex-read", "music", "trakt-sync"),
)
async def get_active_sessions(ctx: Context) -> Sessions:
    """Show who is playing what now: user, player, state, place, LAN or WAN, transcoding, codecs and resolution."""
    return Sessions(sessions=[_session(each) for each in rows(await ctx.plex.container(paths.SESSIONS), "Metadata")])


@TOOLS.tool("stop_session", title="Stop a session", effect="destructive", idempotent=False, profiles=("plex-read",))
async def stop_session(
    ctx: Context,
    sessionId: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,100}$", description="From get_active_sessions.")],
    reason: Annotated[Text | None, Field(description="Shown to who is watching.")] = None,
) -> SessionStopped:
    """Stop what somebody is playing now. Needs a server that allows it (Plex Pass)."""
    running = [_session(each) for each in rows(await ctx.plex.container(paths.SESSIONS), "Metadata")]
    named = next((each for each in running if each.sessionId == sessionId), None)
    if named is None:
        raise NotFound("There is no such session now. get_active_sessions lists those that there are.")
    await ctx.plex.send("POST", paths.TERMINATE, {"sessionId": sessionId} | ({"reason": reason} if reason else {}))
    said = f"Stopped {named.item.title} on {named.player or 'its player'}."
    return SessionStopped(sessionId=sessionId, title=named.item.title, user=named.user, message=said)

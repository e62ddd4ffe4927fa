"""The page of the media servers is in step with the code."""

from __future__ import annotations

from pathlib import Path

from gatepost_media.cli.tooltable import changes, page
from gatepost_media.plex.server import PROFILES, toolset
from gatepost_media.trakt.server import toolset as trakt

PAGE = Path(__file__).parents[3] / "docs" / "media.md"


def test_the_table_is_made_from_the_code() -> None:
    """Mended by `python -m gatepost_media.cli.tooltable docs/media.md`."""
    assert PAGE.read_text() == page(PAGE.read_text(), toolset())
    assert toolset().tools.keys() == changes().keys()


def test_counts_and_profiles_are_right() -> None:
    text = PAGE.read_text()
    assert f"| `gatepost-media plex` | {len(toolset().tools)}: " in text
    assert f"| `gatepost-media trakt` | {len(trakt().tools)} | " in text
    assert all(f"| `{name}` | " in text for name in [*PROFILES, "full"])

"""`gatepost-media sandbox`: stand-ins for Plex, Trakt, Sonarr and Radarr on this machine."""

from __future__ import annotations

import click

from gatepost_media.cli.command import Command


def _plays(_ctx: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> tuple[tuple[str, float], ...]:
    """Each KEY or KEY@SPEED: a rating key, and how many times as fast as in the world."""
    found: list[tuple[str, float]] = []
    for value in values:
        key, _, speed = value.partition("@")
        try:
            times = float(speed or 60)
        except ValueError:
            times = -1
        if not (key.isascii() and key.isdigit()) or not 0 < times <= 3600:
            raise click.BadParameter(f"{value!r} is no rating key with a speed up to 3600, as 1001@60.")
        found.append((key, times))
    return tuple(found)


@click.command(
    cls=Command,
    examples="""
    gatepost-media sandbox                                  # addresses and an environment to paste
    gatepost-media sandbox --profile demo --play 1004@60    # and somebody watches a film in fourteen seconds
    gatepost-media sandbox --profile large --json           # 50,000 films, 200,000 episodes; addresses as JSON
    """,
)
@click.option(
    "--profile",
    type=click.Choice(["small", "demo", "large"]),
    default="demo",
    show_default=True,
    help="How much there is: small for tests, demo to look at, large to measure with.",
)
@click.option("--port", type=click.IntRange(1024, 65_527), help="The ports are this one and the seven after it.")
@click.option("--by-hand", is_flag=True, help="Sign-ins wait until you allow them on the page that they name.")
@click.option("--no-limits", is_flag=True, help="Let Trakt take more than one write a second.")
@click.option(
    "--play",
    "plays",
    multiple=True,
    metavar="KEY[@SPEED]",
    callback=_plays,
    help="Somebody plays the title of this rating key, 60 times as fast as in the world or as given; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print addresses and environment as one line of JSON.")
def sandbox(
    profile: str, port: int | None, by_hand: bool, no_limits: bool, plays: tuple[tuple[str, float], ...], as_json: bool
) -> None:
    """Run stand-ins for Plex, Trakt, Sonarr and Radarr.

    They listen on loopback only, remember what is done to them, and forget it when they end. Their films, shows and
    music are in the public domain. Programs that speak to the real services speak to these when they are given these
    addresses.
    """
    import asyncio
    from typing import cast

    from gatepost_media.sandbox.running import run
    from gatepost_media.sandbox.sample.loading import Profile

    try:
        asyncio.run(
            run(
                cast(Profile, profile),
                approve=not by_hand,
                limits=not no_limits,
                first_port=port,
                plays=plays,
                as_json=as_json,
                say=click.echo,
            )
        )
    except KeyError as unknown:
        raise click.ClickException(f"--play: the library has no title {unknown}.") from None
    except OSError as error:
        raise click.ClickException(f"--port: {error.strerror or error}. Choose another port.") from None

"""`gatepost grant`: who may call what; a token for one identity on one server, with one policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gatepost.cli.command import Command, Place, group, json_option

if TYPE_CHECKING:
    from gatepost.control.grants import GrantRow, NewToken


@group(
    "grant",
    examples="""
    gatepost grant add my-agent --server git --policy git   # prints the token, once
    gatepost grant list
    """,
)
def grant() -> None:
    """Who may call: a token for one identity on one server."""


@grant.command(
    "add",
    cls=Command,
    examples="""
    gatepost grant add laptop --server files --policy files-read

    # For somebody, for a month; the token alone on stdout, to keep it in a file:
    gatepost grant add anna-ci --server github --policy ci --identity anna --expires 30d > anna-ci.token
    """,
)
@click.argument("label")
@click.option("--server", required=True, metavar="S", help="The server it is for.")
@click.option("--policy", metavar="P", help="The policy it is judged by; without one every call is denied.")
@click.option("--identity", metavar="I", help="Whom it stands for [default: the label].")
@click.option("--expires", metavar="WHEN", help="A duration such as 30d, or a date such as 2027-01-31.")
@json_option
@click.pass_obj
def add(
    place: Place, label: str, server: str, policy: str | None, identity: str | None, expires: str | None, as_json: bool
) -> None:
    """Make a grant and show its token, this once."""
    import time

    from gatepost.cli.session import actor, opened, value_of
    from gatepost.cli.values import given
    from gatepost.control.durations import parse_expiry
    from gatepost.control.grants import add_grant
    from gatepost.control.names import check_identity, check_label

    given(check_label, label)
    if identity is not None:
        given(check_identity, identity)
    until = None if expires is None else given(parse_expiry, expires, time.time())
    with opened(place) as store:
        made = value_of(
            add_grant(store, actor(), label, server=server, policy=policy, identity=identity, expires=until)
        )
    _show_token(made, as_json)
    if not as_json:
        if policy is None:
            click.echo("It has no policy yet, and every call is denied until it has:", err=True)
            click.echo(f"  gatepost grant attach {label} POLICY", err=True)
        click.echo(f"Connect a client: gatepost connect claude-code --server {server} --token …", err=True)


@grant.command(
    "list",
    cls=Command,
    examples="""
    gatepost grant list
    gatepost grant list --json
    """,
)
@json_option
@click.pass_obj
def list_(place: Place, as_json: bool) -> None:
    """List the grants."""
    import time

    from gatepost.cli.output import emit, local, table
    from gatepost.cli.session import opened
    from gatepost.control.grants import list_grants

    with opened(place) as store:
        grants = list_grants(store)
    if as_json:
        emit([_as_json(known) for known in grants])
        return
    if not grants:
        click.echo("There is no grant. gatepost grant add --help shows how to make one.")
        return
    now = time.time()
    table(
        ["LABEL", "IDENTITY", "SERVER", "POLICY", "STATE", "EXPIRES", "LAST USED"],
        [
            [
                known.label,
                known.identity,
                known.server,
                known.policy or "(none)",
                _state(known, now),
                local(known.expires, missing="never"),
                local(known.last_used, missing="never"),
            ]
            for known in grants
        ],
    )


@grant.command(
    "rotate",
    cls=Command,
    examples="""
    # The old token stops at once:
    gatepost grant rotate laptop

    # Both work for an hour:
    gatepost grant rotate laptop --overlap 1h
    """,
)
@click.argument("label")
@click.option("--overlap", metavar="DURATION", default="0s", help="How long the old token goes on, such as 1h.")
@json_option
@click.pass_obj
def rotate(place: Place, label: str, overlap: str, as_json: bool) -> None:
    """Give a grant a new token.

    Its policy, its identity and what it has used up stay.
    """
    from gatepost.cli.session import actor, opened, value_of
    from gatepost.cli.values import duration
    from gatepost.control.grants import rotate_grant

    seconds = duration(overlap)
    with opened(place) as store:
        made = value_of(rotate_grant(store, actor(), label, overlap=float(seconds)))
    _show_token(made, as_json)
    if not as_json:
        click.echo(
            f"The old one goes on for {overlap}." if seconds else "The old one is refused from now on.", err=True
        )


@grant.command(
    "revoke",
    cls=Command,
    examples="""
    gatepost grant revoke laptop
    """,
)
@click.argument("label")
@click.pass_obj
def revoke(place: Place, label: str) -> None:
    """End a grant.

    Its next call is refused, and its open streams close within seconds.
    """
    from gatepost.cli.session import actor, opened, value_of
    from gatepost.control.grants import revoke_grant

    with opened(place) as store:
        value_of(revoke_grant(store, actor(), label))
    click.echo(f"Revoked {label}.")


@grant.command(
    "attach",
    cls=Command,
    examples="""
    gatepost grant attach laptop files-read
    """,
)
@click.argument("label")
@click.argument("policy", required=False)
@click.option("--policy", "named", metavar="P", help="The policy, as `grant add` takes it.")
@click.pass_obj
def attach(place: Place, label: str, policy: str | None, named: str | None) -> None:
    """Put a grant under another policy.

    Its next call is judged by it.
    """
    chosen = policy or named
    if chosen is None or (policy is not None and named is not None):
        raise click.UsageError("Name one policy.")
    from gatepost.cli.session import actor, opened, value_of
    from gatepost.control.grants import attach_policy

    with opened(place) as store:
        value_of(attach_policy(store, actor(), label, chosen))
    click.echo(f"{label} is judged by {chosen} from now on.")


def _show_token(made: NewToken, as_json: bool) -> None:
    from gatepost.cli.output import emit, style

    if as_json:
        emit({**_as_json(made.grant), "token": made.token})
        return
    # The token goes to stdout alone, so that it can be put into a file; what is said of it goes to stderr.
    label = made.grant.label
    click.echo(style(f"The token of {label}; it is shown this once, and only its hash is kept:", bold=True), err=True)
    click.echo(made.token)


def _state(known: GrantRow, now: float) -> str:
    from gatepost.cli.output import style

    if known.revoked is not None:
        return style("revoked", fg="red")
    if known.expires is not None and known.expires <= now:
        return style("expired", fg="yellow")
    return style("active", fg="green")


def _as_json(known: GrantRow) -> dict[str, Any]:
    from gatepost.cli.output import utc

    times = ("expires", "revoked", "created_at", "last_used")
    return {key: utc(value) if key in times else value for key, value in known.as_dict().items()}

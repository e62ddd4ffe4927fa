"""`gatepost completion`: what makes a shell complete commands, options and the names in the store."""

from __future__ import annotations

import click

from gatepost.cli.command import Command

SHELLS = ("bash", "zsh", "fish")


@click.command(
    "completion",
    cls=Command,
    examples="""
    # For every shell to come; begin a new one afterwards:
    gatepost completion bash > ~/.local/share/bash-completion/completions/gatepost
    gatepost completion zsh > ~/.zfunc/_gatepost        # with fpath+=~/.zfunc before compinit in ~/.zshrc
    gatepost completion fish > ~/.config/fish/completions/gatepost.fish

    # For this shell:
    source <(gatepost completion bash)
    """,
)
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print what makes a shell complete gatepost.

    Completed are commands, options, files, and the names of servers, policies, grants and tools, as they are in the
    data folder at that moment. SHELL is bash (4.4 or newer), zsh or fish.
    """
    from click.shell_completion import get_completion_class

    from gatepost.cli.main import cli

    made = get_completion_class(shell)
    assert made is not None  # click knows these shells
    script = made(cli, {}, "gatepost", "_GATEPOST_COMPLETE")
    click.echo(script.source_template % script.source_vars())

"""What most commands begin and end with: the store, who acts, and the warnings of what was done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import click

from gatepost.cli.command import Place

if TYPE_CHECKING:
    from gatepost.control.act import Actor, Done
    from gatepost.control.store import Store

_T = TypeVar("_T")


@contextmanager
def opened(place: Place, *, create: bool = False, of_run: bool = False) -> Iterator[Store]:
    """The configuration store of the data folder; with `create`, folder, keys and tables are made where there are none.

    Without it, a folder that holds no Gatepost is GP-5003: a wrong --data is noticed, and reading leaves no traces.
    With `of_run`, one that only `gatepost run` has used, and so has a log, is given a store.
    """
    from gatepost.control import run_pins
    from gatepost.control.store import open_store
    from gatepost.control.tools import NoSuchServer

    create = create or (of_run and place.folder(create=False).journal.exists())
    with open_store(place.folder(create=create), create=create) as store:
        for warning in store.warnings:
            click.echo(f"warning: {warning}", err=True)
        try:
            yield store
        except NoSuchServer as error:
            if error.server not in run_pins.met(store.folder):
                raise
            hint = f"Only `gatepost run` has met it: gatepost server show {error.server}. To register it: "
            raise NoSuchServer(error.server, f"{hint}gatepost server add {error.server} --help") from None


def actor() -> Actor:
    """The user of this process."""
    from gatepost.control.act import Actor

    return Actor.local()


def value_of(done: Done[_T]) -> _T:
    """What an act resulted in; its warnings are said on stderr."""
    from gatepost.cli.output import clean

    for warning in done.warnings:
        click.echo(f"warning: {clean(warning)}", err=True)
    return done.value

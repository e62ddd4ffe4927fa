"""What a sign-in at Trakt leaves behind: a token pair, in a file that only its owner can read.

An access token lasts seven days. A refresh token can be used once: the answer to a refresh holds the next one, and the
old one is dead from then on. So of all processes that share a state folder one refreshes at a time (`TokenStore.lock`),
the others read what it wrote, and a new pair is on the disk before anything is asked with it.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Self, TypeVar

from gatepost_media.common.errors import MediaError, Unreachable
from gatepost_media.common.files import read_private, write_private
from gatepost_media.trakt.waiting import held

_EARLY = 6 * 3600.0
"""Seconds before its end at which an access token is renewed: a long run should not meet the end half-way."""


@dataclass(frozen=True, slots=True)
class _Record:
    """Something kept as one small JSON file."""

    @classmethod
    def parsed(cls, text: bytes) -> Self | None:
        """The record in the text, or None where the text is not one."""
        try:
            found = json.loads(text)
            values = {entry.name: found[entry.name] for entry in fields(cls)}
        except (ValueError, TypeError, KeyError):
            return None
        right = all(
            isinstance(values[entry.name], str)
            if entry.type == "str"
            else isinstance(values[entry.name], int | float) and not isinstance(values[entry.name], bool)
            for entry in fields(cls)
        )
        return cls(**values) if right else None


_R = TypeVar("_R", bound=_Record)


@dataclass(frozen=True, slots=True)
class Tokens(_Record):
    """One pair. `expires_at` is in seconds since 1970; `client_id` is the application that it was made for."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: float
    client_id: str = field(repr=False)

    def is_fresh(self, now: float | None = None) -> bool:
        """Whether the access token will last for some hours yet."""
        return (time.time() if now is None else now) < self.expires_at - _EARLY


@dataclass(frozen=True, slots=True)
class PendingCode(_Record):
    """A device code that waits for a person. Times are in seconds since 1970, `interval` in seconds."""

    device_code: str = field(repr=False)
    user_code: str
    verification_url: str
    expires_at: float
    interval: float
    next_poll_at: float
    client_id: str = field(repr=False)


class TokenStore:
    """The files of one sign-in in one state folder: `trakt-tokens.json`, `trakt-device.json`, `trakt-tokens.lock`.

    Written whole or not at all (temporary file, fsync, rename), mode 0600. A file that is not what it should be counts
    as absent: signing in again replaces it. Every method raises MediaError if the folder cannot be used.
    """

    def __init__(self, folder: Path, *, patience: float = 30.0) -> None:
        self._folder = folder
        self._patience = patience
        self._tokens = folder / "trakt-tokens.json"
        self._pending = folder / "trakt-device.json"

    def load(self) -> Tokens | None:
        """The pair that was saved last, or None."""
        return self._read(self._tokens, Tokens)

    def save(self, tokens: Tokens) -> None:
        """Puts the pair in place of the one before."""
        self._write(self._tokens, tokens)

    def forget(self) -> bool:
        """Removes the pair and a waiting device code; says whether there was a pair."""
        self._remove(self._pending)
        return self._remove(self._tokens)

    def load_pending(self) -> PendingCode | None:
        """The device code that waits for its person, or None."""
        return self._read(self._pending, PendingCode)

    def save_pending(self, code: PendingCode) -> None:
        """Puts the device code in place of the one before."""
        self._write(self._pending, code)

    def forget_pending(self) -> None:
        """Removes the waiting device code, if there is one."""
        self._remove(self._pending)

    def check_writable(self) -> None:
        """Fails if a pair could not be saved now: asked before a refresh token is spent."""
        probe = self._folder / f".trakt-{secrets.token_hex(6)}"
        try:
            write_private(probe, b"")
            probe.unlink()
        except OSError as error:
            raise self._unusable(error) from error

    @asynccontextmanager
    async def lock(self) -> AsyncIterator[None]:
        """Held by one task of one process at a time. Raises Unreachable if another has it for `patience` seconds."""
        try:
            async with held(self._folder / "trakt-tokens.lock", self._patience):
                yield
        except TimeoutError as error:
            raise Unreachable(
                f"Another program has been renewing the Trakt sign-in in {self._folder} for "
                f"{self._patience:.0f} seconds. "
                "Try again; if it stays so, end that program."
            ) from error
        except OSError as error:
            raise self._unusable(error) from error

    def _read(self, path: Path, kind: type[_R]) -> _R | None:
        try:
            content = read_private(path)
        except OSError as error:
            raise self._unusable(error) from error
        return None if content is None else kind.parsed(content)

    def _write(self, path: Path, record: Tokens | PendingCode) -> None:
        try:
            write_private(path, json.dumps(asdict(record)).encode())
        except OSError as error:
            raise self._unusable(error) from error

    def _remove(self, path: Path) -> bool:
        try:
            path.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._unusable(error) from error
        return True

    def _unusable(self, error: OSError) -> MediaError:
        return MediaError(
            f"The state folder {self._folder} cannot be used: {error.strerror or error}. "
            "Give your user access to it, or set GATEPOST_MEDIA_HOME to another folder."
        )

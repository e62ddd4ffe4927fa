"""The whole index as one signed file, for machines that reach no registry.

A gzip of JSON lines: a header, one line for each server with its tools, and a last line with the Ed25519 signature over
the SHA-256 of all lines before it. Nothing of it is used before the signature was verified with a key that is trusted.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import tempfile
import zlib
from collections.abc import Collection, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, BinaryIO, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gatepost.catalogue.classification import CATEGORIES, SEVERITIES, SIGNALS
from gatepost.catalogue.index.entries import REGISTERED, Counts, ServerEntry, ToolEntry
from gatepost.catalogue.index.store import Index
from gatepost.errors import GatepostError

FORMAT: Final = "gatepost-index"
VERSION: Final = 1
_PURPOSE: Final = b"gatepost-index-v1\0"
_LONGEST_LINE: Final = 256 * 1024 * 1024
_LAST: Final = b'{"signature":"'


def export_index(index: Index, file: Path, key: Ed25519PrivateKey, made_at: str) -> Counts:
    """Writes the index to a file, whole or not at all. Raises `GatepostError` GP-5003 where it cannot be written."""
    counts = index.counts()
    public = key.public_key().public_bytes_raw().hex()
    header = {"format": FORMAT, "version": VERSION, "made_at": made_at, "key": public, **asdict(counts)}
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
        part = Path(name)
        try:
            digest = hashlib.sha256()
            with os.fdopen(handle, "wb") as raw:
                with gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, compresslevel=6) as packed:
                    _write(packed, digest, header)
                    for server in index.servers():
                        tools = None if server.tools is None else [tool._asdict() for tool in server.tools]
                        _write(packed, digest, {**asdict(replace(server, tools=None)), "tools": tools})
                    signature = key.sign(_PURPOSE + digest.digest())
                    packed.write(_LAST + signature.hex().encode() + b'"}\n')
                raw.flush()
                os.fsync(raw.fileno())
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise GatepostError("GP-5003", f"{file} cannot be written: {error.strerror}.") from None
    return counts


def verify(file: BinaryIO, trusted: Collection[str]) -> Counts:
    """Checks a file's signature, and says how much it holds.

    Args:
        file: opened for reading; the same open file goes to `read_signed`, so that what was checked is what is read.
        trusted: public keys in hex.

    Raises `GatepostError` GP-4005 where it is no such file, was altered, or is signed by a key that is not trusted.
    """
    digest = hashlib.sha256()
    lines = _lines(file)
    first = next(lines, b"")
    header = _object(first, file)
    if header.get("format") != FORMAT or header.get("version") != VERSION:
        raise _wrong(file, "it is not an index of this version")
    key = str(header.get("key"))
    if key not in trusted:
        raise GatepostError(
            "GP-4005",
            f"{file.name} is signed with a key that is not trusted: {key[:64]}.",
            "If it is the key of whom you have the file from, give it with --key.",
        )
    digest.update(first)
    last = b""
    for line in lines:
        if last:
            digest.update(last)
        last = line
    try:
        signature = bytes.fromhex(str(_object(last, file).get("signature")))
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(signature, _PURPOSE + digest.digest())
    except (ValueError, InvalidSignature):
        raise _wrong(file, "its signature does not hold: it was altered or cut off") from None
    return Counts(int(header.get("servers", 0)), int(header.get("tools", 0)))


def read_signed(file: BinaryIO) -> Iterator[ServerEntry]:
    """The servers of a file that `verify` accepted. Raises `GatepostError` GP-4005 for a line that is none."""
    lines = _lines(file)
    next(lines, b"")
    for line in lines:
        if line.startswith(_LAST):
            return
        yield _entry(_object(line, file), file)


def _write(packed: gzip.GzipFile, digest: Any, value: Any) -> None:
    line = json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
    digest.update(line)
    packed.write(line)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    try:
        with gzip.open(file, "rb") as packed:
            while line := packed.readline(_LONGEST_LINE):
                yield line
    except (OSError, EOFError, zlib.error) as error:
        raise _wrong(file, str(error)) from None


def _object(line: bytes, file: BinaryIO) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise _wrong(file, "a line of it is no JSON") from None
    if not isinstance(value, dict):
        raise _wrong(file, "a line of it is no object")
    return value


def _entry(value: dict[str, Any], file: BinaryIO) -> ServerEntry:
    try:
        tools = value.pop("tools")
        if value.get("source") == REGISTERED:
            value["source"] = "exported"  # it was registered there, not here
        return ServerEntry(**value, tools=None if tools is None else tuple(_tool(tool) for tool in tools))
    except (TypeError, KeyError, ValueError, AttributeError):
        raise _wrong(file, "a line of it is no server") from None


def _tool(value: dict[str, Any]) -> ToolEntry:
    tool = ToolEntry(**{**value, "signals": tuple(value["signals"])})
    if tool.category not in CATEGORIES or tool.severity not in SEVERITIES or not set(tool.signals) <= set(SIGNALS):
        raise ValueError(tool.name)
    return tool


def _wrong(file: BinaryIO, why: str) -> GatepostError:
    return GatepostError("GP-4005", f"{file.name} cannot be imported: {why}.", "Nothing was changed.")

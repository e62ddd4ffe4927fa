"""The keys of an installation under a passphrase: scrypt (RFC 7914) makes of it the key for AES-256-GCM."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from gatepost.carry.manifest import damaged
from gatepost.errors import GatepostError

SHORTEST: Final = 12
"""Characters of a passphrase."""
_COST: Final = 1 << 17  # with r = 8: 128 MiB and some tenths of a second a guess
_MOST_COST: Final = 1 << 20
_BLOCK: Final = 8
_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_PURPOSE: Final = b"gatepost keys 1"
_KEY_FILE: Final = re.compile(r"(?:seal-[1-9][0-9]{0,5}|hmac|checkpoint)\.(?:key|pub)")


class _Sealed(msgspec.Struct):
    kdf: str
    n: int
    r: int
    p: int
    salt: bytes  # base64 in JSON, as the other two
    nonce: bytes
    ciphertext: bytes


def seal(folder: Path, passphrase: str) -> bytes:
    """The key files in `folder`, sealed. Raises `GatepostError` GP-4005 for a short passphrase, `OSError`."""
    if len(passphrase) < SHORTEST:
        raise GatepostError(
            "GP-4005",
            f"The passphrase has fewer than {SHORTEST} characters, and the keys open every credential.",
            "Choose a longer one, such as six words.",
        )
    files = {path.name: path.read_text(encoding="ascii") for path in folder.iterdir() if is_key_file(path.name)}
    salt, nonce = os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES)
    key = Scrypt(salt=salt, length=32, n=_COST, r=_BLOCK, p=1).derive(passphrase.encode("utf-8"))
    ciphertext = AESGCM(key).encrypt(nonce, msgspec.json.encode(files), _PURPOSE)
    return msgspec.json.encode(_Sealed("scrypt", _COST, _BLOCK, 1, salt, nonce, ciphertext))


def unseal(raw: bytes, passphrase: str) -> dict[str, str]:
    """Name and content of each key file. Raises `GatepostError` GP-4005 (the passphrase) or GP-5005."""
    try:
        sealed = msgspec.json.decode(raw, type=_Sealed)
    except msgspec.DecodeError:
        raise damaged("its keys are not sealed as they should be") from None
    if sealed.kdf != "scrypt" or not 2 <= sealed.n <= _MOST_COST or sealed.r != _BLOCK or sealed.p != 1:
        raise damaged("its keys are sealed in a way that is not known here")
    try:
        key = Scrypt(salt=sealed.salt, length=32, n=sealed.n, r=sealed.r, p=sealed.p).derive(passphrase.encode("utf-8"))
        plain = AESGCM(key).decrypt(sealed.nonce, sealed.ciphertext, _PURPOSE)
        files = msgspec.json.decode(plain, type=dict[str, str])
    except InvalidTag:
        raise GatepostError("GP-4005", "The passphrase does not open the keys.", "Nothing was changed.") from None
    except ValueError:
        raise damaged("its keys are not sealed as they should be") from None
    if not all(is_key_file(name) for name in files):
        raise damaged("there is more than keys among its keys")
    return files


def is_key_file(name: str) -> bool:
    """Whether a file of that name in `DATA/keys` is a key."""
    return _KEY_FILE.fullmatch(name) is not None

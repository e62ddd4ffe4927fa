"""The keys of one installation, kept outside the store: `DATA/keys`, mode 0700, its files 0600.

| file | what | used for |
| --- | --- | --- |
| `seal-1.key` | 32 bytes, hex | AES-256-GCM: upstream credentials in the store, sealed ids and states on the wire |
| `hmac.key` | 32 bytes, hex | HMAC-SHA-256 of the arguments in the audit log |
| `checkpoint.key` | Ed25519 seed, 32 bytes, hex | signatures on the journal's checkpoints |
| `checkpoint.pub` | its public half, 32 bytes, hex | what an auditor verifies with; the one that may be handed out |

The files are made once, at the first start, under a lock; `checkpoint.pub` is written last, so that its presence means
that the set is complete. A complete set of which a key has gone missing is refused rather than mended: with a new seal
key every stored credential would be lost without a word, with a new checkpoint key the log would no longer verify.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gatepost.errors import GatepostError

_KEY_BYTES = 32
_NONCE_BYTES = 12
_SEAL, _HMAC, _CHECKPOINT, _PUBLIC = "seal-1.key", "hmac.key", "checkpoint.key", "checkpoint.pub"
_SEAL_FILE = re.compile(r"seal-([1-9][0-9]{0,5})\.key")
_HMAC_BLOCK = 64  # bytes of SHA-256's block, RFC 2104
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class Keyring:
    """The opened keys. Make it with `Keyring.open`; it is immutable and may be shared between threads."""

    def __init__(self, seal_keys: Mapping[int, bytes], hmac_key: bytes, checkpoint_seed: bytes) -> None:
        """Args: seal_keys: by version, the highest seals; every value and the other two keys have 32 bytes."""
        self._seals = {f"k{version}": AESGCM(key) for version, key in seal_keys.items()}
        self._prefix = f"k{max(seal_keys)}"
        self._seal = self._seals[self._prefix]
        # Both halves of RFC 2104 are begun here once: a copy of them costs half of what the library's own call does.
        block = hmac_key.ljust(_HMAC_BLOCK, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))
        self.signing_key: Ed25519PrivateKey = Ed25519PrivateKey.from_private_bytes(checkpoint_seed)
        self.verify_key: bytes = self.signing_key.public_key().public_bytes_raw()

    @classmethod
    def open(cls, folder: Path, *, create: bool = True) -> Keyring:
        """Reads the keys in `folder`, making them first where there are none yet and `create` is true.

        Two processes that start at the same time get the same keys. Raises `GatepostError` GP-5004 where the folder
        or a file may be read by others, where a key is missing or is not a key; nothing is changed then.
        """
        if create:
            _make_private(folder)
        if not folder.is_dir():
            raise GatepostError("GP-5004", f"There is no key folder {folder}.", "Starting `gatepost serve` makes it.")
        _refuse_loose(folder, "700")
        if create and not (folder / _PUBLIC).exists():
            _complete(folder)
        seals = {
            int(match[1]): _read_key(path) for path in folder.iterdir() if (match := _SEAL_FILE.fullmatch(path.name))
        }
        if 1 not in seals:
            raise _missing(folder / _SEAL)
        ring = cls(seals, _read_key(folder / _HMAC), _read_key(folder / _CHECKPOINT))
        if _read_key(folder / _PUBLIC, private=False) != ring.verify_key:
            raise GatepostError(
                "GP-5004",
                f"{folder / _PUBLIC} is not the public half of {folder / _CHECKPOINT}.",
                "Restore both files from one backup.",
            )
        return ring

    def seal(self, plaintext: bytes, purpose: str) -> str:
        """Encrypts and authenticates `plaintext` under the newest key: `k1.` + base64url(nonce | ciphertext).

        `purpose` is bound to the result: only `unseal` with the same purpose opens it. The result is ASCII, safe in a
        header, a URL and JSON, and a third longer than the plaintext, plus 41 characters.
        """
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._seal.encrypt(nonce, plaintext, f"{self._prefix}:{purpose}".encode())
        return f"{self._prefix}.{_encode(sealed)}"

    def unseal(self, token: str, purpose: str) -> bytes:
        """The plaintext of `token`. Raises `ValueError` when it was not made by `seal` with these keys and `purpose`,
        or was altered in any way (also in ways that base64 alone would overlook)."""
        prefix, _, text = token.partition(".")
        key = self._seals.get(prefix)
        if key is None:
            raise ValueError("not sealed by a key of this installation")
        raw = base64.urlsafe_b64decode(text + "==")
        if _encode(raw) != text or len(raw) < _NONCE_BYTES:
            raise ValueError("not a sealed value")
        try:
            return key.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], f"{prefix}:{purpose}".encode())
        except InvalidTag:
            raise ValueError("the sealed value was altered or made for something else") from None

    def hmac(self, data: bytes) -> str:
        """HMAC-SHA-256 of `data` as 64 hex digits."""
        inner = self._inner.copy()
        inner.update(data)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.hexdigest()


def _encode(raw: bytes) -> str:
    return binascii.b2a_base64(raw, newline=False).translate(_URL_SAFE, b"=").decode("ascii")


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise GatepostError("GP-5004", f"The key folder {folder} cannot be made: {error.strerror}.") from None


def _complete(folder: Path) -> None:
    """Makes the key files that a first start has not made yet, the public half last."""
    try:
        lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if (folder / _PUBLIC).exists():
                return
            for name in (_SEAL, _HMAC, _CHECKPOINT):
                if not (folder / name).exists():
                    _write(folder / name, secrets.token_bytes(_KEY_BYTES))
            seed = _read_key(folder / _CHECKPOINT)
            _write(folder / _PUBLIC, Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())
        finally:
            os.close(lock)
    except OSError as error:
        raise GatepostError(
            "GP-5004",
            f"The keys in {folder} cannot be made: {error.strerror}.",
            "Make the folder writable for this user.",
        ) from None


def _write(path: Path, key: bytes) -> None:
    """Puts a whole key file in place: a crash leaves either none or all of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(key.hex().encode("ascii") + b"\n")
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read_key(path: Path, *, private: bool = True) -> bytes:
    try:
        if private:
            _refuse_loose(path, "600")
        text = path.read_bytes()
    except FileNotFoundError:
        raise _missing(path) from None
    except OSError as error:
        raise GatepostError("GP-5004", f"The key {path} cannot be read: {error.strerror}.") from None
    try:
        key = bytes.fromhex(text.decode("ascii").strip())
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise GatepostError("GP-5004", f"{path} is not a key of 32 bytes in hex.", "Restore it from a backup.")
    return key


def _refuse_loose(path: Path, wanted: str) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise GatepostError(
            "GP-5004",
            f"{path} has mode {mode:04o}: others than its owner may reach the keys.",
            f"Run: chmod {wanted} {path}",
        )


def _missing(path: Path) -> GatepostError:
    return GatepostError(
        "GP-5004",
        f"The key {path} is missing.",
        "Restore it from a backup; a new one could not open what the old one sealed.",
    )

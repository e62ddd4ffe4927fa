"""The keys of an installation: made once, private, and refused rather than replaced."""

from __future__ import annotations

import base64
import multiprocessing
import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gatepost.errors import GatepostError
from gatepost.keys import Keyring

FILES = {"seal-1.key", "hmac.key", "checkpoint.key", "checkpoint.pub"}


def _open_and_tell(folder: Path, gate: object, answers: object) -> None:
    gate.wait()  # type: ignore[attr-defined]
    ring = Keyring.open(folder)
    answers.put((ring.verify_key.hex(), ring.hmac(b"x"), ring.seal(b"secret", "race")))  # type: ignore[attr-defined]


def test_the_first_opening_makes_private_keys_and_the_second_reads_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    first = Keyring.open(folder)
    second = Keyring.open(folder, create=False)
    assert first.verify_key == second.verify_key
    assert first.hmac(b"data") == second.hmac(b"data")
    assert second.unseal(first.seal(b"secret", "p"), "p") == b"secret"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes.keys() >= FILES
    assert set(modes.values()) == {0o600}


def test_processes_that_start_at_the_same_time_get_the_same_keys(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    for attempt in range(3):
        folder = tmp_path / f"keys{attempt}"
        gate, answers = context.Barrier(4), context.Queue()
        racers = [context.Process(target=_open_and_tell, args=(folder, gate, answers)) for _ in range(4)]
        for racer in racers:
            racer.start()
        told = [answers.get(timeout=30) for _ in racers]
        for racer in racers:
            racer.join(30)
        assert len({(verify, mac) for verify, mac, _ in told}) == 1
        ring = Keyring.open(folder, create=False)
        assert all(ring.unseal(sealed, "race") == b"secret" for _, _, sealed in told)


@pytest.mark.parametrize("name", sorted(FILES - {"checkpoint.pub"}))
def test_a_key_that_others_may_read_is_refused_with_the_command_that_mends_it(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "keys"
    Keyring.open(folder)
    (folder / name).chmod(0o640)
    with pytest.raises(GatepostError) as refused:
        Keyring.open(folder)
    assert refused.value.code == "GP-5004"
    assert refused.value.hint == f"Run: chmod 600 {folder / name}"


def test_a_key_folder_that_others_may_enter_is_refused_with_the_command_that_mends_it(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    Keyring.open(folder)
    folder.chmod(0o750)
    with pytest.raises(GatepostError) as refused:
        Keyring.open(folder)
    assert refused.value.code == "GP-5004"
    assert refused.value.hint == f"Run: chmod 700 {folder}"


@pytest.mark.parametrize("name", sorted(FILES - {"checkpoint.pub"}))
def test_a_missing_key_of_a_complete_set_is_never_replaced(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "keys"
    Keyring.open(folder)
    (folder / name).unlink()
    with pytest.raises(GatepostError, match=r"missing.*Restore"):
        Keyring.open(folder)
    assert not (folder / name).exists()


def test_a_first_start_that_was_killed_is_completed_with_the_keys_it_had_made(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    Keyring.open(folder)
    made = (folder / "seal-1.key").read_bytes()
    for name in ("hmac.key", "checkpoint.key", "checkpoint.pub"):
        (folder / name).unlink()
    Keyring.open(folder)
    assert (folder / "seal-1.key").read_bytes() == made
    assert {path.name for path in folder.iterdir()} >= FILES


@pytest.mark.parametrize("text", ["", "zz" * 32, "ab" * 31, "ab" * 33, "é"])
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "keys"
    Keyring.open(folder)
    (folder / "hmac.key").write_text(text, encoding="utf-8")
    with pytest.raises(GatepostError, match="not a key of 32 bytes"):
        Keyring.open(folder)


def test_a_public_half_of_other_keys_is_refused(tmp_path: Path) -> None:
    Keyring.open(tmp_path / "one")
    Keyring.open(tmp_path / "other")
    (tmp_path / "one" / "checkpoint.pub").write_bytes((tmp_path / "other" / "checkpoint.pub").read_bytes())
    with pytest.raises(GatepostError, match="not the public half"):
        Keyring.open(tmp_path / "one")


def test_without_create_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(GatepostError) as refused:
        Keyring.open(tmp_path / "keys", create=False)
    assert refused.value.code == "GP-5004"
    assert not (tmp_path / "keys").exists()


def test_a_sealed_value_opens_only_for_its_purpose_and_never_after_a_change(tmp_path: Path) -> None:
    ring = Keyring.open(tmp_path / "keys")
    sealed = ring.seal(b"x" * 20, "session")
    assert sealed.startswith("k1.")
    assert ring.unseal(sealed, "session") == b"x" * 20
    with pytest.raises(ValueError, match="altered or made for something else"):
        ring.unseal(sealed, "other")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for position in range(len("k1."), len(sealed)):
        # The neighbour differs in the lowest bit, which base64 would overlook at the end of a text.
        neighbour = alphabet[alphabet.index(sealed[position]) ^ 1]
        with pytest.raises(ValueError):
            ring.unseal(sealed[:position] + neighbour + sealed[position + 1 :], "session")


@pytest.mark.parametrize(
    "text", ["", "k1", "k1.", "k1.AAAA", "k2.AAAA", "k1.====", "k1.é", "k1.\ud800", "k1." + "A" * 9999]
)
def test_what_was_never_sealed_is_a_value_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError):
        Keyring.open(tmp_path / "keys").unseal(text, "p")


@pytest.mark.parametrize(
    "change", [lambda s: s + "=", lambda s: s + "\n", lambda s: " " + s, lambda s: s.replace(".", "!.")]
)
def test_another_spelling_of_a_sealed_value_is_refused(tmp_path: Path, change: object) -> None:
    ring = Keyring.open(tmp_path / "keys")
    with pytest.raises(ValueError):
        ring.unseal(change(ring.seal(b"v", "p")), "p")  # type: ignore[operator]


def test_two_seals_of_one_value_differ(tmp_path: Path) -> None:
    ring = Keyring.open(tmp_path / "keys")
    assert len({ring.seal(b"same", "p") for _ in range(100)}) == 100


def test_a_newer_seal_key_seals_and_the_older_one_still_opens(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    old = Keyring.open(folder).seal(b"old", "p")
    descriptor = os.open(folder / "seal-2.key", os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(descriptor, os.urandom(32).hex().encode())
    os.close(descriptor)
    ring = Keyring.open(folder)
    assert ring.seal(b"new", "p").startswith("k2.")
    assert ring.unseal(old, "p") == b"old"


def test_the_hmac_is_that_of_the_standard_library(tmp_path: Path) -> None:
    import hmac

    folder = tmp_path / "keys"
    ring = Keyring.open(folder)
    key = bytes.fromhex((folder / "hmac.key").read_text())
    for data in (b"", b"x", os.urandom(1000)):
        assert ring.hmac(data) == hmac.new(key, data, "sha256").hexdigest()


def test_the_public_file_verifies_what_the_signing_key_signed(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    signature = Keyring.open(folder).signing_key.sign(b"checkpoint")
    Ed25519PublicKey.from_public_bytes(bytes.fromhex((folder / "checkpoint.pub").read_text())).verify(
        signature, b"checkpoint"
    )


def test_no_file_of_the_first_start_stays_behind_half_written(tmp_path: Path) -> None:
    Keyring.open(tmp_path / "keys")
    assert {path.name for path in (tmp_path / "keys").iterdir()} == FILES | {".lock"}


def test_the_sealed_text_is_as_documented(tmp_path: Path) -> None:
    sealed = Keyring.open(tmp_path / "keys").seal(b"x" * 30, "p")
    raw = base64.urlsafe_b64decode(sealed.removeprefix("k1.") + "==")
    assert len(raw) == 12 + 30 + 16

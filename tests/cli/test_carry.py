"""`gatepost export-data` and `import-data`: a whole data folder in one file, while it is in use; nothing by halves."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import shutil
import sqlite3
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gatepost.carry import take
from gatepost.carry.taking import _last_line
from gatepost.journal import Journal
from gatepost.keys import Keyring
from gatepost.paths import DataFolder
from tests.cli.program import TOOLS, Program
from tests.cli.serving import serving
from tests.journal.using import decided, in_journal, rows, settled, write

PASSPHRASE = "six words that nobody guesses"
SECRET = "the-credential-of-the-server"
Members = dict[str, bytes]


@pytest.fixture(scope="module")
def made(configured: Path) -> Iterator[Path]:
    """An installation with a credential, a grant, and a log of several segments with a snapshot."""
    with tempfile.TemporaryDirectory(prefix="gp-") as folder, pytest.MonkeyPatch.context() as patch:
        gatepost, tools = Program(Path(folder) / "data"), Path(folder) / "tools.json"
        shutil.copytree(configured, gatepost.data)
        tools.write_text(json.dumps(TOOLS))
        assert gatepost.add_tiny("secretive", tools, "--env", f"TINY_SECRET={SECRET}").code == 0
        assert gatepost.quick("grant", "add", "laptop", "--server", "files", "--policy", "files-read").code == 0
        patch.setattr("tests.journal.using.KEYS", Keyring.open(gatepost.data / "keys"))

        async def act(journal: Journal) -> None:
            for number in range(50):
                await write(journal, decided(f"d{number}"))
                await write(journal, settled(f"d{number}"))

        in_journal(gatepost.data / "journal" / "data", act, segment_bytes=8000)
        yield gatepost.data


@pytest.fixture
def used(made: Path, gatepost: Program, monkeypatch: pytest.MonkeyPatch) -> Program:
    """That installation, as a copy of the test's own."""
    monkeypatch.setenv("P", PASSPHRASE)
    monkeypatch.setenv("WRONG", "another passphrase")
    shutil.copytree(made, gatepost.data)
    return gatepost


@pytest.fixture(scope="module")
def whole(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of it without keys, for tests that only read it."""
    file = tmp_path_factory.mktemp("export") / "all.tar.gz"
    take(DataFolder(made), file)
    return file


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Program]:
    """The program on another folder, which does not exist yet."""
    yield Program(tmp_path / "new" / "data")


def exported(gatepost: Program, file: Path, *options: str) -> Path:
    ran = gatepost.quick("export-data", str(file), *options)
    assert ran.code == 0, ran.err
    return file


def test_everything_is_in_another_place_as_it_was(used: Program, elsewhere: Program, tmp_path: Path) -> None:
    file = exported(used, tmp_path / "all.tar.gz", "--with-keys", "--passphrase", "env:P")
    assert file.stat().st_mode & 0o777 == 0o600
    before = {name: used.read(name, "list") for name in ("server", "policy", "grant")}
    ran = elsewhere("import-data", str(file), "--passphrase", "env:P")
    assert (ran.code, ran.err) == (0, "")
    assert "2 servers" in ran.out
    assert {name: elsewhere.read(name, "list") for name in before} == before
    assert elsewhere.read("log", "verify")["ok"] is True
    assert rows(elsewhere.data / "journal" / "data") == rows(used.data / "journal" / "data")
    acts = [row["action"] for row in rows(elsewhere.data / "journal" / "admin", "admin")]
    assert acts[-1] == "data.import"
    assert rows(used.data / "journal" / "admin", "admin")[-1]["action"] == "data.export"
    for path in elsewhere.data.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    with serving(elsewhere) as running:
        token = elsewhere.quick("grant", "add", "new", "--server", "secretive").out.strip()
        (tmp_path / "open.yaml").write_text('version: "1"\ndefault: allow\n')
        assert elsewhere.quick("policy", "add", "open", str(tmp_path / "open.yaml"), "--server", "secretive").code == 0
        assert elsewhere.quick("grant", "attach", "new", "open").code == 0
        _, text = running.session("secretive", token).call("read_file", {"path": "x"})
        assert json.loads(text)["secret"] == SECRET


def test_the_catalogue_s_index_comes_along(used: Program, elsewhere: Program, tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(used.data / "catalogue.db")) as catalogue, catalogue:
        catalogue.execute("PRAGMA journal_mode = WAL")
        catalogue.execute("CREATE TABLE listed (name TEXT)")
        catalogue.execute("INSERT INTO listed VALUES ('one')")
    file = exported(used, tmp_path / "all.tar.gz")
    content = members(file)
    archived(tmp_path / "bad.tar.gz", told({**content, "catalogue.db": content["catalogue.db"][:-4000]}))
    assert "its catalogue.db" in elsewhere.quick("import-data", str(tmp_path / "bad.tar.gz")).err
    assert elsewhere.quick("import-data", str(file)).code == 0
    with contextlib.closing(sqlite3.connect(elsewhere.data / "catalogue.db")) as catalogue:
        assert catalogue.execute("SELECT name FROM listed").fetchall() == [("one",)]


def test_what_was_seen_of_changed_tools_comes_along(used: Program, elsewhere: Program, tmp_path: Path) -> None:
    """Without it, a tool that is out of use would be back in use on the other machine."""
    carried = {"held.json": '{"version":1,"held":[["files","read","sha256:aa"]]}', "pins/home.json": '{"version":1}'}
    (used.data / "pins").mkdir()
    for name, content in carried.items():
        (used.data / name).write_text(content)
    file = exported(used, tmp_path / "all.tar.gz")
    assert elsewhere.quick("import-data", str(file)).code == 0
    assert {name: (elsewhere.data / name).read_text() for name in carried} == carried
    assert all((elsewhere.data / name).stat().st_mode & 0o777 == 0o600 for name in carried)


def test_nothing_secret_can_be_read_from_an_export(used: Program, tmp_path: Path) -> None:
    file = exported(used, tmp_path / "all.tar.gz", "--with-keys", "--passphrase", "env:P")
    content = gzip.decompress(file.read_bytes())
    assert SECRET.encode() not in content
    for key in (used.data / "keys").glob("*.key"):
        assert key.read_bytes().strip() not in content
    assert "keys/hmac.key" not in members(file)


def test_without_the_keys_it_says_what_will_not_work_and_they_can_be_brought_along(
    used: Program, elsewhere: Program, tmp_path: Path
) -> None:
    file = exported(used, tmp_path / "all.tar.gz")
    ran = elsewhere("import-data", str(file))
    assert ran.code == 0
    assert "The keys are not in the export." in ran.err
    assert "the credentials of secretive cannot be opened" in ran.err
    assert elsewhere("log", "verify").code == 0
    assert "error GP-5004" in elsewhere.quick("server", "list").err
    shutil.rmtree(elsewhere.data)
    found = elsewhere("import-data", str(file), "--keys", str(used.data / "keys"), "--json").json
    assert found["keys"] is True
    assert found["will_not_work"] == []
    assert [each["name"] for each in elsewhere.read("server", "list")] == ["files", "secretive"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--passphrase", "env:WRONG"], "GP-4005"),
        (["--keys", "OTHER"], "GP-5004"),
    ],
)
def test_keys_that_are_not_the_right_ones_change_nothing(
    used: Program, elsewhere: Program, tmp_path: Path, options: list[str], code: str
) -> None:
    Keyring.open(tmp_path / "other")
    file = exported(used, tmp_path / "all.tar.gz", "--with-keys", "--passphrase", "env:P")
    given = [str(tmp_path / "other") if option == "OTHER" else option for option in options]
    assert f"error {code}: " in elsewhere.quick("import-data", str(file), *given).err
    assert not elsewhere.data.exists()
    assert list(elsewhere.data.parent.glob("*")) == []


def test_what_is_there_is_never_replaced(used: Program, tmp_path: Path) -> None:
    file = exported(used, tmp_path / "all.tar.gz")
    content = file.read_bytes()
    assert "error GP-4002: " in used.quick("export-data", str(file)).err
    assert file.read_bytes() == content
    assert "error GP-5003: " in used.quick("import-data", str(file)).err
    assert used.read("log", "verify")["ok"] is True
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_an_empty_folder_is_taken_over(used: Program, elsewhere: Program, tmp_path: Path) -> None:
    elsewhere.data.mkdir(parents=True)
    file = exported(used, tmp_path / "all.tar.gz")
    assert elsewhere.quick("import-data", str(file)).code == 0
    assert elsewhere.data.stat().st_mode & 0o777 == 0o700


def test_who_may_not_write_beside_the_folder_can_still_fill_it(
    used: Program, elsewhere: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service's own folder in one that belongs to the system."""
    elsewhere.data.mkdir(parents=True)
    file = exported(used, tmp_path / "all.tar.gz")
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) != elsewhere.data.parent)
    assert elsewhere.quick("import-data", str(file), "--keys", str(used.data / "keys")).code == 0
    assert sorted(path.name for path in elsewhere.data.iterdir() if not path.name.startswith("store.db-")) == [
        *("journal", "keys", "store.db")
    ]
    assert elsewhere.read("log", "verify")["ok"] is True
    assert [path.name for path in elsewhere.data.parent.iterdir()] == ["data"]


def test_a_file_system_without_links_takes_an_export_too(
    used: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", link)
    file = exported(used, tmp_path / "all.tar.gz")
    assert "manifest.json" in members(file)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_looking_puts_nothing_in_place(used: Program, elsewhere: Program, tmp_path: Path) -> None:
    file = exported(used, tmp_path / "all.tar.gz", "--with-keys", "--passphrase", "env:P")
    assert elsewhere.read("import-data", str(file), "--check")["rows"] > 100
    assert elsewhere.read("import-data", str(file), "--check", "--passphrase", "env:P")["keys"] is True
    assert "error GP-4005" in elsewhere.quick("import-data", str(file), "--check", "--passphrase", "env:WRONG").err
    assert not elsewhere.data.parent.exists()


def test_a_short_passphrase_or_none_is_refused(used: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHORT", "secret")
    file = tmp_path / "all.tar.gz"
    ran = used.quick("export-data", str(file), "--with-keys", "--passphrase", "env:SHORT")
    assert "error GP-4005: The passphrase has fewer than 12 characters" in ran.err
    assert used("export-data", str(file), "--with-keys").code == 2
    assert used("export-data", str(file), "--passphrase", "env:P").code == 2
    assert not file.exists()


def test_it_is_of_one_moment_while_calls_are_being_recorded(used: Program, elsewhere: Program, tmp_path: Path) -> None:
    with serving(used) as running:
        token = used.quick("grant", "add", "busy", "--server", "files", "--policy", "files-read").out.strip()
        session, stop = running.session("files", token), threading.Event()

        def keep_calling() -> None:
            while not stop.is_set():
                session.call("delete_file", {})

        calling = threading.Thread(target=keep_calling)
        calling.start()
        try:
            files = [exported(used, tmp_path / f"{number}.tar.gz") for number in range(3)]
        finally:
            stop.set()
            calling.join()
    counts = [elsewhere.read("import-data", str(file), "--check")["rows"] for file in files]
    assert counts == sorted(counts)
    assert elsewhere.quick("import-data", str(files[-1]), "--keys", str(used.data / "keys")).code == 0
    assert elsewhere.read("log", "verify")["ok"] is True
    with serving(elsewhere) as running:
        assert running.http("data_plane", "GET", "/readyz")[0] == 200


# -- what is no export, or no longer one


def members(file: Path) -> Members:
    with tarfile.open(file) as archive:
        return {about.name: (archive.extractfile(about) or io.BytesIO()).read() for about in archive}


def archived(file: Path, content: Members, **special: tarfile.TarInfo) -> None:
    with tarfile.open(file, "w:gz") as archive:
        for name, data in content.items():
            about = special.get(name) or tarfile.TarInfo(name)
            about.size = len(data)
            archive.addfile(about, io.BytesIO(data))


def told(content: Members) -> Members:
    """The members with a manifest that fits them."""
    manifest = json.loads(content["manifest.json"])
    manifest["members"] = [
        {"path": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in content.items()
        if name != "manifest.json"
    ]
    last = {name: data for name, data in content.items() if name != "manifest.json"}
    return {**last, "manifest.json": json.dumps(manifest).encode()}


def edited(name: str, edit: Callable[[bytes], bytes]) -> Callable[[Members], Members]:
    return lambda content: {**content, name: edit(content[name])}


SEGMENT = "journal/data/0000000000000001.jsonl"
HARMS: dict[str, tuple[Callable[[Members], Members], str]] = {
    "a changed record": (edited(SEGMENT, lambda raw: raw.replace(b'"d0"', b'"d9"', 1)), "is not as the manifest says"),
    "a changed record that the manifest knows of": (
        lambda content: told(edited(SEGMENT, lambda raw: raw.replace(b'"d0"', b'"d9"', 1))(content)),
        "its log does not verify",
    ),
    "a segment left out": (
        lambda content: told({name: data for name, data in content.items() if name != SEGMENT}),
        "its log does not verify",
    ),
    "the end of a chain left out": (
        lambda content: told({name: data for name, data in content.items() if name != newest(content)}),
        "manifest says",
    ),
    "a damaged store": (
        lambda content: told(edited("store.db", lambda raw: raw[:4096] + b"\xff" * (len(raw) - 4096))(content)),
        "its store.db",
    ),
    "no store": (
        lambda content: told({name: data for name, data in content.items() if name != "store.db"}),
        "store.db is missing",
    ),
    "a newer format": (
        edited("manifest.json", lambda raw: raw.replace(b'"format":1', b'"format":2')),
        "made by a newer Gatepost",
    ),
    "no manifest": (
        lambda content: {name: data for name, data in content.items() if name != "manifest.json"},
        "its manifest is missing",
    ),
    "a member behind the manifest": (lambda content: {**content, "keys.sealed": b"{}"}, "follows its manifest"),
    "a file from elsewhere": (lambda content: {"../outside": b"x", **content}, "no part of an export"),
    "an absolute path": (lambda content: {"/tmp/outside": b"x", **content}, "no part of an export"),
    "a private key in the clear": (lambda content: {"keys/hmac.key": b"00" * 32, **content}, "no part of an export"),
}


def newest(content: Members) -> str:
    return max(name for name in content if name.startswith("journal/data/") and name.endswith(".jsonl"))


@pytest.mark.parametrize("name", HARMS)
def test_what_was_changed_is_refused_and_nothing_is_put_in_place(
    whole: Path, elsewhere: Program, tmp_path: Path, name: str
) -> None:
    harm, why = HARMS[name]
    archived(tmp_path / "bad.tar.gz", harm(members(whole)))
    ran = elsewhere.quick("import-data", str(tmp_path / "bad.tar.gz"))
    assert ran.code == 1
    assert "error GP-5005: " in ran.err
    assert why in ran.err
    assert list(elsewhere.data.parent.glob("*")) == []
    assert not (tmp_path / "outside").exists()


def test_a_link_is_no_part_of_an_export(whole: Path, elsewhere: Program, tmp_path: Path) -> None:
    content = members(whole)
    link = tarfile.TarInfo("store.db")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    archived(tmp_path / "bad.tar.gz", {**content, "store.db": b""}, **{"store.db": link})
    assert "GP-5005" in elsewhere.quick("import-data", str(tmp_path / "bad.tar.gz")).err


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_file_that_is_cut_off_is_refused(whole: Path, elsewhere: Program, tmp_path: Path, share: float) -> None:
    raw = whole.read_bytes()
    (tmp_path / "cut.tar.gz").write_bytes(raw[: int(len(raw) * share)])
    assert "error GP-5005: " in elsewhere.quick("import-data", str(tmp_path / "cut.tar.gz")).err
    assert list(elsewhere.data.parent.glob("*")) == []


def test_another_file_is_refused(elsewhere: Program, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("no archive")
    assert "error GP-5005: " in elsewhere.quick("import-data", str(tmp_path / "x")).err
    assert "error GP-4003: " in elsewhere.quick("import-data", str(tmp_path / "y")).err


@pytest.mark.parametrize(
    ("content", "line", "end"),
    [(b"", b"", 0), (b"half", b"", 0), (b"one\n", b"one", 4), (b"one\ntwo\nha", b"two", 8), (b"\n", b"", 1)],
)
def test_the_last_whole_line_is_found(content: bytes, line: bytes, end: int) -> None:
    assert _last_line(io.BytesIO(content), len(content)) == (line, end)

"""The data folder: whose it is, who may reach it, and the disk it lies on."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from gatepost.doctor.finding import Finding
from gatepost.doctor.patient import Patient
from gatepost.errors import GatepostError

_MIB = 1 << 20
_NEEDED = 128 * _MIB
"""A segment of the log and what else is written meanwhile."""
_COMFORTABLE = 1024 * _MIB
_REMOTE = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "ceph", "glusterfs"})
"""File systems on which locks or the order of writes are not what they say."""


def permissions(patient: Patient) -> Iterator[Finding]:
    """Owner and modes of the folder and of what lies in it; keys have a check of their own."""
    check, root = "permissions", patient.data.root
    owner = root.stat().st_uid
    if owner != os.getuid() and os.getuid() != 0:
        who = _user(owner)
        yield Finding(
            check,
            "problem",
            f"The data folder {root} belongs to {who}, not to you.",
            f"sudo -u {who} gatepost doctor --data {shlex.quote(str(root))}",
        )
    if not os.access(root, os.R_OK | os.W_OK | os.X_OK):
        yield Finding(check, "problem", f"You may not write into {root}.", f"chmod u+rwx {shlex.quote(str(root))}")
        return
    try:
        patient.data.socket("dataplane.sock")
    except GatepostError as error:
        yield Finding(check, "problem", error.message, error.hint)
    # What lies in a folder that nobody else may enter, nobody else can reach.
    reached = _ours(patient) if _mode(root) & 0o011 else [root]
    loose = [path for path in reached if _mode(path) & 0o077]
    for path in loose:
        others = "write" if _mode(path) & 0o022 else "read"
        yield Finding(
            check,
            "problem" if others == "write" else "warning",
            f"Others may {others} {path} (mode {_mode(path):04o}).",
            f"chmod go= {shlex.quote(str(path))}",
        )
    foreign = [path for path in _ours(patient) if path.lstat().st_uid != owner]
    for path in foreign:
        yield Finding(
            check,
            "problem",
            f"{path} belongs to {_user(path.lstat().st_uid)}, the folder to {_user(owner)}.",
            f"sudo chown -R {_user(owner)} {shlex.quote(str(root))}",
        )
    if not loose and not foreign and owner == os.getuid():
        yield Finding(check, "ok", f"{root} is yours, and nobody else may look into it.")


def disk(patient: Patient) -> Iterator[Finding]:
    """Room for the log, and a file system that keeps its word."""
    check, root = "disk", patient.data.root
    system = os.statvfs(root)
    if system.f_flag & os.ST_RDONLY:
        yield Finding(
            check, "problem", f"The file system of {root} is read-only.", "Mount it for writing; see `dmesg` for why."
        )
        return
    free = shutil.disk_usage(root).free
    spare = patient.command("gatepost journal compact --dry-run --max-age 90d")
    if free < _NEEDED:
        text = f"The disk is full: {free // _MIB:,} MiB are left, and a call that cannot be recorded is not done."
        yield Finding(check, "problem", text, spare)
    elif free < _COMFORTABLE:
        yield Finding(check, "warning", f"The disk has {free // _MIB:,} MiB left.", spare)
    else:
        yield Finding(check, "ok", f"The disk has {free / (1 << 30):,.1f} GiB left.")
    if system.f_files and system.f_favail < 1000:
        yield Finding(
            check, "problem", f"The file system of {root} has no room for more files.", "Remove files from it: df -i"
        )
    if (kind := _file_system(root)) in _REMOTE:
        yield Finding(
            check,
            "warning",
            f"{root} is on {kind}: locks and the order of writes may not be what they say there.",
            "Keep the data folder on a local disk: --data DIR or GATEPOST_DATA.",
        )


def _ours(patient: Patient) -> list[Path]:
    data = patient.data
    kept = [data.root, *sorted(data.root.iterdir()), *sorted(data.journal.glob("*/"))]
    return [path for path in kept if path != data.keys and not path.is_symlink()]


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _user(number: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _file_system(path: Path) -> str:
    """The type of the file system that `path` is on, where the system tells (Linux); else empty."""
    try:
        lines = Path("/proc/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    real = path.resolve()
    found, kind = 0, ""
    for line in lines:
        _, point, named, *_ = line.split(" ")
        mounted = Path(point.replace("\\040", " "))
        if real.is_relative_to(mounted) and len(mounted.parts) >= found:
            found, kind = len(mounted.parts), named
    return kind

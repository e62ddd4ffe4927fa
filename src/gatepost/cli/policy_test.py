"""`gatepost policy test`: files of cases run against the policies beside them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatepost.cli.command import Command, json_option

if TYPE_CHECKING:
    from gatepost.control.policy_testing import Tested
    from gatepost.errors import GatepostError

_POLL_SECONDS = 0.3


@click.command(
    "test",
    cls=Command,
    examples="""
    # notes.cases.yaml beside notes.yaml:
    #   cases:
    #     - name: nothing outside the notes is read
    #       call: {tool: read_file, arguments: {path: /etc/passwd}}
    #       expect: {effect: deny, rule: /tools/read_file/require/in-notes}
    gatepost policy test policies/

    # In a build: also where fewer than nine of ten rules are covered, with a report for it:
    gatepost policy test policies/ --cover 90 --junit report.xml

    # Again whenever a file changes:
    gatepost policy test policies/ --watch
    """,
)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--cover", type=click.IntRange(0, 100), default=0, metavar="PERCENT", help="Fail below this coverage.")
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write a JUnit report.")
@click.option("--watch", is_flag=True, help="Run again whenever a file changes, until Ctrl-C.")
@json_option
def test(folder: Path, cover: int, junit: Path | None, watch: bool, as_json: bool) -> int:
    """Run the cases beside policies.

    FOLDER is a folder, or one file of cases; files of cases end in .cases.yaml or .cases.json. Each case is a call,
    what was used of counters before it, and the decision that is expected. A rule is covered where it decided a case.

    Exit code 1 where a case fails, a file cannot be read or the coverage is too low. The format is in
    docs/policy-testing.md.
    """
    if not folder.exists():
        raise click.UsageError(f"There is no {folder}.")
    if not watch:
        return _run(folder, cover, junit, as_json=as_json)
    if as_json:
        raise click.UsageError("--watch is for people; --json runs once.")
    while True:
        before = _state(folder)
        click.clear()
        _run(folder, cover, junit, as_json=False)
        click.echo("\nWatching for changes; Ctrl-C ends.")
        _wait(folder, before)


def _run(folder: Path, cover: int, junit: Path | None, *, as_json: bool) -> int:
    from gatepost.cli.output import emit
    from gatepost.control.policy_cases import case_files, read_cases
    from gatepost.control.policy_testing import run_cases, totals
    from gatepost.errors import GatepostError

    tested: list[Tested] = []
    broken: list[tuple[Path, GatepostError]] = []
    try:
        for file in case_files(folder):
            try:
                tested.append(run_cases(read_cases(file)))
            except GatepostError as error:
                broken.append((file, error))
    except GatepostError as error:
        broken.append((folder, error))
    _, failed, covered, rules = totals(tested)
    enough = covered * 100 >= cover * rules
    if as_json:
        emit(_as_dict(tested, broken))
    else:
        _show(tested, broken, cover, enough=enough)
    if junit is not None:
        try:
            junit.write_bytes(_junit(tested, broken))
        except OSError as error:
            said = f"The report {junit} cannot be written: {error.strerror}."
            raise GatepostError("GP-5003", said, "Name a file in a folder that is there.") from None
    return 1 if failed or broken or not enough else 0


def _show(tested: Sequence[Tested], broken: Sequence[tuple[Path, GatepostError]], cover: int, *, enough: bool) -> None:
    from gatepost.cli.output import clean, count, style
    from gatepost.control.policy_testing import totals

    for each in tested:
        click.echo(style(str(each.file.file), bold=True))
        for ran in each.ran:
            word = style("pass", fg="green") if ran.passed else style("FAIL", fg="red")
            click.echo(f"  {word}  {clean(ran.case.name)}")
            if ran.why:
                click.echo(f"        {clean(ran.why)}")
        click.echo(f"  {len(each.covered)} of {count(len(each.rules), 'rule')} of {each.file.policy.name} covered")
        for rule in each.uncovered:
            click.echo(f"        {style('no case', fg='yellow')}  {clean(rule)}")
    for file, error in broken:
        said = str(error) if str(file) in str(error) else f"{file}: {error}"
        click.echo(f"{style('error', fg='red')} {error.code}  {clean(said)}", err=True)
    passed, failed, covered, rules = totals(tested)
    files = f", {count(len(broken), 'file')} not read" if broken else ""
    percent = covered * 100 // rules if rules else 100
    click.echo(f"\n{passed} passed, {failed} failed{files}; {covered} of {count(rules, 'rule')} covered ({percent}%)")
    if not enough:
        click.echo(f"That is less than the {cover}% that --cover asks for.", err=True)


def _as_dict(tested: Sequence[Tested], broken: Sequence[tuple[Path, GatepostError]]) -> dict[str, Any]:
    from dataclasses import asdict

    from gatepost.control.policy_testing import totals

    passed, failed, covered, rules = totals(tested)
    return {
        "passed": passed,
        "failed": failed,
        "rules": rules,
        "covered": covered,
        "errors": [{"file": str(file), "code": error.code, "message": str(error)} for file, error in broken],
        "files": [
            {
                "file": str(each.file.file),
                "policy": str(each.file.policy),
                "version": each.version,
                "cases": [
                    {
                        "name": ran.case.name,
                        "passed": ran.passed,
                        "why": ran.why or None,
                        "expected": asdict(ran.case.expected),
                        "got": asdict(ran.got),
                    }
                    for ran in each.ran
                ],
                "rules": [{"rule": rule, "covered": rule in each.covered} for rule in each.rules],
            }
            for each in tested
        ],
    }


def _junit(tested: Sequence[Tested], broken: Sequence[tuple[Path, GatepostError]]) -> bytes:
    """The form that build servers read: one suite for each file, one test for each case."""
    from xml.etree import ElementTree

    def xml(text: str) -> str:
        """Without the characters that XML 1.0 has no way to write."""
        return "".join(
            letter if letter in "\t\n\r" or " " <= letter < "\ufffe" or letter > "\uffff" else "\ufffd"
            for letter in text
        )

    root = ElementTree.Element("testsuites", name="gatepost policy test")
    for each in tested:
        failed = sum(not ran.passed for ran in each.ran)
        suite = ElementTree.SubElement(
            root, "testsuite", name=xml(str(each.file.file)), tests=str(len(each.ran)), failures=str(failed), errors="0"
        )
        for ran in each.ran:
            case = ElementTree.SubElement(suite, "testcase", classname=each.file.policy.name, name=xml(ran.case.name))
            if ran.why:
                ElementTree.SubElement(case, "failure", message=xml(ran.why))
    for file, error in broken:
        suite = ElementTree.SubElement(root, "testsuite", name=xml(str(file)), tests="1", failures="0", errors="1")
        case = ElementTree.SubElement(suite, "testcase", classname=file.name, name="is read")
        ElementTree.SubElement(case, "error", message=xml(str(error)))
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def _state(folder: Path) -> dict[Path, tuple[int, int]]:
    """Which files there are, and when each changed: cases, policies and tools all lie in the folder or above a case."""
    from gatepost.control.policy_cases import case_files, read_cases
    from gatepost.errors import GatepostError

    watched: set[Path] = set()
    try:
        watched.update(case_files(folder))
        for file in list(watched):
            watched.update(read_cases(file).watched)
    except GatepostError:
        pass  # what is wrong with it is said by the run
    if folder.is_dir():
        watched.update(path for path in folder.rglob("*") if path.suffix in (".yaml", ".yml", ".json"))
    found = {}
    for path in watched:
        try:
            stat = path.stat()
        except FileNotFoundError:
            continue
        found[path] = (stat.st_mtime_ns, stat.st_size)
    return found


def _wait(folder: Path, before: dict[Path, tuple[int, int]]) -> None:
    import time

    while _state(folder) == before:
        time.sleep(_POLL_SECONDS)

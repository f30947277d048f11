"""`vcf-agent validate`: files against the specification, for people, programs and CI."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..memory.errors import InputError
from .options import EXIT_INPUT, EXIT_NO, FILE, as_json, complain

if TYPE_CHECKING:
    from ..tools.validation.findings import Verdict

KEPT = 20
"""Findings of each rule that are listed where nothing else is asked for."""
SHOWN = 5
"""The same on a terminal."""
SARIF_MARK, JUNIT_MARK = '"name": "vcf-agent"', '<testsuites name="vcf-agent validate"'


@click.command()
@click.argument("files", nargs=-1, type=FILE)
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@click.option("--max-findings", "most", type=click.IntRange(0), metavar="N",
              help=f"List N findings of each rule (default {KEPT}, on a terminal {SHOWN}).")  # fmt: skip
@click.option("--all", "every", is_flag=True, help="List every finding.")
@click.option("--reference", type=FILE, help="FASTA to compare REF and the contigs with.")
@click.option("--sarif", type=FILE, metavar="OUT", help="Also write a SARIF report.")
@click.option("--junit", type=FILE, metavar="OUT", help="Also write a JUnit report.")
@click.option(
    "--fix", "out", type=FILE, metavar="OUT", help="Write a mended copy of FILE; its name says .vcf or .vcf.gz."
)
@click.option("--explain", metavar="CODE", help="Tell what a rule means; 'all' lists them.")
@as_json
def validate(files: tuple[Path, ...], strict: bool, most: int | None, every: bool, reference: Path | None,
             sarif: Path | None, junit: Path | None, out: Path | None, explain: str | None,
             as_json: bool) -> int:  # fmt: skip
    """Say whether FILES follow the VCF specification, and everything in which they do not.

    Exit code: 0 all are valid, 1 some are not, 2 some could not be read. With --fix it is that of the mended copy.
    """
    if explain is not None:
        return _explain(explain, as_json)
    if not files:
        raise click.UsageError("Missing argument 'FILES...'.")
    if out is not None:
        if len(files) > 1 or reference or sarif or junit:
            raise click.UsageError("--fix takes one FILE and writes no reports; validate OUT for these.")
        return _fix(files[0], out, strict, as_json)
    _check_files(files, reference, sarif, junit)
    keep = None if every else KEPT if most is None else most
    shown = SHOWN if most is None and not every and sys.stdout.isatty() else None
    verdicts, code = _validate_all(files, strict, keep, reference, _shower(shown, as_json))
    if not as_json:
        _print_end(verdicts, len(files), shown)
    _write_reports(verdicts, sarif, junit, reference is not None)
    return code


def _fix(file: Path, out: Path, strict: bool, as_json: bool) -> int:
    from ..tools.validation.repair import repair
    from .terminal import print_json, slow_steps

    with slow_steps() as progress:
        done = repair(file, out, progress=progress)
    done.before.strict = done.after.strict = strict
    if as_json:
        print_json(done.to_json())
    else:
        click.echo(done.to_text())
    return 0 if done.after.valid else EXIT_NO


def _explain(code: str, as_json: bool) -> int:
    from ..tools.validation.explanations import rule_named
    from ..tools.validation.rules import rules
    from .terminal import print_json
    from .verdict_text import print_explanation, print_rules

    if code.strip().lower() == "all":
        print_json([asdict(r) for r in rules().values()]) if as_json else print_rules(rules().values())
        return 0
    rule = rule_named(code)
    print_json(asdict(rule)) if as_json else print_explanation(rule)
    return 0


def _check_files(files: tuple[Path, ...], reference: Path | None, sarif: Path | None, junit: Path | None) -> None:
    """What can be refused before any file is read."""
    from .report_files import check_report

    if reference is not None and not reference.is_file():
        raise InputError(f"{reference} is not a file", "Name a FASTA with --reference, or leave it out")
    inputs = [*files, *([reference] if reference else [])]
    for path, mark in ((sarif, SARIF_MARK), (junit, JUNIT_MARK)):
        if path is not None:
            check_report(path, mark, inputs)


def _validate_all(files: tuple[Path, ...], strict: bool, keep: int | None, reference: Path | None,
                  show: Callable[["Verdict"], None]) -> tuple[list["Verdict"], int]:  # fmt: skip
    """The verdicts, each shown as soon as it is there, and the exit code: the highest wins."""
    from ..tools.validation.validate import validate
    from .terminal import slow_progress

    verdicts: list[Verdict] = []
    code = 0
    for file in files:
        try:
            with slow_progress(file.name) as progress:
                verdict = validate(file, strict=strict, keep=keep, reference=reference, progress=progress)
        except InputError as error:
            complain(str(error))
            code = EXIT_INPUT
            continue
        show(verdict)
        verdicts.append(verdict)
        code = max(code, EXIT_INPUT if not verdict.readable else 0 if verdict.valid else EXIT_NO)
    return verdicts, code


def _shower(shown: int | None, as_json: bool) -> Callable[["Verdict"], None]:
    """How a verdict is shown; a long one stands apart from the next."""
    from .terminal import print_json
    from .verdict_text import print_verdict

    if as_json:
        return lambda verdict: print_json(verdict.to_json())
    before: list[Verdict] = []

    def show(verdict: "Verdict") -> None:
        if before and (before[-1].codes or verdict.codes):
            click.echo()
        before.append(verdict)
        print_verdict(verdict, shown)

    return show


def _print_end(verdicts: list["Verdict"], files: int, shown: int | None) -> None:
    from .verdict_text import print_hints, print_total, state_of

    if files > 1:
        missing = files - len(verdicts)
        print_total([*map(state_of, verdicts), *["could not be read"] * missing])
    print_hints(verdicts, any(v.truncated or _cut(v, shown) for v in verdicts))


def _cut(verdict: "Verdict", shown: int | None) -> bool:
    return shown is not None and any(number > shown for number in verdict.codes.values())


def _write_reports(verdicts: list["Verdict"], sarif: Path | None, junit: Path | None, with_reference: bool) -> None:
    from ..tools.validation import reports
    from .report_files import write_report

    if sarif is not None:
        log = reports.sarif(verdicts, Path.cwd())
        write_report(sarif, json.dumps(log, indent=1).encode() + b"\n")
    if junit is not None:
        write_report(junit, reports.junit(verdicts, with_reference))

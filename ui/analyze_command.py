"""`vcf-agent analyze`: one file, every step, one report."""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..memory.errors import InputError
from ..tools.text import one_line, plain
from .options import EXIT_NO, FILE, as_json

if TYPE_CHECKING:
    from ..agent.analysis import Analysis, Outcome

Progress = Callable[[str, int], None]


@click.command()
@click.argument("file", type=FILE)
@click.option("--out", type=FILE, metavar="REPORT", help="Where the report goes; default NAME.report.html here.")
@click.option("--ped", type=FILE, help="PED file: parents, sex and who is affected.")
@click.option("--reference", type=FILE, metavar="FASTA", help="FASTA to compare REF and the contigs with.")
@click.option("--workspace", metavar="FOLDER", help="Folder of the ingested data.")
@as_json
def analyze(
    file: Path, out: Path | None, ped: Path | None, reference: Path | None, workspace: str | None, as_json: bool
) -> int:
    """Look at FILE from all sides and write one HTML report: validity, statistics, pictures, findings, methods.

    Exit code: 0 done, 1 the file is not valid (the report says why), 2 bad input.
    """
    from ..agent.analysis import analyze as run
    from .report import render

    target = out or Path(f"{stem_of(file.name)}.report.html")
    _check(target, [p for p in (file, ped, reference) if p is not None])
    with _progress() as (on_step, on_progress):
        analysis = run(file, pedigree=ped, reference=reference, workspace=workspace, on_step=on_step,
                       on_progress=on_progress)  # fmt: skip
    write_new(target, render(analysis).encode())
    _tell(analysis, target, as_json)
    return 0 if analysis.valid else EXIT_NO


def stem_of(name: str) -> str:
    """A file's name without the endings that say how it is stored."""
    for ending in (".gz", ".bgz", ".vcf", ".bcf"):
        name = name.removesuffix(ending)
    return name or "vcf"


def _check(target: Path, inputs: list[Path]) -> None:
    """What can be refused before any work is done."""
    if any(path.exists() and target.exists() and target.samefile(path) for path in inputs):
        raise InputError(f"{target} is an input", "Name another file with --out")
    if os.path.lexists(target):
        raise InputError(f"{target} exists, and nothing is overwritten", "Name another file with --out, or move it")
    if not target.parent.is_dir():
        raise InputError(f"{target.parent} is not a folder", "Make it first, or name another file with --out")


def write_new(path: Path, content: bytes) -> None:
    """Write a file that is not there yet, whole or not at all. Raises `InputError`."""
    from .report_files import write_report

    part = path.with_name(f".{path.name[:40]}.{os.getpid()}.part")
    try:
        write_report(part, content)
        os.link(part, path)  # unlike a rename, never takes the place of a file
    except FileExistsError as error:
        raise InputError(f"{path} exists, and nothing is overwritten", "Name another file with --out") from error
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}", "Name another file with --out") from error
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def _progress() -> Iterator[tuple[Callable[["Outcome"], None] | None, Progress | None]]:
    """A line for each step that ends, and how far a long one is; nothing where nobody looks."""
    if not sys.stderr.isatty():
        yield None, None
        return
    from rich.console import Console
    from rich.status import Status
    from rich.text import Text

    out = Console(stderr=True, markup=False, highlight=False, emoji=False)
    signs = {"completed": ("✓", "green"), "failed": ("✗", "bold red"), "skipped": ("·", "dim")}
    with Status("", console=out) as status:
        last, done = time.monotonic(), 0

        def step(outcome: "Outcome") -> None:
            nonlocal done
            done += 1
            sign, style = signs[outcome.status]
            why = f": {outcome.reason}" if outcome.reason else f" ({outcome.seconds:.1f} s)"
            out.print(Text(one_line(f"{sign} {outcome.title}{why}"), style=style))
            status.update(f"{done} steps done")

        def progress(what: str, records: int) -> None:
            nonlocal last
            if time.monotonic() - last > 0.1:
                last = time.monotonic()
                status.update(Text(f"{plain(what)}: {records:,} records"))

        yield step, progress


def _tell(analysis: "Analysis", target: Path, as_json: bool) -> None:
    from .terminal import print_json

    if as_json:
        print_json({"report": str(target), **analysis.to_json()})
        return
    number = {s: sum(o.status == s for o in analysis.outcomes) for s in ("completed", "failed", "skipped")}
    state = {True: "valid", False: "not valid", None: "not checked"}[analysis.valid]
    steps = ", ".join(f"{n} {s}" for s, n in number.items() if n)
    click.echo(one_line(f"{target}: {analysis.file.name} is {state}; steps: {steps}", 1000))
    for outcome in analysis.outcomes:
        if outcome.status == "failed":
            click.echo(one_line(f"  failed: {outcome.title}: {outcome.reason}", 1000))

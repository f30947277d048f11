"""Answers, tables and progress on a terminal. What comes from a file is stripped of control characters first."""

import contextlib
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from ..agent.answer import Answer, mark
from ..memory.progress import Watch, watched
from ..tools.result import Table
from ..tools.text import plain

SHOWN_ROWS = 20
CELL_CHARS = 40
"""A longer cell, such as a deletion of 80 bases, is cut in its middle; --json has it whole."""


def console(stderr: bool = False) -> Console:
    """A console that reads no markup in what it prints and keeps long lines whole where nobody looks."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, markup=False, highlight=False, emoji=False, soft_wrap=not stream.isatty())


def print_json(value: Any) -> None:
    """JSON as programs read it, in ASCII: no character of a file can move or hide anything on a terminal."""
    json.dump(value, sys.stdout, indent=2)
    sys.stdout.write("\n")


def print_answer(answer: Answer) -> None:
    """The text, how it was read, tables, the command that proves it, and who answered."""
    out = console()
    out.print(Text(plain(answer.text)))
    for line in answer.reading:
        out.print(Text(f"  read as: {plain(line)}", style="dim"))
    for figure in answer.figures:
        out.print(Text(f"  figure {plain(figure['name'])}: {plain(figure['alt'])} --json holds it", style="dim"))
    for table in answer.tables:
        print_table(table)
    for evidence in answer.evidence:
        if evidence.command:
            out.print(Text(f"  $ {plain(evidence.command)}", style="cyan"))
        out.print(Text(f"    {_sign(evidence.verified)} {plain(mark(evidence))}", style=_style(evidence.verified)))
    for fallback in answer.fallbacks:
        out.print(Text(f"  {plain(fallback['model'])} {plain(fallback['why'])}", style="yellow"))
    if answer.kind == "answer":
        cost = f", {answer.cost_usd:.4f} USD" if answer.cost_usd else ""
        out.print(Text(f"  {answer.model}, {answer.elapsed_s:.2f} s{cost}", style="dim"))


def _sign(verified: bool | None) -> str:
    return {True: "✓", False: "✗", None: "·"}[verified]


def _style(verified: bool | None) -> str:
    return {True: "green", False: "bold red", None: "dim"}[verified]


def print_table(table: Table, limit: int = SHOWN_ROWS) -> None:
    """The first rows, and how many there are in all."""
    if not table.rows:
        return
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for column in table.columns:
        grid.add_column(Text(plain(column)), no_wrap=True)
    for row in table.rows[:limit]:
        grid.add_row(*(Text(_cell(value)) for value in row))
    out = console()
    widest = [
        max(len(_cell(row[i])) for row in [table.columns, *table.rows[:limit]]) for i in range(len(table.columns))
    ]
    out.width = max(out.width, sum(widest) + 2 * len(widest))  # a terminal wraps long lines; cut names help nobody
    out.print(grid)
    shown = min(limit, len(table.rows))
    if shown < table.total:
        out.print(Text(f"  {shown:,} of {table.total:,} rows; --json has more", style="dim"))


def _cell(value: Any) -> str:
    if value is None:
        return "."
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    text = plain(str(value))
    return text if len(text) <= CELL_CHARS else f"{text[: CELL_CHARS - 9]}…{text[-8:]}"


@contextlib.contextmanager
def work_progress() -> Iterator[Callable[[str, int], None] | None]:
    """A function that shows how many records a piece of work has seen; null where nobody looks."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,} records"),
               TimeElapsedColumn())  # fmt: skip
    with Progress(*columns, console=console(stderr=True), transient=True) as progress:
        tasks: dict[str, Any] = {}

        def show(name: str, records: int) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(plain(name), total=None)
            progress.update(tasks[name], completed=records)

        yield show


@contextlib.contextmanager
def ingest_progress() -> Iterator[Callable[[str, int], None] | None]:
    """The same for files that are read, by their names."""
    with work_progress() as show:
        yield (lambda name, records: show(f"reading {name}", records)) if show else None


@contextlib.contextmanager
def slow_steps(after: float = 1.0) -> Iterator[Callable[[str, int], None]]:
    """As `work_progress`, shown only once the work has taken `after` seconds."""
    start = time.monotonic()
    with contextlib.ExitStack() as stack:
        shows: list[Callable[[str, int], None] | None] = []

        def tell(what: str, records: int) -> None:
            if not shows and time.monotonic() - start > after:
                shows.append(stack.enter_context(work_progress()))
            if shows and (show := shows[0]):
                show(what, records)

        yield tell


@contextlib.contextmanager
def slow_work(name: str, after: float = 1.0) -> Iterator[None]:
    """Shows what the tools within tell of their progress, from `after` seconds on, and nothing where nobody looks."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    progress = Progress(*columns, console=console(stderr=True), transient=True)
    task = progress.add_task(plain(name), total=None)

    def tell(what: str, done: int, total: int | None) -> None:
        share = f" of {total:,}" if total else ""
        progress.update(task, description=plain(f"{name}: {done:,}{share} {what}"))

    start = threading.Timer(after, progress.start)
    start.start()
    try:
        with watched(Watch(tell)):
            yield
    finally:
        start.cancel()
        start.join()
        progress.stop()


@contextlib.contextmanager
def slow_progress(name: str, after: float = 1.0) -> Iterator[Callable[[int], None]]:
    """The same for the reading of one file."""
    with slow_steps(after) as tell:
        yield lambda records: tell(f"reading {name}", records)

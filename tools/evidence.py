"""The command that proves a number, and the proof: the command run again and compared."""

import contextlib
import io
import re
import shlex
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import IO

from . import bcftools
from .clauses import Clause
from .context import ToolContext
from .dataset import OpenDataset
from .filters import Arguments
from .result import Evidence, Json
from .text import one_line

Reader = Callable[[IO[bytes]], Json]


def count_lines(output: IO[bytes]) -> int:
    """What `wc -l` says."""
    lines = 0
    while block := output.read(1 << 20):
        lines += block.count(b"\n")
    return lines


def all_lines(output: IO[bytes]) -> list[str]:
    content = output.read()
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = content.decode("latin-1")  # as the file itself was read
    return text.removesuffix("\n").split("\n") if text else []


def first_lines(number: int) -> Reader:
    """Reads the first lines, and how many there are."""

    def read(output: IO[bytes]) -> Json:
        lines = all_lines(io.BytesIO(b"".join(islice(output, number))))
        return [lines, len(lines) + count_lines(output)]

    return read


def tally(output: IO[bytes]) -> dict[str, int]:
    """What `sort | uniq -c` says, without holding all lines."""
    counts: Counter[bytes] = Counter()
    rest = b""
    while block := output.read(1 << 20):
        *lines, rest = (rest + block).split(b"\n")
        counts.update(lines)
    counts.update([rest] if rest else [])
    try:
        return {line.decode(): number for line, number in counts.items()}
    except UnicodeDecodeError:
        return {line.decode("latin-1"): number for line, number in counts.items()}


@dataclass(slots=True)
class Command:
    """`bcftools`, the arguments before the file, and what follows in the shell.

    `read` makes of the output of bcftools alone what the whole line in the shell would give. `first`, where
    given, is a bcftools command whose output the other one reads. `plugin` marks a command that only a bcftools
    on PATH can run, with its plugins; `pipe` are bcftools commands after it, each of which reads what the one before
    it writes. `unprovable` tells why there is no command.
    """

    arguments: list[str]
    then: str = ""
    read: Reader = count_lines
    first: list[str] | None = None
    plugin: bool = False
    pipe: list[list[str]] = field(default_factory=list)
    unprovable: str = ""

    def shell(self, path: str, folder: Path) -> str:
        """The line as a person would type it in `folder`, every part quoted."""
        parts = [
            f"bcftools {shlex.join([_shown(a, folder) for a in [*start, *end]])}" for start, end in self._steps(path)
        ]
        return " | ".join([*parts, *([self.then] if self.then else [])])

    def _steps(self, path: str) -> list[tuple[list[str], list[str]]]:
        if self.first is None:
            return [(self.arguments, [path]), *((step, []) for step in self.pipe)]
        return [(self.first, [path]), (self.arguments, [])]


def view_command(data: OpenDataset, clauses: list[Clause], scope: str = "record", piped: bool = False) -> Command:
    """`bcftools view -H` with the conditions of a selection; one line of output for each record found.

    `piped` where it reads a pipe, in which no index helps.
    """
    unprovable = next((c.unprovable for c in clauses if c.unprovable), "")
    blind = [c for c in clauses if c.sql and not c.expression and not c.options]
    if not unprovable and blind:
        unprovable = "a name or value in it cannot be written in bcftools' language"
    split = scope == "allele" and bool(data.summary["multiallelic"])
    placed = [_placed(data, c.options, split or piped) for c in clauses]
    targets = [o for o in placed if o[:1] in (["-t"], ["-T"])]  # of which a command takes one
    options = list(chain.from_iterable(o for o in placed if o not in targets[:-1]))
    flags = [o for o in options if o in ("-r", "-R", "-t", "-T", "-f")]
    if len(set(flags)) < len(flags):  # of two, bcftools takes the last
        unprovable = unprovable or f"bcftools takes {max(flags, key=flags.count)} only once"
    expressions = [c.expression for c in clauses if c.expression]
    if scope == "allele":
        expressions.insert(0, "N_ALT>0")
    if len(expressions) > 1:
        expressions = [f"({e})" if " || " in e and not e.startswith("(") else e for e in expressions]
    arguments = ["view", "-H", *options, *(["-i", " && ".join(expressions)] if expressions else [])]
    command = Command(arguments, "wc -l", unprovable=unprovable)
    if len(targets) > 1:
        command.first = ["view", *targets[0]]
        undeclared = cannot_be_written(data)
        command.unprovable = (
            command.unprovable
            or undeclared
            or ("bcftools takes one list of regions at a time" if split or len(targets) > 2 or "-r" in options else "")
        )
    elif split:
        command.first = ["norm", "-m", "-any"]
        command.unprovable = command.unprovable or cannot_be_written(data)
        if any("GT" in e or "FMT/" in e for e in expressions):
            command.unprovable = "splitting a record rewrites its genotypes"
    return command


def cannot_be_written(data: OpenDataset) -> str:
    """Why `bcftools norm` or `view` would stop: it writes no record that uses what the header does not declare."""
    contigs = [c for c in data.contigs if c not in data.summary["contig_lengths"]]
    fields = [f"{f[0]}/{f[1]}" for f in data.summary["fields"] if not f[5]]
    missing = [*contigs, *fields]
    return f"the header does not declare {missing[0]}, so bcftools cannot write the records again" if missing else ""


def _placed(data: OpenDataset, options: list[str], piped: bool) -> list[str]:
    """Regions by the index where there is one, else by reading the whole file; the records are the same."""
    if options[:1] != ["-r"] or (not piped and is_indexed(data.dataset.path) and "," not in options[1]):
        return options
    return ["-t", options[1], "--targets-overlap", "1"]


def asks_samples(arguments: list[str]) -> str:
    """Why a condition on genotypes cannot stand beside -s or a [...] format, where there is one.

    With -s, GT[3] means another sample; in [...], only the samples that meet a condition are written.
    """
    expression = arguments[arguments.index("-i") + 1] if "-i" in arguments else ""
    asked = re.search(r"GT[=!\[~]|FMT/|[NF]_(PASS|MISSING)", expression)
    return "a condition on genotypes would also choose the samples that are written" if asked else ""


def is_indexed(path: Path) -> bool:
    return any(path.with_name(path.name + ending).exists() for ending in (".tbi", ".csi"))


def shown_path(path: Path, folder: Path) -> str:
    """A path as one would type it in `folder`."""
    if path.is_relative_to(folder):
        text = str(path.relative_to(folder))
        return f"./{text}" if text.startswith("-") else text
    return str(path)


def _shown(argument: str, folder: Path) -> str:
    """A file that a command reads, after a ^ or not, as `shown_path` has it; anything else as it is."""
    mark, path = ("^", argument[1:]) if argument.startswith("^/") else ("", argument)
    return mark + shown_path(Path(path), folder) if path.startswith("/") and Path(path).is_file() else argument


def prove(
    context: ToolContext, data: OpenDataset, tool: str, arguments: Arguments, command: Command, expected: Json
) -> Evidence:
    """The evidence for `expected`, with the command run again where that can be done in time."""
    path = shown_path(data.dataset.path, context.folder)
    evidence = Evidence(path, data.dataset.sha256, tool, arguments.model_dump(exclude_defaults=True, mode="json"))
    if command.unprovable:
        evidence.note = f"no bcftools command: {command.unprovable}"
        return evidence
    evidence.command = command.shell(path, context.folder)
    if context.verify_seconds <= 0:
        evidence.note = "re-running is switched off"
    else:
        _rerun(evidence, command, data.dataset.path, context.verify_seconds, expected)
    return evidence


def _rerun(evidence: Evidence, command: Command, path: Path, seconds: float, expected: Json) -> None:
    version = bcftools.version()
    try:
        if command.plugin:
            found, version = _run_plugin(command, str(path), seconds)
        else:
            found = _run(command, str(path), seconds)
    except bcftools.BcftoolsTimeout:
        evidence.note = f"not re-run to its end within {seconds:g} s"
    except (bcftools.BcftoolsError, OSError) as error:
        if not command.plugin:  # what does not run is no command
            evidence.command = None
        evidence.note = f"not re-run: {one_line(str(error))}"
    else:
        evidence.verified = found == expected
        evidence.note = f"re-run with bcftools {version}"
        if not evidence.verified:
            evidence.note += ", which gives another result: " + one_line(str(found), 200)


def _run(command: Command, path: str, seconds: float) -> Json:
    with contextlib.ExitStack() as stack:
        if command.first is None:
            output = stack.enter_context(bcftools.stream([*command.arguments, path], seconds))
        else:
            split = stack.enter_context(bcftools.stream([*command.first, path], seconds))
            feed = iter(lambda: split.read(1 << 20), b"")
            output = stack.enter_context(bcftools.stream(command.arguments, seconds, feed=feed))
        try:
            return command.read(output)
        except (LookupError, ValueError) as error:
            stack.close()  # which says so where bcftools was stopped, and the output ends anywhere
            raise error


def _run_plugin(command: Command, path: str, seconds: float) -> tuple[Json, str]:
    """The result of a plugin and the version of the bcftools on PATH that ran it."""
    program = shutil.which("bcftools")
    if program is None:
        raise bcftools.BcftoolsError("it needs a bcftools with its plugins on PATH")
    try:
        told = subprocess.run([program, "--version"], capture_output=True, timeout=seconds).stdout.split()
        if len(told) < 2:
            raise bcftools.BcftoolsError(f"{program} does not tell its version")
        return _piped(program, command, path, seconds), told[1].decode()
    except subprocess.TimeoutExpired:
        raise bcftools.BcftoolsTimeout("bcftools was stopped at its time limit") from None


def _piped(program: str, command: Command, path: str, seconds: float) -> Json:
    """What the last of the steps writes, read when all have ended. Raises `BcftoolsError` where one fails."""
    with ExitStack() as stack:
        log = stack.enter_context(tempfile.TemporaryFile())  # not a pipe, which could fill up and stop a step
        running: list[subprocess.Popen[bytes]] = []
        for arguments, end in command._steps(path):
            source = running[-1].stdout if running else subprocess.DEVNULL
            step = subprocess.Popen([program, *arguments, *end], stdin=source, stdout=subprocess.PIPE, stderr=log)
            stack.callback(step.wait)
            stack.callback(step.kill)
            if running and running[-1].stdout:
                running[-1].stdout.close()
            running.append(step)
        output = running[-1].communicate(timeout=seconds)[0]
        if any(step.wait(seconds) for step in running):
            log.seek(0)
            raise bcftools.BcftoolsError(bcftools.reason(log.read(1 << 20).decode(errors="replace")))
        return command.read(io.BytesIO(output))

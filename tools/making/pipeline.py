"""Steps run one into the other: a child process for each, joined by pipes."""

import contextlib
import gzip
import hashlib
import os
import select
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from ...memory.progress import ends_by, tell
from .. import bcftools
from ..vcf_file import Container

OWN = "vcf_agent.tools.making.line_steps"
BLOCK = 1 << 20
SECONDS_BETWEEN = 0.2
"""Between two looks at a file that is being written."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the records come from; `declarations` are header lines that the file itself lacks."""

    path: Path
    container: Container = "vcf.gz"
    declarations: tuple[str, ...] = ()

    def text(self) -> Iterator[bytes]:
        """The file with the lacking lines after its first one."""
        opener = gzip.open if self.container == "vcf.gz" else open
        with cast(IO[bytes], opener(self.path, "rb")) as lines:
            yield lines.readline()
            yield "".join(f"{line}\n" for line in self.declarations).encode()
            while block := lines.read(BLOCK):
                yield block


@dataclass(slots=True)
class Step:
    """One command of a pipeline.

    `arguments` are bcftools' own without files and formats, or with `own` the name and argument of a line step.
    `shown` is how a person would write it in bash; `equal` the bcftools plugin that a line step stands for.
    `inputs`, where given, are files that it reads instead of what comes before it; with `together` they stand in
    `shown` already. `done` tells what it did.
    """

    arguments: list[str]
    done: str = ""
    shown: str = ""
    own: bool = False
    equal: str = ""
    unprovable: str = ""
    inputs: list[Path] = field(default_factory=list)
    together: bool = False

    def call(self, source: str, target: str, output: str) -> list[str]:
        """The command for a child, from one file to another; `output` is bcftools' letter for the format."""
        if self.own:
            return [*self.arguments, source, target]
        command, *options = self.arguments
        form = [] if command in ("reheader", "query") else ["-O", output]
        version = [] if command in ("reheader", "query", "sort") else ["--no-version"]
        return [command, *version, *options, *form, "-o", target, *([str(i) for i in self.inputs] or [source])]


@contextlib.contextmanager
def stream_through(
    steps: list[Step], source: Source, last: str = "v", target: str = "/dev/stdout", timeout: float | None = None
) -> Iterator[IO[bytes]]:
    """The output of the last step while it runs; empty where `target` is a file.

    `last` is bcftools' letter for the format of the last output, `timeout` in seconds. Raises `BcftoolsError` when
    the output has been read and a step failed. Steps before one with `inputs` are done already.
    """
    steps = steps[max((i for i, s in enumerate(steps) if s.inputs), default=0) :]
    with contextlib.ExitStack() as stack:
        incoming = _feed(stack, source) if source.declarations else None
        children: list[bcftools.Child] = []
        for number, step in enumerate(steps):
            final = number == len(steps) - 1
            outgoing, following = (None, None) if final else _pipe(stack)
            where = str(source.path) if incoming is None else f"/dev/fd/{incoming.fileno()}"
            there = target if outgoing is None else f"/dev/fd/{outgoing.fileno()}"
            form = last if final else "v" if steps[number + 1].own else "u"
            children.append(_start(stack, step, [f for f in (incoming, outgoing) if f], where, there, form))
            for end in (incoming, outgoing):
                if end:
                    end.close()
            incoming = following
        expired = _limit(stack, children, timeout)
        yield children[-1].output
        _check(children, expired)


def _pipe(stack: contextlib.ExitStack) -> tuple[IO[bytes], IO[bytes]]:
    """The end to write to and the end to read from."""
    read, write = os.pipe()
    reader = stack.enter_context(os.fdopen(read, "rb", 0))
    return stack.enter_context(os.fdopen(write, "wb", 0)), reader


def _feed(stack: contextlib.ExitStack, source: Source) -> IO[bytes]:
    read, write = os.pipe()

    def run() -> None:
        with contextlib.suppress(BrokenPipeError), os.fdopen(write, "wb") as pipe:  # the child says why it stopped
            pipe.writelines(source.text())

    threading.Thread(target=run, daemon=True).start()
    return stack.enter_context(os.fdopen(read, "rb", 0))


def _start(
    stack: contextlib.ExitStack, step: Step, files: list[IO[bytes]], where: str, there: str, form: str
) -> bcftools.Child:
    module = {"module": OWN} if step.own else {}
    child = bcftools.Child(tuple(f.fileno() for f in files), **module)
    stack.callback(child.close)
    child.start(step.call(where, there, form))
    stack.enter_context(ends_by(child.process.kill))
    return child


def _limit(stack: contextlib.ExitStack, children: list[bcftools.Child], timeout: float | None) -> threading.Event:
    expired = threading.Event()

    def stop() -> None:
        expired.set()
        for child in children:
            child.process.kill()

    if timeout is not None:
        timer = threading.Timer(timeout, stop)
        timer.daemon = True
        timer.start()
        stack.callback(timer.cancel)
    return expired


def _check(children: list[bcftools.Child], expired: threading.Event) -> None:
    codes = [child.process.wait() for child in children]
    if expired.is_set():
        raise bcftools.BcftoolsTimeout("bcftools was stopped at its time limit")
    reasons = [bcftools.reason(c.messages()) or f"ended with {n}" for c, n in zip(children, codes, strict=True) if n]
    if reasons:
        # A step whose reader has gone fails too; the one to blame is another.
        blamed = [r for r in reasons if "roken pipe" not in r and "write" not in r]
        raise bcftools.BcftoolsError((blamed or reasons)[0])


def run_to_file(steps: list[Step], source: Source, target: Path, last: str) -> None:
    """Run the steps, the last of which writes `target`. Raises `BcftoolsError`."""
    with stream_through(steps, source, last, str(target)) as nothing:
        ready = False
        while not ready:
            tell("bytes written", target.stat().st_size if target.exists() else 0)
            ready = bool(select.select([nothing], [], [], SECONDS_BETWEEN)[0])
        nothing.read()


def digest(steps: list[Step], source: Source, timeout: float) -> tuple[str, int]:
    """SHA-256 of the records that come out of the steps, as text, and their number of lines."""
    found, lines = hashlib.sha256(), 0
    with stream_through(steps, source, timeout=timeout) as output:
        while block := output.read(BLOCK):
            found.update(block)
            lines += block.count(b"\n")
            tell("records compared with the command's", lines)
    return found.hexdigest(), lines

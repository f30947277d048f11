"""bcftools in a child process: the one that pysam carries, so that its version is known."""

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ..memory.errors import InputError
from ..memory.progress import ends_by
from .text import one_line

_spare: list["Child"] = []


class BcftoolsError(Exception):
    """bcftools ended with an error; the message is its own, in one line."""


class BcftoolsTimeout(BcftoolsError):
    """bcftools was stopped at its time limit."""


class Child:
    """One process that waits for a command, runs it and ends."""

    def __init__(self, open_files: tuple[int, ...] = (), module: str = "vcf_agent.tools.bcftools_child") -> None:
        self.log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  not a pipe, which could fill up and stop the child
        # -P: a pysam.py in the user's folder is not ours to import.
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", module],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, pass_fds=open_files,
        )  # fmt: skip

    @property
    def output(self) -> IO[bytes]:
        assert self.process.stdout
        return self.process.stdout

    def start(self, arguments: list[str], memory: int | None = None) -> None:
        """Hand it the command; one with an output of its own (`-o FILE`) writes nothing to `output`."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps([memory, *arguments]).encode() + b"\n")
        self.process.stdin.close()

    def messages(self) -> str:
        self.log.seek(0)
        return self.log.read(1 << 20).decode(errors="replace")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.log):
            with contextlib.suppress(OSError):
                if stream:
                    stream.close()


def version() -> str:
    """The version of the bundled bcftools."""
    import pysam.version

    return str(pysam.version.__bcftools_version__)


def prepare() -> None:
    """Start a child that waits, so that its start-up overlaps with other work."""
    if not _spare:
        _spare.append(Child())


def release() -> None:
    """End the waiting child."""
    while _spare:
        _spare.pop().close()


@contextlib.contextmanager
def stream(
    arguments: list[str],
    timeout: float | None = None,
    feed: Iterator[bytes] | None = None,
    memory: int | None = None,
) -> Iterator[IO[bytes]]:
    """The output of a command while it runs; `feed`, where given, is the content of its input file.

    `timeout` is in seconds, `memory` the most that bcftools may take, in bytes. Raises `BcftoolsError` when the output
    has been read and the command failed.
    """
    with contextlib.ExitStack() as stack:
        if feed is None:
            child = _take(stack)
            child.start(arguments, memory)
        else:
            child = _start_fed(stack, arguments, feed, memory)
        stack.enter_context(ends_by(child.process.kill))
        expired = threading.Event()
        _limit(stack, child, timeout, expired)
        yield child.output
        _check(child, expired)


def _start_fed(stack: contextlib.ExitStack, arguments: list[str], feed: Iterator[bytes], memory: int | None) -> Child:
    source, sink = os.pipe()
    child = Child((source,))
    stack.callback(child.close)
    os.close(source)
    child.start([*arguments, f"/dev/fd/{source}"], memory)

    def write() -> None:
        with (
            contextlib.suppress(BrokenPipeError),
            os.fdopen(sink, "wb") as pipe,
        ):  # the child says why it stopped
            pipe.writelines(feed)

    threading.Thread(target=write, daemon=True).start()
    return child


def _take(stack: contextlib.ExitStack) -> Child:
    child = _spare.pop() if _spare else Child()
    if child.process.poll() is not None:
        child.close()
        child = Child()
    stack.callback(child.close)
    return child


def _limit(stack: contextlib.ExitStack, child: Child, timeout: float | None, expired: threading.Event) -> None:
    if timeout is None:
        return

    def stop() -> None:
        expired.set()
        child.process.kill()

    timer = threading.Timer(timeout, stop)
    timer.daemon = True
    timer.start()
    stack.callback(timer.cancel)


def _check(child: Child, expired: threading.Event) -> None:
    code = child.process.wait()
    if expired.is_set():
        raise BcftoolsTimeout("bcftools was stopped at its time limit")
    if code < 0:
        raise BcftoolsError(f"bcftools was ended by signal {-code}")
    if code:
        raise BcftoolsError(reason(child.messages()))


def reason(messages: str) -> str:
    """The line of bcftools' messages that says what is wrong: an [E::...] line, else the last."""
    found = re.findall(r"^\[E::\w+\] (.*)$", messages, re.MULTILINE)
    last = re.findall(r"stderr=(.*?)'?\)?$", messages, re.DOTALL)
    return one_line(found[0] if found else last[0].replace("\\n", " ") if last else messages)


def run(arguments: list[str], where: Path, timeout: float | None = None) -> str:
    """The whole output of a command on the file `where`; `InputError` names the file when it fails."""
    try:
        with stream(arguments, timeout) as output:
            return output.read().decode(errors="replace")
    except BcftoolsError as error:
        raise InputError(f"{where} cannot be read: {error}", "Check the file with `vcf-agent validate`") from error

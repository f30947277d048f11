"""The heavy parts of an ingest in a process of their own: its memory goes back when it ends, and a crash is its own.

The parent writes a JSON line for each task and keeps the pipe open; the child answers with JSON lines: the records
read so far, and at the end the result or the error. When the pipe closes, the parent is done or gone, and the child
ends at once.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO

from ..memory import errors
from ..memory.errors import StorageError, VcfAgentError
from ..memory.progress import ends_by, tell
from . import bcftools
from .result import Json
from .vcf_file import Progress

Worker = Callable[..., Json]
"""Takes the name of a task and what it needs."""

ENVIRONMENT = {"MALLOC_ARENA_MAX": "2", "LANCEDB_LOG": "error", "RAY_USAGE_STATS_ENABLED": "0"}
"""Fewer pools of freed memory than glibc keeps by itself; no message to those who make Ray."""


@contextlib.contextmanager
def worker(lock: int, progress: Progress | None, apart: bool) -> Iterator[Worker]:
    """Does tasks of `TASKS`: here, or `apart` in a child process that shares the writer's `lock`.

    The worker raises what the task raised, and `StorageError` where the process ended without an answer.
    """
    if not apart:
        yield lambda task, **job: TASKS[task](job, progress)
        return
    with _child(lock) as (process, log):
        yield lambda task, **job: _ask(process, log, task, job, progress)


def _ask(
    process: "subprocess.Popen[bytes]", log: IO[bytes], task: str, job: dict[str, Json], progress: Progress | None
) -> Json:
    assert process.stdin
    assert process.stdout
    with contextlib.suppress(BrokenPipeError):  # it died, which the end of its output tells
        process.stdin.write(json.dumps([task, job]).encode() + b"\n")
        process.stdin.flush()
    with ends_by(process.kill):
        for line in process.stdout:
            kind, value = json.loads(line)
            if kind == "records":
                tell("records read", value)
                if progress:
                    progress(value)
            elif kind == "error":
                raise getattr(errors, value[0])(value[1], value[2])
            elif kind == "done":
                return value
    raise _died(process.wait(), log)


@contextlib.contextmanager
def _child(lock: int) -> Iterator[tuple["subprocess.Popen[bytes]", IO[bytes]]]:
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            pass_fds=(lock,), env=os.environ | ENVIRONMENT,
        )  # fmt: skip
        try:
            yield process, log
        finally:  # also when the user cancels
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    if pipe:
                        pipe.close()


def _died(code: int, log: IO[bytes]) -> Exception:
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    if code > 0:
        return RuntimeError("\n".join(lines) or f"the process of the ingest ended with {code}")
    name = signal.Signals(-code).name if code else "no answer"
    hint = "Is there enough memory?" if code == -signal.SIGKILL else "Run it again"
    return StorageError(f"The process of the ingest ended with {name}, and nothing was stored", hint)


def tables(job: dict[str, Json], progress: Progress | None) -> Json:
    """See `store.store_tables`."""
    from .store import store_tables

    return store_tables(Path(job["path"]), job["sha256"], job["tables"] or Path(job["workspace"]), progress)


def tables_by_region(job: dict[str, Json], progress: Progress | None) -> Json:
    """See `ingest_by_region.store_by_region`."""
    from .ingest_by_region import store_by_region

    workspace = Path(job["workspace"]).absolute()  # as the tasks run elsewhere
    place = job["tables"] or workspace
    return store_by_region(Path(job["path"]), job["sha256"], workspace, place, job["workers"], progress)


def graph(job: dict[str, Json], progress: Progress | None) -> Json:
    """See `graph_load.write_graph`."""
    from ..memory.catalog import Catalog, Dataset
    from .graph_load import write_graph

    workspace = Path(job["workspace"])
    held = Catalog(workspace).datasets()
    choice = write_graph(workspace, job["generation"], Dataset.from_json(job["dataset"]), held, job["without"])
    return choice and asdict(choice)


TASKS: dict[str, Callable[[dict[str, Json], Progress | None], Json]] = {
    "tables": tables, "tables_by_region": tables_by_region, "graph": graph,
}  # fmt: skip


def main() -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    bcftools.prepare()  # which starts while the imports of the first task take place
    for line in sys.stdin.buffer:
        task, job = json.loads(line)
        try:
            _say("done", TASKS[task](job, lambda records: _say("records", records)))
        except VcfAgentError as error:
            _say("error", [type(error).__name__, error.what, error.way_out])


def _end_with_parent() -> None:
    pipe = select.poll()
    pipe.register(0, 0)  # no event but the end of the other side
    pipe.poll()
    os._exit(1)


def _say(kind: str, value: Json) -> None:
    sys.stdout.write(json.dumps([kind, value]) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

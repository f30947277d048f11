"""A user's statement, run in a process of its own: there are some that Kuzu crashes on, or never ends to parse."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from .errors import StorageError, ToolError, VcfAgentError
from .read_only_cypher import Statement
from .variant_graph import GraphAnswer, read_graph

GRACE = 5.0
"""Seconds that the process may take to start, to parse and to hand over, beside the time limit of the statement."""


def answer_apart(path: Path, statement: Statement, limit: int, seconds: float) -> GraphAnswer:
    """As `VariantGraph.answer`, for the graph at `path`. A crash there is a `ToolError` here."""
    given = {
        "path": str(path),
        "statement": asdict(statement) | {"tables": sorted(statement.tables)},
        "limit": limit,
        "seconds": seconds,
    }
    command = [sys.executable, "-P", "-m", __name__]
    try:
        done = subprocess.run(command, input=json.dumps(given).encode(), capture_output=True, timeout=seconds + GRACE)
    except subprocess.TimeoutExpired:
        raise ToolError(f"The graph had no answer within {seconds:g} s", "Ask for something simpler") from None
    if done.returncode:
        raise ToolError(f"The graph's engine broke on the statement ({_death(done)})", "Write it in another way")
    told = json.loads(done.stdout)
    if "error" in told:
        raise {"StorageError": StorageError}.get(told["error"], ToolError)(told["what"], told["way_out"])
    return GraphAnswer(**told)


def _death(done: subprocess.CompletedProcess[bytes]) -> str:
    return signal.Signals(-done.returncode).name if done.returncode < 0 else f"exit {done.returncode}"


def _answer(given: dict[str, object]) -> dict[str, object]:
    path, seconds = Path(str(given["path"])), float(str(given["seconds"]))
    statement = Statement(**given["statement"])  # type: ignore[arg-type]
    try:
        with read_graph(path) as graph:
            return asdict(graph.answer(statement, int(str(given["limit"])), seconds))
    except VcfAgentError as error:
        return {"error": type(error).__name__, "what": error.what, "way_out": error.way_out}


def _write_no_file() -> None:
    """A second wall behind the allow-list: this process can put nothing into a file."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    _write_no_file()
    sys.stdout.write(json.dumps(_answer(json.load(sys.stdin))))

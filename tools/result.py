"""What a tool hands back: a short content for a model, and the full result for a front."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

Json = Any
"""A value that `json.dumps` takes."""


@dataclass(slots=True)
class Table:
    """Rows for a front; `total` counts all of them, also where only some are shown."""

    name: str
    columns: list[str]
    rows: list[list[Json]]
    total: int
    truncated: bool = False


@dataclass(slots=True)
class Evidence:
    """What a number rests on.

    `verified` is true where `command` was re-run and gave the same, false where it gave something else,
    null where it was not re-run; `note` then says why.
    """

    file: str
    sha256: str
    tool: str
    arguments: dict[str, Json]
    command: str | None = None
    verified: bool | None = None
    note: str | None = None


@dataclass(slots=True)
class ToolResult:
    """One tool's answer.

    `text` is a sentence or a few for a person; `value` is the answer for a program (a number, true or false,
    a list of strings, an object, or null). `private` marks a result that shows
    genotypes of single samples, which a remote model does not get to see. `files` are the paths of what was written,
    `whole` the tables of which only the first rows are shown, where the tool had all of them. A figure is an object of
    `name`, `figure` (Plotly's JSON) and `alt`, one sentence that says what it shows.
    """

    text: str
    value: Json = None
    unit: str | None = None
    reading: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    private: bool = False
    files: list[str] = field(default_factory=list)
    figures: list[dict[str, Json]] = field(default_factory=list)
    whole: list[Table] = field(default_factory=list, repr=False)

    def show(self, table: Table, limit: int) -> None:
        """Add the first rows of a table that has all of its rows, and keep the whole for a file."""
        if len(table.rows) > limit:
            self.whole.append(table)
            table = replace(table, rows=table.rows[:limit], truncated=True)
        self.tables.append(table)

    def to_json(self) -> dict[str, Json]:
        return {name: value for name, value in asdict(self).items() if name != "whole"}

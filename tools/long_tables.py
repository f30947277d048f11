"""A table that is too long to show goes into a file, whole."""

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..memory.errors import ToolError
from ..memory.progress import tell
from .context import ToolContext
from .making.exports import exports_folder, safe_part, working_folder
from .result import Table, ToolResult
from .text import count_of, one_line, plain

if TYPE_CHECKING:
    import pyarrow as pa

MOST_ROWS = 200_000
"""Rows of a table that a tool makes whole in memory; list_variants writes longer ones in blocks."""


def add_file(context: ToolContext, result: ToolResult, name: str, table: Table, blocks: Iterable["pa.Table"]) -> None:
    """Write all rows of a table that shows only some below the workspace's `exports/tables`, as TSV.

    The file's name ends in the digest of what it holds, so the same rows are written once and nothing is overwritten.
    Where it cannot be written the answer stands, and says so.
    """
    try:
        target = _file(
            exports_folder(context.workspace) / "tables", f"{safe_part(name)}.{safe_part(table.name)}", blocks
        )
    except (OSError, ToolError) as error:
        result.reading.append(f"the whole table could not be written to a file: {one_line(str(error))}")
        return
    result.files.append(str(target))
    result.reading.append(f"all {count_of(table.total, 'row')} of '{table.name}' are in {target}")


def _file(folder: Path, name: str, blocks: Iterable["pa.Table"]) -> Path:
    with working_folder(folder) as scratch:
        made = scratch / "table.tsv"
        target = folder / f"{name}.{_write(made, blocks)}.tsv"
        with contextlib.suppress(FileExistsError):
            os.link(made, target)
    return target


def rows_as_blocks(table: Table) -> Iterator["pa.Table"]:
    """The rows of a table as one block of text."""
    import pyarrow as pa

    cells = [[_cell(value) for value in row] for row in table.rows]
    columns = zip(*cells, strict=True) if cells else ([] for _ in table.columns)
    yield pa.table([pa.array(c, pa.string()) for c in columns], names=table.columns)


def _cell(value: Any) -> str | None:
    if isinstance(value, list | tuple):
        return ",".join(_cell(v) or "." for v in value)
    return None if value is None else plain(str(value)).replace("\t", " ")


def _write(path: Path, blocks: Iterable["pa.Table"]) -> str:
    """Write the blocks and give back the start of their SHA-256."""
    from pyarrow import csv

    first, done = True, 0
    for_tsv = {"delimiter": "\t", "quoting_style": "none", "quoting_header": "none"}
    with path.open("w+b") as out:
        for block in blocks:
            csv.write_csv(block, out, csv.WriteOptions(include_header=first, **for_tsv))
            first, done = False, done + block.num_rows
            tell("rows written", done)
        out.seek(0)
        return hashlib.file_digest(out, "sha256").hexdigest()[:12]

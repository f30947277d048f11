"""What the pictures share: the rows of the selected records, and what a picture is before it is a result."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .bins import Bins, Counts, Values, bins_of
from .dataset import OpenDataset
from .evidence import Command, Reader, tally, view_command
from .figures import histogram
from .list_variants import query_options
from .result import Evidence, Json, Table
from .selection import Selection, record_numbers

BLOCK_ROWS = 1 << 18
"""Rows of the variant table that are looked at together."""


@dataclass(slots=True)
class Picture:
    """A figure with one sentence for a screen reader, and the numbers under it.

    `command` and `expected` are for the proof; a picture of another tool's numbers brings its `evidence`.
    """

    figure: Json
    alt: str
    text: str
    value: Json
    unit: str
    tables: list[Table]
    reading: list[str] = field(default_factory=list)
    command: Command | None = None
    expected: Json = None
    evidence: list[Evidence] = field(default_factory=list)
    private: bool = False


def selected_rows(
    data: OpenDataset, found: Selection, columns: list[str], also: str = ""
) -> Iterator[dict[str, pa.Array]]:
    """Columns of all ALT alleles of the selected records, block by block; `also` narrows the rows further.

    With `allele <= 1` there it is one row per record.
    """
    whole = found.records is None and (not found.where or not data.summary["multiallelic"])
    where = " AND ".join(part for part in (found.where if whole else "", also) if part)
    records = None if whole else record_numbers(data, found)
    for rows in data.table.blocks(["record", *columns], where, BLOCK_ROWS):
        kept = rows if records is None else rows.filter(pa.array(np.isin(rows["record"].to_numpy(), records)))
        yield {name: kept[name] for name in columns}


def one_row_each(data: OpenDataset, found: Selection, column: str) -> Iterator[npt.NDArray[Any]]:
    """The values of a column that is the same for all alleles of a record, where it has one."""
    for rows in selected_rows(data, found, [column], "allele <= 1"):
        yield rows[column].drop_null().to_numpy(zero_copy_only=False)


def stats_command(data: OpenDataset, found: Selection, options: list[str], then: str, read: Reader) -> Command:
    """`bcftools stats` over the selected records."""
    command = view_command(data, found.clauses)
    conditions = command.arguments[2:]
    command.first = ["view", *conditions] if conditions else None
    command.arguments, command.then, command.read = ["stats", *options], then, read
    return command


def query_command(data: OpenDataset, found: Selection, form: str, then: str, read: Reader) -> Command:
    """`bcftools query` over the selected records."""
    command = view_command(data, found.clauses)
    command.arguments = ["query", "-f", form, *query_options(command.arguments[2:])]
    command.then, command.read = then, read
    return command


def binned(
    values: Values, counts: Counts, whole: bool, name: str, title: str, x_title: str, unit: str
) -> tuple[Json, Table, Bins, list[int], list[str]]:
    """A histogram with its table, its bins, their counts, and a remark on the last bin where it has no end."""
    bins = bins_of(values, counts, whole)
    numbers = bins.count(values, counts)
    offset = -0.5 if whole else 0
    starts = bins.starts()
    figure = histogram(starts, bins.width, numbers, bins.names(), offset=offset, title=title, x_title=x_title,
                       y_title=f"{unit} (count)")  # fmt: skip
    rows: list[list[Any]] = [[s, e, n] for s, e, n in zip(starts, bins.ends(), numbers, strict=True)]
    table = Table(name, ["from", "to" if whole else "below", unit], rows, len(rows))
    remark = [f"the last bar holds everything from {starts[-1]:,} on, up to {values[-1]:,g}"] if bins.open else []
    return figure, table, bins, numbers, remark


def awk_bins(bins: Bins) -> str:
    """What counts lines of one number in the bins, in a shell."""
    last = bins.number - 1
    step = f"b=int(($1-({bins.first:.12g}))/{bins.width:.12g}+1e-9); if (b>{last}) b={last}; n[b]++"
    return f"awk '{{{step}}} END {{for (b in n) print {bins.first:.12g}+b*{bins.width:.12g}, n[b]}}'"


def number_reader(bins: Bins, number: Callable[[float], float]) -> Callable[[IO[bytes]], Json]:
    """Lines of one number, counted in the bins; `.` and nothing are no number."""

    def read(output: IO[bytes]) -> list[int]:
        lines = {k: n for k, n in tally(output).items() if k not in (".", "")}
        values = np.array([np.float32(k) for k in lines], dtype=np.float64)
        return bins.count(values, np.array(list(lines.values()), dtype=np.int64))

    return read


def by_label(labels: list[Any], numbers: list[Any]) -> dict[str, Any]:
    """The value of a picture: its marks by their labels."""
    return {str(label): number for label, number in zip(labels, numbers, strict=True)}


def peak(bins: Bins, numbers: list[int], unit: str) -> str:
    """The highest bar, in words."""
    at = int(np.argmax(numbers))
    return f"highest at {bins.names()[at]} with {numbers[at]:,} {unit}"

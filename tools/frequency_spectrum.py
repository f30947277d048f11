"""The site-frequency spectrum: how many alleles are seen once, twice, and so on."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import IO, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from ..memory.errors import ToolError
from .allele_counts import READING, allele_counts, allele_rows, counts_command
from .clauses import Clause
from .context import ToolContext
from .dataset import OpenDataset
from .evidence import Command, prove, view_command
from .filters import VariantFilter
from .info_values import allele_values
from .list_variants import query_options
from .registry import Tool
from .result import Table, ToolResult
from .sample_groups import columns_of
from .selection import Selection, select
from .text import count_of

Floats = npt.NDArray[np.float64]


class FrequencySpectrum(VariantFilter):
    source: Literal["genotypes", "info"] = Field(
        "genotypes", description="genotypes: counted anew. info: INFO/AC (and AN) as they stand in the file"
    )
    folded: bool = Field(
        False, description="copies of the rarer of the ALT allele and the others, in place of the ALT's"
    )
    scope: Literal["record", "allele"] = Field(
        "allele", description="allele: each ALT allele by itself. record: all ALT alleles of a record together"
    )
    samples: list[str] = Field(default_factory=list, description="count over these alone; empty for all")

    @model_validator(mode="after")
    def _samples_have_genotypes(self) -> "FrequencySpectrum":
        if self.samples and self.source == "info":
            raise ValueError("INFO/AC speaks of all samples; with `samples` take source genotypes")
        return self


def frequency_spectrum(context: ToolContext, wanted: FrequencySpectrum) -> ToolResult:
    """A histogram of allele counts; the value maps each count (as text) to the number of alleles, or records."""
    data = context.dataset(wanted.dataset)
    columns: list[int] = []
    if wanted.source == "genotypes":
        if not data.samples and "AC" in data.info:
            raise ToolError(f"{data.name} has no samples, so no genotypes", "Ask for source = info, its INFO/AC")
        data.need_genotypes()
        columns = columns_of(data, wanted.samples) or list(range(len(data.samples)))
    found = select(data, wanted)
    histogram: Counter[int] = Counter()
    absent = 0
    for copies, known in _copies(data, found, wanted, columns):
        absent += int((~known).sum())
        histogram += Counter(
            dict(zip(*map(np.ndarray.tolist, np.unique(copies[known], return_counts=True)), strict=True))
        )
    value = {str(count): histogram[count] for count in sorted(histogram)}
    unit = f"{wanted.scope}s"
    result = ToolResult(_text(data, wanted, value, len(columns)), value, unit)
    total = sum(value.values())
    rows: list[list[Any]] = [[int(c), n, round(n / total, 6)] for c, n in value.items()]
    result.tables.append(Table("frequency spectrum", [_axis(wanted), unit, "share"], rows, len(rows)))
    result.private = len(columns) == 1
    result.reading = [*_readings(wanted, len(columns)), *found.reading]
    if absent:
        result.reading.append(f"{count_of(absent, wanted.scope)} without INFO/AC{_and_an(wanted)} are not counted")
    command = _command(data, wanted, found, columns)
    result.evidence.append(prove(context, data, "frequency_spectrum", wanted, command, value))
    return result


def _copies(
    data: OpenDataset, found: Selection, wanted: FrequencySpectrum, columns: list[int]
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]]:
    """Counts of the alleles or records of each block, and whether they are known."""
    held: tuple[npt.NDArray[np.int32], Floats, Floats] | None = None
    for record, ac, an in _counts(data, found, wanted, columns):
        if wanted.scope == "record":
            if held:
                record = np.concatenate([held[0], record])
                ac, an = np.concatenate([held[1], ac]), np.concatenate([held[2], an])
            whole = record != record[-1]  # the last record may go on in the next block
            held = record[~whole], ac[~whole], an[~whole]
            record, ac, an = _by_record(record[whole], ac[whole], an[whole])
        yield _folded(ac, an, wanted)
    if held:
        yield _folded(*_by_record(*held)[1:], wanted)


def _counts(
    data: OpenDataset, found: Selection, wanted: FrequencySpectrum, columns: list[int]
) -> Iterator[tuple[npt.NDArray[np.int32], Floats, Floats]]:
    """Record, AC and AN of every ALT allele; what is not known is not a number."""
    if wanted.source == "genotypes":
        for block in allele_counts(data, found, [columns]):
            yield block.record, block.ac[:, 0].astype(np.float64), block.an[:, 0].astype(np.float64)
        return
    fields = [data.info_column(name) for name in ("AC", *(["AN"] if wanted.folded else []))]
    for batch in allele_rows(data, found, [f.column for f in fields], 1):
        values = [allele_values(f, batch, of_record=f.id == "AN") for f in fields]
        yield batch.column("record").to_numpy(), values[0], values[-1]


def _by_record(record: npt.NDArray[np.int32], ac: Floats, an: Floats) -> tuple[npt.NDArray[np.int32], Floats, Floats]:
    """AC summed over the alleles of each record."""
    if not len(record):
        return record, ac, an
    first = np.flatnonzero(np.diff(record, prepend=-1))
    return record[first], np.add.reduceat(ac, first), an[first]


def _folded(ac: Floats, an: Floats, wanted: FrequencySpectrum) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    copies = np.minimum(ac, an - ac) if wanted.folded else ac
    known = ~np.isnan(copies)
    return np.where(known, copies, 0).astype(np.int64), known


def _axis(wanted: FrequencySpectrum) -> str:
    return "minor allele count" if wanted.folded else "allele count"


def _and_an(wanted: FrequencySpectrum) -> str:
    return " or INFO/AN" if wanted.folded else ""


def _text(data: OpenDataset, wanted: FrequencySpectrum, value: dict[str, int], samples: int) -> str:
    total = sum(value.values())
    noun = "ALT allele" if wanted.scope == "allele" else "record"
    if not total:
        return f"No {noun} of {data.name} has a count to show."
    shown = ", ".join(f"{c}: {n:,}" for c, n in list(value.items())[:20])
    more = f" and {len(value) - 20:,} more counts, the highest {list(value)[-1]}" if len(value) > 20 else ""
    where = f" in {count_of(samples, 'sample')}" if samples else ""
    return f"Spectrum of {count_of(total, noun)}{where} of {data.name}, by {_axis(wanted)}: {shown}{more}."


def _readings(wanted: FrequencySpectrum, samples: int) -> list[str]:
    what = "ALT alleles, each by itself" if wanted.scope == "allele" else "records, the ALT alleles of one together"
    found = [f"{what}; a count of 0 is an ALT allele that is not seen"]
    if wanted.source == "info":
        found.append(f"INFO/AC{' and INFO/AN' if wanted.folded else ''} as in the file, not counted anew")
    else:
        found.append(f"counted from the genotypes of {count_of(samples, 'sample')}; {READING}")
    if wanted.folded:
        found.append("folded: the smaller of AC and AN - AC")
    elif wanted.source == "genotypes":
        found.append("not folded: REF is not taken for the ancestral allele")
    if wanted.source == "genotypes":
        found.append("where genotypes are missing AN is smaller; counts are not projected to one AN")
    return found


def _command(data: OpenDataset, wanted: FrequencySpectrum, found: Selection, columns: list[int]) -> Command:
    form = r"%AC\t%AN\n" if wanted.folded else r"%AC\n"
    if wanted.source == "genotypes":
        command = counts_command(data, found, columns, form)
    else:
        command = view_command(data, [Clause("", expression="N_ALT>0"), *found.clauses])
        options = query_options(command.arguments[2:])
        command.arguments = ["query", "-f", form.replace("%", "%INFO/"), *options]
    together, folded = wanted.scope == "record", wanted.folded
    command.then = _awk(together, folded) + "sort -n | uniq -c"
    command.read = _reader(together, folded)
    return command


def _awk(together: bool, folded: bool) -> str:
    if not together and not folded:
        return r"tr ',' '\n' | grep -v '[.]' | "
    fold, known = ("m=$2-c;if(m<c)c=m;", '$2!="."') if folded else ("", "1")
    if together:
        return (
            rf"""awk -F'\t' '{known}&&$1!~/[.]/{{n=split($1,a,",");c=0;for(i=1;i<=n;i++)c+=a[i];{fold}print c}}' | """
        )
    each = f'for(i=1;i<=n;i++)if(a[i]!="."){{c=a[i];{fold}print c}}'
    return rf"""awk -F'\t' '{known}{{n=split($1,a,",");{each}}}' | """


def _reader(together: bool, folded: bool) -> Callable[[IO[bytes]], dict[str, int]]:
    def read(output: IO[bytes]) -> dict[str, int]:
        found: Counter[int] = Counter()
        for line, times in Counter(output).items():
            counts, _, an = line.decode().rstrip("\n").partition("\t")
            copies = [c for c in counts.split(",") if c != "."]
            if an == "." or (together and "." in counts):
                continue
            each = [sum(map(int, copies))] if together else list(map(int, copies))
            for c in each:
                found[min(c, int(an) - c) if folded else c] += times
        return {str(c): found[c] for c in sorted(found)}

    return read


TOOL = Tool(
    "frequency_spectrum",
    "The site-frequency spectrum, a histogram of allele counts: how many ALT alleles are seen once (singletons), twice "
    "and so on; folded for minor allele counts. From the genotypes, or from INFO/AC as written.",
    FrequencySpectrum,
    frequency_spectrum,
    example={"folded": True},
)

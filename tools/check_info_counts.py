"""Whether INFO/AC, AN and AF agree with the genotypes beside them, or are left over from another set of samples."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import IO, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from ..memory.errors import ToolError
from .allele_counts import READING, AlleleCounts, allele_counts, allele_keys, frequencies, rounded
from .columns import InfoColumn
from .context import ToolContext
from .dataset import OpenDataset
from .evidence import Command, asks_samples, prove, view_command
from .filters import VariantFilter
from .info_values import allele_values
from .list_variants import query_options
from .registry import Tool
from .result import Table, ToolResult
from .selection import Selection, select
from .text import count_of

Floats = npt.NDArray[np.float64]
Name = Literal["AC", "AN", "AF"]
FIELDS: tuple[Name, ...] = ("AC", "AN", "AF")
AGREES, ABSENT, UNCALLED, DISAGREES = range(4)
LAST_DIGIT = 1.2e-7
"""What a frequency may lose as a number of 32 bits, as which INFO is stored."""
STATES = ("agree", "absent", "uncalled", "disagree")
"""What is told of a record is the last of these that holds for any of its ALT alleles."""


class CheckInfoCounts(VariantFilter):
    field: Literal["all", "AC", "AN", "AF"] = Field("all", description="all: those of AC, AN and AF that the file has")
    tolerance: float = Field(
        0.001, ge=0, le=1,
        description="difference of AF that counts as rounding; the default allows for AF printed with three or four "
        "digits. AC and AN must be the same",
    )  # fmt: skip
    limit: int = Field(20, ge=1, le=10_000, description="records shown; the total is always told")


@dataclass(slots=True)
class Checked:
    """The state of each field (a column) in each record (a line), and alleles of which a field disagrees.

    An example is record, allele, field, value in INFO, value from the genotypes; `wrong` is the number of all of them.
    """

    states: npt.NDArray[np.int8]
    examples: list[tuple[int, int, str, float, float]]
    wrong: int


def check_info_counts(context: ToolContext, wanted: CheckInfoCounts) -> ToolResult:
    """INFO against genotypes. The value is the number of records in which a field that was looked at disagrees."""
    data = context.dataset(wanted.dataset)
    data.need_genotypes()
    columns = _columns(data, wanted)
    found = select(data, wanted)
    checked = _check(data, found, columns, wanted)
    number = int((checked.states == DISAGREES).any(axis=1).sum())
    by_field = {n: _by_state(checked.states[:, i]) for i, n in enumerate(columns)}
    examples = _rows(data, checked)
    result = ToolResult(_text(data, wanted, number, len(checked.states), by_field, examples), number, "records")
    rows: list[list[Any]] = [[f"INFO/{n}", *s.values()] for n, s in by_field.items()]
    result.tables = [
        Table("fields", ["field", *STATES], rows, len(rows)),
        Table("disagreeing", ["variant", "field", "INFO", "genotypes"], examples, checked.wrong,
              len(examples) < checked.wrong),
    ]  # fmt: skip
    result.private = len(data.samples) == 1
    result.reading = [*_readings(wanted, list(columns)), READING, *found.reading]
    command = _command(data, wanted, found, columns)
    result.evidence.append(prove(context, data, "check_info_counts", wanted, command, number))
    return result


def _columns(data: OpenDataset, wanted: CheckInfoCounts) -> dict[Name, InfoColumn]:
    if wanted.field != "all":
        return {wanted.field: data.info_column(wanted.field)}
    found = {name: data.info[name] for name in FIELDS if name in data.info}
    if not found:
        raise ToolError(
            f"{data.name} has no INFO/AC, AN or AF to compare with its genotypes",
            "allele_frequencies counts them from the genotypes",
        )
    return found


def _check(data: OpenDataset, found: Selection, columns: dict[Name, InfoColumn], wanted: CheckInfoCounts) -> Checked:
    records = [np.array([], dtype=np.int32)]
    of_alleles = [np.zeros((0, len(columns)), dtype=np.int8)]
    examples: list[tuple[int, int, str, float, float]] = []
    wrong = 0
    everyone = list(range(len(data.samples)))
    for block in allele_counts(data, found, [everyone], [c.column for c in columns.values()]):
        states = np.zeros((len(block.record), len(columns)), dtype=np.int8)
        for i, (name, column) in enumerate(columns.items()):
            written, counted = _written(name, column, block), _counted(name, block)
            states[:, i] = _states(written, counted, wanted.tolerance + LAST_DIGIT if name == "AF" else 0)
            first = block.allele == 1 if name == "AN" else True  # AN is one value of the whole record
            at = np.flatnonzero((states[:, i] == DISAGREES) & first)
            wrong += len(at)
            for a in at[: max(wanted.limit - sum(e[2] == name for e in examples), 0)].tolist():
                examples.append((int(block.record[a]), int(block.allele[a]), name, written[a], counted[a]))
        records.append(block.record)
        of_alleles.append(states)
    record, every = np.concatenate(records), np.concatenate(of_alleles)
    starts = np.flatnonzero(np.diff(record, prepend=-1))
    of_record = np.maximum.reduceat(every, starts) if len(starts) else every
    return Checked(of_record, sorted(examples)[: wanted.limit], wrong)


def _written(name: Name, column: InfoColumn, block: AlleleCounts) -> Floats:
    return allele_values(column, block.also, of_record=name == "AN")


def _counted(name: Name, block: AlleleCounts) -> Floats:
    ac, an = block.ac[:, 0], block.an[:, 0]
    return frequencies(ac, an) if name == "AF" else (ac if name == "AC" else an).astype(np.float64)


def _states(written: Floats, counted: Floats, tolerance: float) -> npt.NDArray[np.int8]:
    states = np.where(np.abs(written - counted) <= tolerance, AGREES, DISAGREES)
    states[np.isnan(counted)] = UNCALLED
    states[np.isnan(written)] = ABSENT
    return states.astype(np.int8)


def _by_state(states: npt.NDArray[np.int8]) -> dict[str, int]:
    return dict(zip(STATES, np.bincount(states, minlength=len(STATES)).tolist(), strict=True))


def _rows(data: OpenDataset, checked: Checked) -> list[list[Any]]:
    record = np.array([e[0] for e in checked.examples], dtype=np.int32)
    allele = np.array([e[1] for e in checked.examples], dtype=np.int16)
    keys = allele_keys(data, record, allele)
    return [
        [key, f"INFO/{name}", rounded(written), rounded(counted)]
        for key, (_, _, name, written, counted) in zip(keys, checked.examples, strict=True)
    ]


def _text(
    data: OpenDataset, wanted: CheckInfoCounts, number: int, total: int, by_field: dict[Name, dict[str, int]],
    examples: list[list[Any]],
) -> str:  # fmt: skip
    names = " or ".join(f"INFO/{n}" for n in by_field) if number else ", ".join(f"INFO/{n}" for n in by_field)
    s = "s" if number or len(by_field) == 1 else ""
    text = f"In {number:,} of {count_of(total, 'record')} of {data.name} {names} disagree{s} with the genotypes"
    if not number:
        compared = any(states["agree"] for states in by_field.values())
        text = f"{names} agree{s} with the genotypes in every one of {count_of(total, 'record')} of {data.name}"
        text = f"{text} where they can be compared" if compared else f"Nothing in {data.name} can be compared: {names}"
    told = "; ".join(
        f"INFO/{n} agrees in {s['agree']:,}, disagrees in {s['disagree']:,}, is absent in {s['absent']:,}"
        + (f" and has no called genotype beside it in {s['uncalled']:,}" if s["uncalled"] else "")
        for n, s in by_field.items()
    )
    first = "; ".join(
        f"{key} {name} {written} where the genotypes give {got}" for key, name, written, got in examples[:5]
    )
    return f"{text}. {told}." + (f" First: {first}." if first else "")


def _readings(wanted: CheckInfoCounts, names: list[Name]) -> list[str]:
    found = [
        "a record disagrees when any of its ALT alleles does; an absent value is no disagreement; records without ALT "
        "are not looked at"
    ]
    if "AF" in names:
        found.append(
            f"AF may differ by {wanted.tolerance:g}, as rounding" if wanted.tolerance else "AF must be the same"
        )
    if wanted.field == "all":
        missing = [f"INFO/{n}" for n in FIELDS if n not in names]
        found += [f"the file has no {' and no '.join(missing)}"] if missing else []
    return found


_AWK = (
    r"""awk -F'\t' '{split("",c);an=bad=0;k=split($1,alt,",");for(i=%d;i<=NF;i++){m=split($i,x,/[\/|]/);"""
    r"""for(j=1;j<=m;j++)if(x[j]!="."){c[x[j]]++;an++}}%ss+=bad}END{print s+0}'"""
)
_EACH = r"""split($%d,v,",");for(a=1;a<=k;a++)if(alt[a]!="."&&v[a]!=""&&v[a]!="."){%s}"""
_TESTS = {
    "AC": "if(v[a]!=c[a]+0)bad=1",
    "AN": "if(v[1]!=an)bad=1",
    "AF": "if(an){d=v[a]-c[a]/an;if(d<0)d=-d;if(d>%s)bad=1}",
}


def _command(data: OpenDataset, wanted: CheckInfoCounts, found: Selection, columns: dict[Name, InfoColumn]) -> Command:
    command = view_command(data, found.clauses)
    fields = r"\t".join(["%ALT", *(f"%INFO/{name}" for name in columns)])
    options = query_options(command.arguments[2:])
    command.arguments = ["query", "-f", rf"{fields}[\t%GT]\n", *options]
    most = f"{wanted.tolerance + LAST_DIGIT:.10g}"
    tests = [_EACH % (2 + i, _TESTS[name] % most if name == "AF" else _TESTS[name]) for i, name in enumerate(columns)]
    command.then = _AWK % (2 + len(columns), "".join(tests))
    command.read = _reader(list(columns), wanted.tolerance)
    command.unprovable = command.unprovable or asks_samples(command.arguments)
    if any(c.number == "R" for c in columns.values()):
        command.unprovable = command.unprovable or "a field with a value for REF is not told apart in the command"
    return command


def _reader(names: list[Name], tolerance: float) -> Callable[[IO[bytes]], int]:
    """What the line of awk counts."""

    @lru_cache(4096)
    def disagrees(line: bytes) -> bool:
        return _disagrees(line.decode(errors="replace").rstrip("\n"), names, tolerance)

    def read(output: IO[bytes]) -> int:
        return sum(map(disagrees, output))

    return read


def _disagrees(line: str, names: list[Name], tolerance: float) -> bool:
    alts, rest = line.split("\t", 1)
    *written, calls = rest.split("\t", len(names))
    copies = Counter(re.split(r"[/|\t]", calls))
    del copies["."], copies[""]
    an = copies.total()
    for name, text in zip(names, written, strict=True):
        values = text.split(",")[:1] if name == "AN" else text.split(",")
        for a, value in enumerate(values[: alts.count(",") + 1] if alts != "." else [], 1):
            ac = copies[str(a)]
            if value == "." or (name == "AF" and not an):
                continue
            counted = {"AC": ac, "AN": an, "AF": ac / an if an else 0.0}[name]
            spare = tolerance + LAST_DIGIT if name == "AF" else 0
            if abs(float(value) - counted) > spare:
                return True
    return False


TOOL = Tool(
    "check_info_counts",
    "Whether INFO/AC, INFO/AN and INFO/AF agree with the genotypes of the file, or are stale (left over from the "
    "caller, from other samples or from a merge): the number of records that disagree, with both values of the first.",
    CheckInfoCounts,
    check_info_counts,
)

"""Which samples a frequency is counted over: all, some by name, or groups of them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from ..memory.errors import ToolError
from .context import ToolContext
from .dataset import OpenDataset
from .filters import VariantFilter
from .text import one_line

MAX_GROUPS = 100
MAX_BYTES = 16 << 20


class GroupedFilter(VariantFilter):
    """Conditions on variants, and groups of samples."""

    groups: dict[str, list[str]] = Field(
        default_factory=dict, description='samples by group: {"CASES": ["A", "B"], "CONTROLS": ["C"]}'
    )
    by: Literal["sex", "phenotype"] | None = Field(
        None, description="groups from the pedigree: male and female, or affected and unaffected"
    )
    groups_file: str | None = Field(
        None, description="a file with lines SAMPLE<TAB>GROUP; several groups of a sample are joined by commas"
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(map(bool, (self.groups, self.by, self.groups_file))) > 1:
            raise ValueError("give one of `groups`, `by` and `groups_file`")
        return self


@dataclass(slots=True)
class SampleGroups:
    """0-based columns of the samples of each group, in file order, and what was read into the question."""

    columns: dict[str, list[int]]
    reading: list[str] = field(default_factory=list)

    def sizes(self) -> str:
        """`FAMILY (4 samples), CONTROLS (2 samples)`."""
        return ", ".join(f"{g} ({len(c)} sample{'s' * (len(c) != 1)})" for g, c in self.columns.items())

    @property
    def show_a_person(self) -> bool:
        """Whether the counts of a group are the genotypes of one sample."""
        return any(len(columns) == 1 for columns in self.columns.values())


def sample_groups(context: ToolContext, data: OpenDataset, wanted: GroupedFilter) -> SampleGroups:
    """The groups that the arguments name; empty where they name none.

    Raises `ToolError` for samples that the file lacks, an unreadable groups file and a pedigree that is not there.
    """
    if wanted.groups:
        found = SampleGroups({g: columns_of(data, names) for g, names in wanted.groups.items()})
    elif wanted.by:
        found = _from_pedigree(context, data, wanted.by)
    elif wanted.groups_file:
        found = _from_file(data, context.file(wanted.groups_file, "the file of groups"))
    else:
        return SampleGroups({})
    empty = [g for g, columns in found.columns.items() if not columns]
    if empty or not found.columns:
        raise ToolError(f"The group {empty[0]!r} is empty" if empty else "There is no group", "Name its samples")
    if len(found.columns) > MAX_GROUPS:
        raise ToolError(f"{len(found.columns):,} groups are more than {MAX_GROUPS}", "Name fewer with `groups`")
    return found


def columns_of(data: OpenDataset, names: list[str]) -> list[int]:
    """Columns of named samples, each once, in file order."""
    return sorted({data.sample_index(name) for name in names})


def _from_pedigree(context: ToolContext, data: OpenDataset, by: str) -> SampleGroups:
    pedigree = context.pedigree_of(data)
    if pedigree is None:
        raise ToolError(f"No pedigree is known for {data.name}, so no {by}", "Give one with --ped FILE, or `groups`")
    of_sample = [(pedigree.sex if by == "sex" else pedigree.status)(name) for name in data.samples]
    names = ("male", "female") if by == "sex" else ("affected", "unaffected")
    columns = {name: [i for i, value in enumerate(of_sample) if value == name] for name in names}
    unknown = [s for s, value in zip(data.samples, of_sample, strict=True) if value is None]
    if len(unknown) == len(data.samples):
        raise ToolError(f"The pedigree tells the {by} of no sample of {data.name}", "Name the samples with `groups`")
    reading = [f"{by} as in the pedigree"]
    if unknown:
        reading.append(f"{by} not known, so in no group: {_some(unknown)}")
    return SampleGroups({name: c for name, c in columns.items() if c}, reading)


def _from_file(data: OpenDataset, path: Path) -> SampleGroups:
    columns: dict[str, set[int]] = {}
    strangers = []
    place = {name: i for i, name in enumerate(data.samples)}
    for number, line in enumerate(_text(path).splitlines(), 1):
        parts = [p.strip() for p in (line.split("\t") if "\t" in line else line.split())]
        if not any(parts) or line.startswith("#"):
            continue
        if len(parts) < 2 or not parts[0] or not parts[1]:
            raise ToolError(one_line(f"{path.name} line {number} has no group: {line!r}"), "Write SAMPLE<TAB>GROUP")
        if parts[0] not in place:
            strangers.append(parts[0])
            continue
        for group in filter(None, parts[1].split(",")):
            columns.setdefault(group, set()).add(place[parts[0]])
    if not columns:
        raise ToolError(f"{path.name} names no sample of {data.name}", f"Its samples are {_some(data.samples)}")
    reading = [f"groups as in {path.name}"]
    if strangers:
        reading.append(f"not in {data.name}, so not counted: {_some(strangers)}")
    left_out = [s for i, s in enumerate(data.samples) if not any(i in c for c in columns.values())]
    if left_out:
        reading.append(f"in no group of {path.name}, so not counted: {_some(left_out)}")
    return SampleGroups({group: sorted(c) for group, c in columns.items()}, reading)


def _text(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES or b"\0" in content:
        raise ToolError(f"{path.name} is no file of groups: it is too large or not text", "Write SAMPLE<TAB>GROUP")
    return content.decode("utf-8-sig", errors="replace")


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 10:,} more" if len(names) > 10 else ""
    return ", ".join(map(one_line, names[:10])) + more

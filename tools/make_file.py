"""A new file from an open one: filtered, subset, renamed, split, sorted, converted."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal

from pydantic import Field

from ..memory.errors import ToolError
from . import bcftools
from .context import ToolContext
from .dataset import OpenDataset
from .evidence import shown_path
from .filters import OnDataset
from .making.command_line import LETTER, header_line, shell, unprovable
from .making.exports import (
    Format,
    checked_name,
    exports_folder,
    format_of,
    free_name,
    publish,
    refuse_taken,
    safe_part,
    stem_of,
    working_folder,
)
from .making.operations import AddIds, AddInfo, Concatenate, Merge, Operation
from .making.pipeline import Source, Step, digest, run_to_file, stream_through
from .making.steps import steps_of
from .making.stream import CONTIG, Stream, source_of, stream_of
from .making.tables import Columns, Layout, bed_columns, columns_of, write_parquet, write_text
from .registry import Tool
from .result import Evidence, Table, ToolResult
from .selection import count_records, select
from .text import count_of, one_line

MOST_FILES = 1000
"""Files that one call may write."""
LONGEST_TBI = 2**29
"""Bases of a contig that a .tbi can index; beyond it a .csi is made."""


class MakeFile(OnDataset):
    operations: list[Operation] = Field(default_factory=list, max_length=30, description="applied in this order")
    name: str | None = Field(
        None,
        description="of the new file, without folders; derived where not given. Its ending tells the format",
    )
    format: Format | None = Field(None, description="vcf.gz where neither this nor the name tells")
    split_by: Literal["contig", "sample"] | None = Field(None, description="one file for each of them")
    columns: list[str] = Field(
        default_factory=list,
        description="for tsv and parquet: INFO/DP, FORMAT/GT, ... after CHROM to FILTER; FORMAT/GT where none is named",
    )
    layout: Layout = Field("wide", description="wide: a row for each record. long: for each record and sample")
    reference: str | None = Field(None, description="the FASTA in the working folder, for left_align and add_contigs")


@dataclass(slots=True)
class Plan:
    """What is to be run, and what comes of it: each finished file, the name it is to have, its records.

    `seconds` is how long it took to make them.
    """

    context: ToolContext
    data: OpenDataset
    wanted: MakeFile
    form: Format
    stream: Stream
    source: Source
    steps: list[Step]
    target: Path
    columns: Columns | None = None
    made: list[tuple[Path, Path, int]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def command(self) -> str:
        """The line for bash, with paths as one would type them in the working folder."""
        steps = [*self.steps, *([self.columns.step()] if self.columns else [])]
        source, target = (shown_path(p, self.context.folder) for p in (self.data.dataset.path, self.target))
        return self._told(shell(steps, source, target, self.form), lambda path: shown_path(path, self.context.folder))

    def header(self) -> str:
        """For the header line: names without folders."""
        reason = unprovable(self.steps, self.source)
        told = "; ".join(s.done for s in self.steps if s.done)
        done = shell(self.steps, self.data.dataset.path.name, self.target.name, self.form)
        done = self._told(done, lambda path: path.name)
        return header_line(self.data, told if reason or any(s.inputs for s in self.steps) else done)

    def _told(self, command: str, name: Callable[[Path], str]) -> str:
        for path in self.stream.named:
            command = command.replace(str(path), name(path))
        return command


def make_file(context: ToolContext, wanted: MakeFile) -> ToolResult:
    """Write a new file, or several, below the workspace's `exports`; the input stays as it is.

    The value is the number of records written. Raises `ToolError` for names that are not there, a name that is
    taken, and whatever bcftools cannot do; nothing is left behind then.
    """
    data = context.dataset(wanted.dataset)
    form = format_of(wanted.name and checked_name(wanted.name), wanted.format)
    exports = exports_folder(context.workspace)
    target = _target(exports, data, wanted, form)
    with ExitStack() as stack:
        scratch = stack.enter_context(working_folder(exports))
        try:
            plan = _plan(context, data, wanted, form, target, scratch)
            started = time.monotonic()
            _make(plan, scratch)
            plan.seconds = time.monotonic() - started
        except (bcftools.BcftoolsError, OSError) as error:
            raise ToolError(f"The file could not be made: {one_line(str(error))}", _way_out(str(error))) from error
        evidence = _evidence(plan)
        publish([(made, there) for made, there, _ in plan.made])
    return _result(plan, evidence)


def _way_out(problem: str) -> str:
    if "nsorted" in problem or "not sorted" in problem or "chromosome blocks" in problem.lower():
        return 'Add {"op": "sort"}: the records are not in order'
    return "Check the file with `vcf-agent validate`, or do less in one go"


def _target(exports: Path, data: OpenDataset, wanted: MakeFile, form: Format) -> Path:
    """The path of the new file, or the one from which those of a split take their names."""
    if wanted.split_by and form not in LETTER:
        raise ToolError(f"A split into .{form} files is not done", "Split into vcf.gz, or make one table")
    if wanted.name:
        target = exports / wanted.name
        if not wanted.split_by:
            refuse_taken(target)
        return target
    done = ".".join(dict.fromkeys(o.op for o in wanted.operations)) or "copy"
    return exports / free_name(exports, f"{stem_of(data.dataset.path.name)}.{done}"[:80], form)


def _plan(context: ToolContext, data: OpenDataset, wanted: MakeFile, form: Format, target: Path, scratch: Path) -> Plan:
    stream = stream_of(data, _others(context, data, wanted), scratch, context.reference_file(wanted.reference))
    stream.vcfs = {o.source: _vcf(context, o.source) for o in wanted.operations if isinstance(o, AddIds | AddInfo)}
    stream.named += stream.vcfs.values()
    steps = [step for operation in wanted.operations for step in steps_of(stream, operation)]
    plan = Plan(context, data, wanted, form, stream, source_of(data), steps, target)
    if any(s.inputs for s in steps):
        plan.source = Source(data.dataset.path)  # files that are read side by side have their declarations already
    if form not in LETTER:
        plan.columns = bed_columns() if form == "bed" else columns_of(stream, wanted.columns, wanted.layout)
    elif wanted.columns:
        raise ToolError(f"`columns` are for tsv and parquet, not for {form}", "Use keep_fields or drop_fields")
    return plan


def _others(context: ToolContext, data: OpenDataset, wanted: MakeFile) -> list[OpenDataset]:
    names = [n for o in wanted.operations if isinstance(o, Merge | Concatenate) for n in o.datasets]
    others = [context.dataset(n) for n in names]
    if any(o.dataset.sha256 == data.dataset.sha256 for o in others):
        raise ToolError(f"{data.name} is to be put together with itself", "Name another open file")
    return others


def _vcf(context: ToolContext, name: str) -> Path:
    """The path of an open file, or of one in the folders that may be read."""
    for data in context.datasets:
        if name in (data.name, data.dataset.path.name, str(data.dataset.path)):
            return data.dataset.path
    return context.file(name, "the other VCF")


def _make(plan: Plan, scratch: Path) -> None:
    made = scratch / f"made.{plan.form}"
    if plan.columns:
        with stream_through([*plan.steps, plan.columns.step()], plan.source) as rows:
            number = _tabulated(plan.form, rows, plan.columns, made)
        plan.made.append((made, plan.target, number))
    elif plan.wanted.split_by:
        _make_several(plan, scratch)
    else:
        write = _write_header_anew if _header_alone(plan) else _write
        write(plan, made)
        plan.made.append((made, plan.target, count_in(made)))


def _write(plan: Plan, made: Path) -> None:
    run_to_file([*plan.steps, _writer(plan, plan.form)], plan.source, made, LETTER[plan.form])


def _header_alone(plan: Plan) -> bool:
    """Whether only names in the header change, so that the compressed records can be copied as they are."""
    same = plan.form == "vcf.gz" == plan.source.container and not plan.source.declarations
    return same and [s.arguments[0] for s in plan.steps] == ["reheader"]


def _write_header_anew(plan: Plan, made: Path) -> None:
    path = plan.source.path
    lines = bcftools.run(["view", "-h", "--no-version", str(path)], path).splitlines()
    header = plan.stream.note("\n".join([*lines[:-1], plan.header(), lines[-1], ""]))
    step = plan.steps[0]
    run_to_file([Step([step.arguments[0], "-h", str(header), *step.arguments[1:]])], plan.source, made, "z")
    index = "-c" if _index(plan).endswith("csi") else "-t"
    with bcftools.stream(["index", index, str(made)]) as nothing:
        nothing.read()


def _tabulated(form: Format, rows: IO[bytes], columns: Columns, made: Path) -> int:
    import pyarrow as pa

    if form != "parquet":
        return write_text(rows, columns, made)
    try:
        return write_parquet(rows, columns, made)
    except pa.ArrowInvalid as error:
        raise ToolError(f"The table cannot be typed: {one_line(str(error))}", "Ask for tsv") from error


def _writer(plan: Plan, form: Format) -> Step:
    """The step that writes the file, its header line and its index."""
    index = [] if form == "vcf" else [_index(plan) if form == "vcf.gz" else "--write-index=csi", "--threads", "2"]
    return Step(["annotate", "-h", str(plan.stream.note(plan.header() + "\n")), *index])


def _index(plan: Plan) -> str:
    lengths = [n for n in plan.data.summary["contig_lengths"].values() if n]
    return "--write-index=csi" if max(lengths, default=0) >= LONGEST_TBI else "--write-index=tbi"


def count_in(path: Path) -> int:
    """The number of records of a file that we wrote, by its index where it has one."""
    if path.suffix != ".vcf":
        return int(bcftools.run(["index", "-n", str(path)], path))
    with path.open("rb") as lines:
        return sum(not line.startswith(b"#") for line in lines)


def _make_several(plan: Plan, scratch: Path) -> None:
    """One file for each contig with records, or each sample, from one indexed file with everything."""
    whole = scratch / "whole.bcf"
    run_to_file([*plan.steps, _writer(plan, "bcf")], plan.source, whole, "b")
    parts = _contigs(plan, whole) if plan.wanted.split_by == "contig" else _samples(plan)
    if not parts:
        raise ToolError(f"There is no {plan.wanted.split_by} to split by", "Make one file")
    if len(parts) > MOST_FILES:
        raise ToolError(f"That would be {len(parts):,} files, more than {MOST_FILES:,}", "Make a subset first")
    for number, (part, step) in enumerate(parts):
        target = _part_target(plan, part)
        made = scratch / f"part{number}.{plan.form}"
        run_to_file([step, _index_only(plan)], Source(whole), made, LETTER[plan.form])
        plan.made.append((made, target, count_in(made)))


def _index_only(plan: Plan) -> Step:
    writer = _writer(plan, plan.form)
    return Step(["view", *writer.arguments[3:]])


def _part_target(plan: Plan, part: str) -> Path:
    stem = plan.target.name.removesuffix(f".{plan.form}")
    target = plan.target.with_name(f"{stem}.{safe_part(part)}.{plan.form}")
    if any(target == there for _, there, _ in plan.made):
        raise ToolError(f"Two files would be called {target.name}", f"Rename {part!r} first")
    refuse_taken(target)
    return target


def _contigs(plan: Plan, whole: Path) -> list[tuple[str, Step]]:
    rows = [line.split("\t") for line in bcftools.run(["index", "-s", str(whole)], whole).splitlines()]
    odd = next((row[0] for row in rows if not CONTIG.fullmatch(row[0])), None)
    if odd:
        raise ToolError(f"The contig {odd!r} has a name that VCF does not allow", "Split by sample, or mend the file")
    return [(row[0], Step(["view", "--regions-overlap", "0", "-R", _region(plan, row[0])])) for row in rows]


def _region(plan: Plan, contig: str) -> str:
    return str(plan.stream.note(f"{contig}\t1\t{2**31 - 2}\n"))


def _samples(plan: Plan) -> list[tuple[str, Step]]:
    return [(s, Step(["view", "-S", str(plan.stream.note(f"{s}\n"))])) for s in plan.stream.samples]


def _evidence(plan: Plan) -> Evidence:
    """The command line, and whether what it gives is what now stands in the file."""
    path = shown_path(plan.data.dataset.path, plan.context.folder)
    arguments = plan.wanted.model_dump(exclude_defaults=True, mode="json")
    evidence = Evidence(path, plan.data.dataset.sha256, "make_file", arguments)
    reason = unprovable(plan.steps, plan.source)
    if plan.wanted.split_by:
        reason = reason or "several files were made; see their header lines"
    if reason:
        evidence.note = f"no bcftools command: {reason}"
        return evidence
    evidence.command = plan.command
    if any(s.own for s in plan.steps):
        evidence.note = "not re-run: the bundled bcftools has no such step"
    elif plan.context.verify_seconds <= 0:
        evidence.note = "re-running is switched off"
    elif plan.seconds > plan.context.verify_seconds:
        evidence.note = f"not re-run, since it took {plan.seconds:.0f} s to make"
    else:
        _compare(plan, evidence)
    return evidence


def _compare(plan: Plan, evidence: Evidence) -> None:
    seconds = plan.context.verify_seconds
    made, _, number = plan.made[0]
    try:
        if plan.columns:
            _, lines = digest([*plan.steps, plan.columns.step()], plan.source, seconds)
            evidence.verified = lines == number
        else:
            records = Step(["view", "-H"])
            expected, lines = digest([*plan.steps, records], plan.source, seconds)
            evidence.verified = (expected, lines) == (digest([records], Source(made), seconds)[0], number)
    except bcftools.BcftoolsTimeout:
        evidence.note = f"not re-run to its end within {seconds:g} s"
        return
    what = "number of rows" if plan.columns else "records"
    evidence.note = f"re-run with bcftools {bcftools.version()}, and the {what} compared with the file"
    counted = _expected_count(plan)
    if counted is not None and counted != number and not plan.columns:
        evidence.verified = False
        evidence.note = f"the table has {counted:,} such records, the file {number:,}"


def _expected_count(plan: Plan) -> int | None:
    """The records that meet the filter, counted by the table, where the filter is all there is."""
    if [o.op for o in plan.wanted.operations] != ["filter"]:
        return None
    return count_records(plan.data, select(plan.data, plan.wanted.operations[0]))  # type: ignore[arg-type]


def _result(plan: Plan, evidence: Evidence) -> ToolResult:
    number = sum(n for _, _, n in plan.made)
    noun = "row" if plan.columns else "record"
    paths = [str(target) for _, target, _ in plan.made]
    where = paths[0] if len(paths) == 1 else f"{len(paths)} files in {plan.target.parent}"
    text = f"Wrote {count_of(number, noun)} to {where}; {plan.data.name} itself is as it was."
    if number == 0:
        text = f"No {noun} is left: {where} holds a header alone; {plan.data.name} itself is as it was."
    done = [s.done for s in plan.steps if s.done]
    tables = [
        Table("steps", ["step", "what it did"], [[i, d] for i, d in enumerate(done, 1)], len(done)),
        Table("files", ["file", f"{noun}s"], [[str(t), n] for _, t, n in plan.made], len(plan.made)),
    ]
    reading = list(dict.fromkeys([*done, *plan.stream.reading]))
    if plan.source.declarations:
        lines = count_of(len(plan.source.declarations), "line")
        reading.append(f"{lines} that the header lacked were added, first {plan.source.declarations[0]}")
    return ToolResult(text, number, f"{noun}s", reading, tables, [evidence], files=paths)


TOOL = Tool(
    "make_file",
    "Write a NEW file from an open one, below the workspace's exports folder and never over another file: filter, "
    "soft-filter, set genotypes to missing, subset, remove or rename samples, rename contigs, split or join "
    "multi-allelics, left-align, sort, deduplicate, drop or keep fields, set IDs, add IDs or INFO fields from another "
    "VCF, label by a BED, add contig lines, add FORMAT/VAF, recompute AC/AN/AF, thin, drop genotypes, merge or "
    "concatenate open files, split by contig or sample; as vcf.gz, vcf, bcf, tsv, parquet or bed. Returns the path, "
    "the number of records written and what each step did.",
    MakeFile,
    make_file,
    example={
        "operations": [{"op": "filter", "filters": ["PASS"]}, {"op": "subset_samples", "samples": ["DEV", "LILA"]}],
        "name": "children.vcf.gz",
    },
)

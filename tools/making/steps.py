"""Each operation as the steps of a pipeline, its names checked against what the records have at that point."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...memory.errors import ToolError
from ..clauses import clauses_of
from ..dataset import OpenDataset, nearest
from ..evidence import view_command
from ..filters import VariantFilter
from ..selection import record_numbers, select
from ..text import count_of, one_line
from . import annotating
from . import operations as ops
from .pipeline import Step
from .stream import CONTIG, Stream, indexed, indexed_reference, need_fields

WHOLE = ("ID", "QUAL", "FILTER", "INFO", "FORMAT")
"""What `annotate -x` can empty as a whole."""


def steps_of(stream: Stream, operation: Any) -> list[Step]:
    """The steps of one operation; `stream` is then what comes out of them. Raises `ToolError`."""
    steps = _MAKERS[operation.op](stream, operation)
    if steps and steps[0].own and not stream.steps:
        steps.insert(0, Step(["view"]))  # which reads every container
    stream.steps += steps
    stream.first, stream.piped = False, True
    return steps


def _filter(stream: Stream, wanted: ops.FilterRecords) -> list[Step]:
    _need_unchanged(stream, wanted)
    found = select(stream.data, wanted)
    stream.reading += found.reading
    command = view_command(stream.data, found.clauses, piped=stream.piped)
    stream.named += [stream.data.find_file(n, "the BED") for n in (wanted.inside_bed, wanted.outside_bed) if n]
    if not command.unprovable:
        before = [Step(command.first)] if command.first else []
        return [*before, Step(["view", *command.arguments[2:]], "kept the records that meet the filter")]
    if not stream.first:
        raise ToolError(
            f"This filter cannot be asked of changed records: {command.unprovable}", "Make it the first operation"
        )
    numbers = record_numbers(stream.data, found)
    listed = stream.note("".join(f"{n}\n" for n in numbers))
    return [
        Step(["keep_records", str(listed)], f"kept {count_of(len(numbers), 'record')} that meet the filter", own=True,
             unprovable=command.unprovable),
    ]  # fmt: skip


def _need_unchanged(stream: Stream, wanted: VariantFilter) -> None:
    way_out = "Put the filter before the operation that changes them"
    if wanted.genotypes and not stream.same_samples:
        raise ToolError("A filter by genotype comes after an operation that changes the samples", way_out)
    by_place = wanted.regions or wanted.not_regions or wanted.inside_bed or wanted.outside_bed
    if by_place and not stream.same_contigs:
        raise ToolError("A filter by region comes after an operation that renames contigs", way_out)


def _soft_filter(stream: Stream, wanted: ops.SoftFilter) -> list[Step]:
    _need_unchanged(stream, wanted.marked)
    if wanted.name == "PASS":
        raise ToolError("PASS is no name for a filter that records fail", "Give another name")
    found = select(stream.data, wanted.marked) if wanted.marked.genotypes else None
    clauses = found.clauses if found else clauses_of(stream.data, wanted.marked)
    if not clauses:
        raise ToolError("soft_filter marks no record: it has no condition", "Say in `marked` which records it is for")
    reason = next((c.unprovable for c in clauses if c.unprovable), "")
    if reason or any(not c.expression for c in clauses):
        reason = reason or "a region or a name in it cannot be written as an expression of bcftools"
        raise ToolError(f"These conditions cannot mark records: {reason}", "Use other conditions")
    stream.reading += [c.reading for c in clauses if c.reading]
    expression = " && ".join(f"({c.expression})" for c in clauses)
    return [
        Step(["filter", "-s", wanted.name, "-m", "+", "-e", expression],
             f"wrote {wanted.name} into FILTER of the records that meet the conditions, PASS where FILTER was not set")
    ]  # fmt: skip


def _set_missing(stream: Stream, wanted: ops.SetMissing) -> list[Step]:
    limits = {"DP": wanted.min_dp, "GQ": wanted.min_gq}
    need_fields(stream, ["FORMAT/GT", *(f"FORMAT/{f}" for f, low in limits.items() if low is not None)])
    way = " || " if wanted.scope == "record" else " | "
    terms = [f"FMT/{f}<{low:.15g}" for f, low in limits.items() if low is not None]
    if wanted.absent == "missing":
        terms += [f'FMT/{f}="."' for f, low in limits.items() if low is not None]
    told = " or ".join(f"{f} < {low:g}" for f, low in limits.items() if low is not None)
    whose = "genotypes" if wanted.scope == "genotype" else "all genotypes of records with one"
    stream.reading.append(f"genotypes without the value {'stay' if wanted.absent == 'keep' else 'become missing'}")
    done = f"set {whose} of {told} to missing; AC and AN, where there are any, are counted anew"
    return [Step(["filter", "-S", ".", "-e", way.join(terms)], done)]


def _subset(stream: Stream, wanted: ops.SubsetSamples | ops.RemoveSamples) -> list[Step]:
    named = [stream.sample(s) for s in dict.fromkeys(wanted.samples)]
    kept = named if wanted.op == "subset_samples" else [s for s in stream.samples if s not in named]
    if not kept:
        raise ToolError("No sample would be left", "Use drop_genotypes for a file of sites alone")
    step = _keeping(stream, kept)
    if wanted.only_carried:
        step.arguments += ["-c", "1"]
        step.shown += " -c 1" if step.shown else ""
    carried = ", and the records in which one of them carries an ALT allele" if wanted.only_carried else ""
    step.done = f"kept {_named(kept)}{carried}; AC and AN are counted anew"
    stream.samples, stream.same_samples = kept, False
    return [step]


def _keeping(stream: Stream, samples: list[str]) -> Step:
    """By a list in a file, since a name may hold a comma or start with ^."""
    odd = bool(OpenDataset.unlistable(samples))
    given = ["-S", str(stream.note("".join(f"{s}\n" for s in samples)))] if odd else ["-s", ",".join(samples)]
    return Step(["view", *given], shown=f"bcftools view -S <(printf '%s\\n' {shlex.join(samples)})" if odd else "")


def _named(samples: list[str]) -> str:
    return ", ".join(samples) if len(samples) <= 6 else count_of(len(samples), "sample")


def _rename_samples(stream: Stream, wanted: ops.RenameSamples) -> list[Step]:
    for old, new in wanted.names.items():
        stream.sample(old)
        if not new.strip() or new != one_line(new) or new != new.strip() or "\\" in new + old:
            raise ToolError(f"A sample cannot be renamed from {old!r} to {new!r}", "Use names without tab or backslash")
    after = [wanted.names.get(s, s) for s in stream.samples]
    if len(set(after)) < len(after):
        twice = next(s for s in after if after.count(s) > 1)
        raise ToolError(f"Two samples would be called {twice!r}", "Give each its own name")
    lines = [f"{_escaped(old)}\t{_escaped(new)}\n" for old, new in wanted.names.items()]
    told = ", ".join(f"{old} to {new}" for old, new in list(wanted.names.items())[:6])
    stream.samples, stream.same_samples = after, False
    return [_reading_list(stream, ["reheader", "-s"], lines, f"renamed {told}")]


def _escaped(name: str) -> str:
    return re.sub(r"(\s)", r"\\\1", name)


def _reading_list(stream: Stream, arguments: list[str], lines: list[str], done: str) -> Step:
    shown = f"bcftools {shlex.join(arguments)} <(printf '%s\\n' {shlex.join(x.rstrip() for x in lines)})"
    return Step([*arguments, str(stream.note("".join(lines)))], done, shown)


def _rename_contigs(stream: Stream, wanted: ops.RenameContigs) -> list[Step]:
    names = wanted.names or {c: _prefixed(c, wanted.prefix == "add") for c in stream.contigs}
    for old, new in names.items():
        if old not in stream.contigs:
            raise ToolError(f"There is no contig {old!r} here", nearest(old, stream.contigs, "The contigs are"))
        if not CONTIG.fullmatch(old) or not CONTIG.fullmatch(new):
            raise ToolError(f"A contig cannot be renamed from {old!r} to {new!r}", "VCF allows no such name")
    after = [names.get(c, c) for c in stream.contigs]
    if len(set(after)) < len(after):
        twice = next(c for c in after if after.count(c) > 1)
        raise ToolError(f"Two contigs would be called {twice!r}", "Rename only one of them to it")
    changed = {old: new for old, new in names.items() if old != new}
    stream.contigs, stream.same_contigs = after, False
    lines = [f"{old}\t{new}\n" for old, new in changed.items()]
    told = ", ".join(f"{old} to {new}" for old, new in list(changed.items())[:6]) or "no contig, since all fit"
    more = f" and {len(changed) - 6} more" if len(changed) > 6 else ""
    return [_reading_list(stream, ["annotate", "--rename-chrs"], lines, f"renamed {told}{more}")] if changed else []


def _prefixed(contig: str, add: bool) -> str:
    if add:
        return "chrM" if contig == "MT" else contig if contig.startswith("chr") else f"chr{contig}"
    return "MT" if contig == "chrM" else contig[3:] if contig.startswith("chr") and contig != "chr" else contig


def _split(stream: Stream, wanted: ops.SplitAlleles) -> list[Step]:
    return [Step(["norm", "-m", f"-{wanted.kinds}"], "split records with several ALT alleles")]


def _join(stream: Stream, wanted: ops.JoinAlleles) -> list[Step]:
    return [Step(["norm", "-m", f"+{wanted.kinds}"], "joined records of one position into one")]


def _left_align(stream: Stream, _: ops.LeftAlign) -> list[Step]:
    if stream.reference is None:
        raise ToolError("left_align needs the reference", "Name the FASTA: `reference` beside the operations")
    if not stream.same_contigs:
        raise ToolError("left_align comes after an operation that renames contigs", "Left-align before it")
    shown = f"bcftools norm -f {shlex.quote(str(stream.reference))}"
    done = f"left-aligned and trimmed against {stream.reference.name}"
    return [Step(["norm", "-f", str(indexed_reference(stream))], done, shown), *_sort(stream, None)]


def _sort(stream: Stream, _: ops.Sort | None) -> list[Step]:
    return [Step(["sort", "-T", str(stream.scratch / "sorting")], "sorted", "bcftools sort")]


def _deduplicate(stream: Stream, wanted: ops.Deduplicate) -> list[Step]:
    return [Step(["norm", "-d", wanted.same], f"kept the first of records that are the same ({wanted.same})")]


def _drop_fields(stream: Stream, wanted: ops.DropFields) -> list[Step]:
    need_fields(stream, [f for f in wanted.fields if f not in WHOLE])
    kinds = [f"{f}/" for f in wanted.fields if f in ("INFO", "FORMAT")]
    gone = {f for f in stream.fields if f in wanted.fields or f.startswith(tuple(kinds))}
    stream.fields -= gone - {"FORMAT/GT"} if "FORMAT" in wanted.fields else gone
    return [Step(["annotate", "-x", ",".join(wanted.fields)], f"dropped {', '.join(wanted.fields)}")]


def _keep_fields(stream: Stream, wanted: ops.KeepFields) -> list[Step]:
    need_fields(stream, wanted.fields)
    steps = []
    for kind in ("INFO", "FORMAT"):
        kept = [f for f in wanted.fields if f.startswith(f"{kind}/")]
        if kept:
            steps.append(Step(["annotate", "-x", f"^{','.join(kept)}"], f"of {kind} kept {', '.join(kept)}"))
            stream.fields = {f for f in stream.fields if not f.startswith(f"{kind}/") or f in kept}
    return steps


def _set_ids(stream: Stream, wanted: ops.SetIds) -> list[Step]:
    only = "+" if wanted.only_missing else ""
    done = f"set ID to CHROM:POS:REF:ALT{' where there was none' if only else ''}"
    return [Step(["annotate", "--set-id", f"{only}%CHROM:%POS:%REF:%ALT"], done)]


def _recompute(stream: Stream, _: ops.Recompute) -> list[Step]:
    need_fields(stream, ["FORMAT/GT"])
    stream.fields |= {"INFO/AC", "INFO/AN", "INFO/AF"}
    return [
        _keeping(stream, stream.samples),
        Step(["set_frequency", ""], "counted AC and AN anew from the genotypes, and AF as AC/AN", own=True,
             equal="bcftools +fill-tags -- -t AN,AC,AF"),
    ]  # fmt: skip


def _thin(stream: Stream, wanted: ops.Thin) -> list[Step]:
    done = f"kept the first record of every {wanted.window:,} bases"
    equal = f"bcftools +prune -w {wanted.window}bp -n 1 -N 1st"
    return [Step(["thin", str(wanted.window)], done, own=True, equal=equal)]


def _drop_genotypes(stream: Stream, _: ops.DropGenotypes) -> list[Step]:
    stream.samples, stream.same_samples = [], False
    stream.fields = {f for f in stream.fields if f.startswith("INFO/")}
    return [Step(["view", "-G"], "dropped the samples")]


def _merge(stream: Stream, wanted: ops.Merge) -> list[Step]:
    files = _together(stream, wanted.op)
    samples = [s for data in [stream.data, *stream.others] for s in data.samples]
    if len(set(samples)) < len(samples) and wanted.same_names == "refuse":
        twice = next(s for s in samples if samples.count(s) > 1)
        raise ToolError(f"Several files have a sample {twice!r}", 'Rename it first, or say "same_names": "number"')
    options = ["--force-samples"] if wanted.same_names == "number" else []
    options += ["-0"] if wanted.absent == "reference" else []
    options += ["-m", "both" if wanted.alleles == "join" else "none"]
    stream.reading.append(f"where a file has no record, its samples are {wanted.absent}")
    stream.samples = _numbered([stream.data, *stream.others])
    return [_of_files(stream, ["merge", *options], files, "put together the samples of ")]


def _numbered(files: list[OpenDataset]) -> list[str]:
    """As `bcftools merge --force-samples` calls samples whose names are there already."""
    names: list[str] = []
    for number, data in enumerate(files, 1):
        names += [f"{number}:{s}" if s in names else s for s in data.samples]
    return names


def _concatenate(stream: Stream, wanted: ops.Concatenate) -> list[Step]:
    for other in stream.others:
        if other.samples != stream.data.samples:
            raise ToolError(
                f"{other.name} and {stream.data.name} have not the same samples in the same order",
                "Use merge to put samples together, or subset_samples to bring them into one order first",
            )
    options = ["-a", *(["-D"] if wanted.duplicates == "remove" else [])]
    return [_of_files(stream, ["concat", *options], _together(stream, wanted.op), "put together the records of ")]


def _together(stream: Stream, op: str) -> list[Path]:
    if not stream.first:
        raise ToolError(f"{op} is not the first operation", "Put it first: the other files come as they are")
    for other in stream.others:
        stream.fields |= {f"{f[0]}/{f[1]}" for f in other.summary["fields"]}
        stream.contigs = list(dict.fromkeys([*stream.contigs, *other.contigs, *other.summary["contig_lengths"]]))
    stream.same_samples = stream.same_contigs = False
    return [indexed(stream, data) for data in [stream.data, *stream.others]]


def _of_files(stream: Stream, arguments: list[str], files: list[Path], done: str) -> Step:
    paths = [d.dataset.path for d in (stream.data, *stream.others)]
    names = " and ".join(d.name for d in (stream.data, *stream.others))
    return Step(arguments, done + names, f"bcftools {shlex.join([*arguments, *map(str, paths)])}", inputs=files,
                together=True)  # fmt: skip


_MAKERS: dict[str, Callable[[Stream, Any], list[Step]]] = {
    "filter": _filter, "soft_filter": _soft_filter, "set_missing": _set_missing, "subset_samples": _subset,
    "remove_samples": _subset, "rename_samples": _rename_samples, "rename_contigs": _rename_contigs,
    "split_alleles": _split, "join_alleles": _join, "left_align": _left_align, "sort": _sort,
    "deduplicate": _deduplicate, "drop_fields": _drop_fields, "keep_fields": _keep_fields, "set_ids": _set_ids,
    "recompute": _recompute, "thin": _thin, "drop_genotypes": _drop_genotypes, "merge": _merge,
    "concatenate": _concatenate, "add_ids": annotating.add_ids, "add_info": annotating.add_info,
    "label": annotating.label, "add_contigs": annotating.add_contigs, "add_vaf": annotating.add_vaf,
}  # fmt: skip

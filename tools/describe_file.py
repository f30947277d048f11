"""What a file is: samples, contigs, build, version, annotation, fields, phasing, gVCF or not, software."""

from collections.abc import Callable
from typing import Any, Literal

from pydantic import Field

from .context import ToolContext
from .dataset import OpenDataset, each_once, nearest
from .evidence import Command, all_lines, prove
from .filters import OnDataset
from .registry import Tool
from .result import Evidence, Json, Table, ToolResult
from .text import count_of, one_line

About = Literal[
    "everything",
    "samples",
    "contigs",
    "build",
    "version",
    "annotation",
    "fields",
    "phasing",
    "gvcf",
    "software",
]


class DescribeFile(OnDataset):
    about: About = "everything"
    field: str | None = Field(None, description="one INFO, FORMAT or FILTER to explain, by its ID; with about=fields")


def describe_file(context: ToolContext, wanted: DescribeFile) -> ToolResult:
    """What the header and the data say of the file itself. Raises `ToolError` for a field that is not there."""
    data = context.dataset(wanted.dataset)
    result = _one_field(data, wanted.field) if wanted.field else _EVERY[wanted.about](data)
    result.evidence.append(_evidence(context, data, wanted, result.value))
    return result


def _evidence(context: ToolContext, data: OpenDataset, wanted: DescribeFile, value: Json) -> Evidence:
    command = _COMMANDS.get(wanted.about)
    if command is None or wanted.field:
        command = Command(["view", "-h"], "grep '^##'", all_lines)
        evidence = prove(_without_rerun(context), data, "describe_file", wanted, command, None)
        evidence.note = "shows the header lines that this was read from; there is no number to compare"
        return evidence
    return prove(context, data, "describe_file", wanted, command, value)


def _without_rerun(context: ToolContext) -> ToolContext:
    return ToolContext(context.workspace, context.datasets, context.folder, 0)


def _samples_in(output: Any) -> list[str]:
    return next((line.split("\t")[9:] for line in all_lines(output) if line.startswith("#CHROM")), [])


def _contigs_in(output: Any) -> dict[str, int]:
    from .evidence import tally

    return tally(output)


_COMMANDS = {
    "samples": Command(["view", "-h"], "tail -n 1 | cut -f10-", _samples_in),
    "contigs": Command(["query", "-f", r"%CHROM\n"], "sort | uniq -c", _contigs_in),
}


def _samples(data: OpenDataset) -> ToolResult:
    names = data.samples
    shown = ", ".join(names[:50]) + (f" and {len(names) - 50} more" if len(names) > 50 else "")
    text = f"{data.name} has {count_of(len(names), 'sample')}: {shown}." if names else f"{data.name} has no samples."
    return ToolResult(text, names, "samples")


def _contigs(data: OpenDataset) -> ToolResult:
    counts = data.summary["contigs"]
    rows = [[c, n, data.summary["contig_lengths"].get(c)] for c, n in counts.items()]
    silent = len([c for c in data.summary["contig_lengths"] if c not in counts])
    text = f"{data.name} has records on {count_of(len(counts), 'contig')}: {_pairs(counts)}."
    reading = [f"{count_of(silent, 'contig')} of the header have no record"] if silent else []
    return ToolResult(
        text, counts, "records", reading, [Table("contigs", ["contig", "records", "length"], rows, len(rows))]
    )


def _pairs(counts: dict[str, int], limit: int = 30) -> str:
    shown = ", ".join(f"{k} {v:,}" for k, v in list(counts.items())[:limit])
    return shown + (f" and {len(counts) - limit} more" if len(counts) > limit else "")


def _build(data: OpenDataset) -> ToolResult:
    build, reason = data.summary["build"], data.summary["build_reason"]
    if build is None:
        return ToolResult(f"The genome build of {data.name} is not recorded: {reason}.", None)
    return ToolResult(f"{data.name} is on {build}: {one_line(reason)}.", build)


def _version(data: OpenDataset) -> ToolResult:
    return ToolResult(
        f"{data.name} is {data.summary['version']} ({data.summary['container']}).", data.summary["version"]
    )


def _annotation(data: OpenDataset) -> ToolResult:
    found = data.summary["annotation"]
    if found is None:
        return ToolResult(f"{data.name} is not annotated: its header declares neither CSQ, ANN nor BCSQ.", None)
    number = data.table.columns(["record"], "profile > 0")["record"].to_numpy()
    text = (
        f"{data.name} is annotated by {found['tool']} in INFO/{found['tag']}: "
        f"{count_of(len(each_once(number)), 'record')} of {data.summary['records']:,} carry it, "
        f"naming {count_of(len(data.genes), 'gene')}."
    )
    return ToolResult(text, found["tool"], None, [f"its parts are {', '.join(found['keys'])}"])


def _fields(data: OpenDataset) -> ToolResult:
    rows = [
        [kind, id_, number, type_, one_line(description), declared]
        for kind, id_, number, type_, description, declared in data.summary["fields"]
    ]
    names = [f"{row[0]}/{row[1]}" for row in rows]
    info = [n for n in names if n.startswith("INFO")]
    text = f"{data.name} has {len(info)} INFO and {len(names) - len(info)} FORMAT fields: {', '.join(names[:40])}"
    columns = ["kind", "id", "number", "type", "description", "declared"]
    return ToolResult(
        text + ("." if len(names) <= 40 else ", …"),
        names,
        "fields",
        tables=[Table("fields", columns, rows, len(rows))],
    )


def _one_field(data: OpenDataset, name: str) -> ToolResult:
    bare = name.rsplit("/", maxsplit=1)[-1]
    found = [f for f in data.summary["fields"] if f[1].casefold() == bare.casefold()]
    filters = {k: v for k, v in data.summary["filter_descriptions"].items() if k.casefold() == bare.casefold()}
    if not found and not filters:
        from ..memory.errors import ToolError

        known = [f[1] for f in data.summary["fields"]] + list(data.summary["filter_descriptions"])
        raise ToolError(f"The header of {data.name} declares no {bare!r}", nearest(bare, known, "It declares"))
    lines = [
        f'{kind}/{id_} (Number={number}, Type={type_}): "{one_line(text)}"'
        for kind, id_, number, type_, text, _ in found
    ]
    lines += [f'FILTER/{k}: "{one_line(v)}"' for k, v in filters.items()]
    return ToolResult(
        f"The header of {data.name} says: {'; '.join(lines)}.",
        "; ".join(lines),
        None,
        ["quoted from the header's Description, not interpreted"],
    )


def _phasing(data: OpenDataset) -> ToolResult:
    data.need_genotypes()
    from .sample_counts import genotype_texts

    counts = genotype_texts(data)
    phased = sum(n for text, n in counts.items() if "|" in text)
    unphased = sum(n for text, n in counts.items() if "/" in text)
    kind = "unphased" if not phased else "phased" if not unphased else "partly phased"
    text = (
        f"The genotypes of {data.name} are {kind}: {phased:,} are written with | and {unphased:,} with /; "
        "haploid ones have no phase."
    )
    return ToolResult(text, {"phased": phased, "unphased": unphased}, "genotypes")


def _gvcf(data: OpenDataset) -> ToolResult:
    blocks = data.summary["reference_blocks"]
    if blocks:
        text = (
            f"{data.name} is a gVCF: {count_of(blocks, 'ALT allele')} <NON_REF> or <*>, which also describe reference."
        )
    else:
        text = (
            f"{data.name} is not a gVCF: it has no <NON_REF> or <*> allele. Where it has no record, nothing is "
            "known; absent is not reference."
        )
    return ToolResult(text, blocks > 0)


SOFTWARE_KEYS = ("source", "GATKCommandLine", "VEP", "SnpEff", "commandline", "caller", "Tool", "phasing")


def _software(data: OpenDataset) -> ToolResult:
    lines = [
        f"##{k}={one_line(v, 120)}"
        for k, v in data.summary["other"]
        if k.startswith(SOFTWARE_KEYS) or "ersion" in k or "ommand" in k
    ]
    if not lines:
        return ToolResult(f"The software that made {data.name} is not recorded in its header.", None)
    return ToolResult(
        f"The header of {data.name} names: {'; '.join(lines[:12])}.",
        lines,
        "header lines",
        ["quoted from the header, not interpreted"],
    )


def _everything(data: OpenDataset) -> ToolResult:
    parts = [_version(data), _samples(data), _contigs(data), _build(data), _annotation(data), _gvcf(data)]
    facts: dict[str, Json] = {
        "records": data.summary["records"], "samples": len(data.samples), "contigs": len(data.contigs),
        "version": data.summary["version"], "build": data.summary["build"],
        "annotation": data.summary["annotation"] and data.summary["annotation"]["tool"],
        "gvcf": data.summary["reference_blocks"] > 0,
    }  # fmt: skip
    text = f"{data.name} has {count_of(data.summary['records'], 'record')}. " + " ".join(p.text for p in parts)
    return ToolResult(text, facts, None, [], parts[2].tables + _fields(data).tables)


_EVERY: dict[str, Callable[[OpenDataset], ToolResult]] = {
    "everything": _everything, "samples": _samples, "contigs": _contigs, "build": _build, "version": _version,
    "annotation": _annotation, "fields": _fields, "phasing": _phasing, "gvcf": _gvcf, "software": _software,
}  # fmt: skip

TOOL = Tool(
    "describe_file",
    "Say what a file is: its samples, contigs with their record counts, genome build and why, VCF version, "
    "annotation, INFO and FORMAT fields with their descriptions, phasing, gVCF or not, software.",
    DescribeFile,
    describe_file,
    example={"about": "annotation"},
)

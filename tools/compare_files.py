"""What two open files share: sites, alleles, Ti/Tv, and the genotypes of the samples they have in common."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from ..memory.errors import ToolError
from . import bcftools
from .context import ToolContext
from .dataset import OpenDataset, other_names
from .evidence import is_indexed, shown_path
from .filters import Arguments
from .making.exports import exports_folder, working_folder
from .making.pipeline import Step, run_to_file
from .making.stream import indexed_reference, source_of, stream_of
from .registry import Tool
from .result import Evidence, Json, Table, ToolResult
from .shared_genotypes import concordance
from .text import one_line

SHOWN = 100
"""Private sites that the table lists."""
SETS = {"10": "only_first", "01": "only_second", "11": "shared"}


class CompareFiles(Arguments):
    first: str | None = Field(None, description="name of an open file; needed only where more than two are open")
    second: str | None = Field(None, description="name of the other open file")
    match: Literal["alleles", "position"] = Field(
        "alleles",
        description="alleles: a record is shared where the other file has one of the same position, REF and ALT. "
        "position: the same position is enough",
    )
    normalise: bool = Field(
        False, description="split multi-allelic records of both first, and left-align them where there is a reference"
    )
    reference: str | None = Field(None, description="the FASTA in the working folder, for normalise")
    genotypes: bool = Field(True, description="compare the genotypes of samples that both files have")
    genotypes_of: Literal["all", "snps", "indels"] = Field(
        "all", description="the records whose genotypes are compared"
    )


_ONLY = {"all": [], "snps": ["-i", 'TYPE="snp"'], "indels": ["-i", 'TYPE="indel"']}


@dataclass(slots=True)
class Pair:
    """The two files, and the copies that are compared: of sites and genotypes alone, since the rest takes most time.

    `collapse` and `norm` are options of bcftools for pairing records and for normalising; `itself` says of each file
    whether bcftools could compare it as it is.
    """

    first: OpenDataset
    second: OpenDataset
    paths: list[Path]
    collapse: list[str]
    norm: list[str]
    itself: list[bool]


def compare_files(context: ToolContext, wanted: CompareFiles) -> ToolResult:
    """Shared and private records of two files; the value is their numbers.

    Raises `ToolError` where it is not clear which two files are meant, or where bcftools cannot compare them.
    """
    first, second = _two(context, wanted)
    with working_folder(exports_folder(context.workspace)) as scratch:
        try:
            pair = _prepared(context, first, second, wanted, scratch)
            counts, private = _sites(pair)
            statistics = _statistics(pair)
            common = [s for s in first.samples if s in second.samples] if wanted.genotypes else []
            chosen = [*pair.collapse, *_ONLY[wanted.genotypes_of]]
            tables = concordance(pair.paths, chosen, common, scratch) if common and counts["shared"] else []
        except bcftools.BcftoolsError as error:
            problem = one_line(str(error))
            raise ToolError(f"The files cannot be compared: {problem}", "Sort and mend them with make_file") from error
    result = ToolResult(_sentence(pair, counts, statistics), dict(counts), "records", _reading(pair, wanted, common))
    result.tables = [_sets_table(counts, statistics), private, *tables]
    if tables:
        result.text += _genotypes_told(tables[0])
    result.evidence = _evidence(context, pair, wanted, counts, statistics)
    return result


def _two(context: ToolContext, wanted: CompareFiles) -> tuple[OpenDataset, OpenDataset]:
    if wanted.first is None and wanted.second is None and len(context.datasets) == 2:
        return context.datasets[0], context.datasets[1]
    names = ", ".join(d.name for d in context.datasets) or "none"
    if wanted.first is None or wanted.second is None:
        raise ToolError(f"Two open files are compared, and open are: {names}", "Name `first` and `second`")
    first, second = context.dataset(wanted.first), context.dataset(wanted.second)
    if first.dataset.sha256 == second.dataset.sha256:
        raise ToolError(f"{first.name} is compared with itself", "Name two files")
    return first, second


def _prepared(
    context: ToolContext, first: OpenDataset, second: OpenDataset, wanted: CompareFiles, scratch: Path
) -> Pair:
    reference = context.reference_file(wanted.reference)
    options = ["-m", "-any"] if wanted.normalise else []
    if options and reference:
        options += ["-f", str(indexed_reference(stream_of(first, [], scratch, reference)))]
    steps = [Step(["norm", *options]), Step(["sort", "-T", str(scratch / "sorting")])] if options else []
    both = (first, second)
    paths = [_copied(data, steps, scratch / f"{n}.bcf") for n, data in enumerate(both)]
    collapse = ["-c", "none" if wanted.match == "alleles" else "all"]
    if "-f" in options:
        options[-1] = shown_path(reference, context.folder) if reference else ""
    return Pair(first, second, paths, collapse, options, [not steps and _is_ready(data) for data in both])


def _copied(data: OpenDataset, steps: list[Step], copy: Path) -> Path:
    """An indexed copy without INFO and without FORMAT but GT."""
    kept = "^FORMAT/GT" if "GT" in data.summary["sample_fields"] else "FORMAT"
    slim = ["annotate", "-x", ",".join(["INFO", *([kept] if data.samples else [])])]
    last = [Step(slim), *steps, Step(["view", "--write-index"])] if steps else [Step([*slim, "--write-index"])]
    run_to_file(last, source_of(data), copy, "b1")
    return copy


def _is_ready(data: OpenDataset) -> bool:
    source = source_of(data)
    return source.container != "vcf" and is_indexed(source.path) and not source.declarations


def _sites(pair: Pair) -> tuple[dict[str, int], Table]:
    """How many records are in the first alone, in the second alone, and in both; and the first private ones."""
    counts = dict.fromkeys(("shared", "only_first", "only_second"), 0)
    rows: list[list[Json]] = []
    arguments = ["isec", *pair.collapse, "-n", "+1", "-o", "/dev/stdout", *map(str, pair.paths)]
    with bcftools.stream(arguments) as output:
        for line in output:
            site, found = line.rsplit(b"\t", 1)
            where = SETS[found.strip().decode()]
            counts[where] += 1
            if where != "shared" and len(rows) < SHOWN:
                rows.append([*site.decode(errors="replace").split("\t"), where])
    total = counts["only_first"] + counts["only_second"]
    return counts, Table("private", ["chrom", "pos", "ref", "alt", "in"], rows, total, total > len(rows))


def _statistics(pair: Pair) -> dict[str, dict[str, float]]:
    """By set, what `bcftools stats` says: records, SNPs, indels, Ti, Tv, Ti/Tv."""
    text = bcftools.run(["stats", *pair.collapse, *map(str, pair.paths)], pair.first.dataset.path)
    sets = {"0": "only_first", "1": "only_second", "2": "shared"}
    found: dict[str, dict[str, float]] = {s: {} for s in sets.values()}
    for row in (line.split("\t") for line in text.splitlines()):
        if row[0] == "SN" and row[1] in sets:
            found[sets[row[1]]][row[2].removeprefix("number of ").rstrip(":")] = int(row[3])
        if row[0] == "TSTV":
            found[sets[row[1]]] |= {"ti": int(row[2]), "tv": int(row[3])}
    return found


def _ratio(of: dict[str, float]) -> float | None:
    return round(of["ti"] / of["tv"], 4) if of.get("tv") else None


def _sets_table(counts: dict[str, int], statistics: dict[str, dict[str, float]]) -> Table:
    columns = ["set", "records", "SNPs", "indels", "ti", "tv", "ti_tv"]
    rows = [[name, number, *(statistics[name].get(k, 0) for k in ("SNPs", "indels", "ti", "tv")),
             _ratio(statistics[name])] for name, number in counts.items()]  # fmt: skip
    return Table("sets", columns, rows, len(rows))


def _sentence(pair: Pair, counts: dict[str, int], statistics: dict[str, dict[str, float]]) -> str:
    first, second = pair.first.name, pair.second.name
    ratios = {name: _ratio(of) for name, of in statistics.items()}
    told = ", ".join(
        f"{ratios[name]:g} {words}"
        for name, words in (("shared", "shared"), ("only_first", f"in {first} alone"),
                            ("only_second", f"in {second} alone"))
        if ratios[name] is not None
    )  # fmt: skip
    text = (
        f"{first} and {second} share {counts['shared']:,} records; {counts['only_first']:,} are in {first} alone, "
        f"{counts['only_second']:,} in {second} alone."
    )
    text += f" Ti/Tv: {told}." if told else ""
    return text + _why_nothing(pair) if not counts["shared"] else text


def _why_nothing(pair: Pair) -> str:
    mine, theirs = set(pair.first.contigs), set(pair.second.contigs)
    if not mine & theirs and any(set(other_names(c)) & theirs for c in mine):
        return " They name their contigs differently: make_file with rename_contigs mends that."
    return " They have no contig in common." if not mine & theirs else ""


def _genotypes_told(table: Table) -> str:
    told = [f"{row[0]} {row[2]:,} of {row[1]:,}" for row in table.rows[:5]]
    more = f" and {table.total - 5} more samples" if table.total > 5 else ""
    return f" The same genotype in shared records: {', '.join(told)}{more}."


def _reading(pair: Pair, wanted: CompareFiles, common: list[str]) -> list[str]:
    same = "position, REF and ALT" if wanted.match == "alleles" else "position"
    reading = [f"shared: the same {same} in both files"]
    if not wanted.normalise:
        reading.append("compared as the files are written; ask to normalise for other writings of one variant")
    elif "-f" not in pair.norm:
        reading.append("multi-allelic records were split, and nothing left-aligned, since no reference was named")
    else:
        reading.append("multi-allelic records were split and all left-aligned against the reference")
    if common:
        reading.append(
            "genotypes are compared without phase, where both are complete; a partly missing one counts as missing"
        )
        if wanted.genotypes_of != "all":
            reading.append(f"genotypes of records that are {wanted.genotypes_of} alone were compared")
    elif wanted.genotypes:
        reading.append("the files have no sample of the same name, so no genotypes were compared")
    return reading


def _evidence(
    context: ToolContext, pair: Pair, wanted: CompareFiles, counts: dict[str, int],
    statistics: dict[str, dict[str, float]],
) -> list[Evidence]:  # fmt: skip
    """Both commands were run for the answer, each by its own way of pairing records; their numbers are compared."""
    same = all(counts[name] == statistics[name].get("records") for name in counts)
    arguments = wanted.model_dump(exclude_defaults=True, mode="json")
    first, files = _as_typed(context, pair)
    commands = [f"{first}bcftools isec {shlex.join(pair.collapse)} -n +1 {files} | cut -f5 | sort | uniq -c",
                f"{first}bcftools stats {shlex.join(pair.collapse)} {files} | grep -E '^(SN|TSTV)'"]  # fmt: skip
    note = f"isec and stats of bcftools {bcftools.version()} were run and give {'the same' if same else 'different'}"
    return [
        Evidence(shown_path(data.dataset.path, context.folder), data.dataset.sha256, "compare_files", arguments,
                 command, same, f"{note} numbers")
        for data, command in zip((pair.first, pair.second), commands, strict=True)
    ]  # fmt: skip


def _as_typed(context: ToolContext, pair: Pair) -> tuple[str, str]:
    """The commands that make what is compared, where that is not the files themselves; and the two files."""
    before, files = "", []
    for number, (data, itself) in enumerate(zip((pair.first, pair.second), pair.itself, strict=True), 1):
        shown = shlex.quote(shown_path(data.dataset.path, context.folder))
        if not itself:
            norm = f"bcftools norm {shlex.join(pair.norm)} {shown} | bcftools sort"
            before += norm if pair.norm else f"bcftools view {shown}"
            before += f" -Ob -o {number}.bcf && bcftools index {number}.bcf && "
            shown = f"{number}.bcf"
        files.append(shown)
    return before, " ".join(files)


TOOL = Tool(
    "compare_files",
    "Compare two open files: how many records (sites and alleles) they share and how many each has alone, with the "
    "Ti/Tv of each set, and for samples in both the genotype concordance with the kinds of discordant genotypes.",
    CompareFiles,
    compare_files,
    example={"genotypes": True},
    example_files=("cohort.vcf.gz", "second_caller.vcf.gz"),
)

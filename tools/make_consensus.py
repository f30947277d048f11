"""The sequence of one sample: the reference FASTA with its variants put in."""

import re
import shlex
from pathlib import Path
from typing import Literal

from pydantic import Field

from ..memory.errors import ToolError
from . import bcftools
from .context import ToolContext
from .dataset import OpenDataset, nearest
from .evidence import shown_path
from .filters import END_OF_CONTIG, OnDataset, RegionText, parse_region
from .making.exports import checked_name, exports_folder, free_name, publish, refuse_taken, stem_of, working_folder
from .making.stream import Stream, indexed, indexed_reference, stream_of
from .registry import Tool
from .result import Evidence, Table, ToolResult
from .text import count_of, one_line

CODES = {"iupac": "I", "1": "1", "2": "2", "alt": "A"}
WORDS = {
    "iupac": "heterozygous SNPs are IUPAC codes",
    "1": "the first allele of each genotype is taken, whether phased or not",
    "2": "the second allele of each genotype is taken, whether phased or not",
    "alt": "an ALT allele is taken wherever there is one",
}
LINE = 60


class MakeConsensus(OnDataset):
    sample: str | None = Field(None, description="needed where the file has several, except for every ALT allele")
    haplotype: Literal["iupac", "1", "2", "alt"] = Field(
        "iupac",
        description="iupac: heterozygous SNPs as ambiguity codes. 1, 2: the first or second allele of each genotype. "
        "alt: the ALT allele wherever the sample has one, or without a sample of every record",
    )
    missing: Literal["n", "reference"] = Field(
        "n", description="what a missing genotype becomes; positions without a record are reference in either case"
    )
    passing: bool = Field(False, description="only records with FILTER PASS or '.'")
    regions: list[RegionText] = Field(default_factory=list, description="only these; everything where there is none")
    reference: str | None = Field(None, description="the FASTA in the working folder")
    name: str | None = Field(None, description="of the new file, without folders, ending in .fa; derived if not given")


def make_consensus(context: ToolContext, wanted: MakeConsensus) -> ToolResult:
    """Write the FASTA below the workspace's `exports`; the value is its number of sequences.

    Raises `ToolError` without a reference, for one whose contigs or bases are not those of the file, and for a name
    that is taken; nothing is left behind then.
    """
    data = context.dataset(wanted.dataset)
    reference = context.reference_file(wanted.reference)
    if reference is None:
        raise ToolError("A consensus needs the reference", "Name the FASTA: `reference`")
    options = _options(data, wanted)
    exports = exports_folder(context.workspace)
    target = _target(exports, data, wanted)
    with working_folder(exports) as scratch:
        stream = stream_of(data, [], scratch, reference)
        made = scratch / "made.fa"
        try:
            messages = _run(stream, wanted, options, made)
        except bcftools.BcftoolsError as error:
            raise ToolError(f"No consensus could be made: {one_line(str(error))}", _way_out(str(error))) from error
        rows = _sequences(made)
        publish([(made, target)])
    return _result(context, data, wanted, target, options, messages, rows)


def _options(data: OpenDataset, wanted: MakeConsensus) -> list[str]:
    sample = wanted.sample
    if sample is None and len(data.samples) == 1:
        sample = data.samples[0]
    if sample is None and wanted.haplotype != "alt":
        data.need_genotypes()
        raise ToolError("A consensus is of one sample", nearest("", data.samples, "Name it: `sample`, one of"))
    options = ["-s", "-"]  # the first ALT allele, whatever the samples have
    if sample is not None:
        data.need_genotypes()
        sample = data.samples[data.sample_index(sample)]
        if OpenDataset.unlistable([sample]):
            raise ToolError(f"bcftools cannot be asked for a sample called {sample!r}", "Rename it first: make_file")
        options = ["-s", sample, "-H", CODES[wanted.haplotype]]
        options += ["-M", "N"] if wanted.missing == "n" else []
    return options + (["-i", 'FILTER="PASS" || FILTER="."'] if wanted.passing else [])


def _target(exports: Path, data: OpenDataset, wanted: MakeConsensus) -> Path:
    if wanted.name is None:
        part = wanted.sample or wanted.haplotype
        return exports / free_name(exports, f"{stem_of(data.dataset.path.name)}.{part}"[:80], "fa")
    if not checked_name(wanted.name).endswith((".fa", ".fasta")):
        raise ToolError(f"{wanted.name!r} does not end in .fa", "Give a name that does")
    refuse_taken(exports / wanted.name)
    return exports / wanted.name


def _run(stream: Stream, wanted: MakeConsensus, options: list[str], made: Path) -> str:
    """Write the consensus; what bcftools said of it."""
    fasta = _reference(stream, wanted)
    child = bcftools.Child()
    try:
        source = indexed(stream, stream.data)
        child.start(["consensus", "-f", str(fasta), *options, "-o", str(made), str(source)])
        if child.process.wait():
            raise bcftools.BcftoolsError(bcftools.reason(child.messages()))
        return child.messages()
    finally:
        child.close()


def _reference(stream: Stream, wanted: MakeConsensus) -> Path:
    """The FASTA, or one of the wanted regions alone. Raises `ToolError` where its contigs are others."""
    import pysam

    path = indexed_reference(stream)
    try:
        fasta = pysam.FastaFile(str(path))
    except (OSError, ValueError) as error:
        raise ToolError(f"{path.name} cannot be read as a FASTA", "Name a FASTA, plain or bgzipped") from error
    with fasta:
        names = list(fasta.references)
        data = stream.data
        if data.contigs and not set(data.contigs) & set(names):
            raise ToolError(
                f"None of the contigs of {data.name} is in {path.name}: {', '.join(data.contigs[:5])} and "
                f"{', '.join(names[:5])}",
                "Rename those of the file first: make_file with rename_contigs",
            )
        if not wanted.regions:
            return path
        part = stream.new("fa")
        with part.open("w") as out:
            for text in wanted.regions:
                contig, start, end = parse_region(text)
                contig = data.contig(contig)[0]
                if contig not in names:
                    raise ToolError(f"{path.name} has no {contig!r}", nearest(contig, names, "It has"))
                last = min(end, fasta.get_reference_length(contig))
                bases = fasta.fetch(contig, start - 1, last)
                whole = end == END_OF_CONTIG and start == 1
                out.write(f">{contig if whole else f'{contig}:{start}-{last}'}\n")
                out.writelines(f"{bases[i : i + LINE]}\n" for i in range(0, len(bases), LINE))
    return part


def _way_out(problem: str) -> str:
    if "does not match the REF" in problem or "fasta sequence" in problem.lower():
        return "The file was made with another reference: see validate_file with it"
    return "Check the file with `vcf-agent validate`"


def _sequences(made: Path) -> list[list[object]]:
    """The name, length and number of Ns of each sequence."""
    rows: list[list[object]] = []
    length = unknown = 0
    with made.open("rb") as lines:
        for line in lines:
            if line.startswith(b">"):
                if rows:
                    rows[-1] += [length, unknown]
                rows.append([line[1:].split(None, 1)[0].decode(errors="replace")])
                length = unknown = 0
            else:
                length += len(line.rstrip())
                unknown += line.upper().count(b"N")
    if rows:
        rows[-1] += [length, unknown]
    return rows


def _result(
    context: ToolContext, data: OpenDataset, wanted: MakeConsensus, target: Path, options: list[str], messages: str,
    rows: list[list[object]],
) -> ToolResult:  # fmt: skip
    applied = re.search(r"Applied (\d+) variants", messages)
    skipped = len(re.findall(r"overlaps with another variant", messages))
    who = f"of {wanted.sample}" if wanted.sample else f"of {data.name}"
    number = f"; {count_of(int(applied[1]), 'variant')} put in" if applied else ""
    text = f"Wrote the consensus {who}, {count_of(len(rows), 'sequence')}, to {target}{number}."
    of_all = options[1] == "-"
    first = "the first ALT allele of every record is taken, whatever the samples have"
    reading = [first if of_all else WORDS[wanted.haplotype], "positions without a record are reference"]
    if not of_all:
        reading.append("a missing genotype is N" if wanted.missing == "n" else "a missing genotype is reference")
    if skipped:
        reading.append(f"{count_of(skipped, 'record')} left out, since they overlap one before them")
    reading.append("only records with FILTER PASS or '.'" if wanted.passing else "records count whatever their FILTER")
    evidence = _evidence(context, data, wanted, options)
    table = Table("sequences", ["sequence", "bases", "N"], rows, len(rows))
    return ToolResult(text, len(rows), "sequences", reading, [table], [evidence], files=[str(target)], private=True)


def _evidence(context: ToolContext, data: OpenDataset, wanted: MakeConsensus, options: list[str]) -> Evidence:
    path = shown_path(data.dataset.path, context.folder)
    arguments = wanted.model_dump(exclude_defaults=True, mode="json")
    evidence = Evidence(path, data.dataset.sha256, "make_consensus", arguments)
    fasta = context.reference_file(wanted.reference)
    assert fasta
    given = shlex.quote(shown_path(fasta, context.folder))
    line = f"bcftools consensus -f {given} {shlex.join(options)} {shlex.quote(path)}"
    if wanted.regions:
        places = shlex.join(_in_fasta(data, text) for text in wanted.regions)
        line = f"samtools faidx {given} {places} | bcftools consensus {shlex.join(options)} {shlex.quote(path)}"
    evidence.command, evidence.note = line, f"it is what bcftools {bcftools.version()} wrote; not run a second time"
    return evidence


def _in_fasta(data: OpenDataset, region: str) -> str:
    """A region with the contig as the file, and so the FASTA, names it."""
    contig, start, end = parse_region(region)
    named = data.contig(contig)[0]
    return named if (start, end) == (1, END_OF_CONTIG) else f"{named}:{start}-{end}"


TOOL = Tool(
    "make_consensus",
    "Write the consensus sequence of a sample as a FASTA, below the workspace's exports folder: the reference with its "
    "variants put in, with IUPAC codes for heterozygous SNPs or one haplotype; whole or for regions. Needs the "
    "reference FASTA.",
    MakeConsensus,
    make_consensus,
    example={"sample": "DEV"},
    example_files=(),
)

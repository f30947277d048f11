"""Operations that bring in what another file says: IDs and INFO fields of a VCF, names of a BED, contigs of a FASTA."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

from ...memory.errors import ToolError
from .. import bcftools
from ..bed import Bed, read_bed
from ..dataset import nearest, other_names
from ..evidence import count_lines, is_indexed
from ..text import count_of
from ..vcf_file import VcfFile, open_vcf
from . import operations as ops
from .pipeline import Source, Step, run_to_file, stream_through
from .stream import CONTIG, FIELD, Stream, indexed, need_fields, source_of

MARK = "VCF_AGENT_MATCH"
FIRST_TO_LAST = 2**31 - 2


def add_ids(stream: Stream, wanted: ops.AddIds) -> list[Step]:
    done = "added IDs from {}" + (" where there was none" if wanted.only_missing else ", in place of those there were")
    return [_from_vcf(stream, wanted, lambda _: ["+ID" if wanted.only_missing else "ID"], done)]


def add_info(stream: Stream, wanted: ops.AddInfo) -> list[Step]:
    sign = "+" if wanted.only_missing else ""
    names = [f.removeprefix("INFO/") for f in wanted.fields]
    kept = "where there was none" if wanted.only_missing else "; records without a match keep what they have"
    step = _from_vcf(
        stream,
        wanted,
        lambda source: [f"{sign}INFO/{_field_of(source, n)}" for n in names],
        f"added {', '.join(names)} from {{}} {kept}".replace(" ;", ";"),
    )
    stream.fields |= {f"INFO/{n}" for n in names}
    return [step]


def _field_of(source: VcfFile, name: str) -> str:
    known = [f.id for f in source.header.info()]
    if name not in known:
        raise ToolError(f"{source.path.name} has no INFO/{name}", nearest(name, known, "It has"))
    if not FIELD.fullmatch(name):
        raise ToolError(f"{name!r} is a field that bcftools cannot be asked for", "Leave it out")
    return name


def _from_vcf(
    stream: Stream, wanted: ops.AddIds | ops.AddInfo, columns: Callable[[VcfFile], list[str]], done: str
) -> Step:
    """`bcftools annotate` with another VCF: both are read by their indexes, so what came before becomes a file."""
    source = open_vcf(stream.vcfs[wanted.source])
    pairing = ["--pair-logic", "exact"] if wanted.alleles == "all" else []
    options = ["-c", ",".join(columns(source)), *pairing]
    path = _with_our_contigs(stream, source)
    here = _as_file(stream)
    shown = f"bcftools annotate -a {shlex.quote(str(source.path))} {shlex.join(options)}"
    step = Step(["annotate", "-a", str(path), *options], done.format(source.path.name), shown, inputs=[here])
    step.done += f"; {_matches(stream, step)} of {count_of(_number(here), 'record')} match"
    alleles = "the same ALT alleles" if wanted.alleles == "all" else "an ALT allele in common"
    stream.reading.append(f"a match has the same position and REF, and {alleles}")
    return step


def _as_file(stream: Stream) -> Path:
    """The records at this point, in a file with an index."""
    if not stream.steps:
        path = indexed(stream, stream.data)
        if path != stream.data.dataset.path:
            stream.reading.append(f"{stream.data.name} has no index: the command needs it compressed and indexed")
        return path
    path = stream.new("bcf")
    run_to_file([*stream.steps, Step(["view", "--write-index"])], source_of(stream.data), path, "b")
    return path


def _number(path: Path) -> int:
    return int(bcftools.run(["index", "-n", str(path)], path))


def _matches(stream: Stream, step: Step) -> str:
    """How many of the records a step of `annotate` finds in its other file."""
    arguments = [step.arguments[0], "-m", f"+{MARK}", *step.arguments[1:]]
    marked = Step(arguments, inputs=step.inputs)
    listed = Step(["query", "-f", r"\n", "-i", f"INFO/{MARK}=1"])
    with stream_through([*stream.steps, marked, listed], source_of(stream.data)) as output:
        return f"{count_lines(output):,}"


def _with_our_contigs(stream: Stream, source: VcfFile) -> Path:
    """The other file, or a copy with an index and with contigs named as here. Raises `ToolError` for strange ones."""
    path = source.path
    if source.container == "vcf" or not is_indexed(path):
        path = stream.new("vcf.gz")
        run_to_file([Step(["sort", "-T", str(stream.scratch / "sorting"), "--write-index=csi"])],
                    Source(source.path), path, "z")  # fmt: skip
        stream.reading.append(f"{source.path.name} has no index: the command needs it compressed and indexed")
    theirs = [line.split("\t")[0] for line in bcftools.run(["index", "-s", str(path)], path).splitlines()]
    names = _their_names(stream.contigs, theirs, source.path.name, stream.data.name)
    if not names:
        return path
    copy = stream.new("vcf.gz")
    listed = stream.note("".join(f"{old}\t{new}\n" for old, new in names.items()))
    sorted_again = Step(["sort", "-T", str(stream.scratch / "sorting"), "--write-index=csi"])
    run_to_file([Step(["annotate", "--rename-chrs", str(listed)]), sorted_again], Source(path), copy, "z")
    old, new = next(iter(names.items()))
    stream.reading.append(f"{source.path.name} names contigs otherwise, and was renamed first: {old} to {new}")
    return copy


def _their_names(ours: list[str], theirs: list[str], file: str, name: str) -> dict[str, str]:
    """Our name of each contig that the other file names otherwise. Raises `ToolError` where none is in both."""
    names = {
        there: here
        for here in ours
        if here not in theirs
        for there in other_names(here)
        if there in theirs and there not in ours and CONTIG.fullmatch(there)
    }
    if theirs and not names and not set(ours) & set(theirs):
        raise ToolError(
            f"{file} and {name} have no contig in common: {', '.join(theirs[:5])} and {', '.join(ours[:5])}",
            "Is it of another species or build? Contigs that are only named otherwise can be renamed: rename_contigs",
        )
    return names


def label(stream: Stream, wanted: ops.Label) -> list[Step]:
    if f"INFO/{wanted.field}" in stream.fields:
        raise ToolError(f"There is an INFO/{wanted.field} already", "Give the label another name, or drop that field")
    if not stream.same_contigs:
        raise ToolError("label comes after an operation that renames contigs", "Put it before")
    rows, what = _labelled_regions(stream, wanted)
    if not rows:
        raise ToolError(f"{what} gives no label to any region", "Name the column that has them, or a `value`")
    listed = _tabix(stream, rows)
    described = wanted.description or f"Label from {what}"
    line = f"##INFO=<ID={wanted.field},Number=.,Type=String,Description={_quoted(described)}>\n"
    options = ["-c", f"CHROM,FROM,TO,INFO/{wanted.field}", "-l", f"{wanted.field}:unique"]
    step = Step(["annotate", "-a", str(listed), *options, "-h", str(stream.note(line))])
    step.shown, step.unprovable = _shown_label(stream, wanted, line)
    step.done = f"wrote INFO/{wanted.field} from {what}; {_matches(stream, step)} records have one"
    stream.fields.add(f"INFO/{wanted.field}")
    stream.reading.append("a record that reaches into several regions has each of their labels once")
    return [step]


def _shown_label(stream: Stream, wanted: ops.Label, line: str) -> tuple[str, str]:
    """The command as a person would type it, or why there is none."""
    if wanted.bed is None or wanted.value is not None:
        return "", "a fixed text needs a file of its own"
    path = stream.data.find_file(wanted.bed, "the BED")
    bed = read_bed(path, stream.data)
    if bed.renamed:
        return "", f"{path.name} names contigs otherwise"
    if path.suffix not in (".gz", ".bgz"):
        path = path.with_name(f"{path.name}.gz")
    stream.named.append(path)
    stream.reading.append(f"the command reads {path.name}, made with bgzip and tabix -p bed")
    columns = ["CHROM", "FROM", "TO", *["-"] * (wanted.column - 4), f"INFO/{wanted.field}"]
    options = ["-a", str(path), "-c", ",".join(columns), "-l", f"{wanted.field}:unique"]
    return f"bcftools annotate {shlex.join(options)} -h <(echo {shlex.quote(line.rstrip())})", ""


def _quoted(text: str) -> str:
    return '"' + re.sub(r'["\\\s]+', " ", text) + '"'


def _labelled_regions(stream: Stream, wanted: ops.Label) -> tuple[list[str], str]:
    """Lines of contig, 0-based start, end and label, in order; and where they come from."""
    if wanted.bed is None:
        text = _safe((wanted.value or "").encode())
        return [f"{c}\t0\t{FIRST_TO_LAST}\t{text}\n" for c in stream.contigs], "a fixed text"
    bed = read_bed(stream.data.find_file(wanted.bed, "the BED"), stream.data, wanted.column)
    stream.reading += bed.remarks(stream.data)
    labels = [_safe(wanted.value.encode())] * len(bed.start) if wanted.value else [_safe(x) for x in bed.labels]
    unnamed = sum(not x for x in labels)
    if unnamed:
        stream.reading.append(f"{count_of(unnamed, 'region')} of {bed.path.name} have nothing in that column")
    return _lines(bed, labels), bed.path.name


def _lines(bed: Bed, labels: list[str]) -> list[str]:
    rows = zip(bed.contig.tolist(), bed.start.tolist(), bed.end.tolist(), labels, strict=True)
    return [f"{bed.contigs[c]}\t{start}\t{end}\t{text}\n" for c, start, end, text in sorted(rows) if text]


def _safe(text: bytes) -> str:
    """A label with what INFO gives a meaning written as %XX (VCF 4.3, 1.2); empty for none."""
    value = text.decode(errors="replace").strip()
    return "" if value == "." else re.sub(r"[%;=,\s\x00-\x1f\x7f]", lambda m: f"%{ord(m[0]) & 0xFF:02X}", value)


def _tabix(stream: Stream, rows: list[str]) -> Path:
    import pysam

    text, path = stream.note("".join(rows)), stream.new("bed.gz")
    pysam.tabix_compress(str(text), str(path))
    pysam.tabix_index(str(path), preset="bed", csi=True)
    return path


def add_contigs(stream: Stream, _: ops.AddContigs) -> list[Step]:
    if stream.reference is None:
        raise ToolError("add_contigs needs the reference", "Name the FASTA, or its .fai: `reference`")
    lengths = _lengths(stream.reference)
    names = _their_names(stream.contigs, list(lengths), stream.reference.name, stream.data.name)
    if names:
        old, new = next(iter(names.items()))
        stream.reading.append(f"{stream.reference.name} names contigs otherwise: its {old} is {new} here")
    lengths = {names.get(name, name): length for name, length in lengths.items() if CONTIG.fullmatch(name)}
    known = stream.data.summary["contig_lengths"]
    missing = [c for c in lengths if c not in known]
    other = [c for c, n in known.items() if n and lengths.get(c, n) != n]
    if other:
        told = f"{other[0]} has {known[other[0]]:,} bases in the header and {lengths[other[0]]:,} in the FASTA"
        stream.reading.append(f"{count_of(len(other), 'contig')} keep another length: {told}; is it another build?")
    listed = stream.note("".join(f"{name}\t{length}\n" for name, length in lengths.items()))
    fai = stream.reference if stream.reference.suffix == ".fai" else Path(f"{stream.reference}.fai")
    stream.contigs = list(dict.fromkeys([*stream.contigs, *lengths]))
    done = f"added {count_of(len(missing), 'contig line')} and the lengths that were not there, by {fai.name}"
    equal = "" if names else f"bcftools reheader -f {shlex.quote(str(fai))}"
    why = "the FASTA names contigs otherwise" if names else ""
    return [Step(["add_contigs", str(listed)], done, own=True, equal=equal, unprovable=why)]


def _lengths(reference: Path) -> dict[str, int]:
    """Contigs and their lengths, of a .fai, or of a FASTA by its index or by reading it."""
    if reference.suffix != ".fai":
        from ..validation.fasta import Fasta

        return {c.name: c.length for c in Fasta(reference).contigs}
    rows = [line.split("\t") for line in reference.read_text(errors="replace").splitlines() if line.strip()]
    if not rows or any(len(r) < 2 or not r[1].isdigit() for r in rows):
        raise ToolError(f"{reference.name} is no index of a FASTA", "Name the FASTA itself")
    return {row[0]: int(row[1]) for row in rows}


def add_vaf(stream: Stream, _: ops.AddVaf) -> list[Step]:
    need_fields(stream, ["FORMAT/AD"])
    if "FORMAT/VAF" in stream.fields:
        raise ToolError("There is a FORMAT/VAF already", "Drop that field first: drop_fields")
    stream.fields.add("FORMAT/VAF")
    stream.reading.append(
        "VAF is missing where AD or a number in it is, and 0 where there is no read, as bcftools +fill-tags has it"
    )
    done = "added FORMAT/VAF: reads of each ALT allele divided by those of all alleles, from AD"
    return [Step(["add_vaf", ""], done, own=True, equal="bcftools +fill-tags -- -t FORMAT/VAF")]

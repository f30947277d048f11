"""Structural variants by type, size and place, and breakends in pairs."""

import operator
from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from ..memory.errors import ToolError
from .breakend_pairs import pair_numbers, pair_table, pairs_of, pairs_told
from .breakends import Breakend, Breakends, breakends_of
from .clauses import Clause, clauses_of
from .context import ToolContext
from .dataset import OpenDataset, nearest
from .evidence import Command, all_lines, prove, tally, view_command
from .filters import END_OF_CONTIG, Arguments, Operator, VariantFilter, parse_region
from .list_variants import MAX_VALUE, query_options
from .registry import Tool
from .result import Json, Table, ToolResult
from .selection import record_numbers, select
from .sv_alleles import LONG, SIZE_FROM, Mask, SvAlleles, SvReader, joined
from .text import count_of
from .variant_rows import keys_of, rows_of, variant_key

KNOWN = ["DEL", "DUP", "INS", "INV", "BND", "CNV", "TRA", "CTX", "CPX"]
_COMPARE = {"<": operator.lt, "<=": operator.le, "=": operator.eq, "!=": operator.ne, ">=": operator.ge,
            ">": operator.gt}  # fmt: skip


class SizeCondition(Arguments):
    """A comparison with the size in bases."""

    op: Operator
    value: int = Field(ge=0)


class StructuralVariants(VariantFilter):
    sv_types: list[str] = Field(default_factory=list, description="such as DEL, DUP, INS, INV, BND, CNV; empty for all")
    type_from: Literal["svtype", "alt"] = Field(
        "svtype",
        description="svtype: INFO/SVTYPE, and ALT where that is absent. alt: a symbolic ALT or breakend, and SVTYPE "
        "where ALT is written in bases",
    )
    sizes: list[SizeCondition] = Field(
        default_factory=list,
        description="all must hold; size is SVLEN without its sign, else END - POS, else the change in length of "
        "REF and ALT. Variants without a size, as breakends, are dropped",
    )
    place: Literal["reaches", "starts"] = Field(
        "reaches",
        description="with regions. reaches: any base from POS to END lies in one, also when it starts before; a "
        "breakend is at POS alone. starts: POS lies in one",
    )
    reciprocal: float | None = Field(
        None, gt=0, le=1,
        description="with regions that have a start and an end: the overlap is at least this share of the variant "
        "and of the region",
    )  # fmt: skip
    plain_from: int | None = Field(
        None, ge=LONG,
        description="also alleles written in bases, without SVTYPE, that change the length by at least so many bases",
    )  # fmt: skip
    bnd: Literal["lines", "events"] = Field(
        "lines", description="count each line with a breakend, or each pair of mates once"
    )
    show: Literal["counts", "variants", "breakends"] = Field(
        "counts", description="what the value is: counts by type, the list of variants, or the pairs of breakends"
    )
    limit: int = Field(20, ge=1, le=1000, description="rows shown; the total is always told")

    @model_validator(mode="after")
    def _needs_regions(self) -> Self:
        if not self.regions and (self.reciprocal is not None or self.place == "starts"):
            raise ValueError("`place` and `reciprocal` go with `regions`")
        if self.reciprocal is not None and (
            self.place == "starts" or any(parse_region(r)[2] == END_OF_CONTIG for r in self.regions)
        ):
            raise ValueError("`reciprocal` needs regions with a start and an end, and not place = starts")
        return self


@dataclass(slots=True)
class Found:
    """What was selected, and what was left out on the way. `candidates` are those before the sizes were asked."""

    alleles: SvAlleles
    candidates: SvAlleles
    plain_left_out: int
    otherwise_in_bcftools: int
    clauses: list[Clause]


def structural_variants(context: ToolContext, wanted: StructuralVariants) -> ToolResult:
    """Structural variants that meet the conditions.

    The value is the number of lines (or events) by type; with `show` the list of `CHROM:POS:REF:ALT`, or the numbers
    of pairs, unpaired and single breakends and of pairs by kind. Raises `ToolError` for a type that nobody knows.
    """
    data = context.dataset(wanted.dataset)
    reader = SvReader(data, wanted.type_from == "alt")
    found = _search(data, wanted, reader)
    alleles = found.alleles
    ends = breakends_of(data) if alleles.is_breakend.any() else Breakends({}, 0)
    counts = _counts(alleles, ends if wanted.bnd == "events" else None)
    result = ToolResult(
        _sentence(data, wanted, alleles, counts), counts, "events" if wanted.bnd == "events" else "lines"
    )
    result.reading = _reading(wanted, found)
    result.private = bool(wanted.genotypes)
    result.tables = [_by_type(alleles, counts), _listing(data, wanted, reader, alleles, ends)]
    paired = pairs_of(alleles, ends)
    result.text += pairs_told(alleles, ends, paired)
    if wanted.show == "variants":
        result.value, result.unit = keys_of(data, np.unique(alleles.record)[:MAX_VALUE].astype(np.int32)), "records"
    if wanted.show == "breakends":
        result.value, result.unit = pair_numbers(paired), "pairs"
        result.tables.append(pair_table(paired, wanted.limit))
    result.evidence.append(prove(context, data, "structural_variants", wanted, *_proof(data, wanted, found, result)))
    return result


def _search(data: OpenDataset, wanted: StructuralVariants, reader: SvReader) -> Found:
    """Conditions on records first, then those on place, type and size, block by block."""
    selection = select(data, wanted.model_copy(update={"regions": []}))
    records = record_numbers(data, selection) if selection.where or selection.records is not None else None
    kept, plain, otherwise = [reader.empty()], 0, 0
    for block, contigs in reader.blocks():
        mask = np.ones(len(block), bool) if records is None else np.isin(block.record, records)
        if wanted.regions:
            inside, in_bcftools = _in_regions(data, wanted, block, contigs)
            otherwise += int(((inside != in_bcftools) & mask & ~block.plain).sum())
            mask &= inside
        long_enough = block.plain & (block.size >= (wanted.plain_from or LONG)) & mask
        plain += int(long_enough.sum())
        kept.append(block.keep(mask & ~block.plain | (long_enough if wanted.plain_from else False)))
    every = joined(kept)
    every.kinds, every.texts = reader.kinds, reader.texts
    types = _types(data, wanted, reader)
    candidates = every.keep(np.isin(every.kind, types)) if wanted.sv_types else every
    mask = np.ones(len(candidates), bool)
    for size in wanted.sizes:
        mask &= (candidates.size >= 0) & _COMPARE[size.op](candidates.size, size.value)
    clauses = list(selection.clauses)
    if wanted.regions:
        clauses += [_region_clause(data, wanted)]
    return Found(candidates.keep(mask), candidates, 0 if wanted.plain_from else plain, otherwise, clauses)


def _types(data: OpenDataset, wanted: StructuralVariants, reader: SvReader) -> list[int]:
    """Places of the wanted types among those of the file."""
    names = [t.strip().strip("<>").upper().partition(":")[0] for t in wanted.sv_types]
    known = list(dict.fromkeys([*reader.kinds, *KNOWN]))
    for name in names:
        if name not in known:
            raise ToolError(f"{data.name} has no structural variant of the type {name!r}",
                            nearest(name, known, "Types are"))  # fmt: skip
    return [i for i, kind in enumerate(reader.kinds) if kind in names]


def _spans(data: OpenDataset, wanted: StructuralVariants) -> list[tuple[str, int, int]]:
    known = [*data.contigs, *data.summary["contig_lengths"]]
    parsed = [(r, 1, END_OF_CONTIG) if r in known else parse_region(r) for r in wanted.regions]
    return [(data.contig(contig)[0], start, end) for contig, start, end in parsed]


def _in_regions(data: OpenDataset, wanted: StructuralVariants, block: SvAlleles, contigs: Any) -> tuple[Mask, Mask]:
    """Which alleles lie in a region as was asked, and which bcftools would find."""
    inside, in_bcftools = np.zeros(len(block), bool), np.zeros(len(block), bool)
    names = np.asarray(contigs.to_numpy(zero_copy_only=False), dtype=object)
    for contig, start, end in _spans(data, wanted):
        here = (names == contig) & (block.pos <= end)
        last = block.pos if wanted.place == "starts" else block.end
        mine = here & (last >= start)
        if wanted.reciprocal is not None:
            mine &= _shares(block, start, end) >= wanted.reciprocal
        inside |= mine
        in_bcftools |= here & ((block.pos if wanted.place == "starts" else block.stored_end) >= start)
    return inside, in_bcftools


def _shares(block: SvAlleles, start: int, end: int) -> Any:
    """The overlap as a share of the longer one; a variant's bases run from the one after POS to END."""
    first = np.where(block.end > block.pos, block.pos + 1, block.pos)
    both = np.minimum(block.end, end) - np.maximum(first, start) + 1
    return np.maximum(both, 0) / np.maximum(block.end - first + 1, end - start + 1)


def _region_clause(data: OpenDataset, wanted: StructuralVariants) -> Clause:
    clause = clauses_of(data, VariantFilter(regions=wanted.regions))[0]
    if wanted.place == "starts" and clause.options:
        clause.options = ["-t", clause.options[1], "--targets-overlap", "0"]
        clause.reading = "a variant counts when its POS lies in the region"
    if wanted.reciprocal is not None:
        clause.unprovable = "bcftools knows no reciprocal overlap"
    return clause


def _counts(alleles: SvAlleles, ends: Breakends | None) -> dict[str, int]:
    """Lines of each type, most frequent first; with `ends` events, where the two lines of a pair are one."""
    number = alleles.record
    if ends is not None:
        keys = (alleles.record << 16 | alleles.allele).tolist()
        number = np.array([ends.event_of(k) >> 16 for k in keys], dtype=np.int64)
    pairs = np.unique(np.stack([alleles.kind, number]), axis=1)[0] if len(alleles) else []
    counts = Counter(alleles.kinds[int(k)] for k in pairs)
    return dict(sorted(counts.items(), key=lambda c: (-c[1], c[0])))


def _sentence(data: OpenDataset, wanted: StructuralVariants, alleles: SvAlleles, counts: dict[str, int]) -> str:
    lines = len(np.unique(alleles.record))
    if not lines:
        return f"No structural variant of {data.name} meets the conditions."
    told = ", ".join(f"{n:,} {kind}" for kind, n in list(counts.items())[:15])
    told += f" and {len(counts) - 15} more types" if len(counts) > 15 else ""
    if wanted.bnd == "events":
        return f"{count_of(sum(counts.values()), 'event')} on {count_of(lines, 'line')} of {data.name}: {told}."
    return f"{data.name} has {count_of(lines, 'line')} with structural variants: {told}."


def _reading(wanted: StructuralVariants, found: Found) -> list[str]:
    a = found.alleles
    kept = [c.reading for c in found.clauses if c.reading]
    source = "INFO/SVTYPE, and ALT where it is absent" if wanted.type_from == "svtype" else "ALT, else INFO/SVTYPE"
    reading = [f"type is {source}"]
    if any(":" in found.alleles.texts[i] for i in np.unique(a.svtype).tolist() if i >= 0):
        reading[0] += ", its part before the colon"
    if differ := int(a.differ.sum()):
        reading[0] += f"; the two differ for {count_of(differ, 'allele')}"
    if wanted.bnd == "events":
        reading.append("the two lines of a pair of breakends count once, also where one does not meet the conditions")
    elif a.is_point().any():
        reading.append("each line counts, so a pair of breakends counts twice; `bnd` = events counts it once")
    by = {name: int((a.size_from == i).sum()) for i, name in enumerate(SIZE_FROM)}
    told = [f"{by[name]:,} from {words}" for name, words in
            (("SVLEN", "SVLEN without its sign"), ("END", "END - POS"), ("alleles", "the length of REF and ALT"))
            if by[name]]  # fmt: skip
    dropped = int((found.candidates.size < 0).sum()) if wanted.sizes else 0
    if told or by[""] or dropped:
        lacking = f"{dropped or by['']:,} have none" + (" and are dropped" if dropped else "")
        reading.append("size: " + ", ".join([*told, *([lacking] if by[""] or dropped else [])]))
    if found.plain_left_out:
        left_out = f"{count_of(found.plain_left_out, 'allele')} of {LONG} bp and more, written in bases without SVTYPE"
        reading.append(f"{left_out}, left out; `plain_from` counts them")
    if wanted.plain_from:
        reading.append(f"alleles written in bases count from a change in length of {wanted.plain_from} bp")
    if wanted.regions and wanted.place == "reaches" and not a.has_end.all():
        reading.append("without END a variant reaches as far as SVLEN says, and a breakend not beyond POS")
    return [*reading, *dict.fromkeys(kept)]


def _by_type(alleles: SvAlleles, counts: dict[str, int]) -> Table:
    rows: list[list[Json]] = []
    for kind, n in counts.items():
        sizes = alleles.size[(alleles.kind == alleles.kinds.index(kind)) & (alleles.size >= 0)]
        spread = [int(sizes.min()), _tidy(np.median(sizes)), int(sizes.max())] if len(sizes) else [None] * 3
        rows.append([kind, n, len(sizes), *spread])
    columns = ["type", "number", "alleles with a size", "smallest", "median", "largest"]
    return Table("structural variants by type", columns, rows, len(rows))


def _tidy(number: Any) -> float | int:
    return int(number) if number == int(number) else float(number)


def _listing(
    data: OpenDataset, wanted: StructuralVariants, reader: SvReader, alleles: SvAlleles, ends: Breakends
) -> Table:
    """One row per allele, in file order."""
    first = alleles.keep(np.arange(len(alleles)) < wanted.limit)
    places = [reader.info[n].column for n in ("CHR2", "END2", "END") if n in reader.info]
    columns = ["key", "record", "allele", "chrom", "pos", "id", "ref", "alt", "filter", *places]
    stored = {r["key"]: r for r in rows_of(data, columns, np.unique(first.record).astype(np.int32)).to_pylist()}
    rows: list[list[Json]] = []
    for i, (key, kind) in enumerate(zip((first.record << 16 | first.allele).tolist(), first.names(), strict=True)):
        row = stored[key]
        size = int(first.size[i]) if first.size[i] >= 0 else None
        end = None if kind in ("BND", "TRA", "CTX") else int(first.end[i])
        rows.append([row["id"], kind, row["chrom"], row["pos"], end, size, SIZE_FROM[first.size_from[i]] or None,
                     _mate(row, ends.by_key.get(key), places), row["filter"],
                     variant_key(row["chrom"], row["pos"], row["ref"], row["alt"])])  # fmt: skip
    names = ["id", "type", "chrom", "pos", "end", "size", "size from", "mate", "filter", "variant"]
    return Table("structural variants", names, rows, len(alleles), len(rows) < len(alleles))


def _mate(row: dict[str, Any], end: Breakend | None, places: list[str]) -> str | None:
    """Where a breakend joins to, or where CHR2 with END2 or END puts the other side on another contig."""
    if end is not None:
        return f"{end.join.contig}:{end.join.pos}" if end.join.contig else None
    contig, *ends = [row[p] for p in places] or [None]
    there = [e for e in ends if e is not None]
    return f"{contig}:{there[0]}" if there and contig not in (None, row["chrom"]) else None


def _proof(data: OpenDataset, wanted: StructuralVariants, found: Found, result: ToolResult) -> tuple[Command, Json]:
    """`bcftools query` of SVTYPE, or of the keys, under the same conditions; it counts lines, never events."""
    alleles = found.alleles
    clauses = [*found.clauses, Clause("", expression=_type_expression(wanted, found)), *_size_clauses(wanted, found)]
    command = view_command(data, clauses)
    listing = wanted.show == "variants"
    form = r"%CHROM:%POS:%REF:%ALT\n" if listing else r"%INFO/SVTYPE\n"
    command.arguments = ["query", "-f", form, *query_options(command.arguments[2:])]
    command.then, command.read = ("", all_lines) if listing else ("sort | uniq -c", tally)
    command.unprovable = command.unprovable or _why_not(wanted, found)
    if listing:
        many = len(np.unique(alleles.record)) > MAX_VALUE
        return command, None if many else result.value
    first = np.unique(alleles.record, return_index=True)[1]
    texts = Counter(alleles.texts[i] for i in alleles.svtype[first].tolist() if i >= 0)
    return command, dict(texts)


def _why_not(wanted: StructuralVariants, found: Found) -> str:
    a = found.candidates
    if (a.svtype < 0).any():
        return f"{count_of(int((a.svtype < 0).sum()), 'allele')} without SVTYPE, whose type is told from ALT"
    if wanted.type_from == "alt" and a.differ.any() and wanted.sv_types:
        return "SVTYPE and ALT differ, and the type was told from ALT"
    if found.otherwise_in_bcftools:
        return (f"{count_of(found.otherwise_in_bcftools, 'variant')} reach another place in bcftools, which extends "
                "breakends to END and takes the longer of END and SVLEN")  # fmt: skip
    return ""


def _type_expression(wanted: StructuralVariants, found: Found) -> str:
    a = found.candidates
    if not wanted.sv_types:
        return 'INFO/SVTYPE!="."'
    texts = [a.texts[i] for i in np.unique(a.svtype).tolist() if i >= 0]
    names = texts or [t.upper() for t in wanted.sv_types]
    parts = [f'INFO/SVTYPE="{t}"' for t in names]
    return parts[0] if len(parts) == 1 else "(" + " || ".join(parts) + ")"


def _size_clauses(wanted: StructuralVariants, found: Found) -> list[Clause]:
    """Of SVLEN, or of END where no variant has SVLEN."""
    if not wanted.sizes:
        return []
    a = found.candidates
    if (a.n_alt > 1).any():
        return [Clause("", unprovable="bcftools compares the sizes of all ALT alleles at once")]
    sources = set(np.unique(a.size_from[a.size >= 0]).tolist())
    if sources <= {1} and not a.is_point().any():
        return [Clause("", expression=f"ABS(INFO/SVLEN){s.op}{s.value}") for s in wanted.sizes]
    if sources == {2} and not (a.has_end & (a.size < 0)).any():
        return [Clause("", expression=f"INFO/END-POS{s.op}{s.value}") for s in wanted.sizes]
    if 3 in sources:
        return [Clause("", unprovable="some sizes are told from the lengths of REF and ALT")]
    return [
        Clause("", unprovable="the sizes come from SVLEN and END, or some variants without a size have one of them")
    ]


TOOL = Tool(
    "structural_variants",
    "Structural variants (SVTYPE, symbolic ALT such as <DEL>, breakends): how many of each type, those of some types, "
    "sizes or regions with their size, end and mate, and breakends in pairs with their orientation. A deletion that "
    "starts before a region and reaches into it counts. All filters on variants apply.",
    StructuralVariants,
    structural_variants,
    example={"sizes": [{"op": ">", "value": 1000}], "show": "variants"},
    example_files=("structural.vcf.gz",),
)

"""A variant that is not in the file: what is at its place and near it instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..memory.variant_table import literal
from .clauses import quoted
from .context import ToolContext
from .dataset import OpenDataset
from .evidence import Command, all_lines, prove
from .filters import END_OF_CONTIG
from .places import Place
from .result import Table, ToolResult
from .text import count_of
from .variant_rows import variant_key

if TYPE_CHECKING:
    from .why_dropped import WhyDropped

NEAR = 10
"""Bases on either side that are looked at for other variants."""

SHIFTED = 100
"""Bases on either side within which the same insertion or deletion may be written elsewhere."""

COLUMNS = ["record", "allele", "n_alt", "chrom", "pos", "end", "ref", "alt", "alts"]
NOT_REFERENCE = "A place without a record is not known to vary, which is not the same as reference."
Row = dict[str, Any]


def not_in_file(context: ToolContext, data: OpenDataset, wanted: WhyDropped, place: Place) -> ToolResult:
    """Says that the variant is not there, and what is near; the value is empty."""
    if place.id is not None:
        known = data.table.count("id IS NOT NULL AND allele <= 1")
        text = (
            f"{data.name} has no record with the ID {place.id!r}, so no filter dropped it. {known:,} of its "
            f"{count_of(data.summary['records'], 'record')} have an ID; the variant may be there without one: name "
            "its position."
        )
        return ToolResult(text, {}, "conditions")
    rows = _around(data, place)
    lines = [[how, key, distance] for how, key, distance in _ways(place, rows)]
    told = (
        f"{place.contig}:{place.pos}" + (f":{place.ref}" if place.ref else "") + (f":{place.alt}" if place.alt else "")
    )
    text = f"{told} is not in {data.name}, so no filter dropped it. {_near(lines)} {_reference(data)}"
    result = ToolResult(text, {}, "conditions", [place.remark] if place.remark else [])
    result.tables.append(Table("near", ["how", "variant", "bases away"], lines, len(lines)))
    at_place = sorted({_key(r, rows) for r in rows if r["pos"] == place.pos})
    result.evidence.append(prove(context, data, "why_dropped", wanted, _command(data, place), at_place))
    return result


def _around(data: OpenDataset, place: Place) -> list[Row]:
    """Allele rows within reach, and those of records that start before and span the position."""
    reach = SHIFTED + len(place.ref or "") + len(place.alt or "")
    low, high = place.pos - reach, min(place.pos + reach, END_OF_CONTIG)
    before = f"pos > {place.pos - data.summary['longest']} AND pos < {low} AND end >= {place.pos}"
    rows: list[Row] = []
    for where in (f"pos >= {low} AND pos <= {high}", before):  # one by one, since with OR the index is not used
        rows += data.table.columns(COLUMNS, f"chrom = {literal(place.contig)} AND {where}").to_pylist()
    return rows


def _ways(place: Place, rows: list[Row]) -> list[tuple[str, str, int]]:
    """How each record near is related, its key, and its distance in bases; the nearest relation first."""
    found: dict[str, tuple[int, str, int]] = {}
    for row in rows:
        how = _how(place, row)
        if how:
            key = _key(row, rows)
            found[key] = min(found.get(key, (9, "", 0)), (*how, abs(row["pos"] - place.pos)))
    ordered = sorted(found.items(), key=lambda kv: (kv[1][0], kv[1][2]))
    return [(how, key, distance) for key, (_, how, distance) in ordered]


def _how(place: Place, row: Row) -> tuple[int, str] | None:
    if place.ref and place.alt and row["alt"]:
        asked, there = trimmed(place.pos, place.ref, place.alt), trimmed(row["pos"], row["ref"], row["alt"])
        if asked == there:
            return 0, "the same change, written otherwise"
        if _shifted(asked, there):
            return 1, "the same bases inserted or deleted, possibly shifted; a reference FASTA would tell"
    if row["pos"] == place.pos:
        return 2, "same position, another allele"
    if row["pos"] < place.pos <= row["end"]:
        return 3, "starts before and spans the position"
    return (4, "near") if abs(row["pos"] - place.pos) <= NEAR else None


def trimmed(pos: int, ref: str, alt: str) -> tuple[int, str, str]:
    """The same change without the bases that REF and ALT share at the end, then at the start."""
    ref, alt = ref.upper(), alt.upper()
    while ref and alt and ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
    while ref and alt and ref[0] == alt[0]:
        pos, ref, alt = pos + 1, ref[1:], alt[1:]
    return pos, ref, alt


def _shifted(asked: tuple[int, str, str], there: tuple[int, str, str]) -> bool:
    """Whether both insert, or both delete, the same bases, perhaps turned: CAG as AGC one base on."""
    (_, ref, alt), (_, other_ref, other_alt) = asked, there
    if bool(ref) == bool(alt) or bool(ref) != bool(other_ref) or bool(alt) != bool(other_alt):
        return False
    one, other = ref + alt, other_ref + other_alt
    return len(one) == len(other) and one in other + other


def _key(row: Row, rows: list[Row]) -> str:
    alts = row["alts"] or next((r["alts"] for r in rows if r["record"] == row["record"] and r["alts"]), row["alt"])
    return variant_key(row["chrom"], row["pos"], row["ref"], alts)


def _near(lines: list[list[Any]]) -> str:
    if not lines:
        return f"Nothing lies within {NEAR} bases of it."
    shown = "; ".join(f"{key} ({how})" for how, key, _ in lines[:5])
    return f"Near: {shown}" + (f" and {len(lines) - 5} more." if len(lines) > 5 else ".")


def _reference(data: OpenDataset) -> str:
    if data.summary["reference_blocks"]:
        return "The file is a gVCF: only a block that spans the position says that it was looked at."
    return NOT_REFERENCE


def _command(data: OpenDataset, place: Place) -> Command:
    """All records at the position."""
    name = quoted(place.contig)
    command = Command(["query", "-f", r"%CHROM:%POS:%REF:%ALT\n", "-i", f"CHROM={name} && POS={place.pos}"])
    command.read = lambda output: sorted(set(all_lines(output)))
    command.unprovable = "" if name else "bcftools cannot be given the contig's name"
    return command

"""One variant by its place or its ID, and the records of a file that are called so."""

import re
from dataclasses import dataclass
from typing import Any

from ..memory.errors import ToolError
from ..memory.variant_table import literal
from .dataset import OpenDataset
from .filters import END_OF_CONTIG

COLUMNS_LEFT_OUT = ("key", "signature")
"""Columns that say nothing of the variant itself."""


@dataclass(frozen=True, slots=True)
class Place:
    """What was asked for: an ID, or a place with REF and ALT where they are named. `remark` on the contig's name."""

    text: str
    id: str | None = None
    contig: str = ""
    pos: int = 0
    ref: str | None = None
    alt: str | None = None
    remark: str | None = None


_AT = re.compile(r"^(?P<contig>\S+):(?P<pos>[\d,]+)(?:[:\s]+(?P<ref>[A-Za-z]+)(?:[:>/\s]+(?P<alt>\S+))?)?$")
_DASHED = re.compile(r"^(?P<contig>\S+)-(?P<pos>\d+)-(?P<ref>[A-Za-z]+)-(?P<alt>[^\s-]+)$")


def place_of(data: OpenDataset, text: str) -> Place:
    """What `CHROM:POS`, `CHROM:POS:REF:ALT`, `CHROM-POS-REF-ALT` or an ID means in a file."""
    found = _AT.match(text.strip()) or _DASHED.match(text.strip())
    if not found:
        return Place(text, id=text.strip())
    pos = int(found["pos"].replace(",", "") or 0)
    if not 0 < pos < END_OF_CONTIG:
        raise ToolError(f"{text!r} has no position that a contig could have", "Name it as in chr20:12050, from 1")
    contig, remark = data.contig(found["contig"])
    return Place(text, None, contig, pos, found["ref"], found["alt"], remark)


def records_at(data: OpenDataset, place: Place) -> list[dict[str, Any]]:
    """The allele rows of the records that are called so: of the ALT alone where it is named."""
    columns = [n for n in data.table.names() if n not in COLUMNS_LEFT_OUT]
    if place.id is not None:
        where = f"(id = {literal(place.id)} OR array_has(string_to_array(id, ';'), {literal(place.id)}))"
    else:
        where = f"pos = {place.pos} AND chrom = {literal(place.contig)}"
    rows: list[dict[str, Any]] = data.table.columns(columns, where).to_pylist()
    if place.ref is not None:
        rows = [r for r in rows if r["ref"].upper() == place.ref.upper()]
    if place.alt is None:
        return rows
    if "," in place.alt:
        same = {r["record"] for r in rows if (r["alts"] or "").upper() == place.alt.upper()}
        return [r for r in rows if r["record"] in same]
    return [r for r in rows if (r["alt"] or ".").upper() == place.alt.upper()]

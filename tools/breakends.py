"""Breakends: what the four forms of ALT say, and which two lines are the ends of one join."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from .dataset import OpenDataset, other_names

IS_BREAKEND = "(type = 'bnd' OR starts_with(alt, '.') OR ends_with(alt, '.'))"
"""htslib takes a single breakend (`G.`, `.G`) for an indel."""

_MATED = re.compile(r"^([^\[\]]*)([\[\]])(.+):(\d+)[\[\]]([^\[\]]*)$")
_MIRROR = {"t[p[": "]p]t", "]p]t": "t[p[", "t]p]": "t]p]", "[p[t": "[p[t"}
_KINDS = {"t[p[": "deletion-like", "]p]t": "duplication-like", "t]p]": "inversion-like", "[p[t": "inversion-like"}
JOINS = ("deletion-like", "duplication-like", "inversion-like", "inter-chromosomal", "same place")


@dataclass(frozen=True, slots=True)
class Join:
    """What a breakend's ALT says: its form as in the specification, the place of the mate, and the inserted bases.

    `form` is one of `t[p[`, `t]p]`, `]p]t` and `[p[t`; `contig` is empty for a single breakend (`t.` or `.t`).
    """

    form: str
    contig: str = ""
    pos: int = 0
    inserted: str = ""


def parse_breakend(ref: str, alt: str) -> Join | None:
    """The join of an ALT; null where it is no breakend that can be read. A mate in an assembly keeps its brackets."""
    if len(alt) > 1 and alt.endswith("."):
        return Join("t.", inserted=alt[1:-1])
    if len(alt) > 1 and alt.startswith("."):
        return Join(".t", inserted=alt[1:-1])
    found = _MATED.match(alt)
    if not found or bool(found[1]) == bool(found[5]):
        return None
    before, bracket, contig, pos, after = found.groups()
    form = f"t{bracket}p{bracket}" if before else f"{bracket}p{bracket}t"
    bases = before[len(ref) :] if before else after[: len(after) - len(ref)]
    return Join(form, contig, int(pos), bases)


def kind_of_join(chrom: str, pos: int, join: Join) -> str:
    """What the join would be alone, seen from its lower end: deletion-like, duplication-like, inversion-like or
    inter-chromosomal.
    """
    if not join.contig:
        return "single"
    if join.contig != chrom:
        return "inter-chromosomal"
    form = join.form if join.pos >= pos else _MIRROR[join.form]
    return _KINDS[form] if join.pos != pos or form[0] != form[-1] else "same place"


@dataclass(slots=True)
class Breakend:
    """One breakend allele. `key` is that of its row; `mates` are the IDs that it names; `mate` is its partner."""

    key: int
    chrom: str
    pos: int
    id: str
    alt: str
    join: Join
    event: str = ""
    mates: list[str] = field(default_factory=list)
    mate: "Breakend | None" = None
    by: str = ""

    @property
    def record(self) -> int:
        return self.key >> 16

    @property
    def kind(self) -> str:
        return kind_of_join(self.chrom, self.pos, self.join)

    def points_at(self, other: "Breakend") -> bool:
        """Whether its ALT names the place of the other, and the other's mirrors it."""
        there = (self.join.contig, self.join.pos) == (other.chrom, other.pos)
        return there and _MIRROR.get(self.join.form) == other.join.form


@dataclass(slots=True)
class Breakends:
    """All breakends of a file by the key of their row. `unreadable` counts ALTs that are none of the known forms."""

    by_key: dict[int, Breakend]
    unreadable: int

    def event_of(self, key: int) -> int:
        """A number that the two ends of a pair share."""
        end = self.by_key.get(key)
        return min(key, end.mate.key) if end and end.mate else key


def breakends_of(data: OpenDataset) -> Breakends:
    """Every breakend of the file with its mate, by MATEID (or PARID), and where that names none by coordinates."""
    read = list(_read(data))
    found = {b.key: b for b in read if b is not None}
    _pair_by_id(list(found.values()))
    _pair_by_place([b for b in found.values() if b.mate is None and b.join.contig])
    return Breakends(found, sum(b is None for b in read))


def _read(data: OpenDataset) -> Iterator[Breakend | None]:
    named = {name: data.info[name].column for name in ("MATEID", "PARID", "EVENT") if name in data.info}
    columns = ["key", "allele", "n_alt", "chrom", "pos", "id", "ref", "alt", *named.values()]
    known = {name.casefold(): c for c in data.contigs for name in [*other_names(c), c]}
    here = set(data.contigs)
    for block in data.table.blocks(columns, IS_BREAKEND, 1 << 16):
        told = {name: block[column].to_pylist() for name, column in named.items()}
        nothing = [None] * len(block)
        mates, events = told.get("MATEID", told.get("PARID", nothing)), told.get("EVENT", nothing)
        rows = zip(*(block[name].to_pylist() for name in columns[:8]), mates, events, strict=True)
        for key, allele, n_alt, chrom, pos, id_, ref, alt, mate, event in rows:
            join = parse_breakend(ref, alt)
            if join is None:
                yield None
                continue
            if join.contig not in here:
                join = replace(join, contig=known.get(join.contig.casefold(), join.contig))
            ids = _own(mate, allele, n_alt) if mate else []
            yield Breakend(key, chrom, pos, id_ or "", alt, join, (event or "").partition(",")[0], ids)


MOST_ALIKE = 64
"""Breakends of one ID or at one place that are looked at: a file in which all are alike would take for ever."""


def _own(text: str, allele: int, n_alt: int) -> list[str]:
    """The mates of one ALT: with as many IDs as ALTs, its own; else all that are given."""
    ids = [i for i in text.split(",") if i not in ("", ".")]
    return [ids[allele - 1]] if len(ids) == n_alt else ids


def _pair_by_id(ends: list[Breakend]) -> None:
    by_id: dict[str, list[Breakend]] = {}
    for end in ends:
        by_id.setdefault(end.id, []).append(end)
    for end in ends:
        there = [b for name in end.mates if name for b in by_id.get(name, [])[:MOST_ALIKE] if b is not end]
        if end.mate is None:
            _join(end, [b for b in there if not b.mates or end.id in b.mates], "MATEID")


def _pair_by_place(ends: list[Breakend]) -> None:
    by_place: dict[tuple[str, int], list[Breakend]] = {}
    for end in ends:
        by_place.setdefault((end.chrom, end.pos), []).append(end)
    for end in ends:
        there = by_place.get((end.join.contig, end.join.pos), [])[:MOST_ALIKE]
        if end.mate is None:
            _join(end, [b for b in there if b is not end and b.points_at(end) and end.points_at(b)], "coordinates")


def _join(end: Breakend, others: list[Breakend], by: str) -> None:
    """Make it a pair with the first that is free, one that points back before one that does not."""
    free = sorted((b for b in others if b.mate is None), key=lambda b: not b.points_at(end))
    if free:
        end.mate, free[0].mate = free[0], end
        end.by = free[0].by = by

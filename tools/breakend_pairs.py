"""Pairs of breakends among selected alleles: their numbers, a sentence and a table."""

from collections import Counter

from .breakends import JOINS, Breakend, Breakends
from .result import Json, Table
from .sv_alleles import SvAlleles
from .text import count_of


def pairs_of(alleles: SvAlleles, ends: Breakends) -> list[tuple[Breakend, str]]:
    """Each pair with a selected end once, by the end that stands first in the file, and each end without a partner."""
    chosen = set((alleles.record << 16 | alleles.allele).tolist())
    found: list[tuple[Breakend, str]] = []
    for key, end in ends.by_key.items():
        if key not in chosen:
            continue
        if end.mate is None:
            found.append((end, "unpaired" if end.join.contig else "single"))
        elif key < end.mate.key or end.mate.key not in chosen:
            found.append((min(end, end.mate, key=lambda b: b.key), "pair"))
    return found


def pair_numbers(pairs: list[tuple[Breakend, str]]) -> dict[str, int]:
    """Pairs, unpaired and single breakends, and the pairs by kind."""
    status = Counter(s for _, s in pairs)
    kinds = Counter(end.kind for end, s in pairs if s == "pair")
    return {"pairs": status["pair"], "unpaired": status["unpaired"], "single": status["single"]} | {
        kind: kinds[kind] for kind in JOINS if kinds[kind]
    }


def pairs_told(alleles: SvAlleles, ends: Breakends, pairs: list[tuple[Breakend, str]]) -> str:
    """The same as a sentence; empty where there is none."""
    if not pairs and not ends.unreadable:
        return " The BND lines name no mate in ALT, so none is paired." if "BND" in alleles.names() else ""
    numbers = pair_numbers(pairs)
    told = [f"{numbers['pairs']:,} {'pair' if numbers['pairs'] == 1 else 'pairs'}"]
    kinds = [f"{n:,} {kind}" for kind, n in numbers.items() if kind in JOINS]
    told[0] += f" ({', '.join(kinds)})" if kinds else ""
    if numbers["unpaired"]:
        told.append(f"{numbers['unpaired']:,} whose mate is not in the file")
    if numbers["single"]:
        told.append(f"{numbers['single']:,} single")
    text = f" Breakends: {', '.join(told)}."
    if elsewhere := sum(s == "pair" and not end.points_at(end.mate) for end, s in pairs if end.mate):
        text += f" In {count_of(elsewhere, 'pair')} the mates do not point at each other."
    if ends.unreadable:
        text += f" {count_of(ends.unreadable, 'ALT')} of the file cannot be read as a breakend."
    return text


def pair_table(pairs: list[tuple[Breakend, str]], limit: int) -> Table:
    """One row per pair or lone breakend."""
    columns = ["first", "first id", "second", "second id", "kind", "form", "distance", "inserted", "status",
               "paired by", "event"]  # fmt: skip
    rows: list[list[Json]] = []
    for end, status in pairs[:limit]:
        join, mate = end.join, end.mate
        second = f"{join.contig}:{join.pos}" if join.contig else None
        distance = abs(join.pos - end.pos) if join.contig == end.chrom else None
        rows.append([f"{end.chrom}:{end.pos}", end.id or None, second, (mate and mate.id) or None, end.kind, join.form,
                     distance, join.inserted or None, status, end.by or None, end.event or None])  # fmt: skip
    return Table("breakends", columns, rows, len(pairs), len(rows) < len(pairs))

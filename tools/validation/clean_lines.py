"""Regular expressions that only lines without any breach match, so that whole blocks are cleared at once.

An expression is made from the header and from lines that the exact checks found clean: FORMAT as it stood, the
number of ALT alleles, the filters met, and the INFO keys in the order in which the file has them (RE2 cannot tell
that a key stands twice; a fixed order can). What an expression does not match is not wrong, only not yet cleared.
"""

import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .counts import find_entry, read_counts
from .genotypes import check_format
from .header import Declared, Header
from .lines import Block, Positions, gather
from .site import GVCF_ALTS
from .values import NOT_NEGATIVE, alt_count, expected_count

NEEDS_EXACT = {"SVTYPE", "SVLEN", "CIPOS", "CIEND", "CILEN", "CICN", "SVCLAIM", "RN", "RUS", "RUL", "RUC", "RB",
               "CIRUC", "CIRB", "RUB", "PSL", "PSO", "PSQ", "LAA", "CN"}  # fmt: skip
"""Keys whose rules look at more than one value; lines with them go to the exact checks."""

MOST = 48
"""Expressions, filters or alleles that are kept; a file with more kinds of lines has the rest checked singly."""

MOST_ALTS = 30

MOST_KEYS = 2000
"""INFO keys that are learned; gnomAD has some 900."""

MOST_ORDERS, MOST_CYCLES = 300, 1000
"""Lines that change the order of the INFO keys, and lines that fit in none, until no more are tried."""

LONGEST = 500
"""Characters of a FORMAT, a FILTER, an INFO key or a symbolic allele that is learned."""

MATCHES_NOTHING = "$a"

FEW = 20
"""Samples of a line that are looked at singly without asking an expression first."""

BASES = "[ACGTNacgtn]+"
QUAL = r"(?:\.|[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)"
FLOAT = r"(?:\.|[-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"
SHARE = r"(?:\.|0|1|0?\.[0-9]+|1\.0*|[0-9](?:\.[0-9]+)?[eE]-0*[1-9][0-9]*)"
SPECIAL = {"CIGAR": r"(?:\.|(?:[0-9]+[MIDNSHPX=])+)", "AA": rf"(?:\.|{BASES}(?:\|[^;,\t\n\r\v\f ]*)?)", "AF": SHARE}


class Kind(NamedTuple):
    """Lines that one expression can match: FORMAT as it stands (null without), and the number of ALT alleles."""

    format: str | None
    alts: int
    gvcf_block: bool


class Cleared(NamedTuple):
    """Which lines are clean beyond doubt: in their columns up to INFO, and in FORMAT and samples."""

    site: NDArray[np.bool_]
    samples: NDArray[np.bool_]


class CleanLines:
    """What has been learned of a file's clean lines."""

    def __init__(self, header: Header) -> None:
        self.header = header
        self._kinds: dict[Kind, None] = {}
        self._filters: set[str] = {"PASS", "."}
        self._symbols: set[str] = set()
        self._followers: dict[str, set[str]] = {}
        self._order: list[str] = []
        self._orders = self._cycles = 0
        self._written: dict[tuple[str, Kind], str] = {}

    def match(self, block: Block, rows: Positions) -> Cleared:
        """Clear whole lines first; of the others, whichever half can be cleared alone."""
        cleared = Cleared(np.zeros(len(rows), bool), np.zeros(len(rows), bool))
        if not len(rows):
            return cleared
        whole = self._match_each(block, rows, "whole", list(self._kinds))
        whole[whole] = self._sites_agree(block, rows[whole])
        rest = np.flatnonzero(~whole)
        if len(rest):
            cleared.samples[rest] = self._match_each(block, rows[rest], "samples", [k for k in self._kinds if k.format])
            sites = list(dict.fromkeys(k._replace(format="") for k in self._kinds if k.format))
            found = self._match_each(block, rows[rest], "site", sites)
            found[found] = self._sites_agree(block, rows[rest[found]])
            cleared.site[rest] = found
        cleared.site[whole] = cleared.samples[whole] = True
        return cleared

    def _match_each(self, block: Block, rows: Positions, part: str, kinds: list[Kind]) -> NDArray[np.bool_]:
        """Which lines match the expression for `part` of any of `kinds`."""
        clean = np.zeros(len(rows), bool)
        pending = np.arange(len(rows))
        lines = _sites(block, rows) if part == "site" else _lines(block, rows)
        for kind in kinds:
            if not len(pending):
                break
            those = lines if len(pending) == len(rows) else lines.take(pa.array(pending))
            matched = self._search(those, part, kind)
            matched[matched] = info_is_whole(block, rows[pending[matched]], kind.format)
            clean[pending[matched]] = True
            pending = pending[~matched]
        return clean

    def _search(self, texts: pa.Array, part: str, kind: Kind) -> NDArray[np.bool_]:
        import pyarrow.compute as pc

        try:
            found = pc.match_substring_regex(texts, self._expression(part, kind))
        except pa.ArrowInvalid:  # RE2 takes no expression beyond a size: these lines are checked singly
            self._written[part, kind] = MATCHES_NOTHING
            return np.zeros(len(texts), bool)
        matched: NDArray[np.bool_] = found.to_numpy(zero_copy_only=False).copy()
        return matched

    def _sites_agree(self, block: Block, rows: Positions) -> NDArray[np.bool_]:
        agree = alleles_agree(block, rows)
        if "END" in self._order:
            agree[agree] = ends_behind_pos(block, rows[agree])
        return agree

    def doubtful_cells(self, block: Block, row: int, columns: list[str]) -> Iterator[tuple[int, str]]:
        """The samples of one line, 0-based and as text, that their expression does not clear."""
        begins = block.samples(row)
        doubtful = np.arange(len(begins) - 1)
        if len(doubtful) >= FEW and self.learn_samples(columns) is not None:
            doubtful = np.flatnonzero(~self._search(_as_arrow(block.data, begins), "cell", _kind(columns)))
        return ((i, block.text(begins[i], begins[i + 1] - 1)) for i in map(int, doubtful))

    def learn_site(self, columns: list[str]) -> bool:
        """Take a line whose columns up to INFO are clean as an example; false where nothing new is in it."""
        symbols = {a for a in columns[4].split(",") if a.startswith("<")}
        keys = {entry.partition("=")[0] for entry in columns[7].split(";")}
        if keys & NEEDS_EXACT or max(map(len, (columns[6], *symbols, *keys))) > LONGEST:
            return False
        if symbols - set(GVCF_ALTS) and self.header.version >= "4.4":
            return False
        changed = self._learn_order(columns[7])
        changed |= self._learn_names(columns[6], symbols)
        if len(columns) == 8:
            changed |= self._learn_kind(_kind(columns)) or False
        if changed:
            self._written = {k: v for k, v in self._written.items() if k[0] in ("samples", "cell")}
        return changed

    def learn_samples(self, columns: list[str]) -> bool | None:
        """Take FORMAT of a line as an example; false where it is known already, null where it cannot be learned."""
        if len(columns[8]) > LONGEST:
            return None
        keys = columns[8].split(":")
        declared = [self.header.find("FORMAT", key) for key in keys]
        if set(keys) & NEEDS_EXACT or any(d and d.number in ("P", "M", "LA", "LR", "LG") for d in declared):
            return None
        if columns[8] == "." or any(check_format(columns[8], self.header)):
            return None
        return self._learn_kind(_kind(columns))

    def _learn_kind(self, kind: Kind) -> bool | None:
        if kind in self._kinds:
            return False
        if kind.alts > MOST_ALTS or len(self._kinds) >= MOST:
            return None
        self._kinds[kind] = None
        return True

    def _learn_names(self, filters: str, symbols: set[str]) -> bool:
        before = len(self._filters) + len(self._symbols)
        if len(self._filters) < MOST:
            self._filters.add(filters)
        if len(self._symbols) < MOST:
            self._symbols |= symbols
        return len(self._filters) + len(self._symbols) > before

    def _learn_order(self, info: str) -> bool:
        """Fit a line's keys into one order of all keys, if there is one."""
        keys = [entry.partition("=")[0] for entry in info.split(";")] if info != "." else []
        if all(key in self._order for key in keys) and _rises([self._order.index(key) for key in keys]):
            return False
        too_many = len(self._followers) + len(keys) > MOST_KEYS
        if too_many or self._orders > MOST_ORDERS or self._cycles > MOST_CYCLES:
            return False
        before = {key: set(followed) for key, followed in self._followers.items()}
        for first, second in zip(["", *keys], keys, strict=False):
            self._followers.setdefault(second, set()).add(first)
        try:
            self._order = [key for key in TopologicalSorter(self._followers).static_order() if key]
        except CycleError:
            self._followers = before
            self._cycles += 1
            return False
        self._orders += 1
        return True

    def _expression(self, part: str, kind: Kind) -> str:
        if (part, kind) not in self._written:
            self._written[part, kind] = getattr(self, f"_write_{part}")(kind)
        return self._written[part, kind]

    def _write_whole(self, kind: Kind) -> str:
        return f"{self._site(kind)}{'' if kind.format is None else self._format_and_cells(kind)}$"

    def _write_site(self, kind: Kind) -> str:
        return f"{self._site(kind)}$"

    def _site(self, kind: Kind) -> str:
        filters = "|".join(re.escape(name) for name in sorted(self._filters))
        names = r"[0-9A-Za-z!#$%&+./;?@^_|~*-]+\t[1-9][0-9]{0,8}\t[^;,\t\n\r\v\f ]+"
        return rf"^{names}\t{BASES}\t{self._alleles(kind)}\t{QUAL}\t(?:{filters})\t{self._info(kind)}"

    def _write_samples(self, kind: Kind) -> str:
        several = rf"[^,\t\n]+(?:,[^,\t\n]+){{{kind.alts - 1}}}" if kind.alts > 1 else ""
        alts = {0: r"\.", 1: r"(?:[^.,\t\n][^,\t\n]*|\.[^,\t\n]+)"}.get(kind.alts, several)
        return rf"^(?:[^\t\n]*\t){{4}}{alts}\t(?:[^\t\n]*\t){{3}}{self._format_and_cells(kind)}$"

    def _format_and_cells(self, kind: Kind) -> str:
        assert kind.format is not None
        return rf"{re.escape(kind.format)}(?:\t{self._cell(kind)})*\n"

    def _write_cell(self, kind: Kind) -> str:
        return rf"^{self._cell(kind)}[\t\n]$"

    def _alleles(self, kind: Kind) -> str:
        if kind.alts == 0:
            return r"\."
        if kind.gvcf_block:
            return "(?:" + "|".join(re.escape(a) for a in GVCF_ALTS if a in self._symbols) + ")"
        symbols = self._symbols - (set(GVCF_ALTS) if kind.alts == 1 else set())
        one = "(?:" + "|".join([BASES, r"\*", *(re.escape(s) for s in sorted(symbols))]) + ")"
        return one + (f"(?:,{one}){{{kind.alts - 1}}}" if kind.alts > 1 else "")

    def _info(self, kind: Kind) -> str:
        """Every key at most once, in the learned order, and the end of the column.

        An end within would be a tab or a line end too many, which the count of columns has excluded.
        """
        last = r"\n" if kind.format is None else r"\t"
        entries = []
        for key in self._order:
            value = self._value(key, kind.alts)
            if value is not None:
                needed = kind.gvcf_block and key == "END"
                entries.append(f"(?:{re.escape(key)}{value}[;{last}]){'' if needed else '?'}")
        if kind.gvcf_block:
            return "".join(entries) if "END" in self._order else MATCHES_NOTHING
        return rf"(?:\.{last}|{''.join(entries)})"

    def _value(self, key: str, alts: int) -> str | None:
        declared = self.header.find("INFO", key)
        space = r"\r\v\f " if self.header.version < "4.3" else ""
        if declared is None:
            return rf"(?:=[^;\t\n{space}]+)?"
        if declared.type == "Flag" or declared.number == "0":
            return ""
        if declared.type == "String" and declared.number == "." and key not in SPECIAL:
            return rf"=[^;\t\n{space}]+"
        one = SPECIAL.get(key) or _one(declared.type, rf"[^;,\t\n{space}]", key in NOT_NEGATIVE["INFO"])
        return _listed("=", one, declared, expected_count(declared.number, alts))

    def _cell(self, kind: Kind) -> str:
        assert kind.format is not None
        keys = kind.format.split(":")
        if keys[0] != "GT":
            return self._nested(keys, kind.alts, 2)
        allele = r"(?:\.|" + "|".join(str(i) for i in range(kind.alts + 1)) + ")"
        mark = "[/|]?" if self.header.version >= "4.4" else ""
        one = rf"{mark}{allele}{self._rest(keys[1:], kind.alts, 1)}"
        two = rf"{mark}{allele}[/|]{allele}{self._rest(keys[1:], kind.alts, 2)}"
        return f"(?:{two}|{one})"

    def _rest(self, keys: list[str], alts: int, ploidy: int) -> str:
        return rf"(?::{self._nested(keys, alts, ploidy)})?" if keys else ""

    def _nested(self, keys: list[str], alts: int, ploidy: int) -> str:
        return self._cell_value(keys[0], alts, ploidy) + self._rest(keys[1:], alts, ploidy)

    def _cell_value(self, key: str, alts: int, ploidy: int) -> str:
        declared = self.header.find("FORMAT", key) or Declared(".", "String")
        probability = key == "GP" and self.header.version >= "4.3"
        text = r"[^:\t\n]" if declared.number == "." and declared.type == "String" else r"[^:,\t\n]"
        one = SHARE if probability else _one(declared.type, text, key in NOT_NEGATIVE["FORMAT"])
        return _listed("", one, declared, expected_count(declared.number, alts, ploidy))


def _one(type_: str, character: str, from_0: bool) -> str:
    """One value of a type, or `.`."""
    if type_ == "Integer":
        return r"(?:\.|[0-9]{1,9})" if from_0 else r"(?:\.|-?[0-9]{1,9})"
    if type_ == "Float":
        return FLOAT
    return character if type_ == "Character" else f"{character}+"


def _listed(prefix: str, one: str, declared: Declared, number: int | None) -> str:
    """So many values, or `.` for all of them."""
    if number is None:
        return rf"{prefix}{one}(?:,{one})*"
    if number < 1 or number > 900:
        return rf"{prefix}\."
    return rf"{prefix}(?:\.|{one}{f'(?:,{one}){{{number - 1}}}' if number > 1 else ''})"


def _rises(places: list[int]) -> bool:
    return all(a < b for a, b in pairwise(places))


def _lines(block: Block, rows: Positions) -> pa.Array:
    every = _as_arrow(block.data, block.starts)
    return every if len(rows) == block.count else every.take(pa.array(rows))


def _sites(block: Block, rows: Positions) -> pa.Array:
    """Lines as far as the tab behind INFO, as copies."""
    if not len(rows) or block.columns()[rows[0]] < 9:
        return pa.nulls(len(rows), pa.large_binary())
    text, offsets = gather(block.data, block.starts[rows], block.tabs_of(rows, 8)[:, 7] + 1)
    return _as_arrow(text, offsets.astype(np.int64))


def _as_arrow(data: NDArray[np.uint8], offsets: Positions) -> pa.Array:
    """Spans of `data` that follow each other, as strings, without a copy."""
    return pa.Array.from_buffers(pa.large_binary(), len(offsets) - 1, [None, pa.py_buffer(offsets), pa.py_buffer(data)])


def _kind(columns: list[str]) -> Kind:
    return Kind(columns[8] if len(columns) > 8 else None, alt_count(columns[4]), columns[4] in GVCF_ALTS)


def info_is_whole(block: Block, rows: Positions, format_: str | None) -> NDArray[np.bool_]:
    """Which lines have an INFO that neither is empty nor ends with a semicolon, and FORMAT where it belongs."""
    tabs = block.tabs_of(rows, 7 if format_ is None else 8)
    ends = block.starts[rows + 1] - 1 if format_ is None else tabs[:, 7]
    whole: NDArray[np.bool_] = (ends > tabs[:, 6] + 1) & (block.data[ends - 1] != ord(";"))
    if not format_:
        return whole
    word = np.frombuffer(format_.encode(), np.uint8)
    follows: NDArray[np.bool_] = (block.data[ends[:, None] + 1 + np.arange(len(word))] == word).all(axis=1)
    return whole & follows


def ends_behind_pos(block: Block, rows: Positions) -> NDArray[np.bool_]:
    """Which lines have no END, or one that is not before POS."""
    tabs = block.tabs_of(rows, 7)
    at = find_entry(block, tabs[:, 6] + 1, block.starts[rows + 1], "END")
    end, _ = read_counts(block, np.maximum(at, 0))
    pos, _ = read_counts(block, tabs[:, 0] + 1)
    return (at < 0) | (end >= pos)


def alleles_agree(block: Block, rows: Positions) -> NDArray[np.bool_]:
    """Which lines have an ALT that surely differs from REF, and an anchor base: the simple kinds with one ALT.

    Others are compared as text, where no rule on REF and ALT together may be broken.
    """
    from .site import check_alleles

    tabs = block.tabs_of(rows, 5)
    ref, alt = tabs[:, 2] + 1, tabs[:, 3] + 1
    ref_size, alt_size = tabs[:, 3] - ref, tabs[:, 4] - alt
    same_base = (block.data[ref] & 0xDF) == (block.data[alt] & 0xDF)
    fine = np.where((ref_size == 1) & (alt_size == 1), ~same_base, False)
    for row in np.flatnonzero(~fine).tolist():
        r, a = (
            bytes(block.data[b : b + n]).decode() for b, n in ((ref[row], ref_size[row]), (alt[row], alt_size[row]))
        )
        fine[row] = not check_alleles(r, a, "4.3")
    return fine

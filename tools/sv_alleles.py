"""Structural alleles: of which type, how long, and how far they reach."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .breakends import IS_BREAKEND
from .columns import InfoColumn, item, numbers
from .dataset import OpenDataset

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

POINTS = ("BND", "TRA", "CTX")
"""Types of a join between two places: they have no size, and reach no further than their REF."""
LONG = 50
"""Bases from which an allele that is written out is often called structural."""
SIZE_FROM = ("", "SVLEN", "END", "alleles")
ROWS = 1 << 16


@dataclass(slots=True)
class SvAlleles:
    """Structural alleles of a block or a file, one place in each array for each ALT allele.

    `kind` and `svtype` are places in `kinds` (the type) and `texts` (SVTYPE as written, -1 for none). `size` is in
    bases, -1 where not known, `size_from` a place in `SIZE_FROM`. `end` is the last base by END; `stored_end` that of
    bcftools, for which a breakend's END counts too. `differ`: SVTYPE and ALT name two types. `plain`: written in
    bases and without SVTYPE. `is_breakend`: ALT is one.
    """

    record: Ints
    allele: Ints
    n_alt: Ints
    kind: Ints
    svtype: Ints
    size: Ints
    size_from: Ints
    pos: Ints
    end: Ints
    stored_end: Ints
    differ: Mask
    plain: Mask
    has_end: Mask
    is_breakend: Mask
    kinds: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def keep(self, mask: Mask) -> "SvAlleles":
        arrays: dict[str, Any] = {name: getattr(self, name)[mask] for name in ARRAYS}
        return SvAlleles(**arrays, kinds=self.kinds, texts=self.texts)

    def __len__(self) -> int:
        return len(self.record)

    def names(self) -> npt.NDArray[np.object_]:
        """The type of each."""
        return np.array([*self.kinds, ""], dtype=object)[self.kind]

    def is_point(self) -> Mask:
        return np.isin(self.kind, [i for i, k in enumerate(self.kinds) if k in POINTS])


ARRAYS = ["record", "allele", "n_alt", "kind", "svtype", "size", "size_from", "pos", "end", "stored_end", "differ",
          "plain", "has_end", "is_breakend"]  # fmt: skip


def joined(blocks: list[SvAlleles]) -> SvAlleles:
    """Blocks of one file one after the other; at least one."""
    arrays: dict[str, Any] = {name: np.concatenate([getattr(b, name) for b in blocks]) for name in ARRAYS}
    return SvAlleles(**arrays, kinds=blocks[0].kinds, texts=blocks[0].texts)


class SvReader:
    """Reads structural alleles block by block; the names of types are shared by all blocks.

    `alt_first` takes the type from ALT where that tells one, else from SVTYPE; without it the other way round.
    """

    def __init__(self, data: OpenDataset, alt_first: bool) -> None:
        self.data, self.alt_first = data, alt_first
        self.info: dict[str, InfoColumn] = {
            n: data.info[n] for n in ("SVTYPE", "SVLEN", "END", "CHR2", "END2") if n in data.info
        }
        self.kinds: list[str] = []
        self.texts: list[str] = []

    def blocks(self) -> Iterator[tuple[SvAlleles, pa.Array]]:
        """Structural alleles and long plain ones, with their contigs."""
        svtype = f"{self.info['SVTYPE'].column} IS NOT NULL OR " if "SVTYPE" in self.info else ""
        mine = f"({svtype}(starts_with(alt, '<') AND type = 'other') OR {IS_BREAKEND} OR abs(length) >= {LONG})"
        mine += " AND (n_alt <= 1 OR type NOT IN ('ref', 'overlap'))"
        columns = ["record", "allele", "n_alt", "chrom", "pos", "end", "ref", "alt", "length"]
        columns += [c.column for c in self.info.values()]
        for block in self.data.table.blocks(columns, mine, ROWS):
            if len(block):
                yield self._read(block), block["chrom"]

    def empty(self) -> SvAlleles:
        flags = ("differ", "plain", "has_end", "is_breakend")
        arrays: dict[str, Any] = {name: np.array([], dtype=bool if name in flags else np.int64) for name in ARRAYS}
        return SvAlleles(**arrays, kinds=self.kinds, texts=self.texts)

    def _read(self, block: pa.RecordBatch) -> SvAlleles:
        pos, end = _whole(block["pos"]), _whole(block["end"])
        written = self._own(block, "SVTYPE")
        of_text, of_alt, of_bases = _main_part(written), _alt_kind(block["alt"]), _plain_kind(block["length"])
        order = (of_alt, of_text, of_bases) if self.alt_first else (of_text, of_alt, of_bases)
        kinds = pc.fill_null(pc.coalesce(*order), "other")
        point = pc.is_in(kinds, pa.array(POINTS)).to_numpy(zero_copy_only=False)
        info_end = self._end(block, point, pos)
        size, size_from = self._sizes(block, pc.is_null(of_alt), point | _equal(kinds, "INS"), info_end - pos)
        last = pos + _whole(pc.utf8_length(block["ref"])) - 1
        reach = np.where(point, last, np.where(info_end > 0, info_end, end))
        return SvAlleles(
            _whole(block["record"]), _whole(block["allele"]), _whole(block["n_alt"]),
            _places(kinds, self.kinds), _places(written, self.texts), np.where(point, -1, size),
            np.where(point, 0, size_from), pos, np.maximum(reach, last), end,
            _true(pc.not_equal(of_text, of_alt)), _true(pc.and_(pc.is_null(of_text), pc.is_null(of_alt))),
            info_end > 0, _equal(of_alt, "BND") & ~_true(pc.starts_with(block["alt"], "<")), self.kinds, self.texts,
        )  # fmt: skip

    def _own(self, block: pa.RecordBatch, name: str) -> pa.Array:
        """The text of a field for each row: of several values the ALT's own, of a single one that."""
        column = self.info.get(name)
        if column is None:
            return pa.nulls(len(block), pa.string())
        values = block[column.column]
        return values if column.shape == "per_allele" else _of_alt(block, pc.split_pattern(values, ","))

    def _end(self, block: pa.RecordBatch, point: Mask, pos: Ints) -> Ints:
        """INFO/END, or 0 where it is not given, lies before POS or on another contig (CHR2)."""
        if "END" not in self.info:
            return np.zeros(len(block), dtype=np.int64)
        end = _whole(_integers(block, self.info["END"]))
        elsewhere = np.zeros(len(block), dtype=bool)
        if "CHR2" in self.info:
            elsewhere = _true(pc.not_equal(self._own(block, "CHR2"), block["chrom"]))
        return np.where((end >= pos) & ~elsewhere & ~point, end, 0)

    def _sizes(self, block: pa.RecordBatch, in_bases: pa.Array, no_span: Mask, span: Ints) -> tuple[Ints, Ints]:
        """SVLEN without its sign; else END - POS; else the change in length of what is written in bases."""
        svlen = _whole(_integers(block, self.info["SVLEN"])) if "SVLEN" in self.info else np.zeros(len(block), int)
        length = np.abs(_whole(block["length"]))
        plain = in_bases.to_numpy(zero_copy_only=False)
        size_from = np.select([svlen != 0, ~plain & ~no_span & (span > 0), plain & (length > 0)], [1, 2, 3], 0)
        size = np.choose(size_from, [np.full(len(block), -1), np.abs(svlen), span, length])
        return size.astype(np.int64), size_from.astype(np.int64)


def _integers(block: pa.RecordBatch, column: InfoColumn) -> pa.Array:
    """A field's numbers, of several the ALT's own."""
    values = block[column.column]
    if pa.types.is_string(values.type):
        values = values if column.shape == "per_allele" else _of_alt(block, pc.split_pattern(values, ","))
        return numbers(values, pa.int64())
    return _of_alt(block, values) if pa.types.is_list(values.type) else values


def _of_alt(block: pa.RecordBatch, lists: pa.ListArray) -> pa.Array:
    several = pc.fill_null(pc.greater(pc.list_value_length(lists), 1), False).to_numpy(zero_copy_only=False)
    at = np.where(several, np.maximum(_whole(block["allele"]) - 1, 0), 0)
    return item(lists, at, np.arange(len(block)))


def _whole(values: pa.Array) -> Ints:
    """Whole numbers, 0 where there is none."""
    return np.asarray(pc.fill_null(values, 0)).astype(np.int64)


def _true(values: pa.Array) -> Mask:
    return np.asarray(pc.fill_null(values, False).to_numpy(zero_copy_only=False), dtype=bool)


def _equal(values: pa.Array, text: str) -> Mask:
    return _true(pc.equal(values, text))


def _main_part(texts: pa.Array) -> pa.Array:
    """`DUP` of `DUP:TANDEM`, in capitals."""
    return pc.utf8_upper(pc.struct_field(pc.extract_regex(texts, r"^(?P<main>[^:]+)"), "main"))


def _alt_kind(alt: pa.Array) -> pa.Array:
    """The type that a symbolic ALT or a breakend names, null for bases."""
    main = pc.utf8_upper(pc.struct_field(pc.extract_regex(alt, r"^<(?P<main>[^:>]+)"), "main"))
    main = pc.if_else(pc.match_substring_regex(main, r"^CN\d+$"), "CNV", main)
    main = pc.if_else(pc.match_substring_regex(main, r"^STR\d+$"), "STR", main)
    broken = pc.match_substring_regex(alt, r"[\[\]]|^\..|.\.$")
    return pc.if_else(pc.fill_null(broken, False), "BND", main)


def _plain_kind(length: pa.Array) -> pa.Array:
    sign = pc.sign(length)
    none = pa.scalar(None, pa.string())
    return pc.if_else(pc.equal(sign, 1), "INS", pc.if_else(pc.equal(sign, -1), "DEL", none))


def _places(texts: pa.Array, known: list[str]) -> Ints:
    """The place of each text in `known`, which grows; -1 for none."""
    codes = texts.dictionary_encode()
    for text in codes.dictionary.to_pylist():
        if text not in known:
            known.append(text)
    book = np.array([*(known.index(t) for t in codes.dictionary.to_pylist()), -1], dtype=np.int64)
    return np.asarray(book[pc.fill_null(codes.indices, len(book) - 1).to_numpy()])

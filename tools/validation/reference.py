"""What a reference FASTA says of a file: its contigs, REF, and where insertions and deletions should stand.

The verdicts are those of `bcftools norm -f` (1.24, which pysam carries) on each record as it is, with no alleles
split or joined:

* REF is compared without regard to case. An ambiguity code in the FASTA stands for the first of its bases in the
  alphabet, as the specification has it (R is A). N matches N alone, on either side.
* A record is normalised unless all its alleles end with the same base (then it can be moved or cut), or begin with
  the same base and go on after it (then it can be cut, a substitution of several bases too). The alleles tell this
  by themselves; the reference is needed to say where the record belongs.

Unlike bcftools, nothing but REF is checked of records with a symbolic ALT or none, and no contig is renamed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..text import count_of, one_line
from .fasta import Bytes, Fasta, Ints
from .findings import Findings

CHUNK = 1 << 16  # bases of REF compared at a time
WINDOW = 256  # bases before a record that are looked at first, then twice as many, and so on
MOVE_LIMIT = 100_000  # bases; whoever stands further off is told so, without the place
SHOWN = 20  # bases of an allele shown in a message

_BASES_ONLY = "^[ACGTNacgtn]+(,[ACGTNacgtn]+)*$"
_UPPER = np.uint8(0xDF)  # a letter's bits without that of lower case


@dataclass(frozen=True, slots=True)
class _Records:
    """Some records of a file, one column a field; `contig` is the number in the reference, -1 where it is not there."""

    line: Ints
    contig: Ints
    chrom: pa.StringArray
    pos: Ints
    ref: pa.StringArray
    alt: pa.StringArray

    def take(self, rows: Ints) -> "_Records":
        chrom, ref, alt = (column.take(pa.array(rows)) for column in (self.chrom, self.ref, self.alt))
        return _Records(self.line[rows], self.contig[rows], chrom, self.pos[rows], ref, alt)


class Reference:
    """A FASTA, plain or in BGZF, with or without an index beside it. Raises `InputError` where it is not one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fasta = Fasta(path)
        self._named = f"the reference {path.name}"
        self._names = pa.array([c.name for c in self._fasta.contigs], pa.string())
        self._alike = {_without_prefix(c.name): c.name for c in self._fasta.contigs}
        self._missing: WeakKeyDictionary[Findings, set[str]] = WeakKeyDictionary()

    def check_contigs(self, findings: Findings, declared: Sequence[tuple[int, str, int | None]]) -> None:
        """The contig lines of a header, each as line, ID and length: are the lengths those of the reference?"""
        lengths = {c.name: c.length for c in self._fasta.contigs}
        for line, name, length in declared:
            if length is not None and lengths.get(name, length) != length:
                message = f"contig {name} has length {length:,}, but {lengths[name]:,} in {self._named}"
                findings.add("REFERENCE_LENGTH", line, "##contig", message)

    def check_records(
        self,
        findings: Findings,
        lines: Ints,
        chrom: pa.StringArray,
        pos: Ints,
        ref: pa.StringArray,
        alt: pa.StringArray,
    ) -> None:
        """The records of a block, in the order of the file; POS 0 and one past the end are telomeres and not looked at.

        Raises `InputError` where the FASTA changed since it was opened.
        """
        records = _Records(lines, self._contig_of(chrom), chrom, pos, ref, alt)
        self._report_missing(findings, records.take(np.flatnonzero(records.contig < 0)))
        length = np.append(self._fasta.lengths, 0)[records.contig]
        bases = _lengths(ref)
        there = (records.contig >= 0) & (pos > 0) & ~((pos == length + 1) & (bases == 1))
        past = pos > length - bases + 1
        self._report_past_end(findings, records.take(np.flatnonzero(there & past)))
        inside = records.take(np.flatnonzero(there & ~past))
        differs = self._differs(inside)
        self._report_mismatches(findings, inside.take(np.flatnonzero(differs)))
        self._report_shifted(findings, inside.take(np.flatnonzero(~differs & _can_be_normalised(inside))))

    def _contig_of(self, chrom: pa.StringArray) -> Ints:
        found = pc.fill_null(pc.index_in(chrom, value_set=self._names), -1)
        return np.asarray(found.to_numpy().astype(np.int64))

    def _differs(self, records: _Records) -> NDArray[np.bool_]:
        """Which records have another REF than the reference."""
        text, offsets = _flat(records.ref)
        differs = np.zeros(len(records.pos), dtype=np.bool_)
        for start in range(int(offsets[0]), int(offsets[-1]), CHUNK):
            base = np.arange(start, min(start + CHUNK, offsets[-1]))
            first, last = np.searchsorted(offsets, base[[0, -1]], "right") - 1
            begin = np.clip(offsets[first : last + 2], start, base[-1] + 1)
            of = np.repeat(np.arange(first, last + 1), np.diff(begin))
            expected = self._fasta.bases_at(records.contig[of], records.pos[of] + base - offsets[of])
            differs[of[expected != text[base] & _UPPER]] = True
        return differs

    def _report_missing(self, findings: Findings, records: _Records) -> None:
        coded = records.chrom.dictionary_encode()
        _, firsts = np.unique(coded.indices.to_numpy(), return_index=True)
        missing = self._missing.setdefault(findings, set())
        for row in np.sort(firsts).tolist():
            name = records.chrom[row].as_py()
            if name not in missing:
                missing.add(name)
                message = f"contig {name} is not in {self._named}, which has {self._instead_of(name)}"
                findings.add("REFERENCE_CONTIG", int(records.line[row]), "CHROM", message)

    def _instead_of(self, name: str) -> str:
        if alike := self._alike.get(_without_prefix(name)):
            return f"{alike}: the two name their contigs differently"
        shown = ", ".join(one_line(n, 40) for n in self._names[:5].to_pylist())
        return shown + (", ..." if len(self._names) > 5 else "")

    def _report_past_end(self, findings: Findings, records: _Records) -> None:
        def message(i: int) -> str:
            end = int(records.pos[i]) + len(records.ref[i].as_py()) - 1
            length = self._fasta.contigs[records.contig[i]].length
            return f"the record ends at {records.chrom[i]}:{end}, but the contig at {length} in {self._named}"

        findings.add_many("REFERENCE_END", records.line, "POS", message)

    def _report_mismatches(self, findings: Findings, records: _Records) -> None:
        def message(i: int) -> str:
            chrom, pos, ref = records.chrom[i], int(records.pos[i]), records.ref[i].as_py()
            there = self._fasta.bases(int(records.contig[i]), pos, pos + len(ref) - 1).decode()
            at = _first_difference(ref.upper(), there)
            if at < SHOWN:
                return f"REF is {_shown(ref)} at {chrom}:{pos}, but {_shown(there)} in {self._named}"
            return f"REF has {ref[at]} at {chrom}:{pos + at}, base {at + 1} of it, but {self._named} has {there[at]}"

        findings.add_many("REF_MISMATCH", records.line, "REF", message)

    def _report_shifted(self, findings: Findings, records: _Records) -> None:
        def message(i: int) -> str:
            pos, alleles = int(records.pos[i]), [records.ref[i].as_py(), *records.alt[i].as_py().split(",")]
            here = _variant(records.chrom[i], pos, alleles)
            normal = self._normalised(int(records.contig[i]), pos, [a.upper().encode() for a in alleles])
            if normal is None:
                return f"{here} can be moved to the left by more than {MOVE_LIMIT:,} bases"
            moved, shorter = normal
            return f"{here} is {_variant(records.chrom[i], moved, [a.decode() for a in shorter])} when normalised"

        findings.add_many("NOT_LEFT_ALIGNED", records.line, "POS", message)

    def _normalised(self, contig: int, pos: int, alleles: list[bytes]) -> tuple[int, list[bytes]] | None:
        """Where a record stands when it is left-aligned and trimmed; null where that is out of sight."""
        limit, window = pos - MOVE_LIMIT, WINDOW
        while (shared := _shared_end(alleles)) == min(map(len, alleles)) and pos > 1:
            if pos < limit:
                return None
            start = max(1, pos - window)
            before = self._fasta.bases(contig, start, pos - 1)
            alleles = [before + a[: len(a) - shared] for a in alleles]
            pos, window = start, 2 * window
        shortest = min(map(len, alleles))
        alleles = [a[: len(a) - min(shared, shortest - 1)] for a in alleles]
        shared_start = _shared_end([a[::-1] for a in alleles])
        trimmed = min(shared_start, min(map(len, alleles)) - 1)
        return pos + trimmed, [a[trimmed:] for a in alleles]


def _can_be_normalised(records: _Records) -> NDArray[np.bool_]:
    """Which records `bcftools norm` would move or trim, told from their alleles alone."""
    found = np.zeros(len(records.pos), dtype=np.bool_)
    candidates = np.flatnonzero((_lengths(records.ref) > 1) | (_lengths(records.alt) > 1))
    plain = pc.match_substring_regex(records.alt.take(pa.array(candidates)), _BASES_ONLY)
    rows = candidates[np.flatnonzero(plain.to_numpy(zero_copy_only=False))]
    if len(rows):
        some = records.take(rows)
        found[rows] = _shares_an_end(some.ref, some.alt, some.pos)
    return found


def _shares_an_end(ref: pa.StringArray, alt: pa.StringArray, pos: Ints) -> NDArray[np.bool_]:
    """Whether all alleles of a record end or begin with the same base, and can do without it.

    At least one base must remain of each allele; there is always one more to the left, but at position 1.
    """
    lists = pc.split_pattern(alt, ",")
    allele, of = lists.flatten(), pc.list_parent_indices(lists).to_numpy()
    (first, last, bases), (ref_first, ref_last, ref_bases) = _ends(allele), _ends(ref)

    def in_all(condition: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return np.asarray(np.bincount(of[~condition], minlength=len(pos)) == 0)

    longer = in_all(bases > 1) & (ref_bases > 1)
    same_end = in_all(last == ref_last[of]) & (longer | (pos > 1))
    same_start = in_all(first == ref_first[of]) & longer
    as_ref = np.flatnonzero(bases == ref_bases[of])
    equal = pc.equal(pc.ascii_upper(allele.take(pa.array(as_ref))), pc.ascii_upper(ref.take(pa.array(of[as_ref]))))
    distinct = np.ones(len(allele), dtype=np.bool_)
    distinct[as_ref] = ~equal.to_numpy(zero_copy_only=False)
    return (same_end | same_start) & in_all(distinct)


def _flat(strings: pa.StringArray) -> tuple[Bytes, Ints]:
    """The bytes of all strings together, and where each begins and the last ends."""
    _, offsets, text = strings.buffers()
    begin = np.frombuffer(offsets, np.int32)[strings.offset : strings.offset + len(strings) + 1] if offsets else [0]
    return np.frombuffer(text or b"", np.uint8), np.asarray(begin, dtype=np.int64)


def _lengths(strings: pa.StringArray) -> Ints:
    return np.diff(_flat(strings)[1])


def _ends(strings: pa.StringArray) -> tuple[Bytes, Bytes, Ints]:
    """The first and the last base of each string, in upper case, and its length; no string is empty."""
    text, offsets = _flat(strings)
    first: Bytes = text[offsets[:-1]] & _UPPER
    last: Bytes = text[offsets[1:] - 1] & _UPPER
    return first, last, np.diff(offsets)


def _shared_end(alleles: list[bytes]) -> int:
    """How many bases all alleles have in common at their end."""
    shortest = min(alleles, key=len)
    if all(a.endswith(shortest) for a in alleles):
        return len(shortest)
    last = [np.frombuffer(a, np.uint8)[len(a) - len(shortest) :][::-1] for a in alleles]
    return min(int(np.argmax(np.append(last[0] != other, True))) for other in last[1:])


def _first_difference(one: str, other: str) -> int:
    a, b = (np.frombuffer(text.encode(), np.uint8) for text in (one, other))
    return int(np.argmax(a != b))


def _variant(chrom: object, pos: int, alleles: Sequence[str]) -> str:
    return f"{chrom}:{pos} {_shown(alleles[0])}>{','.join(map(_shown, alleles[1:]))}"


def _shown(bases: str) -> str:
    return bases if len(bases) <= SHOWN else f"{bases[:SHOWN]}... ({count_of(len(bases), 'base')})"


def _without_prefix(name: str) -> str:
    """A contig's name as it is without 'chr'; MT and M are one."""
    bare = name.lower().removeprefix("chr")
    return "m" if bare == "mt" else bare

"""AC and AN against the genotypes, for all records of a block at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .findings import Findings
from .header import Header
from .lines import Block, Positions

MOST_ALTS = 9
"""Allele numbers of one digit; records with more ALT alleles are not counted."""


@dataclass(slots=True)
class Counted:
    """Alleles in the genotypes: `called[i]` of record i in all, `of[i, k]` of allele k; `sure` where GT was read."""

    called: Positions
    of: NDArray[np.int64]
    sure: NDArray[np.bool_]


def check_counts(findings: Findings, header: Header, block: Block, rows: Positions) -> None:
    """Add warnings for the lines `rows` whose AC or AN is not that of their genotypes, and for ALTs nobody carries."""
    if header.columns < 10 or not len(rows):
        return
    tabs = block.tabs_of(rows, header.columns - 1)
    has_gt = (block.data[tabs[:, 7] + 1] == ord("G")) & (block.data[tabs[:, 7] + 2] == ord("T"))
    has_gt &= np.isin(block.data[tabs[:, 7] + 3], [ord(":"), ord("\t")])
    alts = _alts(block, rows, tabs)
    kept = has_gt & (alts >= 0) & (alts <= MOST_ALTS)
    rows, tabs, alts = rows[kept], tabs[kept], alts[kept]
    if not len(rows):
        return
    counted = count_alleles(block.data, tabs[:, 8:] + 1, int(alts.max()))
    kept = counted.sure
    rows, tabs, alts = rows[kept], tabs[kept], alts[kept]
    called, of = counted.called[kept], counted.of[kept]
    _check_an(findings, block, rows, tabs, called)
    _check_ac(findings, block, rows, tabs, alts, of)
    _check_unused(findings, block, rows, tabs, alts, called, of)


def _alts(block: Block, rows: Positions, tabs: NDArray[np.int64]) -> Positions:
    """The number of ALT alleles; 0 for a dot."""
    begins, ends = tabs[:, 3] + 1, tabs[:, 4]
    commas = np.flatnonzero(block.data == ord(","))
    number = np.searchsorted(commas, ends) - np.searchsorted(commas, begins) + 1
    return np.where((ends - begins == 1) & (block.data[begins] == ord(".")), 0, number)


def count_alleles(data: NDArray[np.uint8], cells: NDArray[np.int64], most: int) -> Counted:
    """Count alleles in genotypes of one or two allele numbers of one digit; `cells` is where each sample begins."""
    first, mark, second, after = (data[np.minimum(cells + i, len(data) - 1)] for i in range(4))
    ends_early = (mark == ord(":")) | (mark == ord("\t")) | (mark == ord("\n"))
    parted = (mark == ord("/")) | (mark == ord("|"))
    ends = (after == ord(":")) | (after == ord("\t")) | (after == ord("\n"))
    two = parted & ends
    sure = ((ends_early | two) & _is_allele(first) & (ends_early | _is_allele(second))).all(axis=1)
    second = np.where(two, second, ord("."))
    of = np.stack([((first == 48 + k).sum(axis=1) + (second == 48 + k).sum(axis=1)) for k in range(most + 1)], axis=1)
    return Counted(of.sum(axis=1), of, sure)


def _is_allele(character: NDArray[np.uint8]) -> NDArray[np.bool_]:
    is_allele: NDArray[np.bool_] = ((character >= 48) & (character <= 57)) | (character == ord("."))
    return is_allele


def find_entry(block: Block, begins: Positions, ends: Positions, key: str) -> Positions:
    """Where the value of an INFO key begins in each line, -1 where it has none; INFO is from `begins` to `ends`."""
    if not len(begins):
        return begins
    word = f"{key}=".encode()
    at = np.flatnonzero(block.data[: -len(word) - 1] == word[0])
    for i, letter in enumerate(word[1:], 1):
        at = at[block.data[at + i] == letter]
    line = np.searchsorted(begins, at, side="right") - 1
    inside = (line >= 0) & (at < ends[line]) & np.isin(block.data[at - 1], [ord(";"), ord("\t")])
    found = np.full(len(begins), -1)
    found[line[inside]] = at[inside] + len(word)
    return found


def read_counts(block: Block, begins: Positions) -> tuple[Positions, Positions]:
    """Whole numbers that begin at `begins`, and where each ends; -1 where there is no number of up to nine digits."""
    value, at = np.zeros(len(begins), np.int64), begins.copy()
    reading = np.ones(len(begins), bool)
    for _ in range(10):
        digit = block.data[np.minimum(at, len(block.data) - 1)].astype(np.int64) - 48
        reading &= (digit >= 0) & (digit <= 9)
        if not reading.any():
            break
        value = np.where(reading, value * 10 + digit, value)
        at = at + reading
    return np.where((at > begins) & (at - begins < 10), value, -1), at


def _check_an(findings: Findings, block: Block, rows: Positions, tabs: NDArray[np.int64], called: Positions) -> None:
    at = find_entry(block, tabs[:, 6] + 1, tabs[:, 7], "AN")
    stated, _ = read_counts(block, np.maximum(at, 0))
    wrong = (at >= 0) & (stated >= 0) & (stated != called)
    says, counts = stated[wrong], called[wrong]
    findings.add_many(
        "AN_GENOTYPES", block.numbers(rows[wrong]), "INFO/AN",
        lambda i: f"AN={says[i]}, but {counts[i]} alleles are called",
    )  # fmt: skip


def _check_ac(
    findings: Findings,
    block: Block,
    rows: Positions,
    tabs: NDArray[np.int64],
    alts: Positions,
    of: NDArray[np.int64],
) -> None:
    """AC has one number for each ALT, parted by commas; the k-th is compared with the count of allele k."""
    at = find_entry(block, tabs[:, 6] + 1, tabs[:, 7], "AC")
    wrong = np.zeros(len(rows), bool)
    there = at >= 0
    place = np.maximum(at, 0)
    for k in range(1, of.shape[1]):
        here = there & (alts >= k)
        stated, end = read_counts(block, place)
        wrong |= here & (stated >= 0) & (stated != of[:, k])
        place = np.minimum(end + 1, len(block.data) - 1)
    lines, counts, number = rows[wrong], of[wrong], alts[wrong]
    starts = at[wrong]

    def message(i: int) -> str:
        stated = block.text(starts[i], starts[i] + 200).split("\t")[0].split(";")[0]
        return f"AC={stated[:60]}, but the genotypes have {','.join(str(n) for n in counts[i, 1 : number[i] + 1])}"

    findings.add_many("AC_GENOTYPES", block.numbers(lines), "INFO/AC", message)


def _check_unused(
    findings: Findings,
    block: Block,
    rows: Positions,
    tabs: NDArray[np.int64],
    alts: Positions,
    called: Positions,
    of: NDArray[np.int64],
) -> None:
    """ALT alleles beside others that no sample carries; `*` and symbols may stand for what was not seen."""
    several = np.flatnonzero((alts > 1) & (called > 0))
    if not len(several):
        return
    unused = (of[several, 1:] == 0) & (np.arange(1, of.shape[1]) <= alts[several][:, None])
    lines: list[int] = []
    names: list[str] = []
    for i in several[unused.any(axis=1)].tolist():
        alleles = block.text(tabs[i, 3] + 1, tabs[i, 4]).split(",")
        idle = [a for k, a in enumerate(alleles, 1) if not of[i, k] and a[0] not in "<*"]
        if idle:
            lines.append(int(rows[i]))
            names.append(", ".join(idle)[:60])
    findings.add_many(
        "ALT_UNUSED", block.numbers(np.array(lines, np.int64)), "ALT", lambda i: f"no sample carries {names[i]}"
    )

"""Values counted in bins, block by block, so that a picture has tens of marks whatever the size of the file."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
MOST = 40
"""Bins of a histogram, but for the last one."""
WITHIN = 0.995
TAIL = 1.5
"""Where the values reach so many times further than this share of them, the last bin takes those far above."""


@dataclass(frozen=True, slots=True)
class Bins:
    """Bins of one width from `first` on; the last has no upper end where `open` says so.

    A bin holds its start and not its end. Of whole numbers it is written with its largest one.
    """

    first: float
    width: float
    number: int
    whole: bool
    open: bool

    def count(self, values: Values, counts: Counts) -> list[int]:
        """How many of the values, each with how often it occurs, lie in each bin."""
        if not self.number:
            return []
        at = np.floor(np.round((values - self.first) / self.width, 9)).astype(np.int64)
        found = np.bincount(np.minimum(at, self.number - 1), counts, self.number)
        return [int(n) for n in found]

    def starts(self) -> list[float | int]:
        starts = [round(self.first + i * self.width, 9) for i in range(self.number)]
        return [int(s) for s in starts] if self.width == int(self.width) else starts

    def ends(self) -> list[float | int | None]:
        """The largest whole number, or the first that is too large; null where there is no end."""
        less = 1 if self.whole else 0
        ends = [round(s + self.width - less, 9) for s in self.starts()]
        tidy = [int(e) for e in ends] if self.width == int(self.width) else ends
        return [*tidy[:-1], None] if self.open else list(tidy)

    def names(self) -> list[str]:
        return [_name(s, e, self.whole) for s, e in zip(self.starts(), self.ends(), strict=True)]


def _name(start: float, end: float | None, whole: bool) -> str:
    if end is None:
        return f"{start:,} or more"
    if whole:
        return f"{start:,}" if start == end else f"{start:,} to {end:,}"
    return f"{start:,} to below {end:,}"


def bins_of(values: Values, counts: Counts, whole: bool, most: int = MOST) -> Bins:
    """Bins of a width that people like (1, 2 or 5 times a power of ten) for distinct values in ascending order."""
    if not len(values):
        return Bins(0, 1, 0, whole, False)
    reached = np.cumsum(counts)
    low, top = float(values[0]), float(values[np.searchsorted(reached, WITHIN * reached[-1])])
    top = top if values[-1] - low > TAIL * max(top - low, most) else float(values[-1])
    width = nice((top - low) / most, whole)
    first = math.floor(round(low / width, 9)) * width
    number = math.floor(round((top - first) / width, 9)) + 1
    more = float(values[-1]) >= round(first + number * width, 9)
    return Bins(first, width, number + more, whole, more)


def nice(least: float, whole: bool) -> float:
    """The smallest 1, 2 or 5 times a power of ten that is no smaller; for whole numbers at least 1."""
    if whole and least <= 1:
        return 1
    if least <= 0:
        return 1
    power = 10.0 ** math.floor(math.log10(least))
    wide = next(float(f"{m * power:.6g}") for m in (1, 2, 5, 10) if m * power >= least * (1 - 1e-9))
    return int(wide) if whole else wide


def distinct(blocks: Iterable[npt.NDArray[np.generic]]) -> tuple[Values, Counts]:
    """The distinct values of some blocks in ascending order, and how often each occurs."""
    parts = [_unique(block) for block in blocks]
    if not parts:
        return np.array([], np.float64), np.array([], np.int64)
    values, inverse = np.unique(np.concatenate([p[0] for p in parts]), return_inverse=True)
    counts = np.bincount(inverse, np.concatenate([p[1] for p in parts]), len(values))
    return values.astype(np.float64), counts.astype(np.int64)


def _unique(block: npt.NDArray[np.generic]) -> tuple[npt.NDArray[np.generic], Counts]:
    if block.dtype.kind == "i" and block.size and block.min() >= 0 and block.max() < 1 << 20:
        counts = np.bincount(block.ravel())  # some ten times faster than sorting them
        return np.flatnonzero(counts), counts[counts > 0]
    return np.unique(block, return_counts=True)

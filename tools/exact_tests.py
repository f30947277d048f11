"""Exact tests on counts, for many tables at once: Hardy-Weinberg proportions, and Fisher's test of two by two."""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

AS_LIKELY = 1 + 1e-7
"""Tables as likely as the one observed count as such, though sums of logarithms differ in the last digits (as in R)."""

CELLS = 1 << 21


def hardy_weinberg_p(rest: Ints, het: Ints, hom: Ints) -> tuple[Floats, Floats]:
    """The exact test of Wigginton, Cutler and Abecasis (2005, doi:10.1086/429864), and its part for too many het.

    Genotypes without, with one and with two copies of an allele. With N genotypes, of which n_A alleles of one kind
    and n_B of the other, a number h of heterozygous ones has the probability (equation 1)
    2^h N! / (h! ((n_A - h) / 2)! ((n_B - h) / 2)!) * n_A! n_B! / (2N)!.
    The first p sums the h that are no more likely than the one observed, the second those of at least as many. Both
    are 1 where only one allele was seen.
    """
    few = np.minimum(2 * hom + het, 2 * rest + het)
    many = 2 * (rest + het + hom) - few
    log = _log_factorials(int((few + many).max(initial=0)))

    def of_h(few: Ints, many: Ints, h: Ints) -> Floats:
        n = (few + many) // 2
        ways = log[n] - log[h] - log[(few - h) // 2] - log[(many - h) // 2]
        return np.asarray(ways + h * math.log(2) + log[few] + log[many] - log[few + many])

    return _tails([few, many], het, few % 2, few, 2, of_h)


def fisher_p(a: Ints, b: Ints, c: Ints, d: Ints) -> Floats:
    """Two-sided p of the tables [[a, b], [c, d]] with fixed margins (Fisher 1922, doi:10.2307/2340521).

    The hypergeometric probability of x in place of a is (a+b)! (c+d)! (a+c)! (b+d)! / (n! x! ...); p sums the x that
    are no more likely than a, as R's fisher.test does.
    """
    row, other, column = a + b, c + d, a + c
    log = _log_factorials(int((row + other).max(initial=0)))

    def of_x(row: Ints, other: Ints, column: Ints, x: Ints) -> Floats:
        total = row + other
        fixed = log[row] + log[other] + log[column] + log[total - column] - log[total]
        return np.asarray(fixed - log[x] - log[row - x] - log[column - x] - log[other - column + x])

    return _tails([row, other, column], a, np.maximum(0, column - other), np.minimum(row, column), 1, of_x)[0]


def _log_factorials(n: int) -> Floats:
    """log(k!) for k from 0 to n."""
    return np.array([math.lgamma(k + 1) for k in range(n + 1)])


def _tails(
    margins: list[Ints], observed: Ints, first: Ints, last: Ints, step: int, log_p: Callable[..., Floats]
) -> tuple[Floats, Floats]:
    """Sums over first, first + step, ... last: of what is no more likely than `observed`, and of it and above.

    Equal tables are summed once, and tables of about the same length together, so that the padding stays small.
    """
    table, again = np.unique(np.stack([*margins, observed, first, last], axis=1), axis=0, return_inverse=True)
    both = np.ones((2, len(table)))
    lengths = (table[:, -1] - table[:, -2]) // step + 1
    order, at = np.argsort(-lengths, kind="stable"), 0
    while at < len(order):
        rows = order[at : at + max(CELLS // int(lengths[order[at]]), 1)]
        both[:, rows] = _sums(table[rows], int(lengths[order[at]]), step, log_p)
        at += len(rows)
    likely, above = np.minimum(both, 1.0)[:, again.ravel()]
    return likely, above


def _sums(table: Ints, longest: int, step: int, log_p: Callable[..., Floats]) -> Floats:
    *margins, observed, first, last = (column[:, None] for column in table.T)
    x = first + step * np.arange(longest)
    inside = x <= last
    p = np.where(inside, np.exp(log_p(*margins, np.where(inside, x, first))), 0.0)
    seen = np.take_along_axis(p, (observed - first) // step, axis=1)
    return np.stack([p.sum(axis=1, where=p <= seen * AS_LIKELY), p.sum(axis=1, where=x >= observed)])

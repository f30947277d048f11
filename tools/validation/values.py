"""Values against their Type and Number: the parts that INFO and FORMAT share."""

import re
from collections import Counter
from functools import lru_cache
from math import comb
from typing import NamedTuple

SPACE = re.compile(r"\s", re.ASCII)

LOWEST, HIGHEST = -(2**31) + 8, 2**31 - 1
"""An Integer has 32 bits, less the eight lowest values, which BCF reserves (1.3)."""

INTEGER = re.compile(r"[-+]?[0-9]+")
DECIMAL = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
"""Written so that a million digits are read once, not once for each of them."""
FLOAT = re.compile(rf"[-+]?{DECIMAL}|[-+]?(?:inf|infinity|nan)", re.IGNORECASE)
"""As in 1.3, and with a point at the end (`1.`), which programs write."""

MANY = 1 << 40
"""More values than any line can hold."""

NOT_NEGATIVE = {
    "INFO": {"AC", "AN", "DP", "NS", "AD", "ADF", "ADR", "MQ0", "END"},
    "FORMAT": {"DP", "AD", "ADF", "ADR", "EC", "LAD", "LADF", "LADR", "LEC"},
}


class Breach(NamedTuple):
    """One rule that a record breaks; `eased` where it is a warning here."""

    code: str
    field: str
    message: str
    eased: bool = False


def type_problem(type_: str, values: list[str]) -> tuple[str, str] | None:
    """The rule and the words for the first value that is not of `type_`; `.` is missing and fits every type."""
    for value in values:
        if value == "." or type_ == "String":
            continue
        if type_ == "Integer":
            if not INTEGER.fullmatch(value):
                return "TYPE", f"{value[:40]!r} is not an Integer"
            if not LOWEST <= whole_number(value) <= HIGHEST:
                return "INTEGER_RANGE", f"{value[:30]} is beyond 32 bits"
        elif type_ == "Float" and not FLOAT.fullmatch(value):
            return "TYPE", f"{value[:40]!r} is not a number"
        elif type_ == "Character" and len(value) != 1 and not re.fullmatch("%[0-9A-Fa-f]{2}", value):
            return "TYPE", f"{value[:40]!r} is not a single character"
    return None


def whole_number(text: str) -> int:
    """A whole number of ASCII digits, with or without a sign; one of more than 18 digits is cut to as many nines."""
    size = text.lstrip("+-").lstrip("0")
    number = int(size or 0) if len(size) <= 18 else 10**18 - 1
    return -number if text.startswith("-") else number


def is_digits(text: str) -> bool:
    """Whether a text is ASCII digits and no others, as `str.isdigit` has them."""
    return text.isascii() and text.isdigit()


def repeated(names: list[str]) -> str | None:
    """The first name that stands twice."""
    if len(set(names)) == len(names):
        return None
    return next((name for name, number in Counter(names).items() if number > 1), None)


def alt_count(alt: str) -> int:
    """How many ALT alleles a column lists; `.` is none."""
    return 0 if alt == "." else alt.count(",") + 1


@lru_cache(maxsize=4096)
def genotypes(alleles: int, ploidy: int) -> int:
    """How many genotypes there are of so many alleles (1.6.2 GL); `MANY` where they are more."""
    if min(alleles - 1, ploidy) > 40:
        return MANY
    return min(MANY, comb(alleles + ploidy - 1, ploidy))


def expected_count(number: str, alts: int, ploidy: int = 2) -> int | None:
    """How many values a Number asks for; null where it leaves that open."""
    if is_digits(number):
        return whole_number(number)
    return {"A": alts, "R": alts + 1, "G": genotypes(alts + 1, ploidy), "P": ploidy}.get(number)


def count_problem(number: str, values: list[str], wanted: int | None) -> str | None:
    """What is wrong with the number of values; a single `.` is missing as a whole."""
    if wanted is None or len(values) == wanted or values == ["."]:
        return None
    asks = f"Number={number} asks for {wanted if wanted < MANY else 'more'}" + (" here" if number in "ARGP" else "")
    return f"{len(values)} value{'s' * (len(values) != 1)}, {asks}"


def negative(values: list[str]) -> str | None:
    return next((v for v in values if v.startswith("-") and v.strip("-0.")), None)


def outside_0_1(values: list[str]) -> str | None:
    """The first value that is no probability."""
    for value in values:
        try:
            if value != "." and not 0 <= float(value) <= 1:
                return value
        except ValueError:
            continue
    return None

"""Values against their Type and Number: the parts that INFO and FORMAT share."""

import re
from functools import cache
from math import comb
from typing import NamedTuple

SPACE = re.compile(r"\s", re.ASCII)

LOWEST, HIGHEST = -(2**31) + 8, 2**31 - 1
"""An Integer has 32 bits, less the eight lowest values, which BCF reserves (1.3)."""

INTEGER = re.compile(r"[-+]?[0-9]+")
FLOAT = re.compile(r"[-+]?(?:[0-9]*\.?[0-9]+|[0-9]+\.)(?:[eE][-+]?[0-9]+)?|[-+]?(?:inf|infinity|nan)", re.IGNORECASE)
"""As in 1.3, and with a point at the end (`1.`), which programs write."""

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
            if not LOWEST <= int(value[:20]) <= HIGHEST:
                return "INTEGER_RANGE", f"{value[:30]} is beyond 32 bits"
        elif type_ == "Float" and not FLOAT.fullmatch(value):
            return "TYPE", f"{value[:40]!r} is not a number"
        elif type_ == "Character" and len(value) != 1 and not re.fullmatch("%[0-9A-Fa-f]{2}", value):
            return "TYPE", f"{value[:40]!r} is not a single character"
    return None


@cache
def genotypes(alleles: int, ploidy: int) -> int:
    """How many genotypes there are of so many alleles (1.6.2 GL)."""
    return comb(alleles + ploidy - 1, ploidy)


def expected_count(number: str, alts: int, ploidy: int = 2) -> int | None:
    """How many values a Number asks for; null where it leaves that open."""
    if number.isdigit():
        return int(number)
    return {"A": alts, "R": alts + 1, "G": genotypes(alts + 1, ploidy), "P": ploidy}.get(number)


def count_problem(number: str, values: list[str], wanted: int | None) -> str | None:
    """What is wrong with the number of values; a single `.` is missing as a whole."""
    if wanted is None or len(values) == wanted or values == ["."]:
        return None
    asks = f"Number={number} asks for {wanted}" + (" here" if number in "ARGP" else "")
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

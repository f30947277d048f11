"""The columns CHROM to FILTER of one record."""

import re
from collections.abc import Iterator
from functools import lru_cache

from .header import Header
from .meta_lines import is_alt_type
from .values import DECIMAL, HIGHEST, SPACE, Breach, is_digits, repeated, whole_number

BASES = re.compile("[ACGTNacgtn]+")
SYMBOL = re.compile(r"<[^\s<>,]+>", re.ASCII)
_MATE = r"(?:[^\s<>\[\]:,][^\s<>\[\],]*|<[^\s<>,]+>):[0-9]+"
BREAKEND = re.compile(
    rf"(?:[ACGTNacgtn]+|\.)(?:\[{_MATE}\[|\]{_MATE}\])|(?:\[{_MATE}\[|\]{_MATE}\])(?:[ACGTNacgtn]+|\.)|\.[ACGTNacgtn]+|[ACGTNacgtn]+\.",
    re.ASCII,
)
"""`t[p[`, `t]p]`, `]p]t`, `[p[t`, with `.` for t at a telomere, and without a mate `.t` and `t.` (5.4)."""

CONTIG = re.compile(r"<[^\s<>\[\],]+>|[^\s<>\[\],]+", re.ASCII)
GVCF_ALTS = ("<*>", "<NON_REF>")


def check_site(columns: list[str], header: Header) -> Iterator[Breach]:
    """What breaks the rules in the columns CHROM to FILTER."""
    chrom, pos, ids, ref, alt, qual, filters = columns[:7]
    if not CONTIG.fullmatch(chrom):
        yield Breach("CHROM_SYNTAX", "CHROM", f"{chrom[:60]!r} is no name of a contig")
    yield from _check_pos(pos)
    yield from _check_id(ids)
    yield from check_alleles(ref, alt, header.version)
    if qual != "." and not _QUALITY.fullmatch(qual):
        yield Breach("QUAL_SYNTAX", "QUAL", f"{qual[:40]!r} is neither a number from 0 on nor '.'")
    yield from check_filters(filters)


def _check_pos(pos: str) -> Iterator[Breach]:
    if not is_digits(pos):
        yield Breach("POS_SYNTAX", "POS", f"{pos[:40]!r} is not a position")
    elif whole_number(pos) > HIGHEST:
        yield Breach("POS_RANGE", "POS", f"{pos[:30]} is more than 2,147,483,647")
    elif whole_number(pos) == 0:
        yield Breach("POS_ZERO", "POS", "the position is 0")


def _check_id(ids: str) -> Iterator[Breach]:
    if SPACE.search(ids):
        yield Breach("ID_SYNTAX", "ID", f"{ids[:60]!r} has white space")
        return
    names = ids.split(";")
    if "" in names or (len(names) > 1 and "." in names):
        yield Breach("ID_SYNTAX", "ID", f"{ids[:60]!r} has an empty name" if ids else "ID is empty")
    elif (name := repeated(names)) is not None:
        yield Breach("ID_REPEATED", "ID", f"{name[:60]!r} stands twice")
    elif "," in ids:
        yield Breach("ID_COMMA", "ID", f"{ids[:60]!r} has a comma")


def check_alleles(ref: str, alt: str, version: str) -> tuple[Breach, ...]:
    """What breaks the rules in REF and ALT."""
    if len(ref) + len(alt) > 200:
        return _check_alleles(ref, alt, version)  # long ones would fill the memory of what was checked
    return _check_short_alleles(ref, alt, version)


def _check_alleles(ref: str, alt: str, version: str) -> tuple[Breach, ...]:
    return tuple(_check_ref(ref)) + tuple(_check_alt(ref, alt, version))


_check_short_alleles = lru_cache(maxsize=65536)(_check_alleles)


def _check_ref(ref: str) -> Iterator[Breach]:
    if not BASES.fullmatch(ref):
        what = (
            "REF is missing" if ref in ("", ".") else f"{ref[:40]!r} has other characters than the bases A, C, G, T, N"
        )
        yield Breach("REF_SYNTAX", "REF", what)


def _check_alt(ref: str, alt: str, version: str) -> Iterator[Breach]:
    if alt == ".":
        return
    alleles = alt.split(",")
    wrong = next((a for a in alleles if not is_allele(a) and a != "."), None)
    if wrong is not None:
        yield Breach(
            "ALT_SYNTAX", "ALT", f"{wrong[:60]!r} is no allele" if wrong else f"{alt[:60]!r} has an empty allele"
        )
        return
    if "." in alleles:
        yield Breach("ALT_MISSING_BESIDE", "ALT", f"'.' stands beside other alleles in {alt[:60]!r}")
        return
    symbol = next((a for a in alleles if a[0] == "<" and not _is_symbol(a, version)), None)
    if symbol:
        yield Breach("ALT_SYMBOL", "ALT", f"{symbol[:60]} is no type of structural variant")
    if ref not in alleles and ref.upper() in (a.upper() for a in alleles):
        yield Breach("ALT_SAME_AS_REF", "ALT", f"{ref[:40]!r} is REF and ALT but for upper and lower case", eased=True)
    else:
        yield from _compare(ref.upper(), [a.upper() for a in alleles if a[0] != "<" and BASES.fullmatch(a)])
    if alleles.count("*") > 1:
        yield Breach("ALT_REPEATED", "ALT", "'*' stands twice")


def is_allele(allele: str) -> bool:
    """Whether an ALT allele is bases, `*`, a symbol or a breakend."""
    return bool(BASES.fullmatch(allele) or allele == "*" or SYMBOL.fullmatch(allele) or BREAKEND.fullmatch(allele))


def _is_symbol(allele: str, version: str) -> bool:
    name = allele[1:-1]
    return ":" not in name or is_alt_type(name, version)


def _compare(ref: str, alleles: list[str]) -> Iterator[Breach]:
    if ref in alleles:
        yield Breach("ALT_SAME_AS_REF", "ALT", f"{ref[:40]!r} is REF and ALT")
    elif (twice := repeated(alleles)) is not None:
        yield Breach("ALT_REPEATED", "ALT", f"{twice[:40]!r} stands twice")
    elif BASES.fullmatch(ref) and (other := next((a for a in alleles if len(a) != len(ref) and a[0] != ref[0]), None)):
        yield Breach("FIRST_BASE", "ALT", f"{ref[:30]!r} and {other[:30]!r} begin with different bases")


_QUALITY = re.compile(rf"\+?{DECIMAL}|\+?inf(?:inity)?|[-+]?nan", re.IGNORECASE)


def check_filters(filters: str) -> Iterator[Breach]:
    """What breaks the rules in FILTER."""
    names = filters.split(";")
    if SPACE.search(filters) or "" in names:
        what = "has white space" if SPACE.search(filters) else "has an empty name" if filters else "is empty"
        yield Breach("FILTER_SYNTAX", "FILTER", f"{filters[:60]!r} {what}")
    elif "0" in names:
        yield Breach("FILTER_ZERO", "FILTER", f"{filters[:60]!r} names a filter 0")
    elif (name := repeated(names)) is not None:
        yield Breach("FILTER_REPEATED", "FILTER", f"{name[:60]!r} stands twice")
    elif len(names) > 1 and ("PASS" in names or "." in names):
        yield Breach("FILTER_PASS_BESIDE", "FILTER", f"{filters[:60]!r} has other filters beside PASS or '.'")

"""The INFO column of one record."""

import re
from collections.abc import Iterator
from functools import lru_cache

from .header import Declared, Header
from .meta_lines import is_key
from .structural import check_structural
from .values import (
    FLOAT,
    NOT_NEGATIVE,
    SPACE,
    Breach,
    alt_count,
    count_problem,
    expected_count,
    is_digits,
    negative,
    outside_0_1,
    repeated,
    type_problem,
    whole_number,
)

SHORT = 60
"""Characters of a value whose verdict is kept for when it comes again."""

NOT_CIGAR = re.compile(r"[^0-9MIDNSHPX=]|^(?:[^0-9]|\Z)|[MIDNSHPX=]{2}|[0-9]\Z")
ANCESTRAL = re.compile(r"(?:[ACGTNacgtn]+|[.*?-]|<[^<>]+>)(?:\|.*)?|\|.*")
"""An allele, or what the 1000 Genomes Project writes behind it: REF|ALT|kind of indel."""


def parse_info(info: str) -> dict[str, str | None]:
    """The entries by key, null for a key without a value; the first of two where a key stands twice."""
    entries: dict[str, str | None] = {}
    for entry in info.split(";"):
        key, equals, value = entry.partition("=")
        entries.setdefault(key, value if equals else None)
    return entries


def check_info(columns: list[str], header: Header) -> Iterator[Breach]:
    """What breaks the rules in INFO."""
    info = columns[7]
    if info == ".":
        yield from check_structural(columns, {}, header.version)
        return
    problem = _syntax_problem(info, header.version)
    if problem:
        yield Breach("INFO_SYNTAX", "INFO", problem)
        return
    keys = [entry.partition("=")[0] for entry in info.split(";")]
    if (twice := repeated(keys)) is not None:
        yield Breach("INFO_REPEATED", f"INFO/{twice[:60]}", f"{twice[:60]} stands more than once")
        return
    entries = parse_info(info)
    alts = alt_count(columns[4])
    broken = False
    for key, value in entries.items():
        check = _check_entry if value is None or len(value) < SHORT else _check_entry.__wrapped__
        found = check(key, value, alts, header.find("INFO", key), header.is_declared("INFO", key), header.version)
        broken |= bool(found)
        yield from found
    if not broken:
        yield from _check_meaning(columns, entries)
        yield from check_structural(columns, entries, header.version)


def _syntax_problem(info: str, version: str) -> str:
    if not info:
        return "INFO is empty"
    if info.startswith(";") or info.endswith(";") or ";;" in info:
        return f"a semicolon without an entry in {info[:60]!r}"
    if version < "4.3" and (space := SPACE.search(info)):
        return f"white space in {info[max(0, space.start() - 20) :][:60]!r}"
    if info.startswith("=") or ";=" in info:
        return "a value without a key"
    if ";.;" in f";{info};":
        return "'.' beside other entries"
    return ""


@lru_cache(maxsize=16384)
def _check_entry(
    key: str, value: str | None, alts: int, declared: Declared | None, in_header: bool, version: str
) -> tuple[Breach, ...]:
    where = f"INFO/{key[:60]}"
    if not is_key(key, "INFO") and not in_header and not _is_lenient_key(key, version):
        return (Breach("INFO_KEY", where, f"{key[:60]!r} is no name for an INFO key"),)
    if value == "":
        return (Breach("INFO_SYNTAX", where, f"{key} has no value behind ="),)
    if declared is None:
        return ()
    is_flag = declared.type == "Flag" or declared.number == "0"
    if is_flag and value is not None:
        return (Breach("INFO_TYPE", where, f"{key} is a Flag and has the value {value[:40]!r}"),)
    if value is None:
        what = f"{key} has no value and is no Flag but {declared.type}"
        return () if is_flag else (Breach("INFO_TYPE", where, what),)
    return tuple(_check_values(key, where, value.split(","), declared.type, declared.number, alts, version))


def _is_lenient_key(key: str, version: str) -> bool:
    """Before VCF 4.3 no expression is given: any name without the characters that part entries."""
    return version < "4.3" and bool(re.fullmatch(r"[0-9A-Za-z_.\-+/:|#]+", key)) and not key.isdigit()


def _check_values(
    key: str, where: str, values: list[str], type_: str, number: str, alts: int, version: str
) -> Iterator[Breach]:
    problem = type_problem(type_, values)
    if problem:
        code, what = problem
        yield Breach("INFO_TYPE" if code == "TYPE" else code, where, f"{key}: {what}")
        return
    miscount = count_problem(number, values, expected_count(number, alts))
    if miscount:
        structural = key in ("SVLEN", "CIPOS", "CIEND", "CILEN")
        yield Breach("SVLEN_COUNT" if key == "SVLEN" else "INFO_COUNT", where, f"{key} has {miscount}", structural)
        return
    if key in NOT_NEGATIVE["INFO"] and (low := negative(values)):
        yield Breach("INFO_RANGE", where, f"{key} is negative: {low}")
    elif key == "AF" and (outside := outside_0_1(values)):
        yield Breach("INFO_RANGE", where, f"AF is not between 0 and 1: {outside}")


def _check_meaning(columns: list[str], entries: dict[str, str | None]) -> Iterator[Breach]:
    cigar, ancestral, end = entries.get("CIGAR"), entries.get("AA"), entries.get("END")
    if cigar and not all(c == "." or not NOT_CIGAR.search(c) for c in cigar.split(",")):
        yield Breach("INFO_ALLELE", "INFO/CIGAR", f"{cigar[:40]!r} is no CIGAR string")
    if ancestral and not all(ANCESTRAL.fullmatch(a) for a in ancestral.split(",")):
        is_number = bool(FLOAT.fullmatch(ancestral))
        yield Breach("INFO_ALLELE", "INFO/AA", f"{ancestral[:40]!r} is no allele", eased=not is_number)
    if end and is_digits(end) and is_digits(columns[1]) and whole_number(end) < whole_number(columns[1]):
        yield Breach("END_BEFORE_POS", "INFO/END", f"END={end[:30]} is before POS {columns[1][:30]}")

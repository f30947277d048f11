"""One line of the header: its syntax, and the rules of its kind."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from .lines import FIELD_LIMIT
from .predefined import Kind, find_predefined


class Problem(NamedTuple):
    """A rule's code and what is wrong; `eased` where it is a warning here."""

    code: str
    message: str
    eased: bool = False


class MetaSyntaxError(Exception):
    """A line that cannot be read; `open_quote` where a quote is not closed, so that the next line may belong to it."""

    def __init__(self, code: str, where: str | None, message: str, open_quote: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.where = where
        self.message = message
        self.open_quote = open_quote


@dataclass(slots=True)
class MetaLine:
    """`##key=text`; `values` are those between angle brackets, as written, quotes kept; `order` is that of the keys."""

    key: str
    text: str
    structured: bool = False
    values: dict[str, str] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)

    @property
    def where(self) -> str:
        name = self.values.get("ID", "")
        return f"{self.key}/{name}" if self.key in ("INFO", "FORMAT", "FILTER", "ALT") and name else f"##{self.key}"


STRICT = {"INFO", "FORMAT", "FILTER", "ALT", "contig", "SAMPLE", "META", "PEDIGREE"}
"""Kinds of lines whose inside the specification rules; others may hold what their programs like."""

_VALUE = re.compile(r'"(?:[^"\\]++|\\.)*+"|\[[^\]]*\]|(?!["\[])[^,]*')
_KEY = re.compile(r"\s*([^=,\s]+)\s*=")


def parse(line: str) -> MetaLine:
    """A line that begins with ##. Raises `MetaSyntaxError`."""
    key, equals, text = line[2:].partition("=")
    if not line.startswith("##"):
        raise MetaSyntaxError("META_SYNTAX", None, f"a header line begins with ##, this one with {line[:20]!r}")
    if not equals or not key or key != key.strip():
        raise MetaSyntaxError("META_SYNTAX", None, f"{line[:60]!r} is not ##key=value")
    if not text.strip():
        code = "URL_SYNTAX" if key in ("assembly", "pedigreeDB") else "META_SYNTAX"
        raise MetaSyntaxError(code, f"##{key}", f"##{key} has no value")
    meta = MetaLine(key, text)
    if key in STRICT:
        _parse_inside(meta)
    return meta


def _parse_inside(meta: MetaLine) -> None:
    where = f"##{meta.key}"
    if len(meta.text) > FIELD_LIMIT:
        raise MetaSyntaxError("LINE_TOO_LONG", where, f"the line has {len(meta.text) >> 20} MB")
    if not meta.text.startswith("<"):
        raise MetaSyntaxError("META_SYNTAX", where, f"##{meta.key} has no <key=value,...>")
    closed = meta.text.rstrip().endswith(">")
    inside = meta.text.rstrip()[1:-1] if closed else meta.text[1:]
    meta.structured = True
    for key, value in _pairs(meta, inside, closed):
        if key in meta.values:
            raise MetaSyntaxError("META_KEY_REPEATED", meta.where, f"{key} stands twice in the line")
        meta.values[key] = value
        meta.order.append(key)
    if not closed:
        raise MetaSyntaxError("META_SYNTAX", meta.where, "the line does not end with >")


def _pairs(meta: MetaLine, inside: str, closed: bool) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(inside):
        key = _KEY.match(inside, at)
        if not key:
            raise MetaSyntaxError("META_VALUE", meta.where, f"{inside[at : at + 40]!r} is not key=value")
        value = _VALUE.match(inside, key.end())
        if value is None:
            raise _unclosed(meta, inside, key.end())
        yield key[1], value[0]
        at = value.end()
        if at < len(inside):
            if inside[at] != ",":
                raise _after_quote(meta, inside, at)
            at += 1


def _unclosed(meta: MetaLine, inside: str, at: int) -> MetaSyntaxError:
    if inside[at] == "[":
        return MetaSyntaxError("META_VALUES", meta.where, f"the bracket of {inside[at : at + 40]!r} is not closed")
    return MetaSyntaxError("META_QUOTES", meta.where, f"the quote of {inside[at : at + 40]!r} is not closed", True)


def _after_quote(meta: MetaLine, inside: str, at: int) -> MetaSyntaxError:
    return MetaSyntaxError("META_QUOTES", meta.where, f"{inside[at : at + 40]!r} follows a closing quote")


def check_structured(meta: MetaLine, version: str) -> Iterator[Problem]:
    """What breaks the rules of the line's kind, in `version`."""
    check = _CHECKS.get(meta.key)
    if check is None:
        return
    if meta.structured and meta.key != "PEDIGREE" and not meta.values.get("ID"):
        yield Problem("META_ID_MISSING", f"the ##{meta.key} line has no ID")
        return
    yield from check(meta, version)


def _check_field(meta: MetaLine, version: str) -> Iterator[Problem]:
    kind: Kind = "INFO" if meta.key == "INFO" else "FORMAT"
    needed = ["ID", "Number", "Type", "Description"]
    missing = [key for key in needed if key not in meta.values]
    if missing:
        yield Problem("META_KEY_MISSING", f"{meta.where} has no {' and no '.join(missing)}")
        return
    if [key for key in meta.order if key in needed] != needed:
        yield Problem("META_KEY_ORDER", f"{meta.where} has the keys in the order {', '.join(meta.order)}")
    yield from _check_key_name(meta, kind, version)
    yield from _check_description(meta)
    yield from _check_number_and_type(meta, kind, version)


def _check_key_name(meta: MetaLine, kind: Kind, version: str) -> Iterator[Problem]:
    name = meta.values["ID"]
    if not is_key(name, kind) and (version >= "4.3" or re.search(r'[\s;=,:<>"]', name)):
        yield Problem("META_ID_SYNTAX", f"{name!r} is no name for an {kind} key")


@lru_cache(maxsize=4096)
def is_key(name: str, kind: Kind) -> bool:
    """Whether a name follows the expression of the specification (1.6.1 INFO, 1.6.2)."""
    return bool(re.fullmatch(r"[A-Za-z_][0-9A-Za-z_.]*", name)) or (kind == "INFO" and name == "1000G")


def _check_description(meta: MetaLine) -> Iterator[Problem]:
    value = meta.values.get("Description", '""')
    if not value.startswith('"'):
        yield Problem("META_DESCRIPTION", f"the Description of {meta.where} is not in quotes: {value[:40]}")


def _check_number_and_type(meta: MetaLine, kind: Kind, version: str) -> Iterator[Problem]:
    number, type_ = meta.values["Number"], meta.values["Type"]
    types = ["Integer", "Float", "Character", "String", *(["Flag"] if kind == "INFO" else [])]
    known = find_predefined(kind, meta.values["ID"], version)
    if not is_number(number, kind, version):
        yield Problem("META_NUMBER", f"Number={number} of {meta.where} is not allowed in VCF {version}")
    elif known and number != known.number:
        was_open = number == "." and known.number == "G" and version < "4.3"
        eased = was_open or (known.structural and version < "4.4")
        yield Problem("PREDEFINED_NUMBER", f"Number={number} of {meta.where} should be {known.number}", eased)
    elif type_ == "Flag" and kind == "INFO" and number != "0":
        yield Problem("FLAG_NUMBER", f"{meta.where} is a Flag with Number={number}")
    if type_ not in types:
        yield Problem("META_TYPE", f"Type={type_} of {meta.where} is none of {', '.join(types)}")
    elif known and type_ not in (known.type, *known.also):
        eased = known.structural and version < "4.4"
        yield Problem("PREDEFINED_TYPE", f"Type={type_} of {meta.where} should be {known.type}", eased)


_SINCE = {"R": "4.2", "P": "4.4", "LA": "4.5", "LR": "4.5", "LG": "4.5", "M": "4.5"}


def is_number(number: str, kind: Kind, version: str) -> bool:
    """Whether a Number may be written so (1.4.2, 1.4.4)."""
    if number in ("A", "G", ".") or re.fullmatch("[0-9]{1,9}", number):
        return True
    return number in _SINCE and version >= _SINCE[number] and (kind == "FORMAT" or number == "R")


def _check_filter(meta: MetaLine, version: str) -> Iterator[Problem]:
    if "Description" not in meta.values:
        yield Problem("META_KEY_MISSING", f"{meta.where} has no Description")
    yield from _check_description(meta)
    yield from _check_id(meta, r'[^\s;,"]+')
    if meta.values["ID"] == "0":
        yield Problem("META_ID_SYNTAX", "0 is no name for a filter")


def _check_id(meta: MetaLine, allowed: str) -> Iterator[Problem]:
    name = meta.values["ID"]
    if not re.fullmatch(allowed, name):
        yield Problem("META_ID_SYNTAX", f"{name!r} is no ID for a ##{meta.key} line")


ALT_TYPES = ("DEL", "INS", "DUP", "INV", "CNV")


def _check_alt(meta: MetaLine, version: str) -> Iterator[Problem]:
    name = meta.values["ID"]
    if "Description" not in meta.values:
        yield Problem("META_KEY_MISSING", f"{meta.where} has no Description")
    yield from _check_description(meta)
    if "Number" in meta.values and not is_number(meta.values["Number"], "INFO", version):
        yield Problem("META_NUMBER", f"Number={meta.values['Number']} of {meta.where} is not allowed")
    if re.search(r"[\s<>]", name):
        yield Problem("META_ID_SYNTAX", f"{name!r} is no ID for a ##ALT line")
    elif not is_alt_type(name, version):
        eased = ":" not in name and not name.startswith(ALT_TYPES)
        yield Problem("ALT_TYPE", f"{name} begins with none of {', '.join(ALT_TYPES)}", eased)


def is_alt_type(name: str, version: str) -> bool:
    """Whether a symbolic allele may be called so (1.4.5): one of the types, or since 4.3 a word without a colon."""
    first, colon, _ = name.partition(":")
    if first in ALT_TYPES or (first == "BND" and version < "4.4") or name == "NON_REF" or first == "*":
        return True
    return not colon and version >= "4.3" and first != "BND"


def _check_contig(meta: MetaLine, version: str) -> Iterator[Problem]:
    yield from _check_id(meta, r"[^\s<>\[\]\"']+")
    yield from _check_values(meta, ("length", "md5", "URL", "accession"))
    length = meta.values.get("length")
    if length is not None and not re.fullmatch("[0-9]{1,18}", length):
        yield Problem("META_VALUE", f"the length of contig {meta.values['ID']} is {length[:30]!r}, no number of bases")


def _check_values(meta: MetaLine, keys: tuple[str, ...] | None = None) -> Iterator[Problem]:
    for key, value in meta.values.items():
        bare = not value.startswith(('"', "["))
        if (keys is None or key in keys) and key != "ID" and bare and re.search(r"\s", value):
            yield Problem("META_VALUE", f"{key} of the ##{meta.key} line has white space and no quotes: {value[:40]!r}")
            return


def _check_meta(meta: MetaLine, version: str) -> Iterator[Problem]:
    values = meta.values.get("Values", "")
    yield from _check_id(meta, r"[^\s\"]+")
    missing = [key for key in ("Type", "Number", "Values") if key not in meta.values]
    if missing:
        yield Problem("META_KEY_MISSING", f"##META of {meta.values['ID']} has no {' and no '.join(missing)}")
    elif not (values.startswith("[") and values.endswith("]")):
        yield Problem("META_VALUES", f"Values of ##META are not in square brackets: {values[:40]!r}")
    elif meta.values["Type"] != "String" or meta.values["Number"] != ".":
        yield Problem("META_VALUES", f"##META has Type={meta.values['Type']} and Number={meta.values['Number']}")


def _check_sample(meta: MetaLine, version: str) -> Iterator[Problem]:
    yield from _check_id(meta, r"[^\s\"]+")
    if version >= "4.3":
        return
    missing = [key for key in ("Genomes", "Mixture", "Description") if key not in meta.values]
    quoted = [key for key, value in meta.values.items() if key != "Description" and value.startswith('"')]
    if missing:
        yield Problem("SAMPLE_GENOMES", f"the ##SAMPLE line of {meta.values['ID']} has no {' and no '.join(missing)}")
    elif quoted:
        yield Problem("SAMPLE_GENOMES", f"{quoted[0]} of the ##SAMPLE line is quoted")


def _check_pedigree(meta: MetaLine, version: str) -> Iterator[Problem]:
    if version >= "4.3" and not meta.values.get("ID"):
        yield Problem("META_ID_MISSING", "the ##PEDIGREE line has no ID")
        return
    spaced = next((k for k, v in meta.values.items() if re.search(r"\s", v) and not v.startswith('"')), None)
    if spaced:
        yield Problem("META_VALUE", f"{spaced} of the ##PEDIGREE line has white space: {meta.values[spaced][:40]!r}")


def _check_url(meta: MetaLine, version: str) -> Iterator[Problem]:
    address = meta.text.removeprefix("<").removesuffix(">") if meta.key == "pedigreeDB" else meta.text
    if not address or re.search(r"\s", address):
        yield Problem("URL_SYNTAX", f"##{meta.key} names no address: {meta.text[:60]!r}")


_CHECKS: dict[str, Callable[[MetaLine, str], Iterator[Problem]]] = {
    "INFO": _check_field,
    "FORMAT": _check_field,
    "FILTER": _check_filter,
    "ALT": _check_alt,
    "contig": _check_contig,
    "META": _check_meta,
    "SAMPLE": _check_sample,
    "PEDIGREE": _check_pedigree,
    "assembly": _check_url,
    "pedigreeDB": _check_url,
}

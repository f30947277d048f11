"""Structural variants in INFO: sections 3 and 5 of the specification."""

import re
from collections.abc import Iterator
from math import isfinite

from ..text import count_of
from .site import GVCF_ALTS
from .values import Breach

Info = dict[str, str | None]
TYPES = ("DEL", "INS", "DUP", "INV", "CNV", "BND")
CLAIMS = {"DEL": ("D", "J", "DJ"), "DUP": ("D", "J", "DJ"), "CNV": ("D",), "INS": ("J", "DJ"), "INV": ("J", "DJ")}
"""What a call of each type can rest on (section 3, SVCLAIM)."""

NEEDS_CLAIM = ("DEL", "DUP")


def check_structural(columns: list[str], info: Info, version: str) -> Iterator[Breach]:
    """What breaks the rules of structural variants, tandem repeats and gVCF blocks."""
    alts = columns[4].split(",")
    keys = columns[8].split(":") if len(columns) > 8 else []
    if columns[4] in GVCF_ALTS and "END" not in info and "LEN" not in keys:
        yield Breach("BLOCK_WITHOUT_END", "INFO/END", f"a block of {columns[4]} has no END")
    svtype = info.get("SVTYPE")
    if svtype and svtype != "." and svtype.partition(":")[0] not in TYPES:
        yield Breach("SVTYPE_VALUE", "INFO/SVTYPE", f"{svtype[:40]!r} is none of {', '.join(TYPES)}")
    yield from _check_intervals(info, version)
    if version >= "4.4":
        yield from _check_lengths(alts, info)
        yield from _check_claims(alts, info)
        if "<CNV:TR>" in alts:
            yield from _check_repeats(alts, info)


def _values(info: Info, key: str) -> list[str]:
    """The values of a key; none where it is absent or missing as a whole."""
    text = info.get(key)
    return text.split(",") if text and text != "." else []


def _kind(alt: str) -> str:
    """The first level of a symbolic structural allele, else empty."""
    kind = alt[1:-1].partition(":")[0] if alt.startswith("<") else ""
    return kind if kind in TYPES else ""


def _check_intervals(info: Info, version: str) -> Iterator[Breach]:
    for key in ("CIPOS", "CIEND", "CILEN", "CICN"):
        values = _values(info, key)
        if values and key != "CICN" and "IMPRECISE" not in info and _is_wide(values):
            yield Breach(
                "INTERVAL_PRECISE", f"INFO/{key}", f"{key}={','.join(values)[:40]} on a record without IMPRECISE"
            )
        if version >= "4.4" and (around := not_around_zero(values)):
            yield Breach("INTERVAL_VALUE", f"INFO/{key}", f"{key}: {around} does not surround 0")


def _is_wide(values: list[str]) -> bool:
    return any(v not in ("0", ".", "-0") for v in values)


def not_around_zero(values: list[str]) -> str | None:
    """The first pair that lies wholly above or below 0; a header may call text what is read here as numbers."""
    for low, high in zip(values[::2], values[1::2], strict=False):
        if _number(low) > 0 or _number(high) < 0:
            return f"{low},{high}"
    return None


def _number(text: str) -> float:
    """0 for what is no number, or no finite one."""
    try:
        number = float(text)
    except ValueError:
        return 0.0
    return number if isfinite(number) else 0.0


def _check_lengths(alts: list[str], info: Info) -> Iterator[Breach]:
    lengths = _values(info, "SVLEN") or ["."] * len(alts)
    if len(lengths) != len(alts):
        return
    for alt, length in zip(alts, lengths, strict=True):
        if _kind(alt) and length == "." and _kind(alt) != "BND" and not _may_lack_length(alts, info):
            yield Breach("SVLEN_MISSING", "INFO/SVLEN", f"{alt} has no SVLEN")
            return
        if length.startswith("-"):
            yield Breach("SVLEN_VALUE", "INFO/SVLEN", f"SVLEN={length} of {alt[:30]} is negative")
            return


def _may_lack_length(alts: list[str], info: Info) -> bool:
    """An inversion states its end instead, or nothing where it is one of a pair of breakpoints."""
    return alts == ["<INV>"] and "SVLEN" in info


def _check_claims(alts: list[str], info: Info) -> Iterator[Breach]:
    claims = _values(info, "SVCLAIM") or ["."] * len(alts)
    wrong = next((c for c in claims if c not in ("D", "J", "DJ", ".")), None)
    if wrong is not None:
        yield Breach("SVCLAIM_VALUE", "INFO/SVCLAIM", f"SVCLAIM {wrong[:20]!r} is none of D, J, DJ")
        return
    if len(claims) != len(alts):
        return
    pairs = list(zip(alts, claims, strict=True))
    if lacking := next((a for a, c in pairs if c == "." and _kind(a) in NEEDS_CLAIM), None):
        yield Breach("SVCLAIM_MISSING", "INFO/SVCLAIM", f"{lacking} has no SVCLAIM", eased=_kind(lacking) == "DUP")
    elif odd := next(((a, c) for a, c in pairs if c != "." and c not in CLAIMS.get(_kind(a), c)), None):
        yield Breach("SVCLAIM_VALUE", "INFO/SVCLAIM", f"{odd[0][:40]} cannot rest on {odd[1]}", eased=True)


def _check_repeats(alts: list[str], info: Info) -> Iterator[Breach]:
    counts = _values(info, "RN")
    if len(counts) not in (0, len(alts)):
        return
    repeats = sum(int(_number(c)) for c in counts) if counts else alts.count("<CNV:TR>")
    wanted = {"RUS": repeats, "RUL": repeats, "RUC": repeats, "RB": repeats}
    wanted |= dict.fromkeys(("CIRUC", "CIRB"), 2 * repeats)
    for key, number in wanted.items():
        if (values := _values(info, key)) and len(values) != number:
            has = count_of(len(values), "value")
            yield Breach("REPEAT_COUNTS", f"INFO/{key}", f"{key} has {has}, the alleles ask for {number}")
            return
    yield from _check_repeat_units(info, repeats)
    yield from _check_repeat_intervals(info)


def _check_repeat_units(info: Info, repeats: int) -> Iterator[Breach]:
    units, lengths, copies = _values(info, "RUS"), _values(info, "RUL"), _values(info, "RUC")
    if repeats and not units and not lengths:
        yield Breach("REPEAT_VALUE", "INFO/RUS", "a tandem repeat has neither RUS nor RUL")
    for unit, length in zip(units, lengths, strict=False):
        if "." not in (unit, length) and len(unit) != int(_number(length)):
            yield Breach("REPEAT_VALUE", "INFO/RUL", f"RUL={length} is not the length of RUS {unit[:30]}")
            return
    if wrong := next((u for u in units if not re.fullmatch(r"[ACGTUNRYSWKMBDHVacgtunryswkmbdhv]+|\.", u)), None):
        yield Breach("REPEAT_VALUE", "INFO/RUS", f"{wrong[:30]!r} is no repeat unit")
    if bases := _values(info, "RUB"):
        whole = [int(float(c)) if re.fullmatch(r"[0-9]{1,9}(\.0+)?", c) else -1 for c in copies]
        if not whole or -1 in whole:
            yield Breach("REPEAT_COUNTS", "INFO/RUB", "RUB stands without whole numbers in RUC")
        elif sum(whole) != len(bases):
            yield Breach(
                "REPEAT_COUNTS", "INFO/RUB", f"RUB has {count_of(len(bases), 'value')}, RUC asks for {sum(whole)}"
            )


def _check_repeat_intervals(info: Info) -> Iterator[Breach]:
    for key, of in (("CIRUC", "RUC"), ("CIRB", "RB")):
        values, around = _values(info, key), _values(info, of)
        if not values:
            continue
        if wrong := not_around_zero(values):
            yield Breach("REPEAT_VALUE", f"INFO/{key}", f"{key}: {wrong} does not surround 0")
            return
        for i, pair in enumerate(zip(values[::2], values[1::2], strict=False)):
            if set(pair) != {"."} and around[i : i + 1] in ([], ["."]):
                yield Breach("REPEAT_VALUE", f"INFO/{key}", f"{key} {','.join(pair)} stands without its {of}")
                return

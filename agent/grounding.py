"""Whether every number in a text stands in the results of the tools."""

import json
import re
from collections.abc import Iterable
from typing import Any

_TOKEN = re.compile(r"[\w.:>/*-]*\d[\w.,:>/*%-]*")
_NUMBER = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?%?|[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?%?", re.IGNORECASE)


def ungrounded(text: str, sources: Iterable[Any]) -> list[str]:
    """Numbers, and names with digits in them, that `text` holds and no source does.

    A number is grounded when some number of the sources, rounded to as many decimals, is the same; a percentage
    also when the fraction is there.
    """
    known = " ".join(s if isinstance(s, str) else json.dumps(s, ensure_ascii=False) for s in sources)
    numbers = {_value(n) for n in _NUMBER.findall(known)}
    return list(dict.fromkeys(t for t in _tokens(text) if not _is_known(t, known, numbers)))


def _tokens(text: str) -> list[str]:
    return [t.strip(".,:;-/*>") for t in _TOKEN.findall(text)]


def _is_known(token: str, known: str, numbers: set[float]) -> bool:
    if not _NUMBER.fullmatch(token):
        return re.search(rf"(?<!\w){re.escape(token)}(?!\w)", known, re.IGNORECASE) is not None or all(
            _is_known(part, known, numbers) for part in _parts(token)
        )
    value, decimals = _value(token), len(token.rstrip("%").partition(".")[2])
    if token.endswith("%"):
        return any(round(n * 100, decimals) == value or round(n, decimals) == value for n in numbers)
    return any(round(n, decimals) == value for n in numbers)


def _parts(token: str) -> list[str]:
    """A range or list of numbers in parts; nothing of it can be told where it is one name."""
    parts = [p for p in re.split(r"[-/:>]", token) if p]
    return parts if len(parts) > 1 and all(_NUMBER.fullmatch(p) for p in parts) else ["\0"]


def _value(text: str) -> float:
    return float(text.replace(",", "").rstrip("%"))

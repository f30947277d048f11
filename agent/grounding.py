"""Whether every number in a text stands in the results of the tools."""

import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

_TOKEN = re.compile(r"[^\W_]*\d[^\s;!?()\[\]{}\"'“”`*_|=]*")
_NUMBER = re.compile(r"-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[-+]?\d+)?%?", re.IGNORECASE)
_OWN_WORDS = ("text", "reading")
"""Keys of a result under which a tool writes sentences; other texts are a file's, and ground no number."""

_LONGEST = 100


def ungrounded(text: str, sources: Iterable[Any]) -> list[str]:
    """Numbers, and names with digits in them, that `text` holds and no source does.

    A number is grounded when a number of the sources, rounded to as many decimals, is the same; a percentage also
    when the fraction is there. A name is grounded when a source has it as a whole word.
    """
    numbers: set[float] = set()
    words: set[str] = set()
    for source in sources:
        _collect(source, "", numbers, words)
    known = " ".join(words).lower()
    tokens = (t.rstrip(".,:;-/>") for t in _TOKEN.findall(text))
    return list(dict.fromkeys(t for t in tokens if t and not _is_known(t, numbers, known)))


def _collect(source: Any, key: str, numbers: set[float], words: set[str]) -> None:
    """The numbers of a source, and its texts."""
    if isinstance(source, dict):
        for name, value in source.items():
            words.add(str(name))
            _collect(value, str(name) if key in ("", *_OWN_WORDS) else key, numbers, words)
    elif isinstance(source, list | tuple):
        for value in source:
            _collect(value, key, numbers, words)
    elif isinstance(source, str):
        words.add(source)
        if key in _OWN_WORDS:
            numbers.update(_numbers_in(source))
    elif isinstance(source, int | float) and not isinstance(source, bool) and math.isfinite(source):
        numbers.add(float(source))


def _numbers_in(text: str) -> Iterator[float]:
    """The numbers of a sentence, and those of its coordinates; digits inside names are none."""
    for token in _TOKEN.findall(text):
        for part in re.split(r"[-/:>]", token.rstrip(".,:;")):
            if _NUMBER.fullmatch(part):
                yield _value(part)


def _is_known(token: str, numbers: set[float], known: str) -> bool:
    if len(token) > _LONGEST:
        return False
    if _NUMBER.fullmatch(token) and token.isascii():
        return _is_number_of(token, numbers)
    if _is_word_of(token, known) or _is_word_of(token.replace(",", ""), known):
        return True
    parts = [p for p in re.split(r"[-/]", token) if p]
    return len(parts) > 1 and all(p.isascii() and _NUMBER.fullmatch(p) and _is_number_of(p, numbers) for p in parts)


def _is_word_of(token: str, known: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(token.lower())}(?!\w)", known) is not None


def _is_number_of(token: str, numbers: set[float]) -> bool:
    value, decimals = _value(token), len(re.split(r"e", token.rstrip("%"), flags=re.IGNORECASE)[0].partition(".")[2])
    if "e" in token.lower():
        return any(math.isclose(n, value, rel_tol=1e-9) for n in numbers)
    if token.endswith("%"):
        return any(_rounds_to(n * 100, value, decimals) for n in numbers)
    whole = decimals == 0  # a small fraction is no 0 and no 1
    return any(_rounds_to(n, value, decimals) for n in numbers if not whole or n == int(n) or abs(n) >= 10)


def _rounds_to(number: float, value: float, decimals: int) -> bool:
    """Whether `value` is `number` with so many decimals."""
    return float(f"{number:.{decimals}f}") == value


def _value(text: str) -> float:
    return float(text.replace(",", "").rstrip("%"))

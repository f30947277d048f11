"""Which rule is meant: by its code, by words, or by another program's error message."""

import re
from functools import cache

from ...memory.errors import ToolError
from ..text import one_line
from .rules import Rule, rules

_QUOTES = re.compile(r"[\"'`“”‘’]")
_ANY_WORDS = r"(?!\w).{0,80}?(?<!\w)"
_INDEXING = re.compile(r"\b(?:index\w*|tabix|tbi|csi)\b")


GROUPS = {
    "file": "The file and its compression",
    "header": "The header",
    "site": "CHROM to FILTER",
    "info": "INFO",
    "genotype": "FORMAT and the samples",
    "across": "From record to record",
    "reference": "Against a reference",
}
"""The groups of the rules, as headings."""


def severity_in_words(rule: Rule) -> str:
    """`error; a warning in VCF 4.1 and 4.2`."""
    eased = f"; a warning in VCF {' and '.join(rule.eased)}" if rule.eased else ""
    return f"{rule.severity}{eased}"


def section_in_words(rule: Rule) -> str:
    """`VCF 4.5, section 1.6.1 POS`; what is of another text says so itself."""
    return f"VCF 4.5, section {rule.section}" if rule.section[0].isdigit() else rule.section


def short_version(stated: str | None) -> str:
    """`4.2` of `VCFv4.2`; what a header states can be anything."""
    return one_line((stated or "").removeprefix("VCFv"), 40)


def rule_named(code: str) -> Rule:
    """The rule of a code in any case. Raises `ToolError` with the codes most like one that is not there."""
    if rule := rules().get(code.strip().upper()):
        return rule
    from ..dataset import nearest

    raise ToolError(f"There is no rule {code!r}", nearest(code.upper(), list(rules()), "The first rules are"))


def rules_meant(what: str) -> list[Rule]:
    """The rules that words or an error message speak of, in the table's order; none where nothing is recognised.

    A code is that rule. Of two phrases of which one holds the other, the longer counts: `info … is not defined`
    means INFO alone, `is not defined` every kind of tag. Words on indexing alone mean each rule that indexing needs.
    """
    text = _flat(what)
    named = [rule for rule in rules().values() if re.search(rf"(?<!\w){rule.code.lower()}(?!\w)", text)]
    return named or _said(text) or ([r for r in rules().values() if r.indexing] if speaks_of_indexing(what) else [])


def speaks_of_indexing(what: str) -> bool:
    """Whether the words are about an index."""
    return _INDEXING.search(_flat(what)) is not None


def _said(text: str) -> list[Rule]:
    spans = {(rule.code, *found.span()) for pattern, rule in _phrases() for found in pattern.finditer(text)}
    codes = {c for c, start, end in spans if not any(_inside(start, end, s, e) for _, s, e in spans)}
    return [rule for rule in rules().values() if rule.code in codes]


def _inside(start: int, end: int, other_start: int, other_end: int) -> bool:
    return other_start <= start and end <= other_end and end - start < other_end - other_start


@cache
def _phrases() -> list[tuple[re.Pattern[str], Rule]]:
    return [(_pattern(phrase), rule) for rule in rules().values() for phrase in rule.says]


def _pattern(phrase: str) -> re.Pattern[str]:
    parts = [re.escape(part.strip()) for part in phrase.split("…")]
    return re.compile(rf"(?<!\w){_ANY_WORDS.join(parts)}")


def _flat(text: str) -> str:
    """Lower case, without quotes, on one line; long text is no message."""
    return " ".join(_QUOTES.sub("", text[:2000]).lower().split())

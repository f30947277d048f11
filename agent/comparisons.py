"""Comparisons with numbers in a question: frequencies, QUAL, depth, genotype quality, INFO fields."""

import re
from dataclasses import dataclass
from typing import Any

from ..memory.errors import ToolError
from ..tools.dataset import OpenDataset
from .phrases import Conditions, words
from .samples import ANYONE, EVERYONE, NAMES, who

NUMBER = r"(?P<number>(?:[1-9]\d{0,2}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e-?\d+)?|\.\d+)\s*(?P<percent>%|percent\b|per cent\b)?(?![\d,.]*\d)(?!\.\.)"
UPPER = NUMBER.replace("<number>", "<upper>").replace("<percent>", "<percent2>")
UP = ("more", "higher", "above", "greater", "over")
MORE = r"(?: or (?P<more>more|higher|above|greater|over|less|lower|below|fewer|under))?"
RARE = 0.01


@dataclass(frozen=True)
class Comparison:
    """A comparison as it was said: of what, with which number, and in which words."""

    what: str
    op: str
    value: float
    percent: bool
    said: str


def comparison() -> str:
    """A pattern for a comparison with a number, as in `above 30` or `of at least 0.5 %`."""
    either = "|".join(f"(?:{p})" for p in words()["comparisons"])
    return rf"(?P<compare>{either})\s*(?:of )?{NUMBER}"


def operator(phrase: str) -> str:
    known: dict[str, str] = words()["comparisons"]
    return next(op for pattern, op in known.items() if re.fullmatch(pattern, phrase.strip()))


def compare(c: Conditions, what: str) -> list[Comparison]:
    """Take a comparison of a thing; two for a range. One that contradicts itself is asked back."""
    is_ = r"(?: (?:score|value)s?)?(?: that)? ?(?:is |are |of |was )*"
    if found := c.text.take(rf"(?P<what>{what}){is_}(?:between|from) {NUMBER} (?:and|to) {UPPER}"):
        return _range(c, found)
    if found := c.text.take(
        rf"(?P<what>{what}){is_}{NUMBER} or (?P<way>{'|'.join((*UP, 'less|lower|below|fewer|under'))})"
    ):
        return [_said(found, ">=" if found["way"] in UP else "<=")]
    found = c.text.take(rf"(?P<what>{what}){is_}{comparison()}{MORE}") or c.text.take(
        rf"{comparison()}x? (?P<what>{what})"
    )
    return [_said(found, _with_more(c, found))] if found else []


def _with_more(c: Conditions, found: re.Match[str]) -> str:
    op, more = operator(found["compare"]), found.groupdict().get("more")
    if not more:
        return op
    wide = ">=" if more in UP else "<="
    if op not in ("=", wide):
        c.ask(f"What does “{found[0].strip()}” mean?")
    return wide


def _said(found: re.Match[str], op: str) -> Comparison:
    value = float(found["number"].replace(",", ""))
    percent = bool(found["percent"])
    return Comparison(found["what"].strip(), op, value / 100 if percent else value, percent, found[0].strip())


def _range(c: Conditions, found: re.Match[str]) -> list[Comparison]:
    low, high, percent = _said(found, ">="), float(found["upper"].replace(",", "")), bool(found["percent2"])
    high = high / 100 if percent else high
    if high < low.value or percent != low.percent:
        c.ask(f"Which range does “{low.said}” mean?")
    return [low, Comparison(low.what, "<=", high, percent, low.said)]


def plain_number(c: Conditions, found: Comparison) -> float:
    """The number of a comparison of what has no percentages."""
    if found.percent:
        c.ask(f"“{found.said}” has a percentage where none can be. Which number is meant?")
    return found.value


def fraction(c: Conditions, found: Comparison) -> float:
    """The number of a comparison of frequencies, which lie between 0 and 1."""
    if found.value > 1:
        said = f"{found.what} {found.op} {found.value:g}%"
        c.ask(f"“{found.said}”: a frequency is at most 1. Is {found.value:g} % meant?", [said], found.said)
    return found.value


def condition(name: str, op: str, value: float, absent: str = "drop") -> dict[str, Any]:
    return {"field": name, "op": op, "value": value, "absent": absent}


# Frequencies.

POPULATION = (
    r"(?:with )?(?:a |an )?(?:gnomad|population|exac|1000 ?g(?:enomes)?)"
    r"(?:[_ -](?:allele ?|population ?)?(?:frequency|freq|af|maf))?"
)
OWN = r"(?:with )?(?:a |an )?(?:cohort|sample|in-cohort|internal)[_ -](?:allele ?)?(?:frequency|freq|af|maf)"
ANY_FREQUENCY = r"(?:with )?(?:an? )?(?:minor allele frequency|allele frequency|allele freq|af|maf|frequency)"
_WITHOUT = r"(?:without|with no|absent from|missing|not in)(?: an?| any)? ?(?:gnomad|frequency|value|it)?(?: value| frequency)?"
_THOSE = r"(?:those|the ones|variants|records|sites)? ?"


def frequencies(c: Conditions) -> None:
    absent = _absent_choice(c)
    before = len(c.found.get("where", []))
    populations = c.data.frequency_fields()
    _rare(c, absent)
    for found in compare(c, POPULATION):
        c.add("where", condition(_population(c, populations), found.op, fraction(c, found), absent or "drop"))
    for found in compare(c, OWN):
        c.add("where", condition("cohort_AF", found.op, fraction(c, found)))
    for found in compare(c, r"(?:with )?info/af"):
        c.add("where", condition("INFO/AF", found.op, fraction(c, found), absent or "drop"))
    for found in compare(c, ANY_FREQUENCY):
        c.add("where", condition(_meant(c, populations, found), found.op, fraction(c, found), absent or "drop"))
    if absent and len(c.found.get("where", [])) == before:
        c.ask("Which frequency, and which limit, is meant?")


def _absent_choice(c: Conditions) -> str | None:
    keep = (
        rf",? ?(?:and |or )?(?:including|keeping|counting) {_THOSE}{_WITHOUT}"
        r"|,? ?or (?:that are )?absent(?: from| in)?(?: gnomad)?|,? ?or (?:missing|not in gnomad)"
    )
    drop = rf",? ?(?:and )?(?:excluding|dropping|without counting|leaving out|not counting) {_THOSE}{_WITHOUT}"
    if c.text.take(keep):
        return "keep"
    return "drop" if c.text.take(drop) else None


def _rare(c: Conditions, absent: str | None) -> None:
    if c.text.take(r"rare"):
        name = _population(c, c.data.frequency_fields())
        c.add("where", condition(name, "<", RARE, absent or "keep"))
        c.reading.append(f"'rare' is {name} below {RARE:g}" + ("" if absent == "drop" else ", or not given there"))
    if c.text.take(r"common"):
        c.ask("From which frequency on is a variant common, and in which population?",
              ["with gnomAD AF above 5%", "with cohort AF above 5%"], "common")  # fmt: skip


_MAIN = re.compile(r"(^|/)(gnomad[eg]?_?(ge|ex)?(nomes?|xomes?)?_?af|af_?gnomad\w?|exac_af|max_af)$", re.IGNORECASE)


def _population(c: Conditions, populations: dict[str, str]) -> str:
    if not populations:
        raise ToolError(f"{c.data.name} has no population frequency such as gnomAD_AF",
                        "Annotate it, or ask for the cohort's own frequency (cohort AF)")  # fmt: skip
    names = [n for n in populations if _MAIN.search(n)] or list(populations)
    if len(names) > 1:
        c.ask("Which population frequency is meant?", [n.removeprefix("INFO/") for n in names[:6]])
    return names[0]


def _meant(c: Conditions, populations: dict[str, str], found: Comparison) -> str:
    choices = {"cohort AF": "cohort_AF"} if c.data.samples else {}
    choices |= {"INFO/AF": "INFO/AF"} if "AF" in c.data.info else {}
    choices |= {"gnomAD AF": ""} if populations else {}
    if not choices:
        raise ToolError(f"{c.data.name} has no allele frequency: no samples, no INFO/AF and no population frequency")
    if len(choices) > 1:
        question = (
            "Which frequency is meant: that of the samples in this file, the caller's INFO/AF, or that of a population?"
        )
        c.ask(question, [f"{choice} {found.op} {found.value:g}" for choice in choices], found.said)
    return next(iter(choices.values())) or _population(c, populations)


# Quality and depth.

DEPTH = r"(?:with )?(?:an? )?(?:read )?(?:depth|dp|coverage)"
TOTAL = (
    r"(?:with )?(?:an? )?(?:(?:total|site|overall|combined|summed)[- ](?:read )?(?:depth|dp|coverage)|info/dp"
    r"|total depth \(info/dp\))"
)
SAMPLE_FIELDS = {
    "DP": rf"(?:with )?(?:an? )?(?:format/dp|fmt/dp|(?:sample|genotype|per-sample) (?:depth|dp))|{DEPTH}",
    "GQ": r"(?:with )?(?:an? )?(?:format/gq|fmt/gq|gq|genotype quality)",
}


def quality(c: Conditions) -> None:
    for found in compare(c, r"(?:with )?(?:a |an )?(?:qual|(?:variant |call |phred )?quality)"):
        c.add("where", {"field": "QUAL", "op": found.op, "value": plain_number(c, found)})
        if found.what.split()[-1] != "qual":
            c.reading.append("'quality' is the QUAL column")
    if low := c.text.take(r"(?:low|poor|bad|high|good)[- ]quality"):
        c.ask("What is meant by quality: the FILTER column, or a limit on QUAL?",
              ["not passing", "QUAL below 30", "QUAL above 30"], low[0])  # fmt: skip


def depth(c: Conditions) -> None:
    for found in compare(c, TOTAL):
        c.add("where", {"field": "INFO/DP", "op": found.op, "value": plain_number(c, found)})
    said = [(n, f) for n, pattern in SAMPLE_FIELDS.items() for f in compare(c, pattern)]
    if not said:
        return
    where = [{"field": n, "op": f.op, "value": plain_number(c, f)} for n, f in said]
    if len(said) > 1 and len(re.findall(rf"{NAMES}|{EVERYONE}|{ANYONE}|\d+ (?:or more )?samples", c.text.rest)) > 1:
        c.ask("Which sample does each condition belong to? Ask for one at a time.")
    samples = who(c, r"(?:in |for |of |where |across )?", r"(?: have| has)?(?: (?:that|this|it))?") or _understood(c)
    if samples:
        c.add("genotypes", {"where": where, **samples})
    elif not c.data.samples and len(where) == 1 and where[0]["field"] == "DP":
        c.add("where", {**where[0], "field": "INFO/DP"})
    else:
        _ask_which_depth(c, where, said[0][1].said if len(said) == 1 else "")


def _understood(c: Conditions) -> dict[str, Any] | None:
    """Of the only sample there is, or of those whose genotype the same sentence asks for."""
    if len(c.data.samples) == 1:
        return {"how_many": "all", "samples": list(c.data.samples)}
    kinds = "|".join(words()["genotypes"])
    found = re.search(
        rf"(?:{kinds})\w* (?:calls? |genotypes? |variants? |sites? |in |of |for )*(?P<who>{NAMES})", c.text.rest)  # fmt: skip
    return {"how_many": "all", "samples": c.text.listed(found["who"])} if found else None


def _ask_which_depth(c: Conditions, where: list[dict[str, Any]], phrase: str) -> None:
    said = " and ".join(f"{w['field']} {w['op']} {w['value']:g}" for w in where)
    choices = [f"{said} in every sample", f"{said} in at least one sample"]
    if len(where) == 1 and where[0]["field"] == "DP" and "DP" in c.data.info:
        choices.append(f"total depth {where[0]['op']} {where[0]['value']:g}")
    c.ask("Depth and genotype quality belong to each sample: in which samples must they hold?", choices, phrase)


# INFO fields by name.


def info_fields(c: Conditions) -> None:
    while values := compare(c, r"(?:with )?(?:an? )?§f\d+"):
        for found in values:
            name = c.text.listed(found.what)[0].removeprefix("INFO/")
            c.add("where", condition(f"INFO/{name}", found.op, plain_number(c, found)))
    value = r"(?:with |where |whose )?(?P<name>§f\d+)(?: is| ?=| equals| equal to| of)? ?(?P<value>§q\d+|[\w/.|-]+)"
    if text := c.text.take(value, lambda m: _value_meant(c, m) is not None):
        name = c.text.listed(text["name"])[0].removeprefix("INFO/")
        c.add("where", {"field": f"INFO/{name}", "op": "=", "value": _value_meant(c, text)})


def _value_meant(c: Conditions, found: re.Match[str]) -> str | None:
    """A text value as the file writes it, since the question was read in lower case; null where it is none of them."""
    column = c.data.info_column(c.text.listed(found["name"])[0].removeprefix("INFO/"))
    if column.type in ("Integer", "Float", "Flag"):
        return None
    value = c.text.names.get(found["value"], found["value"]).lower()
    return next((p for p in values_of(c.data, column.column) if p.lower() == value), None)


def values_of(data: OpenDataset, column: str) -> list[str]:
    """The distinct values of a text field, those that a comma joins parted."""
    import pyarrow.compute as pc

    known = pc.unique(data.table.columns([column])[column].combine_chunks()).to_pylist()
    return list(dict.fromkeys(part for text in known if text for part in str(text).split(",")))

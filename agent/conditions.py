"""The parts of a question that narrow down variants, each taken from the text into filter arguments."""

import re
from dataclasses import dataclass, field
from typing import Any

from ..memory.errors import ToolError
from ..tools.clauses import significance_column
from ..tools.dataset import OpenDataset
from .phrases import Text, words

NAMES = r"§s\d+(?:(?:,? (?:and|or|&|nor) |, ?)(?:in |not |from )?§s\d+)*"
EVERYONE = (
    r"(?:all|every)(?: (?:one )?of)?(?: the| these| six| \d+)? ?(?:samples?|individuals?|people|persons?|patients?|one)"
)
ANYONE = (
    r"(?:any|at least (?:one|1)|some|a single)(?: of the)? ?(?:samples?|individuals?|people|persons?|patients?|one)"
)
NOBODY = r"(?:no|none of the) ?(?:samples?|individuals?|people|persons?|patients?|one)"
NUMBER = r"(?P<number>\d+(?:,\d{3})*(?:\.\d+)?(?:e-?\d+)?|\.\d+)\s*(?P<percent>%|percent\b|per cent\b)?"


class Ambiguous(Exception):
    """The question has two readings; `choices` are the ways to say each of them."""

    def __init__(self, question: str, choices: list[str]) -> None:
        super().__init__(question)
        self.question, self.choices = question, choices


@dataclass
class Conditions:
    """Filter arguments found so far, remarks that belong into the reading, and what could be meant in two ways."""

    text: Text
    data: OpenDataset
    found: dict[str, Any] = field(default_factory=dict)
    reading: list[str] = field(default_factory=list)
    unclear: list[Ambiguous] = field(default_factory=list)

    def add(self, name: str, *values: Any) -> None:
        held = self.found.setdefault(name, [])
        held += [v for v in values if v not in held]


def read_conditions(text: Text, data: OpenDataset) -> Conditions:
    """Take every condition out of the text."""
    conditions = Conditions(text, data)
    for take in (_frequency, _quality, _depth, _info_field, _passing, _genotypes, _multiallelic, _significance, _impact,
                 _consequences, _types, _places, _alleles):  # fmt: skip
        take(conditions)
    return conditions


def comparison() -> str:
    """A pattern for a comparison with a number, as in `above 30` or `of at least 0.5 %`."""
    either = "|".join(f"(?:{p})" for p in words()["comparisons"])
    return rf"(?P<compare>{either})\s*(?:of )?{NUMBER}"


def operator(phrase: str) -> str:
    known: dict[str, str] = words()["comparisons"]
    return next(op for pattern, op in known.items() if re.fullmatch(pattern, phrase.strip()))


def number(found: re.Match[str]) -> float:
    value = float(found["number"].replace(",", ""))
    return value / 100 if found["percent"] else value


def _compare(text: Text, what: str) -> list[tuple[str, float, str]]:
    """Comparisons of a thing, as (operator, number, how the thing was called)."""
    after = rf"(?P<what>{what})(?: (?:score|value|scores|values))?(?: that)? ?(?:is |are |of |=|was )*{comparison()}(?P<more> or (?:more|higher|above|greater|less|lower|below|fewer))?"
    between = rf"(?P<what>{what})(?: is| are)? (?:between|from) {NUMBER} (?:and|to) (?P<upper>[\d.,]+)"
    bare = rf"(?P<what>{what})(?: of| is)? {NUMBER} or (?P<way>more|higher|above|greater|less|lower|below|fewer)"
    before = rf"{comparison()}x? (?P<what>{what})"
    if found := text.take(between):
        return [
            (">=", number(found), found["what"]),
            ("<=", float(found["upper"].replace(",", "")), found["what"]),
        ]
    if found := text.take(bare):
        op = ">=" if found["way"] in ("more", "higher", "above", "greater") else "<="
        return [(op, number(found), found["what"])]
    found = text.take(after) or text.take(before)
    return [(operator(found["compare"]), number(found), found["what"])] if found else []


def _frequency(c: Conditions) -> None:
    _rare(c)
    absent = _absent_choice(c)
    populations = c.data.frequency_fields()
    named = r"(?:with )?(?:a |an )?(?:gnomad|population|exac|1000 ?g(?:enomes)?)(?:[_ -](?:allele ?|population ?)?(?:frequency|freq|af|maf))?"
    for op, value, _ in _compare(c.text, named):
        c.add("where", _where(_population_field(c, populations), op, value, absent or "drop"))
    own = r"(?:cohort|sample|in-cohort|internal)[_ -](?:allele ?)?(?:frequency|freq|af|maf)"
    for op, value, _ in _compare(c.text, own):
        c.add("where", _where("cohort_AF", op, value))
    for op, value, _ in _compare(c.text, r"info/af"):
        c.add("where", _where("INFO/AF", op, value, absent or "drop"))
    for op, value, _ in _compare(
        c.text, r"(?:with )?(?:an? )?(?:allele frequency|allele freq|af|maf|minor allele frequency|frequency)"
    ):
        c.add("where", _where(_meant_frequency(c, populations, f"{op} {value:g}"), op, value, absent or "drop"))


def _where(name: str, op: str, value: float, absent: str = "drop") -> dict[str, Any]:
    return {"field": name, "op": op, "value": value, "absent": absent}


def _absent_choice(c: Conditions) -> str | None:
    keep = r"(?:,? ?(?:and |or )?(?:including|keeping|counting) (?:those|the ones|variants|records|sites)? ?(?:without|with no|absent from|missing|not in)(?: an?| any)? ?(?:gnomad|frequency|value|it)?(?: value| frequency)?|(?:,? ?or absent(?: from| in)?(?: gnomad)?)|,? ?or (?:missing|not in gnomad))"
    drop = r",? ?(?:and )?(?:excluding|dropping|without counting|leaving out|not counting) (?:those|the ones|variants|records|sites)? ?(?:without|with no|absent from|missing)(?: an?| any)? ?(?:gnomad|frequency|value|it)?(?: value| frequency)?"
    if c.text.take(keep):
        return "keep"
    return "drop" if c.text.take(drop) else None


def _population_field(c: Conditions, populations: dict[str, str]) -> str:
    if not populations:
        raise ToolError(
            f"{c.data.name} has no population frequency such as gnomAD_AF",
            "Annotate it, or ask for the cohort's own frequency (cohort AF)",
        )
    main = [
        n
        for n in populations
        if re.search(r"(^|/)(gnomad[eg]?_?(ge|ex)?(nomes?|xomes?)?_?af|af_?gnomad\w?|exac_af|max_af)$", n, re.I)
    ]
    if len(main or populations) == 1:
        return (main or list(populations))[0]
    choices = [f"INFO field {n}" if n.startswith("INFO/") else n for n in (main or list(populations))[:6]]
    c.unclear.append(Ambiguous("Which population frequency is meant?", choices))
    return (main or list(populations))[0]


def _meant_frequency(c: Conditions, populations: dict[str, str], rest: str) -> str:
    choices = ["cohort AF"] if c.data.samples else []
    choices += ["INFO/AF"] if "AF" in c.data.info else []
    choices += ["gnomAD AF"] if populations else []
    if not choices:
        raise ToolError(f"{c.data.name} has no allele frequency: no samples, no INFO/AF and no population frequency")
    if len(choices) == 1:
        return {"cohort AF": "cohort_AF", "INFO/AF": "INFO/AF"}.get(choices[0]) or _population_field(c, populations)
    c.unclear.append(
        Ambiguous(
            "Which frequency is meant: that of the samples in this file, the caller's INFO/AF, or that of a population?",
            [f"{choice} {rest}" for choice in choices],
        )
    )
    return "cohort_AF"


RARE = 0.01


def _rare(c: Conditions) -> None:
    if c.text.take(r"rare"):
        name = _population_field(c, c.data.frequency_fields())
        c.add("where", _where(name, "<", RARE, "keep"))
        c.reading.append(f"'rare' is {name} below {RARE:g}, or not given there")
    if c.text.take(r"common"):
        c.unclear.append(
            Ambiguous(
                "From which frequency on is a variant common, and in which population?",
                ["gnomAD AF above 5 %", "cohort AF above 5 %"],
            )
        )


def _quality(c: Conditions) -> None:
    for op, value, what in _compare(c.text, r"(?:with )?(?:a |an )?(?:qual|(?:variant |call |phred )?quality)"):
        c.add("where", {"field": "QUAL", "op": op, "value": value})
        if what.split()[-1] != "qual":
            c.reading.append("'quality' is the QUAL column")
    if c.text.take(r"(?:low|poor|bad|high|good)[- ]quality"):
        c.unclear.append(
            Ambiguous(
                "What is meant by quality: the FILTER column, or a limit on QUAL?",
                [
                    "variants that do not pass the filters",
                    "variants with QUAL below 30",
                    "variants with QUAL above 30",
                ],
            )
        )


DEPTH = r"(?:with )?(?:an? )?(?:read )?(?:depth|dp|coverage)"
TOTAL = r"(?:with )?(?:an? )?(?:(?:total|site|overall|combined|summed)[- ](?:read )?(?:depth|dp|coverage)|info/dp)"
SAMPLE_FIELDS = {"DP": rf"(?:with )?(?:an? )?(?:format/dp|fmt/dp|(?:sample|genotype|per-sample) (?:depth|dp))|{DEPTH}",
                 "GQ": r"(?:with )?(?:an? )?(?:format/gq|fmt/gq|gq|genotype quality)"}  # fmt: skip


def _depth(c: Conditions) -> None:
    for op, value, _ in _compare(c.text, TOTAL):
        c.add("where", {"field": "INFO/DP", "op": op, "value": value})
    where = []
    for name, pattern in SAMPLE_FIELDS.items():
        where += [{"field": name, "op": op, "value": value} for op, value, _ in _compare(c.text, pattern)]
    if not where:
        return
    samples = _who(c.text, r"(?:in |for |of |where |across )?", r"(?: have| has)?(?: (?:that|this|it))?")
    if samples is None and len(c.data.samples) == 1:
        samples = {"how_many": "all", "samples": list(c.data.samples)}
    if samples is None:
        samples = _pending_samples(c)
    if samples is None and not c.data.samples and len(where) == 1 and where[0]["field"] == "DP":
        c.add("where", {**where[0], "field": "INFO/DP"})
    elif samples is None:
        c.unclear.append(_unclear_depth(c, where))
    else:
        c.add("genotypes", {"where": where, **samples})


def _pending_samples(c: Conditions) -> dict[str, Any] | None:
    """Where a genotype is asked of named samples in the same sentence, depth is meant of the same ones."""
    het = "|".join(words()["genotypes"])
    found = re.search(
        rf"(?:{het})\w* (?:calls? |genotypes? |variants? |sites? |in |of |for )*(?P<who>{NAMES})", c.text.rest
    )
    return {"how_many": "all", "samples": c.text.listed(found["who"])} if found else None


def _unclear_depth(c: Conditions, where: list[dict[str, Any]]) -> Ambiguous:
    said = " and ".join(f"{w['field']} {w['op']} {w['value']:g}" for w in where)
    choices = [f"{said} in every sample", f"{said} in at least one sample"]
    if len(where) == 1 and where[0]["field"] == "DP" and "DP" in c.data.info:
        choices.append(f"total depth (INFO/DP) {where[0]['op']} {where[0]['value']:g}")
    return Ambiguous("Depth and genotype quality belong to each sample: in which samples must they hold?", choices)


def _who(text: Text, before: str = "", after: str = "") -> dict[str, Any] | None:
    """Take a phrase that names samples; null where there is none."""
    if found := text.take(rf"{before}(?P<who>{EVERYONE}){after}"):
        return {"how_many": "all"}
    if found := text.take(rf"{before}(?P<who>{ANYONE}){after}"):
        return {"how_many": "any"}
    if found := text.take(
        rf"{before}(?P<way>at least|at most|exactly|more than|fewer than|only)? ?(?P<n>\d+) (?:or more )?(?:samples?|individuals?|people){after}"
    ):
        return _a_number_of(found)
    if found := text.take(rf"{before}(?:both )?(?P<who>{NAMES}){after}"):
        return _named(text, found["who"])
    return None


def _a_number_of(found: re.Match[str]) -> dict[str, Any]:
    n, way = int(found["n"]), found["way"] or ("at least" if "or more" in found[0] else "exactly")
    n += {"more than": 1, "fewer than": -1}.get(way, 0)
    kind = {"more than": "at_least", "fewer than": "at_most", "only": "exactly"}.get(way, way.replace(" ", "_"))
    return {"how_many": kind, "n": n}


def _named(text: Text, who: str) -> dict[str, Any]:
    names = text.listed(who)
    either = re.search(r"\bor\b", who) and len(names) > 1
    return {"how_many": "any" if either else "all", "samples": names}


def _info_field(c: Conditions) -> None:
    while values := _compare(c.text, r"(?:with )?(?:an? )?§f\d+"):
        for op, value, what in values:
            name = c.text.listed(what)[0].removeprefix("INFO/")
            c.add("where", _where(f"INFO/{name}", op, value))
    if found := c.text.take(
        r"(?:with |where |whose )?(?P<name>§f\d+)(?: is| ?=| equals| equal to| of)? ?(?P<value>§q\d+|[\w/.|-]+)",
        lambda m: _value_meant(c, m) is not None,
    ):
        name = c.text.listed(found["name"])[0].removeprefix("INFO/")
        c.add("where", {"field": f"INFO/{name}", "op": "=", "value": _value_meant(c, found)})


def _value_meant(c: Conditions, found: re.Match[str]) -> str | None:
    """A text value as the file writes it, since the question was read in lower case; null where it is none of them."""
    column = c.data.info_column(c.text.listed(found["name"])[0].removeprefix("INFO/"))
    if column.type in ("Integer", "Float", "Flag"):
        return None
    value = c.text.names.get(found["value"], found["value"]).lower()
    return next((p for p in _values_of(c.data, column.column) if p.lower() == value), None)


def _values_of(data: OpenDataset, column: str) -> list[str]:
    """The distinct values of a text field, those that a comma joins parted."""
    import pyarrow.compute as pc

    known = pc.unique(data.table.columns([column])[column].combine_chunks()).to_pylist()
    return list(dict.fromkeys(part for text in known if text for part in str(text).split(",")))


def _passing(c: Conditions) -> None:
    fails = (
        r"(?:(?:that |which )?(?:do|does|did) not|(?:that |which )?(?:don't|doesn't)|not|non)[- ](?:pass(?:es|ing|ed)?)(?: (?:all |any |the )*(?:quality )?filters?)?"
        r"|(?:that |which )?fail(?:s|ed|ing)? (?:the |any |some |all |at least one |a )*filters?|filtered out|(?:with )?filter (?:is )?not pass"
    )
    passes = (
        r"(?:that |which |with |have |has |and |having )*(?:filter ?(?:=|==|is|of|equals|column is|status)? ?)?pass(?:es|ing|ed)?(?:-only| only)?"
        r"(?: (?:all |the |every |of |their |quality |hard )*filters?)?(?: (?:status|calls|flag))?"
    )
    if c.text.take(fails):
        c.add("not_filters", "PASS")
    elif c.text.take(passes):
        c.add("filters", "PASS")
    wanted = r"(?:(?:with|that have|flagged|marked|labelled|labeled|tagged|failing|failed|in|as|by|the|a|filter|filters|filter value|filter status|set to|is|=|are) )*"
    if found := c.text.take(
        rf"(?:not|without|excluding|except|no) {wanted}(?P<v>§v\d+(?:(?:,| or| and|, or|, and) §v\d+)*)(?: filter)?"
    ):
        c.add("not_filters", *c.text.listed(found["v"]))
    if found := c.text.take(rf"{wanted}(?P<v>§v\d+(?:(?:,| or| and|, or|, and) §v\d+)*)(?: filter)?"):
        c.add("filters", *c.text.listed(found["v"]))


def _genotypes(c: Conditions) -> None:
    for take in (_private, _shared, _absent, _missing, _called_as, _carried, _in_samples):
        take(c)


def _genotype(c: Conditions, genotype: str, who: dict[str, Any]) -> None:
    c.add("genotypes", {"genotype": genotype, **who})


def _private(c: Conditions) -> None:
    found = (
        c.text.take(rf"(?:that are |are )?(?:private|unique|exclusive|specific) to (?P<who>{NAMES})")
        or c.text.take(
            rf"(?:carried |found |present |seen |that are )*only (?:carried |found |present |seen )*(?:in|by) (?P<who>{NAMES})(?: only| alone)?"
        )
        or c.text.take(
            rf"(?:found |present |carried |seen )?(?:in|by) (?P<who>{NAMES}) (?:and|but) (?:in )?(?:no|not in any|none of the)(?: of the)? ?(?:others?|other samples?|one else|else)"
        )
        or c.text.take(rf"(?:carried |found |present |seen |that are )*(?:in|by) (?P<who>{NAMES}) (?:only|alone)")
    )
    if found:
        names = c.text.listed(found["who"])
        _genotype(c, "carrier", {"samples": names})
        _genotype(c, "carrier", {"except_samples": names, "how_many": "none"})


def _shared(c: Conditions) -> None:
    if (
        found := c.text.take(
            rf"(?:that are |are )?(?:shared|in common) (?:by|between|among|with)(?: both| all)? (?P<who>{NAMES})"
        )
    ) or (found := c.text.take(rf"(?:that )?(?:do |does )?(?:both )?(?P<who>{NAMES}) share")):
        _genotype(c, "carrier", {"samples": c.text.listed(found["who"]), "how_many": "all"})


CARRIED = r"(?:that (?:are|is) |which are |are |is )?(?:carried|shared|present|found|seen|occurring|observed) (?:by|in|among|between)"


def _carried(c: Conditions) -> None:
    if c.text.take(rf"{CARRIED} {NOBODY}"):
        _genotype(c, "carrier", {"how_many": "none"})
    elif who := _who(c.text, rf"{CARRIED} "):
        _genotype(c, "carrier", who)
    if (
        found := c.text.take(
            rf"(?:that |which )?(?:do|does|did|is) (?P<who>{NAMES})(?: both| all)? (?:have|carry|carrying)"
        )
    ) or (
        found := c.text.take(rf"(?:that |which )?(?P<who>{NAMES}) (?:carries|carry|has|have)(?! a? ?(?:het|hom|miss))")
    ):
        _genotype(c, "carrier", _named(c.text, found["who"]))


def _in_samples(c: Conditions) -> None:
    """`variants in CHILD`, where nothing else is said of the genotype: an ALT allele."""
    if found := c.text.take(
        rf"(?:variants? |records? |sites? |calls? |mutations? )?(?:that are |are |is )?(?:in|from|of|for) (?:both )?(?P<who>{NAMES})"
    ):
        _genotype(c, "carrier", _named(c.text, found["who"]))
        c.reading.append("'in' a sample is: with an ALT allele in a complete genotype")


def _absent(c: Conditions) -> None:
    absent = r"(?:that are |are |is |and |but |which are )*(?:absent (?:in|from)|not (?:present |found |carried |seen )*(?:in|by)|reference in|(?:homozygous )?wild[- ]?type in|lacking in|missing from)"
    if c.text.take(rf"{absent} (?:all )?(?:the )?(?:others?|other samples?|rest|everyone else|remaining samples?)"):
        named = [n for g in c.found.get("genotypes", []) for n in g.get("samples", [])]
        named += [n for n in c.text.listed(c.text.rest) if n in c.data.samples]
        if not named:
            c.unclear.append(Ambiguous("Which samples are the others?", []))
        _genotype(c, "reference", {"except_samples": list(dict.fromkeys(named)), "how_many": "all"})
        c.reading.append("'absent' is a reference genotype in each of the others; missing genotypes are not absent")
    if found := c.text.take(rf"{absent} (?:both )?(?P<who>{NAMES})"):
        _genotype(c, "reference", {"samples": c.text.listed(found["who"]), "how_many": "all"})
        c.reading.append("'absent' is a reference genotype; a missing one is not absent")


def _missing(c: Conditions) -> None:
    what = (
        r"(?:with |have |has |that have |a |any )*(?:missing|no-?call(?:ed)?|uncalled)(?: (?:genotypes?|calls?|data))?"
    )
    if (
        c.text.take(r"without (?:any )?(?:missing|no-?call) ?(?:genotypes?|calls?|data)?")
        or c.text.take(r"(?:with )?no missing (?:genotypes?|calls?|data)|fully called|complete genotypes")
        or c.text.take(rf"{what} in {NOBODY}")
    ):
        _genotype(c, "missing", {"how_many": "none"})
    elif re.search(rf"(?<!\w){what}", c.text.rest) and (who := _who(c.text, rf"{what} (?:in|for|of) ")):
        _genotype(c, "missing", who)
    elif c.text.take(r"(?:with )?(?:any |at least one |a |some )(?:missing|no-?call) ?(?:genotypes?|calls?|data)"):
        _genotype(c, "missing", {"how_many": "any"})


def _called_as(c: Conditions) -> None:
    """`het in A and B`, `A is het`, `homozygous in at least two samples`."""
    for pattern, genotype in words()["genotypes"].items():
        noun = r"(?: (?:genotypes?|calls?|variants?|sites?|records?|snps?))?"
        before = (
            rf"(?:that are |are |which are |is |a )?(?:{pattern}){noun}(?: (?:is|are) (?:there|called))?"
            r" (?:in|for|of|by|carried by|does|do|did) "
        )
        if c.text.take(rf"{before}{NOBODY}"):
            _genotype(c, genotype, {"how_many": "none"})
            continue
        if c.text.take(rf"{before}each (?:sample|individual|person)"):
            c.unclear.append(
                Ambiguous(
                    "A count for each sample by itself, or the records in which all samples are so?",
                    [
                        f"number of {genotype.replace('_', ' ')} records per sample",
                        f"{genotype.replace('_', ' ')} in every sample",
                    ],
                )
            )
            continue
        if who := _who(c.text, before, r"(?: both| all)?(?: have| carry| has)?"):
            _genotype(c, genotype, who)
            continue
        found = c.text.take(
            rf"(?:where |in which |that )?(?:is |are |does |do )?(?P<who>{NAMES})(?: are| is| both| has| have)* (?:a )?(?:{pattern}){noun}(?: for| at)?"
        )
        if found:
            _genotype(c, genotype, _named(c.text, found["who"]))
        elif re.search(rf"(?<!\w)(?:{pattern})(?!\w)", c.text.rest):
            _unclear_genotype(c, pattern, genotype)


def _unclear_genotype(c: Conditions, pattern: str, genotype: str) -> None:
    c.data.need_genotypes()
    if len(c.data.samples) == 1:
        c.text.take(pattern)
        _genotype(c, genotype, {"samples": list(c.data.samples)})
        return
    noun = r"(?: (?:genotypes?|calls?|variants?|sites?|records?|snps?))?"
    c.text.take(rf"(?:{pattern}){noun}")
    word = genotype.replace("_", " ")
    c.unclear.append(
        Ambiguous(
            f"In which sample must it be {word}: in a named one, in any, or in all?",
            [f"{word} in {c.data.samples[0]}", f"{word} in at least one sample", f"{word} in every sample"],
        )
    )


def _multiallelic(c: Conditions) -> None:
    if c.text.take(r"(?:not|non)[- ]multi-?allelic|bi-?allelic"):
        c.found["multiallelic"] = False
    elif c.text.take(
        r"multi-?allelics?|tri-?allelic(?: or more)?|(?:with )?(?:more than one|several|multiple|two or more) alt(?:ernate|ernative)?(?: alleles?)?"
    ):
        c.found["multiallelic"] = True


def _significance(c: Conditions) -> None:
    source = r"(?: (?:in|by|according to|per) (?:the )?(?:clinvar|clnsig))?"
    for pattern, meanings in words()["significance"].items():
        if c.text.take(
            rf"(?:clinvar |clinically |classified as |annotated as |with (?:a )?(?:clinical )?significance |that are )*(?:{pattern}){source}"
        ):
            c.add("significance", *_values_meaning(c.data, meanings))
    if "significance" in c.found and not c.found["significance"]:
        c.found["significance"] = ["not in this file"]


def _values_meaning(data: OpenDataset, meanings: list[str]) -> list[str]:
    """The values of the file's significance field that say one of the meanings."""
    codes = words()["significance_codes"]
    return [v for v in _values_of(data, significance_column(data).column) if _means(v, meanings, codes)]


def _means(value: str, meanings: list[str], codes: dict[str, str]) -> bool:
    parts = {codes.get(p, p.lower().strip(" _")) for p in re.split(r"[/|]", value)}
    if any(p.startswith("conflicting") for p in parts):
        return "conflicting" in meanings
    return not parts.isdisjoint(meanings)


def _impact(c: Conditions) -> None:
    levels = r"(?P<a>high|moderate|low|modifier)(?:(?:,| or| and|, or|/) (?P<b>high|moderate|low|modifier))?"
    found = c.text.take(rf"(?:with |of |a )*{levels}[- ]impact(?: variants?)?") or c.text.take(
        rf"(?:with |whose )?(?:an? )?impact (?:is |of |= ?|equal to )*{levels}"
    )
    if found:
        c.add("impacts", *[i.upper() for i in (found["a"], found["b"]) if i])
    if c.text.take(r"damaging|deleterious|harmful|functional|important|interesting"):
        c.unclear.append(
            Ambiguous(
                "What counts as damaging?",
                [
                    "HIGH impact",
                    "HIGH or MODERATE impact",
                    "pathogenic or likely pathogenic in ClinVar",
                    "loss of function",
                ],
            )
        )


def _consequences(c: Conditions) -> None:
    for pattern, terms in words()["consequences"].items():
        if re.search(rf"(?<!\w)(?:not|non|no|without|excluding|except) (?:{pattern})", c.text.rest):
            continue
        if c.text.take(
            rf"(?:with (?:a |an )?(?:consequence )?|consequence (?:is |of |= ?)?)?(?:{pattern})(?: (?:variants?|mutations?|consequences?|changes?))?"
        ):
            c.add("consequences", *terms)
            if len(terms) > 1:
                c.reading.append(f"read as {', '.join(terms)}")


def _types(c: Conditions) -> None:
    for pattern, types in words()["types"].items():
        out = r"(?:excluding|except(?: for)?|without|not|no|non|other than|but not|apart from|leaving out|that are not|which are not)[ -](?:the |any |an? )*"
        if c.text.take(rf"{out}(?:{pattern})"):
            c.add("not_types", *types)
        elif c.text.take(pattern):
            c.add("types", *types)


def _places(c: Conditions) -> None:
    out = r"(?:excluding|except(?: for)?|outside(?: of)?|not on|not in|without|but not|other than)(?: (?:the|on|in|those|contig|chromosome))* "
    where = r"(?:(?:in|on|at|within|inside|of|for|between|from|the|region|regions|position|positions|interval|chromosome|contig|chr|overlapping|spanning|that overlap|reaching into|reach into|into|across|around here) )*"
    place = r"(?P<place>§[rc]\d+(?:(?:,| and| or|, and|, or) (?:on |in )?§[rc]\d+)*)"
    if found := c.text.take(rf"{out}{place}"):
        c.add("not_regions", *c.text.listed(found["place"]))
    if found := c.text.take(rf"(?:overlap(?:s|ping)?|reach(?:es)? into|fall in|lie in)? ?{where}{place}"):
        c.add("regions", *c.text.listed(found["place"]))
    gene = r"(?:(?:in|on|of|for|within|affecting|hitting|the|gene|genes) )*"
    if found := c.text.take(rf"{gene}(?P<gene>§g\d+(?:(?:,| and| or|, and|, or) (?:in )?§g\d+)*)(?: genes?)?"):
        c.add("genes", *c.text.listed(found["gene"]))
    if found := c.text.take(r"(?:in|of|within|affecting) (?:the )?gene (?P<gene>[\w.-]{2,20})"):
        c.add("genes", found["gene"].upper())
    if found := c.text.take(r"(?:with |the |id |ids |of |for )*(?P<id>§i\d+(?:(?:,| and| or) §i\d+)*)"):
        c.add("ids", *c.text.listed(found["id"]))


def _alleles(c: Conditions) -> None:
    if c.text.take(r"(?:alt |alternate |alternative |different )?alleles(?: \(not records\))?"):
        c.found["scope"] = "allele"

"""The parts of a question that narrow down variants, each taken from the text into filter arguments."""

import re

from ..tools.clauses import significance_column
from ..tools.dataset import OpenDataset
from .comparisons import depth, frequencies, info_fields, quality, values_of
from .phrases import Conditions, Text, words
from .samples import genotypes

_OUT = (
    r"(?:(?:that |which )?(?:are|is) not|(?:do|does) not (?:have|include)|excluding|except(?: for)?|without|other than"
    r"|but not|apart from|leaving out|not|non)"
)
_MORE_TO_COME = r"(?!,? ?(?:and|or|nor|&) )"
"""After something left out, `and ...` could be left out too or asked for; neither is assumed."""


def read_conditions(text: Text, data: OpenDataset) -> Conditions:
    """Take every condition out of the text; what has two readings is in `unclear`."""
    conditions = Conditions(text, data)
    for take in (
        frequencies, quality, depth, info_fields, _passing, _filter_values, genotypes, _multiallelic, _significance,
        _impact, _consequences, _types, _bed, _places, _genes_and_ids, _alleles,
    ):  # fmt: skip
        take(conditions)
    return conditions


def _passing(c: Conditions) -> None:
    filters = r"(?: (?:all |any |the |of |every |their |quality |hard )*filters?)?"
    fails = (
        rf"(?:(?:that |which )?(?:do|does|did) not|(?:that |which )?(?:don't|doesn't)|(?:that |which )?are not|not|non|!)[- ]?pass(?:es|ing|ed)?{filters}"
        r"|(?:that |which )?fail(?:s|ed|ing)?(?: the| any| some| all| at least one| a)* filters?|filtered out"
        r"|(?:with )?filter (?:is )?not pass"
    )
    passes = (
        r"(?:that |which |with |have |has |and |having )*(?:filter ?(?:=|==|is|of|equals|column is|status)? ?)?pass(?:es|ing|ed)?(?:-only| only)?"
        rf"{filters}(?: (?:status|calls|flag))?"
    )
    if re.search(r"\bpass\w* (?:the )?§v\d+", c.text.rest):
        c.ask("A record passes with FILTER = PASS; any other value is a filter that it failed. Which is meant?")
    if c.text.take(fails):
        c.add("not_filters", "PASS")
    elif c.text.take(passes):
        c.add("filters", "PASS")


def _filter_values(c: Conditions) -> None:
    wanted = (
        r"(?:(?:with|that have|flagged|marked|labelled|labeled|tagged|failing|failed|as|by|the|a|filter|filters|filter value"
        r"|filter status|set to|is|=|are) )*"
    )
    listed = r"(?P<v>§v\d+(?:(?:,| or|, or) §v\d+)*)(?: filters?)?"
    if found := c.text.take(rf"{_OUT} {wanted}{listed}{_MORE_TO_COME}"):
        c.add("not_filters", *c.text.listed(found["v"]))
    if found := c.text.take(rf"{wanted}{listed}", lambda m: not _is_negated(c, m)):
        if c.found.get("filters"):
            c.ask("PASS and another FILTER value exclude each other. Which is meant?")
        c.add("filters", *c.text.listed(found["v"]))


def _is_negated(c: Conditions, found: re.Match[str]) -> bool:
    """Whether a negation stands before a match, so that taking it would turn the question round."""
    return re.search(rf"(?:{_OUT}|\bno)[ -](?:the |any |an? |on |in )*$", c.text.rest[: found.start()]) is not None


def _multiallelic(c: Conditions) -> None:
    several = r"multi-?allelics?|(?:with )?(?:more than one|several|multiple|two or more) alt(?:ernate|ernative)?(?: alleles?)?"
    if c.text.take(r"(?:not|non)[- ]multi-?allelic|bi-?allelic"):
        c.found["multiallelic"] = False
    elif c.text.take(several, lambda m: not _is_negated(c, m)):
        c.found["multiallelic"] = True


def _significance(c: Conditions) -> None:
    said = r"(?:clinvar |clinically |classified as |annotated as |with (?:a )?(?:clinical )?significance |that are )*"
    source = r"(?: (?:in|by|according to|per) (?:the )?(?:clinvar|clnsig))?"
    for pattern, meanings in words()["significance"].items():
        if c.text.take(rf"{said}(?:{pattern}){source}", lambda m: not _is_negated(c, m)):
            c.add("significance", *values_meaning(c.data, meanings))
    if "significance" in c.found and not c.found["significance"]:
        c.found["significance"] = ["not in this file"]


def values_meaning(data: OpenDataset, meanings: list[str]) -> list[str]:
    """The values of the file's significance field that say one of the meanings."""
    codes = words()["significance_codes"]
    return [v for v in values_of(data, significance_column(data).column) if _means(v, meanings, codes)]


def _means(value: str, meanings: list[str], codes: dict[str, str]) -> bool:
    parts = {codes.get(p, p.lower().strip(" _")) for p in re.split(r"[/|]", value)}
    if any(p.startswith("conflicting") for p in parts):
        return "conflicting" in meanings
    return not parts.isdisjoint(meanings)


def _impact(c: Conditions) -> None:
    level = r"(?:high|moderate|low|modifier)"
    levels = rf"(?P<a>{level})(?:(?:,| or|, or|/) ?(?P<b>{level}))?"
    found = c.text.take(rf"(?:with |of |a )*{levels}[- ]impact(?: variants?)?", lambda m: not _is_negated(c, m))
    found = found or c.text.take(
        rf"(?:with |whose )?(?:an? )?impact (?:is |of |= ?|equal to )*{levels}", lambda m: not _is_negated(c, m)
    )
    if found:
        c.add("impacts", *[i.upper() for i in (found["a"], found["b"]) if i])
    if said := c.text.take(r"damaging|deleterious|harmful|functional|important|interesting"):
        choices = ["HIGH impact", "HIGH or MODERATE impact", "pathogenic or likely pathogenic", "loss of function"]
        c.ask("What counts as damaging?", choices, said[0])


def _consequences(c: Conditions) -> None:
    for pattern, terms in words()["consequences"].items():
        said = rf"(?:with (?:a |an )?(?:consequence )?|consequence (?:is |of |= ?)?)?(?:{pattern})(?: (?:variants?|mutations?|consequences?|changes?))?"
        if c.text.take(said, lambda m: not _is_negated(c, m)):
            c.add("consequences", *terms)
            if len(terms) > 1:
                c.reading.append(f"read as {', '.join(terms)}")


def _types(c: Conditions) -> None:
    known: dict[str, list[str]] = words()["types"]
    one = "(?:" + "|".join(known) + ")"
    listed = rf"{one}(?:(?:,? (?:and|or|nor) |, ?)(?:the |any )?{one})*"
    if found := c.text.take(rf"{_OUT}[ -](?:the |any |an? )*(?P<types>{listed}){_MORE_TO_COME}"):
        for said in re.findall(one, found["types"]):
            c.add("not_types", *next(t for p, t in known.items() if re.fullmatch(p, said)))
    for pattern, types in known.items():
        if c.text.take(pattern, lambda m: not _is_negated(c, m)):
            c.add("types", *types)


def _bed(c: Conditions) -> None:
    """Regions of the BED that came with the question, by the names that people give such files."""
    if c.data.bed is None:
        return
    named = re.escape(c.data.bed.lower())
    kind = r"(?:target(?:ed|s)?|capture|panel|baits?|exome|bed|black-?list(?:ed)?)"
    noun = rf"(?:{kind}(?: (?:bed|files?|regions?|intervals?|list|panel|kit|targets?))*|regions? (?:of|in|from) (?:the |my )?bed(?: file)?)"
    regions = rf"(?:(?:all|the|my|our|any|this|that|these|those|given|of) )*(?:{named}|{noun})"
    out = rf"(?:{_OUT}|outside(?: of)?|off|not)(?: (?:everything|anything|all|those|that|which|are|is|falls?|lies?|overlap\w*|in|inside|within|on|of|from))*"
    inside = r"(?:(?:that|which|do|fall(?:s|ing)?|lie|lies|lying|are|is|overlap\w*|in|inside|within|on|into|by|covered|contained) )*"
    if c.text.take(rf"{out} {regions}{_MORE_TO_COME}"):
        c.found["outside_bed"] = c.data.bed
    elif c.text.take(rf"{inside}{regions}", lambda m: not _is_negated(c, m)):
        c.found["inside_bed"] = c.data.bed


def _places(c: Conditions) -> None:
    listed = r"(?P<place>§[rc]\d+(?:(?:,| or| and|, and|, or) (?:on |in |at )?§[rc]\d+)*)"
    out = rf"(?:{_OUT}|outside(?: of)?|not on|not in)(?: (?:the|on|in|at|those|contig|chromosome))* "
    where = (
        r"(?:(?:in|on|at|within|inside|of|for|between(?= §r\d+(?!\d)(?!,? (?:and|or)))|the|region|regions|position|positions|interval|chromosome|contig|chr"
        r"|overlapping|overlaps?|spanning|that overlap|reaching into|reach(?:es)? into|into|across) )*"
    )
    if found := c.text.take(rf"{out}{listed}{_MORE_TO_COME}"):
        c.add("not_regions", *c.text.listed(found["place"]))
    if c.text.take(r"from §r\d+ on(?:wards?)?"):
        c.ask("Where does the region end? Write it like chr20:10000-14000.")
    if found := c.text.take(rf"{where}{listed}", lambda m: not _is_negated(c, m)):
        c.add("regions", *c.text.listed(found["place"]))


def _genes_and_ids(c: Conditions) -> None:
    gene = r"(?:(?:in|on|of|for|within|affecting|hitting|the|gene|genes) )*"
    listed = r"(?P<gene>§g\d+(?:(?:,| and| or|, and|, or) (?:in )?§g\d+)*)(?: genes?)?"
    if re.search(
        r"\b(?:out of|outside(?: of)?|near|around|upstream of|downstream of) (?:the )?(?:gene )?§g", c.text.rest
    ):
        return
    if found := c.text.take(rf"{gene}{listed}", lambda m: not _is_negated(c, m)):
        c.add("genes", *c.text.listed(found["gene"]))
    if found := c.text.take(
        r"(?:in|of|within|affecting) (?:the )?gene (?P<gene>[\w.-]{2,20})", lambda m: not _is_negated(c, m)
    ):
        c.add("genes", found["gene"].upper())
    ids = r"(?:with |the |id |ids |of |for )*(?P<id>§i\d+(?:(?:,| and| or) §i\d+)*)"
    if found := c.text.take(ids, lambda m: not _is_negated(c, m)):
        c.add("ids", *c.text.listed(found["id"]))


def _alleles(c: Conditions) -> None:
    if c.text.take(r"(?:alt |alternate |alternative )?alleles(?: \(not records\))?"):
        c.found["scope"] = "allele"

"""What a question asks of genotypes, and of which samples."""

import re
from typing import Any

from .phrases import Conditions, words

_SHARE = r"(?P<way>at least|at most|more than|less than|fewer than|over|above|under|below) (?P<share>\d+(?:\.\d+)?) ?(?:%|percent)(?: of)?(?: the| all)?"
_PERSON = r"(?:samples?|individuals?|people|persons?|patients?)"
NAMES = r"§s\d+(?:(?:,? (?:and|or|&) |, ?)(?:in |from )?§s\d+)*"
EVERYONE = rf"(?:all|every)(?: (?:one )?of)?(?: the)? (?:{_PERSON}|one)|everyone|everybody"
ANYONE = rf"(?:any|at least (?:one|1)|some|a single)(?: of the)? (?:{_PERSON}|one)|anyone|anybody|someone"
NOBODY = rf"(?:no|none of the) (?:{_PERSON}|one)|nobody|no one"
OTHERS = r"(?:all )?(?:the )?(?:others?|other samples?|rest|everyone else|remaining samples?)"
_NOUN = r"(?: (?:genotypes?|calls?|variants?|sites?|records?|snps?))?"
CARRIED = r"(?:that (?:are|is) |which are |are |is )?(?:carried|shared|present|found|seen|occurring|observed) (?:by|in|among|between)"


def genotypes(c: Conditions) -> None:
    """Take every condition on genotypes out of the text."""
    for take in (_private, _shared, _absent, _missing, _called_as, _carried, _in_samples):
        take(c)


def who(c: Conditions, before: str = "", after: str = "") -> dict[str, Any] | None:
    """Take a phrase that says in which samples; null where there is none."""
    if c.text.take(rf"{before}(?:{EVERYONE}){after}"):
        return {"how_many": "all"}
    if c.text.take(rf"{before}(?:{ANYONE}){after}"):
        return {"how_many": "any"}
    way = r"(?P<way>at least|at most|exactly|more than|fewer than|only|all)? ?(?P<n>\d+)(?P<more> or more)?"
    if found := c.text.take(rf"{before}{way} {_PERSON}{after}"):
        return _a_number_of(c, found)
    if found := c.text.take(rf"{before}{_SHARE} {_PERSON}{after}"):
        ways = {
            "over": "more_than",
            "under": "less_than",
            "fewer than": "less_than",
            "below": "less_than",
            "above": "more_than",
        }
        way = found["way"].lower()
        return {"how_many": ways.get(way, way.replace(" ", "_")), "share": float(found["share"]) / 100}
    if found := c.text.take(rf"{before}(?P<both>both )?(?P<who>{NAMES})(?: both)?{after}"):
        return named(c, found["who"])
    return None


def _a_number_of(c: Conditions, found: re.Match[str]) -> dict[str, Any]:
    n, way = int(found["n"]), found["way"] or ("at least" if found["more"] else "exactly")
    if way == "all":
        if n != len(c.data.samples):
            c.ask(f"The file has {len(c.data.samples)} samples, not {n}. Which are meant?")
        return {"how_many": "all"}
    n += {"more than": 1, "fewer than": -1}.get(way, 0)
    kind = {"more than": "at_least", "fewer than": "at_most", "only": "exactly"}.get(way, way.replace(" ", "_"))
    return {"how_many": kind, "n": max(n, 0)}


def named(c: Conditions, text: str, alternatives: bool = True) -> dict[str, Any]:
    """All of the named samples, or any of those that `or` joins; where that does not fit, it is asked back."""
    names = c.text.listed(text)
    either = bool(re.search(r"\bor\b", text)) and len(names) > 1
    if either and (not alternatives or re.search(r"\band\b|&", text)):
        c.ask("Which of the samples are meant together, and which as alternatives? Ask for one combination at a time.")
    return {"how_many": "any" if either else "all", "samples": names}


def _genotype(c: Conditions, genotype: str, samples: dict[str, Any]) -> None:
    c.add("genotypes", {"genotype": genotype, **samples})


def _private(c: Conditions) -> None:
    seen = r"(?:carried |found |present |seen |that are )*"
    found = (
        c.text.take(rf"(?:that are |are )?(?:private|unique|exclusive|specific) to (?P<who>{NAMES})")
        or c.text.take(rf"{seen}only {seen}(?:in|by) (?P<who>{NAMES})(?: only| alone)?")
        or c.text.take(rf"{seen}(?:in|by) (?P<who>{NAMES}) (?:and|but) (?:in )?(?:no|not in any|none of the)(?: of the)? ?"
                       r"(?:others?|other samples?|one else|else)")
        or c.text.take(rf"{seen}(?:in|by) (?P<who>{NAMES}) (?:only|alone)")
    )  # fmt: skip
    if found:
        samples = named(c, found["who"], alternatives=False)["samples"]
        _genotype(c, "carrier", {"samples": samples})
        _genotype(c, "carrier", {"except_samples": samples, "how_many": "none"})


def _shared(c: Conditions) -> None:
    by = r"(?:that are |are )?(?:shared|in common) (?:by|between|among|with)(?: both| all)?"
    found = c.text.take(rf"{by} (?P<who>{NAMES})") or c.text.take(
        rf"(?:that )?(?:do |does )?(?:both )?(?P<who>{NAMES}) share")  # fmt: skip
    if found:
        _genotype(c, "carrier", named(c, found["who"], alternatives=False))


def _absent(c: Conditions) -> None:
    absent = (
        r"(?:that are |are |is |and |but |which are )*(?:absent (?:in|from)|not (?:present |found |carried |seen )*(?:in|by)"
        r"|reference in|(?:homozygous )?wild[- ]?type in|lacking in|missing from)"
    )
    if c.text.take(rf"{absent} {OTHERS}"):
        known = [n for g in c.found.get("genotypes", []) for n in g.get("samples", [])]
        known += [n for n in c.text.listed(c.text.rest) if n in c.data.samples]
        if not known:
            c.ask("Which samples are the others?")
        _genotype(c, "reference", {"except_samples": list(dict.fromkeys(known)), "how_many": "all"})
        c.reading.append("'absent' is a reference genotype in each of the others; missing genotypes are not absent")
    if found := c.text.take(rf"{absent} (?:both )?(?P<who>{NAMES})"):
        _genotype(c, "reference", named(c, found["who"], alternatives=False))
        c.reading.append("'absent' is a reference genotype; a missing one is not absent")


def _missing(c: Conditions) -> None:
    genotype = r"(?:missing|no-?call(?:ed)?|uncalled)(?: (?:genotypes?|calls?|data))?"
    none = rf"(?:without(?: any)?|with no|have no|has no|no) {genotype}|(?:fully called|(?:with |have )?complete genotypes)"
    if re.search(rf"(?<!\w)(?:{none})(?!\w)", c.text.rest):
        if samples := who(c, rf"(?:{none}) (?:in|for|of|from|by) "):
            _genotype(c, "called", samples)
        elif c.text.take(none):
            _genotype(c, "missing", {"how_many": "none"})
        return
    what = rf"(?:with |have |has |that have |a |any )*{genotype}"
    if c.text.take(rf"{what} in (?:{NOBODY})"):
        _genotype(c, "missing", {"how_many": "none"})
    elif samples := who(c, rf"{what} (?:in|for|of) "):
        _genotype(c, "missing", samples)
    elif c.text.take(
        r"(?:with |have )?(?:any |at least one |a |some )(?:missing|no-?call) ?(?:genotypes?|calls?|data)"
    ):
        _genotype(c, "missing", {"how_many": "any"})


def _called_as(c: Conditions) -> None:
    """`het in A and B`, `A is het`, `homozygous in at least two samples`."""
    for pattern, genotype in words()["genotypes"].items():
        while re.search(rf"(?<![\w-])(?:{pattern})(?!\w)", c.text.rest) and _one_call(c, pattern, genotype):
            pass


def _one_call(c: Conditions, pattern: str, genotype: str) -> bool:
    """Take one mention of a genotype; false where it cannot be taken."""
    where = r"(?: (?:is|are) (?:there|called))? (?:in|for|of|by|carried by|does|do|did) "
    before = rf"(?:that are |are |which are |is |a )?(?:{pattern}){_NOUN}{where}"
    if c.text.take(rf"{before}(?:{NOBODY})"):
        _genotype(c, genotype, {"how_many": "none"})
    elif c.text.take(rf"{before}each {_PERSON}"):
        word = genotype.replace("_", " ")
        c.ask("A count for each sample by itself, or the records in which all samples are so?",
              [f"number of {word} records per sample", f"{word} in every sample"])  # fmt: skip
    elif samples := who(c, before, r"(?: both| all)?(?: have| carry| has)?"):
        _genotype(c, genotype, samples)
    elif (found := c.text.take(rf"(?:is|are) (?P<who>{NAMES})(?: both)? (?:a )?(?:{pattern}){_NOUN}(?: for| at)?")) or (
        found := c.text.take(
            rf"(?:where |in which |that )?(?:is |are |does |do )?(?P<who>{NAMES})(?: are| is| both| has| have)+ (?:a )?(?:{pattern})"
            rf"{_NOUN}(?: for| at)?"
        )
    ):
        _genotype(c, genotype, named(c, found["who"]))
    else:
        return _unclear(c, pattern, genotype)
    return True


def _unclear(c: Conditions, pattern: str, genotype: str) -> bool:
    """A genotype without a sample: that of the only one, or asked back."""
    c.data.need_genotypes()
    taken = c.text.take(rf"(?:{pattern})")
    if not taken:
        return False
    if len(c.data.samples) == 1:
        _genotype(c, genotype, {"samples": list(c.data.samples)})
        return True
    word = genotype.replace("_", " ")
    choices = [f"{word} in {c.data.samples[0]}", f"{word} in at least one sample", f"{word} in every sample"]
    c.ask(f"In which sample must it be {word}: in a named one, in any, or in all?", choices, taken[0].strip())
    return True


def _carried(c: Conditions) -> None:
    if c.text.take(rf"{CARRIED} (?:{NOBODY})"):
        _genotype(c, "carrier", {"how_many": "none"})
    elif samples := who(c, rf"{CARRIED} "):
        _genotype(c, "carrier", samples)
    if (
        found := c.text.take(
            rf"(?:that |which )?(?:do|does|did|is) (?P<who>{NAMES})(?: both| all)? (?:have|carry|carrying)"
        )
    ) or (
        found := c.text.take(
            rf"(?:that |which )?(?P<who>{NAMES}) (?:carries|carry|has|have)(?! a? ?(?:het|hom|miss|no ))"
        )
    ):
        _genotype(c, "carrier", named(c, found["who"]))


def _in_samples(c: Conditions) -> None:
    """`variants in CHILD`, where nothing else is said of the genotype: an ALT allele."""
    of = r"(?:that are |are |is )?(?:in|from|of|for) (?:both )?"
    if found := c.text.take(rf"{of}(?P<who>{NAMES})"):
        _genotype(c, "carrier", named(c, found["who"]))
        c.reading.append("'in' a sample is: with an ALT allele in a complete genotype")

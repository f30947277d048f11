"""A question as text from which understood parts are taken, so that what is left over shows."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from ..tools.dataset import OpenDataset, other_names


@cache
def words() -> dict[str, Any]:
    """The vocabulary of `words.yaml`."""
    loaded: dict[str, Any] = yaml.safe_load(files(__package__).joinpath("words.yaml").read_text(encoding="utf-8"))
    return loaded


@dataclass
class Text:
    """The question, and its `rest` in lower case; names that the file knows are replaced by marks such as `§s2`.

    `names` maps each mark to the name, by kind: s sample, r region, c contig, g gene, i ID, f INFO field,
    v FILTER value, q quoted text.
    """

    question: str
    rest: str
    names: dict[str, str] = field(default_factory=dict)

    def take(self, pattern: str, use: Callable[[re.Match[str]], Any] | None = None) -> re.Match[str] | None:
        """Take the first match of a pattern out of the text; `use`, where given, may leave it there with False."""
        found = re.search(_bounded(pattern), self.rest)
        if not found or (use is not None and use(found) is False):
            return None
        self.rest = self.rest[: found.start()] + " ; " + self.rest[found.end() :]
        return found

    def whole(self, pattern: str, glue: str = "file_glue") -> bool:
        """Take the pattern if with it nothing but glue is left."""
        before = self.rest
        if self.take(pattern) and not self.leftover(glue):
            return True
        self.rest = before
        return False

    def mark(self, kind: str, name: str) -> str:
        for mark, known in self.names.items():
            if mark[1] == kind and known == name:
                return mark
        mark = f"§{kind}{sum(m[1] == kind for m in self.names)}"
        self.names[mark] = name
        return mark

    def listed(self, text: str) -> list[str]:
        """The names behind the marks in a piece of text."""
        return [self.names[m] for m in re.findall(r"§[a-z]\d+", text)]

    def leftover(self, glue: str = "glue") -> list[str]:
        """Words that nothing has taken and that are not mere glue."""
        known = set(words()[glue].split())
        left = (w.strip(".") for w in re.findall(r"§[a-z]\d+|[^\s;,?!:()'\"]+", self.rest))
        return [self.names.get(w, w) for w in left if w and w not in known]


@cache
def _bounded(pattern: str) -> str:
    return rf"(?<![\w§])(?:{pattern})(?!\w)"


_START = r"(?P<contig>[\w.*-]+):(?P<start>\d[\d,]*)"
REGION = rf"{_START}(?:\s*(?:-|–|—|to|\.\.)\s*(?:(?P=contig):)?(?P<end>\d[\d,]*))?"
BETWEEN = rf"(?<=between ){_START} and (?:(?P=contig):)?(?P<end>\d[\d,]*)"
_COURTESY = (
    r"^\W*(?:(?:hi|hello|please|ok|okay|well|so|now then)[, ]+)*(?:(?:can|could|would|will) you (?:please )?(?:tell|show|give)"
    r"(?: me)?|(?:can|could|would) you (?:please )?|i (?:want|would like|need|'d like) to (?:know|see)|(?:please )?tell me"
    r"|do you know)? *|,? *(?:please|thanks|thank you)\W*$"
)


def without_courtesy(question: str) -> str:
    """The question on one line, without `please` and `could you tell me`."""
    question = question.replace("’", "'").replace("§", " ")
    return re.sub(_COURTESY, " ", " ".join(question.split()), flags=re.IGNORECASE).strip()


def read_text(question: str, data: OpenDataset) -> Text:
    """The question with regions, IDs and the names that the file knows replaced by marks."""
    question = without_courtesy(question)
    question = re.sub(r"\b(?:in|of|from) this (?:file|vcf|cohort|dataset)\b", " ", question, flags=re.IGNORECASE)
    text = Text(question, question)
    quoted = {s: text.mark("s", s) for s in data.samples if f'"{s}"' in question}
    for name, mark in quoted.items():
        text.rest = text.rest.replace(f'"{name}"', mark)
    _mark_all(text, r'"([^"]+)"|“([^”]+)”', "q", lambda m: m[1] or m[2])
    _mark_names(text, "s", data.samples, folding=True)
    _mark_all(text, BETWEEN, "r", _region, re.IGNORECASE)
    _mark_all(text, REGION, "r", _region)
    _mark_all(text, r"rs\d+", "i", lambda m: m[0].lower(), re.IGNORECASE)
    _mark_contigs(text, data)
    if data.annotated:
        _mark_names(text, "g", [g for g in data.genes if len(g) > 1], folding=False)
    _mark_names(
        text,
        "f",
        [f"INFO/{f}" for f in data.info] + [f for f in data.info if f not in _ORDINARY],
        folding=False,
    )
    _mark_names(text, "v", [v for v in _filter_values(data) if v not in ("PASS", ".")], folding=True)
    text.rest = text.rest.lower().rstrip(" ?.!")
    return text


_ORDINARY = {
    "AF",
    "DP",
    "AC",
    "AN",
    "ANN",
    "CSQ",
    "BCSQ",
    "END",
    "NS",
    "ID",
    "DB",
    "TYPE",
    "IMPACT",
    "GENE",
    "MQ0",
}
"""INFO fields whose bare names are read as words of the field, since they have more than one meaning."""


def _filter_values(data: OpenDataset) -> list[str]:
    present = [part for value in data.summary["filters"] for part in value.split(";")]
    return list(dict.fromkeys([*present, *data.summary["filter_descriptions"]]))


def _region(found: re.Match[str]) -> str:
    start = found["start"].rstrip(",")
    return f"{found['contig']}:{start}" + (f"-{found['end'].rstrip(',')}" if found["end"] else "")


def _mark_all(text: Text, pattern: str, kind: str, name: Callable[[re.Match[str]], str], flags: int = 0) -> None:
    text.rest = re.sub(rf"(?<![\w§])(?:{pattern})", lambda m: text.mark(kind, name(m)), text.rest, flags=flags)


def _mark_names(text: Text, kind: str, names: list[str], folding: bool) -> None:
    """Mark names as they stand, the longest first; with `folding` also in other case where that is no plain word."""
    for name in sorted(set(names), key=len, reverse=True):
        flags = re.IGNORECASE if folding and len(name) > 2 and name.lower() not in _COMMON else 0
        if len(name) > 20 or name.lower() in text.rest.lower():
            if kind == "s" and name.isdigit():
                continue  # a sample called 30 is asked for in quotes; a bare 30 is a number
            noun = r"(?<!per )(?<!each )(?<!every )(?<!which )" if name.lower() in _COMMON else ""
            pattern = rf"(?<![\w§]){noun}{re.escape(name)}(?!\w)"
            text.rest = re.sub(pattern, lambda _, name=name: text.mark(kind, name), text.rest, flags=flags)


_COMMON = {"child", "father", "mother", "sample", "case", "control", "normal", "tumor", "tumour", "all", "any", "none",
           "pass", "gene", "het", "hom", "snp", "indel", "the", "and", "for", "with", "low", "high"}  # fmt: skip


def _mark_contigs(text: Text, data: OpenDataset) -> None:
    """`chr20`, `chromosome 20`, `chrom X`: a bare number is a contig only after such a word."""
    known = {*data.contigs, *data.summary["contig_lengths"]}

    def contig(found: re.Match[str]) -> str:
        name = found["name"]
        return next((n for n in [name, *other_names(name)] if n in known), name)

    _mark_all(
        text,
        r"(?:chromosomes?|chrom|contig|chr)[ .]+(?P<name>\d{1,2}|[XYM]|MT)\b",
        "c",
        contig,
        re.IGNORECASE,
    )
    _mark_all(text, r"(?P<name>chr(?:\d{1,2}|[XYM]|MT))\b(?![:\w])", "c", contig, re.IGNORECASE)
    _mark_names(text, "c", [c for c in known if len(c) > 2], folding=False)


class Ambiguous(Exception):
    """The question has two readings; `choices` are ways to say each of them, in place of `phrase` where it is given."""

    def __init__(self, question: str, choices: list[str], phrase: str = "") -> None:
        super().__init__(question)
        self.question, self.choices, self.phrase = question, choices, phrase


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

    def ask(self, question: str, choices: list[str] | None = None, phrase: str = "") -> None:
        """Keep in mind that this must be asked back."""
        self.unclear.append(Ambiguous(question, choices or [], phrase))

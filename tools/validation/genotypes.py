"""FORMAT and the samples of one record."""

import re
from collections.abc import Iterable, Iterator

from .header import Declared, Header
from .meta_lines import is_key
from .structural import not_around_zero
from .values import (
    NOT_NEGATIVE,
    Breach,
    alt_count,
    count_problem,
    expected_count,
    genotypes,
    is_digits,
    negative,
    outside_0_1,
    repeated,
    type_problem,
)

NOT_GT = re.compile(r"[^0-9./|]|^[/|]|[/|](?:[/|]|\Z)|\.[0-9.]|[0-9]\.")
"""What stands in no genotype. An expression for a whole one keeps a place for each allele to come back to, and the
possessive kind that does not is wrong before Python 3.11.5.
"""

PHASE_LISTS = ("PSL", "PSO", "PSQ")
PROBABILITIES = {"GP": "4.3"}
"""Keys that hold probabilities from 0 to 1, and the version since which they do."""


MOST_CELLS = 20
"""Samples of one record that are taken apart because something is wrong in them; of others only the first is needed."""


def check_genotypes(columns: list[str], header: Header, doubtful: Iterable[tuple[int, str]]) -> Iterator[Breach]:
    """What breaks the rules in FORMAT and in the samples `doubtful` (0-based, with their text).

    One breach for each rule and key, however many samples.
    """
    keys = columns[8].split(":")
    problems = list(check_format(columns[8], header))
    yield from problems
    if any(not p.eased and p.code != "FORMAT_KEY_PERCENT" for p in problems):
        return
    checker = _Samples(keys, columns, header)
    found: dict[tuple[str, str], tuple[Breach, int]] = {}
    failed = 0
    for i, cell in doubtful:
        breaches = list(checker.check(cell))
        failed += bool(breaches)
        for breach in breaches:
            first, number = found.get((breach.code, breach.field), (None, 0))
            found[breach.code, breach.field] = (
                first or _named(breach, header.sample(i)),
                number + 1,
            )
        if failed == MOST_CELLS:
            break
    for first, number in found.values():
        yield first if number == 1 else _and_more(first, number - 1, failed == MOST_CELLS)
    yield from _check_lengths_of_copies(keys, columns, header)


def _named(breach: Breach, sample: str) -> Breach:
    return breach._replace(message=f"sample {sample[:60]}: {breach.message}")


def _and_more(breach: Breach, others: int, at_least: bool) -> Breach:
    number = f"at least {others:,}" if at_least else f"{others:,}"
    return breach._replace(message=f"{breach.message} (and {number} more sample{'s' * (others > 1)})")


def check_format(text: str, header: Header) -> Iterator[Breach]:
    """What breaks the rules in FORMAT itself."""
    if text == ".":
        return
    keys = text.split(":")
    if "" in keys:
        yield Breach("FORMAT_SYNTAX", "FORMAT", f"{text[:60]!r} has an empty key" if text else "FORMAT is empty")
        return
    for key in keys:
        if not _is_format_key(key, header.version) and not header.is_declared("FORMAT", key):
            percent = header.version >= "4.3" and is_key(re.sub("%[0-9A-Fa-f]{2}", "", key), "FORMAT")
            code = "FORMAT_KEY_PERCENT" if percent else "FORMAT_KEY"
            yield Breach(code, "FORMAT", f"{key[:60]!r} is no name for a FORMAT key")
            return
    if (twice := repeated(keys)) is not None:
        yield Breach("FORMAT_REPEATED", "FORMAT", f"{twice[:60]} stands twice")
    elif "GT" in keys[1:]:
        yield Breach("FORMAT_GT_FIRST", "FORMAT", f"GT is key {keys.index('GT') + 1} of {text[:60]}")


def _is_format_key(key: str, version: str) -> bool:
    """Before VCF 4.3 the specification says alphanumeric, and no more."""
    return is_key(key, "FORMAT") if version >= "4.3" else key.isascii() and key.isalnum()


def is_genotype(gt: str, marked: bool = False) -> bool:
    """Whether it is allele numbers or dots joined by / or |; since VCF 4.4 also `marked`, with one before the first."""
    if marked and gt.startswith(("/", "|")):
        gt = gt[1:]
    return bool(gt) and not NOT_GT.search(gt)


class _Samples:
    """The rules for the samples of one record."""

    def __init__(self, keys: list[str], columns: list[str], header: Header) -> None:
        self.keys = keys if keys != ["."] else []
        self.version = header.version
        self.alts = alt_count(columns[4])
        self.declared: list[Declared | None] = [header.find("FORMAT", key) for key in self.keys]
        self.empty_allowed = header.version >= "4.5"
        self.lists = [k for k in PHASE_LISTS if k in self.keys]
        self.local = self.keys.index("LAA") if "LAA" in self.keys else None

    def check(self, cell: str) -> Iterator[Breach]:
        values = cell.split(":", len(self.keys) + 1)
        if not self.keys:
            if cell not in (".", ""):
                yield Breach("SAMPLE_FIELDS", "FORMAT", f"{cell[:40]!r} stands where FORMAT is '.'")
            return
        if len(values) > len(self.keys):
            number = cell.count(":") + 1
            yield Breach("SAMPLE_FIELDS", "FORMAT", f"{number} values for the {len(self.keys)} keys of FORMAT")
            return
        if "" in values and not self.empty_allowed:
            what = "the sample is empty" if cell == "" else f"{self.keys[values.index('')]} is empty"
            yield Breach("SAMPLE_FIELDS", f"FORMAT/{self.keys[values.index('')]}", what)
            return
        ploidy = 2
        if self.keys[0] == "GT":
            problem = self._genotype_problem(values[0])
            if problem:
                yield problem
                if not problem.eased:
                    return
            ploidy = _ploidy(values[0])
        yield from self._check_values(values, ploidy, missing=self.keys[0] == "GT" and values[0] == ".")

    def _genotype_problem(self, gt: str) -> Breach | None:
        if not is_genotype(gt):
            if is_genotype(gt, marked=True):
                if self.version < "4.4":
                    return Breach("GT_PHASE_MARK", "FORMAT/GT", f"{gt[:40]!r} begins with a phase mark")
            elif self.version >= "4.4" and is_genotype(gt.rstrip("|"), marked=True):
                return Breach("GT_SYNTAX", "FORMAT/GT", f"{gt[:40]!r} ends with a phase mark", eased=True)
            else:
                return Breach("GT_SYNTAX", "FORMAT/GT", f"{gt[:40]!r} is no genotype")
        high = next((n for n in re.findall("[0-9]+", gt) if len(n) > 9 or int(n) > self.alts), None)
        if high is None:
            return None
        there = f"there {'is' if self.alts == 1 else 'are'} {self.alts} ALT allele{'s' * (self.alts != 1)}"
        return Breach("GT_ALLELE_RANGE", "FORMAT/GT", f"{gt[:40]} names allele {high[:12]}, {there}")

    def _check_values(self, values: list[str], ploidy: int, missing: bool) -> Iterator[Breach]:
        local = self._local_alleles(values)
        if isinstance(local, Breach):
            yield local
            return
        for key, value, declared in zip(self.keys, values, self.declared, strict=False):
            if declared is None or key == "GT" or value in (".", ""):
                continue
            breach = self._value_problem(key, value.split(","), declared, ploidy, missing, local)
            if breach:
                yield breach
        if self.lists:
            yield from _check_phase_lists(dict(zip(self.keys, values, strict=False)), self.lists)

    def _local_alleles(self, values: list[str]) -> int | Breach | None:
        if self.local is None or self.local >= len(values) or values[self.local] == ".":
            return None
        text = values[self.local]
        alleles = [int(a) if is_digits(a) and len(a) < 9 else 0 for a in text.split(",")] if text else []
        if any(not 1 <= a <= self.alts for a in alleles) or len(set(alleles)) < len(alleles):
            return Breach("LOCAL_ALLELES", "FORMAT/LAA", f"LAA={text[:40]} does not list ALT alleles, each once")
        return len(alleles)

    def _value_problem(
        self, key: str, values: list[str], declared: Declared, ploidy: int, missing: bool, local: int | None
    ) -> Breach | None:
        where = f"FORMAT/{key}"
        problem = type_problem(declared.type, values)
        if problem:
            code, what = problem
            return Breach("FORMAT_TYPE" if code == "TYPE" else code, where, f"{key}: {what}")
        miscount = count_problem(declared.number, values, self._wanted(declared.number, ploidy, local))
        if miscount and not (missing and declared.number == "G" and len(values) == genotypes(self.alts + 1, 2)):
            code = "PHASE_SET_LISTS" if key in PHASE_LISTS else "FORMAT_COUNT"
            return Breach(code, where, f"{key} has {miscount}")
        if key in NOT_NEGATIVE["FORMAT"] and (low := negative(values)):
            return Breach("FORMAT_RANGE", where, f"{key} is negative: {low}")
        if key == "CICN" and self.version >= "4.4" and (around := not_around_zero(values)):
            return Breach("INTERVAL_VALUE", where, f"{key}: {around} does not surround 0")
        if self.version >= PROBABILITIES.get(key, "9") and (outside := outside_0_1(values)):
            return Breach("FORMAT_RANGE", where, f"{key} is not between 0 and 1: {outside}")
        return None

    def _wanted(self, number: str, ploidy: int, local: int | None) -> int | None:
        if number in ("LA", "LR", "LG"):
            if local is None:
                return None
            return {"LA": local, "LR": local + 1, "LG": genotypes(local + 1, ploidy)}[number]
        return expected_count(number, self.alts, ploidy)


def _ploidy(gt: str) -> int:
    return len(re.findall(r"[0-9]+|\.", gt)) or 2


def _check_phase_lists(cell: dict[str, str], lists: list[str]) -> Iterator[Breach]:
    sets = cell.get("PSL", ".").split(",")
    for key in lists:
        values = cell.get(key, ".").split(",")
        if key == "PSL" or values == ["."]:
            continue
        if len(values) != len(sets) or any(s == "." and v != "." for s, v in zip(sets, values, strict=True)):
            yield Breach("PHASE_SET_LISTS", f"FORMAT/{key}", f"{key}={','.join(values)[:40]} where PSL is missing")
            return


def _check_lengths_of_copies(keys: list[str], columns: list[str], header: Header) -> Iterator[Breach]:
    if header.version < "4.4" or "CN" not in keys:
        return
    entry = next((e for e in columns[7].split(";") if e.startswith("SVLEN=")), "")
    alts, lengths = columns[4].split(","), entry.removeprefix("SVLEN=").split(",")
    of_copies = {n for a, n in zip(alts, lengths, strict=False) if a[1:4] in ("DEL", "DUP", "CNV") and n != "."}
    if len(of_copies) > 1:
        yield Breach("CN_LENGTHS", "FORMAT/CN", f"CN stands with alleles of the lengths {', '.join(sorted(of_copies))}")

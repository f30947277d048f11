"""A filter taken apart into its conditions, one after the other, and put together again."""

from collections.abc import Callable, Sequence
from itertools import count, zip_longest
from typing import Any

from pydantic import Field, model_validator

from .filters import Condition, Conditions, GenotypeCondition, VariantFilter

ORDER = ("regions", "not_regions", "inside_bed", "outside_bed", "filters", "not_filters", "where", "ids", "types",
         "not_types", "multiallelic", "genes", "consequences", "impacts", "significance", "genotypes")  # fmt: skip
IN_WORDS = "place, FILTER, values, ID, type, gene, consequence, impact, significance, genotypes"
"""The order in words; in it a filter without steps is taken apart."""

ONE_BY_ONE = ("where", "genotypes")
ALL_HOLD = (*ONE_BY_ONE, "not_regions", "not_filters", "not_types")
"""Lists of which every entry must hold, so that two of them are one longer one."""

OF_BED = ("inside_bed", "outside_bed")
"""What `bed_overlap` goes with."""

OF_ENTRY = ("genes", "consequences", "impacts")
"""What must be said by one and the same annotation entry."""


class Step(Conditions):
    """Conditions that are applied together."""

    label: str | None = Field(None, description="a name for the step; without it, its conditions in words")

    @model_validator(mode="after")
    def _says_something(self) -> "Step":
        if not given(self):
            raise ValueError("a step needs at least one condition")
        return self

    def name(self) -> str:
        return self.label or words(self)


def given(wanted: Conditions) -> list[str]:
    """The names of the conditions that a filter sets, in `ORDER`."""
    return [name for name in ORDER if getattr(wanted, name) not in ([], None)]


def single_steps(wanted: Conditions) -> list[Step]:
    """Each condition of a filter as a step of its own, in `ORDER`; `where` and `genotypes` one by one."""
    found = []
    for name in given(wanted):
        value = getattr(wanted, name)
        how = {"bed_overlap": wanted.bed_overlap} if name in OF_BED else {}
        found += [Step(**{name: v}, **how) for v in ([[one] for one in value] if name in ONE_BY_ONE else [value])]
    return found


def steps_of(wanted: Conditions, steps: Sequence[Step]) -> list[Step]:
    """The conditions that stand beside the steps, one by one, and then the steps."""
    return [*single_steps(wanted), *steps]


def combined(steps: Sequence[Conditions]) -> list[VariantFilter]:
    """The filters that together say what all steps say: one, unless two steps give alternatives of the same kind.

    Gene, consequence and impact of different steps come into one filter, so that one annotation entry says them.
    """
    every: dict[str, list[Any]] = {}
    layers: list[dict[str, Any]] = [{}]
    entries: list[dict[str, Any]] = [{}]
    for step in steps:
        said = {name: getattr(step, name) for name in given(step)}
        said |= {"bed_overlap": step.bed_overlap} if set(said).intersection(OF_BED) else {}
        for name in set(said).intersection(ALL_HOLD):
            every[name] = [*every.get(name, []), *said[name]]
        _add(layers, {n: v for n, v in said.items() if n not in (*ALL_HOLD, *OF_ENTRY)}, keep=False)
        _add(entries, {n: v for n, v in said.items() if n in OF_ENTRY}, keep=True)
    nothing: dict[str, Any] = {}
    joined = [a | b | c for a, b, c in zip_longest(layers, entries, [every], fillvalue=nothing)]
    return [VariantFilter.model_validate(filter_) for filter_ in joined]


def _add(layers: list[dict[str, Any]], said: dict[str, Any], keep: bool) -> None:
    """Put values into the last layer, or on a new one where it has others; `keep` takes what else it says along."""
    if any(layers[-1].get(n, v) != v for n, v in said.items()):
        layers.append(dict(layers[-1]) if keep else {})
    layers[-1].update(said)


def names_of(steps: Sequence[Step]) -> list[str]:
    """The names of the steps, a number added to one that is there already."""
    found: list[str] = []
    for step in steps:
        name = step.name()
        tries = (f"{name} ({i})" for i in count(2))
        found.append(name if name not in found else next(t for t in tries if t not in found))
    return found


def words(wanted: Conditions) -> str:
    """The conditions of a filter, as short as a row of a table needs."""
    return "; ".join(_WORDS[name](getattr(wanted, name)) for name in given(wanted))


def _several(before: str, most: int = 6) -> Callable[[list[str]], str]:
    def said(values: list[str]) -> str:
        shown = " or ".join(values[:most]) + (f" and {len(values) - most} more" if len(values) > most else "")
        return f"{before} {shown}"

    return said


def _compared(values: list[Condition]) -> str:
    return "; ".join(_comparison(v) for v in values)


def _comparison(condition: Condition) -> str:
    value = condition.value if isinstance(condition.value, str) else f"{condition.value:g}"
    kept = f" (kept without {condition.field})" if condition.absent == "keep" else ""
    return f"{condition.field} {condition.op} {value}{kept}"


def _genotypes(values: list[GenotypeCondition]) -> str:
    return "; ".join(genotype_words(v) for v in values)


def genotype_words(condition: GenotypeCondition) -> str:
    """`het in CHILD`, `DP >= 20 in at least 3 of all samples`."""
    values = " and ".join(f"{w.field} {w.op} {w.value:g}" for w in condition.where)
    what = " with ".join(part for part in (condition.genotype, values) if part)
    who = ", ".join(condition.samples[:6]) + (
        f" and {len(condition.samples) - 6} more" if len(condition.samples) > 6 else ""
    )
    left_out = f" except {', '.join(condition.except_samples[:6])}" if condition.except_samples else ""
    number = condition.n if condition.share is None else f"{condition.share * 100:g}%"
    many = {"all": "", "any": "any of ", "none": "none of "}.get(
        condition.how_many, f"{condition.how_many.replace('_', ' ')} {number} of "
    )
    everyone = "every sample" if not many else "the samples"
    return f"{what} in {many}{who or everyone}{left_out}"


_WORDS: dict[str, Callable[[Any], str]] = {
    "regions": _several("in"), "not_regions": _several("not in"), "inside_bed": lambda name: f"inside {name}",
    "outside_bed": lambda name: f"outside {name}", "filters": _several("FILTER"),
    "not_filters": _several("FILTER not"), "where": _compared, "ids": _several("ID"), "types": _several("type"),
    "not_types": _several("no"), "multiallelic": lambda v: "multi-allelic" if v else "not multi-allelic",
    "genes": _several("gene"), "consequences": _several("consequence"), "impacts": _several("impact"),
    "significance": _several("significance"), "genotypes": _genotypes,
}  # fmt: skip

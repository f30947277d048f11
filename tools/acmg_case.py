"""What a criterion of ACMG/AMP looks at, and what it says."""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from .acmg_facts import Facts, Row
from .acmg_family import DeNovo, Partner, Segregation
from .dataset import OpenDataset

State = Literal["met", "not met", "not assessed"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question may add to the file: see the arguments of `acmg_worksheet`."""

    proband: str | None = None
    lof_genes: tuple[str, ...] = ()
    inheritance: str | None = None
    pm2_below: float | None = None
    bs1_above: float | None = None
    absent_frequency: str = "not_assessed"


@dataclass(frozen=True, slots=True)
class Judgement:
    state: State
    evidence: str
    needed: str = ""


@dataclass(slots=True)
class Case:
    """All that the criteria look at, so that a family is read once."""

    data: OpenDataset
    facts: Facts
    asked: Asked
    de_novo: DeNovo
    segregation: Segregation | str
    sample: str | None
    partners: list[Partner]
    pathogenic: list[Row] = field(default_factory=list)

    def has(self, *terms: str) -> bool:
        return not set(self.facts.terms()).isdisjoint(terms)


@cache
def table() -> dict[str, Any]:
    """`acmg_criteria.toml`: thresholds, predictors, and the criteria by their code."""
    return tomllib.loads(Path(__file__).with_name("acmg_criteria.toml").read_text(encoding="utf-8"))


def unless_annotated(rule: Callable[[Case], Judgement]) -> Callable[[Case], Judgement]:
    """Criteria on the consequence are open where the annotation says nothing of the allele."""

    def judged(case: Case) -> Judgement:
        if case.facts.terms():
            return rule(case)
        return Judgement(
            "not assessed", "the file has no consequence for this allele", "annotate it with VEP or SnpEff"
        )

    return judged


def said(case: Case) -> str:
    """`CSQ: stop_gained in TOYA`."""
    tag = case.data.summary["annotation"]["tag"]
    gene = f" in {case.facts.gene}" if case.facts.gene else ""
    return f"{tag}: {', '.join(case.facts.terms())}{gene}"

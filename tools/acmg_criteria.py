"""The 28 ACMG/AMP criteria of 2015, each judged by what a file and its pedigree hold, or not at all."""

from collections.abc import Callable

from . import acmg_people as people
from . import acmg_sequence as sequence
from .acmg_case import Asked, Case, Judgement, table
from .acmg_facts import Facts, pathogenic_in_gene
from .acmg_family import DeNovo, de_novo, partners, segregation
from .context import ToolContext
from .dataset import OpenDataset


def judge(context: ToolContext, data: OpenDataset, facts: Facts, asked: Asked) -> dict[str, Judgement]:
    """Every criterion in the order of the guideline's tables."""
    has_samples = bool(data.samples) and "GT" in data.summary["sample_fields"]
    nobody = "the file has no genotypes"
    sample, found = partners(context, data, facts, asked.proband) if has_samples else (None, [])
    case = Case(
        data, facts, asked,
        de_novo(context, data, facts, asked.proband) if has_samples else DeNovo(None, nobody),
        segregation(context, data, facts, asked.inheritance) if has_samples else nobody,
        sample, found, list(pathogenic_in_gene(data, facts)),
    )  # fmt: skip
    return {code: _RULES.get(code, _outside)(case) for code in table()["criteria"]}


def _outside(case: Case) -> Judgement:
    return Judgement("not assessed", "nothing of this is in the file")


_RULES: dict[str, Callable[[Case], Judgement]] = {
    "PVS1": sequence.pvs1,
    "PS1": sequence.ps1,
    "PS2": people.ps2,
    "PM2": people.pm2,
    "PM3": people.pm3,
    "PM4": sequence.pm4,
    "PM5": sequence.pm5,
    "PM6": people.pm6,
    "PP1": people.pp1,
    "PP2": sequence.missense_gene,
    "PP3": sequence.pp3,
    "PP5": people.reported,
    "BA1": people.ba1,
    "BS1": people.bs1,
    "BS2": people.bs2,
    "BS4": people.bs4,
    "BP1": sequence.missense_gene,
    "BP2": people.bp2,
    "BP3": sequence.bp3,
    "BP4": sequence.bp4,
    "BP6": people.reported,
    "BP7": sequence.bp7,
}

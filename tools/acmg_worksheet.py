"""A draft worksheet of the ACMG/AMP criteria for a variant: what the file tells of each, and what it does not."""

from collections.abc import Callable
from typing import IO, Any, Literal, Self

from pydantic import Field, model_validator

from ..memory.errors import ToolError
from .acmg_case import Asked, Judgement, table
from .acmg_criteria import judge
from .acmg_facts import Facts, Row, allele_rows, facts_of
from .clauses import quoted
from .condition_steps import given
from .context import ToolContext
from .dataset import OpenDataset
from .evidence import Command, all_lines, prove
from .filters import VariantFilter
from .places import place_of, records_at
from .registry import Tool
from .result import Evidence, Table, ToolResult
from .selection import record_numbers, select
from .text import count_of
from .variant_rows import variant_key

DRAFT = "Draft for review."
NO_CLASS = (
    "No classification is made from these: which criteria hold, how strongly, and what they mean together is for a "
    "qualified person to decide."
)
STATES = ("met", "not met", "not assessed")


class AcmgWorksheet(VariantFilter):
    """One variant, or the first ones that a filter finds."""

    variant: str | None = Field(
        None, description="CHROM:POS:REF:ALT, or CHROM:POS or an ID where only one ALT allele is there"
    )
    gene: str | None = Field(None, description="symbol; without it, the gene with the most severe consequence")
    proband: str | None = Field(
        None, description="the affected sample; without it, the first affected one of the pedigree who carries it"
    )
    inheritance: Literal["recessive", "dominant"] | None = Field(
        None, description="of the disorder, for PM3, BP2, PP1 and BS4; without it PM3 and BP2 are not assessed in trans"
    )
    lof_genes: list[str] = Field(
        default_factory=list,
        description="genes in which loss of function is known to cause disease; without them PVS1 is never met",
    )
    pm2_below: float | None = Field(
        None, gt=0, le=1, description="PM2: every population frequency is below; without it 0.0001"
    )
    bs1_above: float | None = Field(
        None, ge=0, le=1, description="BS1: a population frequency is above; without it BS1 is not assessed"
    )
    absent_frequency: Literal["not_assessed", "absence"] = Field(
        "not_assessed", description="what a record without a population frequency means for PM2"
    )
    limit: int = Field(3, ge=1, le=20, description="variants of a filter that get a worksheet; the total is told")

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if (self.variant is None) == (not given(self)):
            raise ValueError("name either a `variant` or the conditions of a filter")
        return self

    def asked(self) -> Asked:
        return Asked(
            self.proband, tuple(self.lof_genes), self.inheritance, self.pm2_below, self.bs1_above, self.absent_frequency
        )


def acmg_worksheet(context: ToolContext, wanted: AcmgWorksheet) -> ToolResult:
    """Each of the 28 criteria as met, not met or not assessed, with evidence; never a classification.

    The value maps criteria to states, by variant where a filter is given. Raises `ToolError` where the place has
    several ALT alleles, or the variant is not in the file.
    """
    data = context.dataset(wanted.dataset)
    if wanted.proband is not None:
        data.sample_index(wanted.proband)
    if wanted.gene is not None:
        wanted = wanted.model_copy(update={"gene": data.gene(wanted.gene)})
    rows, total = _rows(data, wanted)
    sheets = [(facts := facts_of(data, row, wanted.gene), judge(context, data, facts, wanted.asked())) for row in rows]
    states = {facts.key: {code: j.state for code, j in judged.items()} for facts, judged in sheets}
    value = states if wanted.variant is None else next(iter(states.values()))
    result = ToolResult(_text(data, sheets, total), value, "criteria", _reading(wanted, sheets))
    result.private = bool(data.samples)
    result.tables.append(_table(sheets, total))
    result.evidence = [_evidence(context, data, wanted, facts) for facts, _ in sheets]
    return result


def _rows(data: OpenDataset, wanted: AcmgWorksheet) -> tuple[list[Row], int]:
    """The allele rows that get a worksheet, and how many there are."""
    if wanted.variant is None:
        records = record_numbers(data, select(data, wanted))
        if len(records) == 0:
            return [], 0
        listed = ", ".join(map(str, records[: wanted.limit].tolist()))
        rows = [r for r in allele_rows(data, f"record IN ({listed})") if r["allele"] > 0]
        return rows[: wanted.limit], len(records)
    place = place_of(data, wanted.variant)
    found = [r for r in records_at(data, place) if r["allele"] > 0]
    if not found:
        raise ToolError(
            f"{data.name} has no ALT allele at {wanted.variant}, so there is nothing to assess",
            "`why_dropped` tells what lies near",
        )
    keys = list(dict.fromkeys(variant_key(r["chrom"], r["pos"], r["ref"], r["alt"]) for r in found))
    if len(keys) > 1:
        raise ToolError(f"{wanted.variant} has {len(keys)} ALT alleles", f"Name one: {', '.join(keys[:10])}")
    first = found[0]
    where = f"pos = {first['pos']} AND record = {first['record']} AND allele = {first['allele']}"
    return allele_rows(data, where), 1


Sheet = tuple[Facts, dict[str, Judgement]]


def _text(data: OpenDataset, sheets: list[Sheet], total: int) -> str:
    if not sheets:
        return f"No variant of {data.name} meets the conditions, so there is no worksheet."
    parts = [f"{DRAFT} ACMG/AMP 2015 worksheet, {data.name}."]
    if len(sheets) < total:
        parts.append(f"The filter leaves {count_of(total, 'record')}; these are the first.")
    parts += [_one(facts, judged) for facts, judged in sheets]
    return " ".join([*parts, NO_CLASS])


def _one(facts: Facts, judged: dict[str, Judgement]) -> str:
    of_state = {s: [code for code, j in judged.items() if j.state == s] for s in STATES}
    met = "; ".join(f"{code} ({judged[code].evidence})" for code in of_state["met"]) or "none"
    what = ", ".join([*([facts.gene] if facts.gene else []), *facts.terms()[:2]])
    return (
        f"{facts.key}{f' ({what})' if what else ''}: met: {met}. Not met: {', '.join(of_state['not met']) or 'none'}. "
        f"Not assessed: {', '.join(of_state['not assessed'])}."
    )


def _reading(wanted: AcmgWorksheet, sheets: list[Sheet]) -> list[str]:
    limits = table()["thresholds"]
    told = ["met, not met and not assessed are said of what this file, its annotation and the pedigree hold"]
    told.append(f"PM2: every population frequency below {wanted.pm2_below or limits['PM2_below']:g}")
    absence = "is read" if wanted.absent_frequency == "absence" else "is not read"
    told.append(f"a record without a population frequency {absence} as absence from the population")
    genes = ", ".join(dict.fromkeys(f.gene for f, _ in sheets if f.gene))
    if genes:
        chosen = "named in the question" if wanted.gene else "with the most severe consequence"
        told.append(f"consequences are those of {genes}, the gene {chosen}, over all its transcripts")
    told.append("PP5 and BP6 are never counted, as ClinGen recommends")
    told.append("PM6 stands in for PS2, since parentage is not confirmed")
    return told


def _table(sheets: list[Sheet], total: int) -> Table:
    criteria = table()["criteria"]
    rows: list[list[Any]] = []
    for facts, judged in sheets:
        for code, j in judged.items():
            said = criteria[code]
            needed = j.needed or (said["needs"] if j.state == "not assessed" else "")
            rows.append([facts.key, code, said["strength"], j.state, j.evidence, needed, said["asks"], said["source"]])
    columns = ["variant", "criterion", "strength", "state", "evidence", "to assess it", "asks", "source"]
    every = len(rows) if len(sheets) >= total else total * len(criteria)
    return Table("ACMG/AMP worksheet, draft for review", columns, rows, every, len(rows) < every)


def _evidence(context: ToolContext, data: OpenDataset, wanted: AcmgWorksheet, facts: Facts) -> Evidence:
    """The fields of the record that the worksheet read: significance, frequencies and genotypes."""
    row = facts.row
    info = [data.info[n.removeprefix("INFO/")] for n in facts.frequencies if n.startswith("INFO/")]
    names = [facts.significance_field.removeprefix("INFO/")] if facts.significance_field else []
    texts = [row[data.info[n].column] or "." for n in names]
    form = "".join(f"\\t%INFO/{n}" for n in [*names, *(c.id for c in info)])
    genotypes = bool(data.samples) and "GT" in data.summary["sample_fields"]
    name = quoted(row["chrom"])
    where = f"CHROM={name} && POS={row['pos']} && REF={quoted(row['ref'])}"
    form = f"%CHROM:%POS:%REF:%ALT{form}" + ("[\\t%GT]" if genotypes else "") + "\\n"
    command = Command(["query", "-f", form, "-i", where])
    key = variant_key(row["chrom"], row["pos"], row["ref"], row["whole_alts"] or row["alt"])
    command.read = _reader(key, len(names), [c.shape == "per_allele" for c in info], row["allele"])
    command.unprovable = "" if name else "bcftools cannot be given the contig's name"
    calls = [data.codes.texts[c] for c in row["gt"]] if genotypes else []
    expected = [key, *texts, *(_number(facts.frequencies[f"INFO/{c.id}"]) for c in info), *calls]
    return prove(context, data, "acmg_worksheet", wanted, command, expected)


def _reader(key: str, texts: int, per_allele: list[bool], allele: int) -> Callable[[IO[bytes]], list[str]]:
    def read(output: IO[bytes]) -> list[str]:
        fields = next((f for f in (line.split("\t") for line in all_lines(output)) if f[0] == key), [])
        start = 1 + texts
        for i, own in enumerate(per_allele, start):
            if i < len(fields):
                told = fields[i].split(",")
                fields[i] = told[allele - 1] if own and len(told) >= allele else max(told, key=_size)
        return fields

    return read


def _size(text: str) -> float:
    return float(text) if text != "." else -1.0


def _number(value: float | None) -> str:
    return "." if value is None else f"{value:.6g}"


TOOL = Tool(
    "acmg_worksheet",
    "A draft worksheet of the 28 ACMG/AMP criteria for a variant: each met, not met or not assessed by what the file, "
    "its annotation and the pedigree hold, with the evidence and what is needed to assess it. Use it for 'classify "
    "... by ACMG', 'which criteria apply'. It never gives a classification.",
    AcmgWorksheet,
    acmg_worksheet,
    example={"variant": "chr7:117559590:ATCT:A"},
)

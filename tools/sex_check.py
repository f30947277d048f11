"""The sex that X tells, and whether the pedigree agrees."""

from typing import Any

from pydantic import Field

from .context import ToolContext
from .dataset import OpenDataset
from .evidence import Command, prove
from .filters import OnDataset
from .registry import Tool
from .result import Table, ToolResult
from .sample_counts import class_counts
from .sample_statistics import classes_by_sample
from .x_chromosome import Build, HaploidX, haploid_x


class SexCheck(OnDataset):
    build: Build | None = Field(None, description="for the pseudo-autosomal regions; without it, that of the header")
    male_below: float = Field(
        0.1, ge=0, le=1, description="male where a smaller share of the ALT genotypes on X is heterozygous"
    )
    female_from: float = Field(0.25, ge=0, le=1, description="female where at least this share is")
    min_calls: int = Field(5, ge=1, description="ALT genotypes on X below which no sex is told")


def sex_check(context: ToolContext, wanted: SexCheck) -> ToolResult:
    """Heterozygous genotypes on X outside PAR, the sex they tell, and the pedigree's.

    The value maps each sample to `het`, `records`, `sex` (`male`, `female` or null), `pedigree` and `agrees` (null
    where either is not known).
    """
    data = context.dataset(wanted.dataset)
    data.need_genotypes()
    x = haploid_x(data, wanted.build)
    counts = class_counts(data, x.sql()) if x.contig else {}
    pedigree = context.pedigree_of(data)
    recorded = {s: pedigree.sex(s) if pedigree else None for s in data.samples}
    value = {s: _judge(wanted, c, recorded[s]) for s, c in counts.items()}
    result = ToolResult(_sentence(data, x, value), value, "samples", tables=[_table(value, counts)])
    result.reading = [
        x.reading,
        f"share of heterozygous genotypes among those with an ALT allele: below {wanted.male_below:g} male, from "
        f"{wanted.female_from:g} female, else not told; nor with fewer than {wanted.min_calls} ALT genotypes",
        "a sample whose called genotypes are mostly haploid is male; missing ones count as neither",
    ]
    result.evidence.append(_evidence(context, data, wanted, x, counts))
    return result


def _judge(wanted: SexCheck, counts: dict[str, int], recorded: str | None) -> dict[str, Any]:
    haploid = counts["hemizygous_alt"] + counts["hemizygous_ref"]
    alt = counts["het"] + counts["hom_alt"] + counts["hemizygous_alt"]
    called = haploid + counts["het"] + counts["hom_alt"] + counts["hom_ref"]
    share = counts["het"] / alt if alt else None
    sex = None
    if called and 2 * haploid > called:
        sex = "male"
    elif share is not None and alt >= wanted.min_calls:
        sex = "male" if share < wanted.male_below else "female" if share >= wanted.female_from else None
    agrees = sex == recorded if sex and recorded else None
    return {"het": counts["het"], "records": sum(counts.values()), "share": None if share is None else round(share, 4),
            "sex": sex, "pedigree": recorded, "agrees": agrees}  # fmt: skip


def _sentence(data: OpenDataset, x: HaploidX, value: dict[str, dict[str, Any]]) -> str:
    if x.contig is None:
        return f"{data.name} has no records on X, so nothing tells the sex of its samples."
    wrong = [s for s, v in value.items() if v["agrees"] is False]
    told = ", ".join(f"{s} {v['sex'] or 'not told'} ({v['het']:,} het of {v['records']:,})"
                     for s, v in list(value.items())[:20])  # fmt: skip
    compared = sum(v["agrees"] is not None for v in value.values())
    doubt = f"the pedigree says otherwise of {', '.join(wrong[:20])}" if wrong else "the pedigree agrees"
    return f"Sex by X in {data.name}: {told}; " + (doubt if compared else "no sex is recorded to compare") + "."


def _table(value: dict[str, dict[str, Any]], counts: dict[str, dict[str, int]]) -> Table:
    columns = ["sample", "het", "records", "share", "sex", "pedigree", "agrees", "hemizygous ALT", "hom ALT"]
    rows = [[s, *v.values(), counts[s]["hemizygous_alt"], counts[s]["hom_alt"]] for s, v in value.items()]
    return Table("sex", columns, rows, len(rows))


def _evidence(
    context: ToolContext, data: OpenDataset, wanted: SexCheck, x: HaploidX, counts: dict[str, dict[str, int]]
) -> Any:
    command = Command(["query", "-i", x.expression(), "-f", r"[%SAMPLE\t%GT\n]"], "sort | uniq -c", classes_by_sample)
    command.unprovable = "" if x.contig else "there are no records on X"
    if x.contig and '"' in x.contig:
        command.unprovable = "the contig's name cannot be written in bcftools' language"
    expected = {s: {k: n for k, n in c.items() if n and k != "missing"} for s, c in counts.items() if sum(c.values())}
    return prove(context, data, "sex_check", wanted, command, expected)


TOOL = Tool(
    "sex_check",
    "Whether the recorded sex of each sample agrees with X: heterozygous genotypes outside the pseudo-autosomal "
    "regions, and the sex they tell.",
    SexCheck,
    sex_check,
)

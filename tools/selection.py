"""From a filter to the records that meet it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ..memory.errors import ToolError
from ..memory.genotype_codes import Genotype
from .clauses import Clause, Places, clauses_of
from .dataset import Matrix, OpenDataset, each_once
from .filters import GenotypeCondition, SampleCondition, VariantFilter

CLASSES = {
    "het": {Genotype.HET},
    "hom_alt": {Genotype.HOM_ALT},
    "hom_ref": {Genotype.HOM_REF},
    "hemizygous_alt": {Genotype.HEMI_ALT},
    "hom_or_hemizygous_alt": {Genotype.HOM_ALT, Genotype.HEMI_ALT},
    "carrier": {Genotype.HET, Genotype.HOM_ALT, Genotype.HEMI_ALT},
    "reference": {Genotype.HOM_REF, Genotype.HEMI_REF},
    "missing": {Genotype.MISSING, Genotype.PARTIAL},
    "called": set(Genotype) - {Genotype.MISSING, Genotype.PARTIAL},
}
BCFTOOLS_GT = {
    "het": '="het"', "hom_alt": '="AA"', "hom_ref": '="RR"', "hemizygous_alt": '="A"',
    "hom_or_hemizygous_alt": '="AA"|="A"', "carrier": '="alt"', "reference": '="ref"', "missing": '="mis"',
    "called": '!="mis"',
}  # fmt: skip
_WORDS = {
    "het": "heterozygous", "hom_alt": "homozygous ALT", "hom_ref": "homozygous REF",
    "carrier": "carrying an ALT allele", "hemizygous_alt": "hemizygous ALT",
    "hom_or_hemizygous_alt": "homozygous or hemizygous ALT", "reference": "reference", "missing": "missing",
    "called": "called",
}  # fmt: skip


BLOCK_ROWS = 1 << 18
_SAMPLE_VALUES = {"DP": "FORMAT/DP", "GQ": "FORMAT/GQ", "AB": "allele balance"}


@dataclass(slots=True)
class Selection:
    """The records that meet a filter.

    `where` holds for the alleles that meet what is said of alleles; `records` is null where no genotype
    condition or multi-allelic record asks for more than that.
    """

    where: str
    records: npt.NDArray[np.int32] | None
    clauses: list[Clause]
    by_different_alleles: int = 0
    reading: list[str] = field(default_factory=list)


def select(data: OpenDataset, wanted: VariantFilter, scope: str = "record") -> Selection:
    """Find the records, or with `scope` allele the alleles, that meet a filter."""
    return select_all(data, [wanted], scope)


def select_all(
    data: OpenDataset, filters: Sequence[VariantFilter], scope: str = "record", within: Sequence[Clause] = ()
) -> Selection:
    """As `select`, for what meets every one of several filters and lies `within` further clauses."""
    genotypes = [g for wanted in filters for g in wanted.genotypes]
    clauses = [*within, *(c for wanted in filters for c in clauses_of(data, wanted))]
    clauses += [_named_clause(data, g) for g in genotypes if _is_named(g)]
    where = " AND ".join(c.sql for c in clauses if c.sql)
    counted = [g for g in genotypes if not _is_named(g)]
    per_allele = [c.sql for c in clauses if c.per_allele]
    found = Selection(where, None, clauses)
    if scope == "record" and len(per_allele) > 1 and data.summary["multiallelic"]:
        _add_records_met_by_different_alleles(data, found)
    for clause in clauses:
        if clause.places:
            _keep_by_place(data, found, clause.places)
    for condition in counted:
        _keep_by_genotype(data, found, condition)
        found.clauses.append(_counted_clause(data, condition))
    found.reading = list(dict.fromkeys(c.reading for c in found.clauses if c.reading))
    return found


def count_records(data: OpenDataset, found: Selection) -> int:
    """How many distinct records a selection holds."""
    if found.records is not None:
        return len(found.records)
    if not data.summary["multiallelic"]:
        return data.table.count(found.where)
    return len(each_once(data.table.columns(["record"], found.where)["record"].to_numpy()))


def count_found(data: OpenDataset, found: Selection, scope: str) -> int:
    """How many records or ALT alleles a selection that was made with this `scope` holds."""
    return _count_alleles(data, found) if scope == "allele" else count_records(data, found)


def _count_alleles(data: OpenDataset, found: Selection) -> int:
    where = f"allele > 0 AND {found.where}" if found.where else "allele > 0"
    if found.records is None:
        return data.table.count(where)
    return int(np.isin(data.table.columns(["record"], where)["record"].to_numpy(), found.records).sum())


def record_numbers(data: OpenDataset, found: Selection) -> npt.NDArray[np.int32]:
    """The 0-based numbers of the selected records, in file order."""
    if found.records is None:
        return each_once(data.table.columns(["record"], found.where)["record"].to_numpy())
    return found.records


def selected_blocks(
    data: OpenDataset, found: Selection, columns: list[str], also: str = ""
) -> Iterator[tuple[npt.NDArray[np.int32], dict[str, Matrix]]]:
    """Numbers and sample columns of the selected records, as `OpenDataset.record_blocks` gives them.

    `also` is a further condition of the table that does not differ between the ALT alleles of a record.
    """
    where = " AND ".join(part for part in (found.where if found.records is None else "", also) if part)
    for records, block in data.record_blocks(columns, where):
        if found.records is not None:
            kept = np.isin(records, found.records, assume_unique=True)
            records, block = records[kept], {name: values[kept] for name, values in block.items()}
        yield records, block


def _add_records_met_by_different_alleles(data: OpenDataset, found: Selection) -> None:
    """bcftools asks each condition of the record, so different ALT alleles may meet different ones."""
    of_record = [c.sql for c in found.clauses if c.sql and not c.per_allele]
    base = " AND ".join(["n_alt > 1", *of_record])
    each = [
        data.table.columns(["record"], f"{base} AND {c.sql}")["record"].to_numpy()
        for c in found.clauses
        if c.per_allele
    ]
    several = each[0]
    for records in each[1:]:
        several = np.intersect1d(several, records)
    same = np.unique(data.table.columns(["record"], found.where)["record"].to_numpy())
    found.records = np.union1d(same, several)
    found.by_different_alleles = len(found.records) - len(same)


def _is_named(condition: GenotypeCondition) -> bool:
    return bool(condition.samples) and condition.how_many == "all"


def _sample_columns(data: OpenDataset, condition: GenotypeCondition) -> list[int]:
    data.need_genotypes() if condition.genotype else data.need_samples()
    for sample_field in {"AD" if w.field == "AB" else w.field for w in condition.where}:
        if sample_field not in data.summary["sample_fields"]:
            raise ToolError(f"{data.name} has no FORMAT/{sample_field}", "Its genotypes cannot be filtered by it")
    left_out = {data.sample_index(s) for s in condition.except_samples}
    chosen = [data.sample_index(s) for s in condition.samples] or list(range(len(data.samples)))
    kept = [i for i in dict.fromkeys(chosen) if i not in left_out]
    if not kept:
        raise ToolError("A genotype condition leaves out every sample that it names", "Name at least one other sample")
    return kept


def _named_clause(data: OpenDataset, condition: GenotypeCondition) -> Clause:
    """Every named sample meets the condition: a plain condition of the table, since each sample has its place."""
    sql, expressions = [], []
    for i in _sample_columns(data, condition):
        if condition.genotype:
            codes = data.codes.with_class(*CLASSES[condition.genotype])
            sql.append(f"gt[{i + 1}] IN ({', '.join(map(str, codes))})" if codes else "false")
            expressions.append(_genotype_expression(condition.genotype, f"[{i}]"))
        for w in condition.where:
            sql.append(_sample_sql(w, i + 1))
            expressions.append(_sample_expression(w, f"{i}:", f"[{i}]"))
    return Clause(
        " AND ".join(sql),
        per_allele=_of_allele(condition),
        expression=" && ".join(expressions),
        reading=_reading(data, condition),
        unprovable=_why_unprovable(data, condition),
    )


def _genotype_expression(kind: str, subscript: str = "", negated: bool = False) -> str:
    """For bcftools; `subscript` says of which sample."""
    parts = [f"GT{subscript}{test}" for test in BCFTOOLS_GT[kind].split("|")]
    if negated:
        parts = [p.replace("!=", "=") if "!=" in p else p.replace("=", "!=") for p in parts]
    return parts[0] if len(parts) == 1 else f"({(' && ' if negated else ' | ').join(parts)})"


def _of_allele(condition: GenotypeCondition) -> bool:
    return any(w.field == "AB" for w in condition.where)


def _sample_sql(w: SampleCondition, place: int) -> str:
    if w.field != "AB":
        return f"{w.field.lower()}[{place}] {w.op} {w.value!r}"
    reads = f"(ad_ref[{place}] + ad_alt[{place}])"
    return f"({reads} > 0 AND CAST(ad_alt[{place}] AS DOUBLE) / {reads} {w.op} {w.value!r})"


def _sample_expression(w: SampleCondition, sample: str, subscript: str) -> str:
    """For bcftools; `sample` stands before the subfield, `subscript` after a field of one value."""
    if w.field != "AB":
        return f"FMT/{w.field}{subscript}{w.op}{w.value:g}"
    return f"FMT/AD[{sample}1]/(FMT/AD[{sample}0]+FMT/AD[{sample}1]){w.op}{w.value:g}"


def _why_unprovable(data: OpenDataset, condition: GenotypeCondition) -> str:
    if _of_allele(condition) and data.summary["multiallelic"]:
        return "bcftools would take the reads of the first ALT allele for all"
    if condition.genotype in ("missing", "called") and data.records_without_genotypes:
        return "some records have no GT at all; they count as missing here, and as neither in bcftools"
    return ""


def _reading(data: OpenDataset, condition: GenotypeCondition) -> str:
    names = [data.samples[i] for i in _sample_columns(data, condition)]
    everyone = len(names) == len(data.samples) and not condition.samples
    who = "all samples" if everyone else ", ".join(names) if len(names) <= 6 else f"{len(names)} samples"
    what = [_WORDS[condition.genotype]] if condition.genotype else []
    what += [f"{_SAMPLE_VALUES[w.field]} {w.op} {w.value:g}" for w in condition.where]
    number = condition.n if condition.share is None else f"{condition.share * 100:g}%"
    many = {"all": "every one", "any": "at least one", "none": "none"}.get(
        condition.how_many, f"{condition.how_many.replace('_', ' ')} {number}"
    )
    text = f"{' with '.join(what)} in {many} of {who}" if len(names) > 1 else f"{' with '.join(what)} in {who}"
    if len(what) > 1 and len(names) > 1:
        text += ", all in the same sample"
    note = "; allele balance is reads of ALT among those of REF and that ALT" if _of_allele(condition) else ""
    if note and data.summary["multiallelic"] and not _is_named(condition):
        note += ", the first ALT where there are several"
    return text + _missing_note(condition) + note


def _missing_note(condition: GenotypeCondition) -> str:
    notes = {
        "reference": "; a missing genotype is not reference",
        "hom_ref": "; a missing genotype is not reference",
        "hom_alt": "; hemizygous calls are not homozygous",
    }
    if condition.genotype == "carrier" and condition.how_many == "none":
        return "; a missing genotype is not a carrier"
    return notes.get(condition.genotype or "", "")


def _keep_by_genotype(data: OpenDataset, found: Selection, condition: GenotypeCondition) -> None:
    """Narrow a selection to the records in which the right number of samples meets a condition."""
    columns = _sample_columns(data, condition)
    where = found.where if found.records is None else ""
    fields = {c for w in condition.where for c in (["ad_ref", "ad_alt"] if w.field == "AB" else [w.field.lower()])}
    needed = [*(["gt"] if condition.genotype else []), *sorted(fields)]
    kept = [np.array([], dtype=np.int32)]
    for records, block in data.record_blocks(needed, where):
        number = _meet(data, condition, {c: values[:, columns] for c, values in block.items()}).sum(axis=1)
        kept.append(records[_enough(condition, number, len(columns))])
    met = np.concatenate(kept)
    found.records = met if found.records is None else np.intersect1d(found.records, met)


def _keep_by_place(data: OpenDataset, found: Selection, places: Places) -> None:
    """Narrow a selection to the records that reach the regions of a BED, or to those that do not."""
    where = found.where if found.records is None else ""
    kept = [np.array([], dtype=np.int32)]
    for rows in data.table.blocks(["record", "chrom", "pos", "end"], where, BLOCK_ROWS):
        start = rows.column("pos").to_numpy()
        end = start if places.by_pos else rows.column("end").to_numpy()
        met = places.regions.reached(rows.column("chrom"), start, end) != places.outside
        kept.append(rows.column("record").to_numpy()[met])
    met_by = each_once(np.concatenate(kept))
    found.records = met_by if found.records is None else np.intersect1d(found.records, met_by)


def _enough(condition: GenotypeCondition, number: npt.NDArray[np.int64], samples: int) -> npt.NDArray[np.bool_]:
    n = condition.n if condition.share is None else round(condition.share * samples, 6)
    n = n or 0
    compare = {
        "all": number == samples, "any": number > 0, "none": number == 0, "exactly": number == n,
        "at_least": number >= n, "at_most": number <= n, "more_than": number > n, "less_than": number < n,
    }  # fmt: skip
    return np.asarray(compare[condition.how_many])


def _meet(data: OpenDataset, condition: GenotypeCondition, block: dict[str, Matrix]) -> npt.NDArray[np.bool_]:
    """Which samples of which records meet a condition."""
    met = np.ones(next(iter(block.values())).shape, dtype=bool)
    if condition.genotype:
        met &= np.isin(data.codes.classes(), list(CLASSES[condition.genotype]))[block["gt"]]
    for w in condition.where:
        values = _balance(block) if w.field == "AB" else block[w.field.lower()]
        compare = {"<": np.less, "<=": np.less_equal, "=": np.equal, "!=": np.not_equal, ">=": np.greater_equal,
                   ">": np.greater}[w.op]  # fmt: skip
        met &= compare(values, np.asarray(w.value, dtype=values.dtype) if values.dtype.kind == "f" else w.value)
        met &= values >= 0
    return met


def _balance(block: dict[str, Matrix]) -> Matrix:
    """Reads of ALT among those of REF and ALT; -1 where there are none. Of several ALT alleles it is the first."""
    ref, alt = block["ad_ref"].astype(np.float64), block["ad_alt"].astype(np.float64)
    known = (ref >= 0) & (alt >= 0) & (ref + alt > 0)
    return np.where(known, alt / np.where(known, ref + alt, 1.0), -1.0)


def _counted_clause(data: OpenDataset, condition: GenotypeCondition) -> Clause:
    parts = [_genotype_expression(condition.genotype)] if condition.genotype else []
    parts += [_sample_expression(w, ":", "") for w in condition.where]
    columns = _sample_columns(data, condition)
    reading = _reading(data, condition)
    if len(columns) < len(data.samples):
        if condition.how_many == "none" and len(parts) == 1 and condition.genotype:
            kind = condition.genotype
            expression = " && ".join(_genotype_expression(kind, f"[{i}]", negated=True) for i in columns)
            return Clause("", expression=expression, reading=reading, unprovable=_why_unprovable(data, condition))
        return Clause("", reading=reading, unprovable="bcftools cannot count over some of the samples")
    compare = {"all": "=N_SAMPLES", "any": ">=1", "none": "=0", "at_least": f">={condition.n}",
               "at_most": f"<={condition.n}", "exactly": f"={condition.n}"}.get(condition.how_many, "")  # fmt: skip
    expression = f"N_PASS({' & '.join(parts)}){compare}"
    if condition.share is not None:
        way = {"at_least": ">=", "at_most": "<=", "more_than": ">", "less_than": "<"}[condition.how_many]
        expression = f"F_PASS({' & '.join(parts)}){way}{condition.share:g}"
    return Clause("", expression=expression, reading=reading, unprovable=_why_unprovable(data, condition))

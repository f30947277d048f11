"""What a file says of one ALT allele that an ACMG/AMP criterion asks for."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from ..memory.genotype_codes import alleles_of
from .annotation import NAMES, AnnotationFormat, read_entries
from .clauses import SIGNIFICANCE_FIELDS, profiles_meeting
from .columns import InfoColumn
from .consequences import SHORT_NAMES, rank
from .dataset import OpenDataset
from .filters import VariantFilter
from .places import COLUMNS_LEFT_OUT
from .variant_rows import variant_key

Row = dict[str, Any]
Entry = dict[str, str]
"""An annotation entry: each key of the annotation with its text, empty where it is not set."""

Change = tuple[str, int, str]
"""Amino acid, residue from 1, amino acid; one or three letters, as the file has them."""


@dataclass(slots=True)
class Facts:
    """One ALT allele; `row` is its line of the table. `entries` are those of `gene`, or all where none names one."""

    key: str
    row: Row
    gene: str | None
    entries: list[Entry]
    frequencies: dict[str, float | None] = field(default_factory=dict)
    ambiguous: list[str] = field(default_factory=list)
    significance: str | None = None
    significance_field: str | None = None
    review: str | None = None

    def terms(self) -> list[str]:
        """Distinct consequence terms of the gene's entries, the most severe first."""
        found = {SHORT_NAMES.get(t, t) for e in self.entries for t in text_of(e, "consequence").split("&") if t}
        return sorted(found, key=rank)


def text_of(entry: Entry, part: str) -> str:
    """The text of `consequence`, `gene`, `feature`, ... in an entry, under whatever name the annotation has it."""
    text = next((entry[name] for name in NAMES[part] if name in entry), "")
    return text.lstrip("*") if part == "consequence" else text


def facts_of(data: OpenDataset, row: Row, gene: str | None) -> Facts:
    """The facts of the allele of a table row."""
    entries = entries_of_allele(data, row)
    chosen = gene or _worst_gene(entries)
    of_gene = [e for e in entries if text_of(e, "gene") == chosen] if chosen else entries
    facts = Facts(variant_key(row["chrom"], row["pos"], row["ref"], row["alt"]), row, chosen, of_gene)
    for name, column in data.frequency_fields().items():
        if _is_of_record(data, name, row):
            facts.ambiguous.append(name)
        else:
            facts.frequencies[name] = _largest(row[column])
    said = significance_field(data)
    if said:
        facts.significance, facts.significance_field = row[said.column], f"INFO/{said.id}"
    if "CLNREVSTAT" in data.info:
        facts.review = row[data.info["CLNREVSTAT"].column]
    return facts


def _worst_gene(entries: list[Entry]) -> str | None:
    named = [e for e in entries if text_of(e, "gene")]
    return text_of(min(named, key=lambda e: rank(text_of(e, "consequence"))), "gene") if named else None


def _is_of_record(data: OpenDataset, name: str, row: Row) -> bool:
    """Whether a field does not say which of several ALT alleles it speaks of."""
    info = data.info.get(name.removeprefix("INFO/")) if name.startswith("INFO/") else None
    return info is not None and info.shape != "per_allele" and row["n_alt"] > 1


def _largest(value: Any) -> float | None:
    numbers = [v for v in (value if isinstance(value, list) else [value]) if v is not None]
    return max(numbers) if numbers else None


def significance_field(data: OpenDataset) -> InfoColumn | None:
    """The INFO field with the clinical significance, null where there is none."""
    return next((data.info[n] for n in SIGNIFICANCE_FIELDS if n in data.info), None)


def entries_of_allele(data: OpenDataset, row: Row) -> list[Entry]:
    """The annotation entries that go to the allele of a row, whole, from the stored text."""
    if not data.annotated:
        return []
    said = data.summary["annotation"]
    format_ = AnnotationFormat(said["tag"], said["tool"], tuple(said["keys"]))
    raw = row[data.info[said["tag"]].column]
    if raw is None:
        return []
    alts = (row["whole_alts"] or row["alt"]).split(",")
    places = np.arange(1, len(alts) + 1, dtype=np.int64)
    entries = read_entries(
        pa.array([raw], pa.string()), format_, np.zeros(len(alts), dtype=np.int64), places,
        pa.array(alts, pa.string()), pa.array([row["ref"]] * len(alts), pa.string()),
    )  # fmt: skip
    own = np.flatnonzero(entries.row == row["allele"] - 1)
    return [dict(zip(format_.keys, parts, strict=False)) for parts in entries.parts.take(pa.array(own)).to_pylist()]


def allele_rows(data: OpenDataset, where: str) -> list[Row]:
    """The rows of the table for which `where` holds, each with the whole ALT column of its record."""
    columns = [n for n in data.table.names() if n not in COLUMNS_LEFT_OUT]
    rows: list[Row] = data.table.columns(columns, where).to_pylist()
    several = {r["record"] for r in rows if r["n_alt"] > 1}
    whole: dict[int, str] = {}
    if several:
        listed = ", ".join(map(str, several))
        found = data.table.columns(["record", "alts"], f"n_alt > 1 AND allele = 1 AND record IN ({listed})")
        whole = dict(zip(found["record"].to_pylist(), found["alts"].to_pylist(), strict=True))
    for row in rows:
        row["whole_alts"] = whole.get(row["record"])
    return rows


def is_pathogenic(text: str | None) -> bool:
    """Whether a clinical significance says pathogenic or likely pathogenic, and nothing against it."""
    words = {w.strip("_ ").lower().replace(" ", "_") for w in re.split(r"[,/|;&]", text or "")}
    return bool(words & {"pathogenic", "likely_pathogenic"}) and not any(
        w.startswith("conflicting") or "benign" in w or w == "uncertain_significance" for w in words
    )


def pathogenic_in_gene(data: OpenDataset, facts: Facts) -> Iterator[Row]:
    """The other alleles of the file in the gene that its significance field calls pathogenic.

    A record with several ALT alleles is left out: its significance does not say of which it speaks.
    """
    column = significance_field(data)
    if column is None or facts.gene is None or facts.gene not in data.genes:
        return
    numbers = profiles_meeting(data, VariantFilter(genes=[facts.gene]))
    listed = ", ".join(map(str, numbers)) or "-1"
    for row in allele_rows(data, f"profile IN ({listed}) AND n_alt = 1 AND {column.column} IS NOT NULL"):
        if row["record"] != facts.row["record"] and is_pathogenic(row[column.column]):
            yield row


def protein_changes(entries: list[Entry]) -> dict[str, Change]:
    """The amino acid change by transcript, of the entries that name one."""
    found = {}
    for entry in entries:
        change = _change(text_of(entry, "protein"))
        if change:
            found[text_of(entry, "feature")] = change
    return found


def _change(text: str) -> Change | None:
    """`ENSP0:p.Arg117His` of VEP and SnpEff, `117R>117H` of bcftools csq."""
    long = re.search(r"p\.\(?([A-Z][a-z]{2})(\d+)([A-Z][a-z]{2})\)?$", text)
    if long:
        return long[1], int(long[2]), long[3]
    short = re.fullmatch(r"(\d+)([A-Z])>\1([A-Z])", text)
    return (short[2], int(short[1]), short[3]) if short else None


def scores(data: OpenDataset, facts: Facts, fields: list[str]) -> tuple[str, list[float]]:
    """The first of these fields that has numbers for the allele, in the annotation or in INFO, and the numbers."""
    tag = data.summary["annotation"]["tag"] if data.annotated else ""
    for name in fields:
        told = [n for e in facts.entries for n in numbers_in(e.get(name, ""))]
        if told:
            return f"{tag}/{name}", told
        info = data.info.get(name)
        if info and info.shape != "flag" and not _is_of_record(data, f"INFO/{name}", facts.row):
            value = facts.row[info.column]
            listed = value if isinstance(value, list) else numbers_in(str(value)) if value is not None else []
            if listed:
                return f"INFO/{name}", [float(v) for v in listed if v is not None]
    return "", []


def numbers_in(text: str) -> list[float]:
    """The numbers of `0.9`, `0.1&.&0.3` and `deleterious(0.01)`."""
    return [float(n) for n in re.findall(r"(?:^|[&,(])(\d+(?:\.\d+)?(?:[eE]-?\d+)?)(?=$|[&,)])", text)]


def splice_delta(data: OpenDataset, facts: Facts) -> tuple[str, float] | None:
    """The largest SpliceAI delta score of the allele, from the annotation or from INFO/SpliceAI."""
    names = [f"SpliceAI_pred_DS_{part}" for part in ("AG", "AL", "DG", "DL")]
    told = [n for e in facts.entries for name in names for n in numbers_in(e.get(name, ""))]
    if told:
        return f"{data.summary['annotation']['tag']}/SpliceAI_pred_DS", max(told)
    info = data.info.get("SpliceAI")
    raw = facts.row[info.column] if info else None
    for entry in raw.split(",") if isinstance(raw, str) else []:
        parts = entry.split("|")
        deltas = [n for p in parts[2:6] for n in numbers_in(p)]
        if parts[0].upper() == str(facts.row["alt"]).upper() and deltas:
            return "INFO/SpliceAI", max(deltas)
    return None


def call(data: OpenDataset, facts: Facts, sample: int) -> str:
    """The GT text of a sample (0-based column)."""
    return data.codes.texts[facts.row["gt"][sample]] if data.samples else "."


def copies(data: OpenDataset, row: Row, sample: int) -> int | None:
    """How many copies of the row's allele a sample has; null where an allele of its genotype is missing."""
    alleles = alleles_of(data.codes.texts[row["gt"][sample]])
    return None if None in alleles else alleles.count(row["allele"])

"""Counts over the genotype matrix, sample by sample."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from ..memory.genotype_codes import Genotype, alleles_of
from .alleles import is_transition
from .dataset import BLOCK_CELLS, OpenDataset, matrix

NAMES = {
    Genotype.HET: "het", Genotype.HOM_ALT: "hom_alt", Genotype.HOM_REF: "hom_ref",
    Genotype.HEMI_ALT: "hemizygous_alt", Genotype.HEMI_REF: "hemizygous_ref",
    Genotype.PARTIAL: "partly_missing", Genotype.MISSING: "missing",
}  # fmt: skip


def code_counts(codes: npt.NDArray[np.int16], n_codes: int) -> npt.NDArray[np.int64]:
    """How often each genotype code occurs in each sample: one line per sample."""
    n = codes.shape[1]
    flat = codes.astype(np.int64) + np.arange(n) * n_codes
    return np.bincount(flat.ravel(), minlength=n * n_codes).reshape(n, n_codes)


def class_counts(data: OpenDataset, where: str = "") -> dict[str, dict[str, int]]:
    """For each sample the number of records in each genotype class."""
    return _classes_of(data, _code_counts(data, where))


def _classes_of(data: OpenDataset, counts: npt.NDArray[np.int64]) -> dict[str, dict[str, int]]:
    return {
        sample: _by_class(zip(data.codes.texts, counts[i].tolist(), strict=False))
        for i, sample in enumerate(data.samples)
    }


def _code_counts(data: OpenDataset, where: str = "") -> npt.NDArray[np.int64]:
    n_codes = max(len(data.codes.texts), 1)
    counts = np.zeros((len(data.samples), n_codes), dtype=np.int64)
    for _, block in data.record_blocks(["gt"], where):
        counts += code_counts(block["gt"], n_codes)
    return counts


def type_class_counts(data: OpenDataset, kind: str) -> dict[str, dict[str, int]]:
    """As `class_counts`, of the records with an ALT allele of a type, `snp` or `indel`.

    As in `bcftools stats`, a genotype with ALT alleles counts where one of them is of the type.
    """
    counts = _code_counts(data, f"type = '{kind}' AND n_alt = 1")
    where = f"type = '{kind}' AND n_alt > 1"
    rows = data.table.columns(["record", "allele"], where).group_by("record").aggregate([("allele", "list")])
    of_record = dict(zip(rows["record"].to_pylist(), map(frozenset, rows["allele_list"].to_pylist()), strict=True))
    for records, block in data.record_blocks(["gt"], where):
        alleles = [of_record[r] for r in records.tolist()]
        for group in set(alleles):
            chosen = block["gt"][[a == group for a in alleles]]
            counts += code_counts(chosen, counts.shape[1]) * _counted_in(data, group)
    return _classes_of(data, counts)


def _counted_in(data: OpenDataset, alleles: frozenset[int]) -> npt.NDArray[np.bool_]:
    """Which codes have one of these ALT alleles, or none at all."""
    alts = [{a for a in alleles_of(text) if a} for text in data.codes.texts] or [set[int]()]
    return np.array([not of_code or bool(of_code & alleles) for of_code in alts])


def _by_class(counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    from ..memory.genotype_codes import classify

    out = dict.fromkeys(NAMES.values(), 0)
    for text, number in counts:
        out[NAMES[classify(text)]] += number
    return out


def genotype_texts(data: OpenDataset) -> dict[str, int]:
    """How often each genotype is written, over all samples."""
    counts = _code_counts(data).sum(axis=0)
    return {text: int(n) for text, n in zip(data.codes.texts, counts, strict=False) if n}


def mean_depths(data: OpenDataset) -> list[float | None]:
    """The mean FORMAT/DP of each sample over the records where it is given."""
    if "DP" not in data.summary["sample_fields"]:
        return [None] * len(data.samples)
    total = number = np.zeros(len(data.samples), dtype=np.int64)
    for _, block in data.record_blocks(["dp"]):
        known = block["dp"] >= 0
        total = total + np.where(known, block["dp"], 0).sum(axis=0)
        number = number + known.sum(axis=0)
    return [float(t / n) if n else None for t, n in zip(total.tolist(), number.tolist(), strict=True)]


def base_changes(data: OpenDataset, two_alts: str) -> tuple[list[int], list[int]]:
    """For each sample its transitions and its transversions, from complete genotypes of ploidy two or more.

    Each distinct ALT allele of a genotype counts once, or with `two_alts` first only the lowest one.
    """
    totals = np.zeros((2, len(data.samples)), dtype=np.int64)
    rows = max(BLOCK_CELLS // max(len(data.samples), 1), 1)
    for block in data.table.blocks(["allele", "change", "gt"], "change IS NOT NULL", rows):
        codes, numbers = matrix(block.column("gt"), len(data.samples)), block.column("allele").to_numpy()
        transition = np.asarray(is_transition(block.column("change")))
        for allele in np.unique(numbers).tolist():
            carried = _has(data, allele, two_alts)[codes]
            for total, of_kind in zip(totals, (transition, ~transition), strict=True):
                total += carried[of_kind & (numbers == allele)].sum(axis=0)
    return totals[0].tolist(), totals[1].tolist()


def _has(data: OpenDataset, allele: int, two_alts: str) -> npt.NDArray[np.bool_]:
    """Which codes are complete, not haploid, and have this ALT allele, or have it as the lowest of theirs."""
    diploid = np.isin(data.codes.classes(), [Genotype.HET, Genotype.HOM_ALT])
    if two_alts == "each":
        return np.asarray(diploid & (data.codes.copies(allele) > 0))
    lowest = [min((a for a in alleles_of(t) if a), default=0) for t in data.codes.texts] or [0]
    return np.asarray(diploid & (np.array(lowest) == allele))


def singletons(data: OpenDataset) -> list[int]:
    """For each sample the number of records at which it alone is heterozygous or homozygous ALT.

    As in `bcftools stats`, hemizygous and partly missing calls count as neither.
    """
    carrying = np.isin(data.codes.classes(), [Genotype.HET, Genotype.HOM_ALT])
    total = np.zeros(len(data.samples), dtype=np.int64)
    for _, block in data.record_blocks(["gt"]):
        carries = carrying[block["gt"]]
        total += carries[carries.sum(axis=1) == 1].sum(axis=0)
    return total.tolist()

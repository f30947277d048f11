"""Counts over the genotype matrix, sample by sample."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from ..memory.genotype_codes import Genotype
from .dataset import OpenDataset

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
    counts = _code_counts(data, where)
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

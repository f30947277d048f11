"""The genotype matrix of autosomal bi-allelic SNPs, on which relatedness and principal components rest."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ..memory.genotype_codes import alleles_of
from ..memory.variant_table import literal
from .dataset import OpenDataset
from .filters import VariantFilter
from .selection import select, selected_blocks

FEW = 1000
"""Sites below which an estimate is called rough."""

SITES = "autosomal SNPs with one ALT allele; X, Y and MT are left out, and so are missing and haploid genotypes"


def dosages(
    data: OpenDataset, wanted: VariantFilter, chosen: list[int]
) -> Iterator[tuple[npt.NDArray[np.int32], npt.NDArray[np.int8]]]:
    """Numbers of records and copies of the ALT allele (0, 1, 2; -1 where missing or not diploid), block by block.

    One line per record and one column per chosen sample.
    """
    found = select(data, wanted)
    outside = [c for c in data.contigs if c.removeprefix("chr").upper() in ("X", "Y", "M", "MT")]
    also = "n_alt = 1 AND type = 'snp'"
    also += f" AND chrom NOT IN ({', '.join(map(literal, outside))})" if outside else ""
    copies = _copies(data)
    for records, block in selected_blocks(data, found, ["gt"], also):
        yield records, copies[block["gt"][:, chosen]]


def _copies(data: OpenDataset) -> npt.NDArray[np.int8]:
    """For each code the copies of the ALT allele."""
    called = [[a for a in alleles_of(t) if a is not None] for t in data.codes.texts]
    diploid = [len(alleles_of(t)) == 2 and len(a) == 2 for t, a in zip(data.codes.texts, called, strict=True)]
    return np.array([sum(a) if two else -1 for a, two in zip(called, diploid, strict=True)] or [-1], dtype=np.int8)

"""Principal components of the genotypes: where samples lie by ancestry, and who stands apart."""

from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from ..memory.errors import ToolError
from .autosomal_snps import FEW, SITES, dosages
from .context import ToolContext
from .evidence import Command, prove
from .filters import VariantFilter
from .registry import Tool
from .result import Table, ToolResult
from .text import count_of

Floats = npt.NDArray[np.float64]
MAX_SAMPLES = 3000
FEW_SAMPLES = 20


class PrincipalComponents(VariantFilter):
    components: int = Field(2, ge=1, le=20)
    min_maf: float = Field(0.05, ge=0, le=0.5, description="least frequency of the rarer allele among the samples")


def principal_components(context: ToolContext, wanted: PrincipalComponents) -> ToolResult:
    """Principal components of the standardised genotype matrix (Patterson et al., PLoS Genetics 2006, 2:e190).

    Each site is centred by twice its allele frequency p and divided by sqrt(2 p (1 - p)); missing genotypes are put
    at the mean. Coordinates are left singular vectors times singular values, by the eigenvectors of the product with
    the transpose, divided by the root of the number of sites; of each component the largest coordinate is positive.
    The value maps each sample to its coordinates.
    """
    data = context.dataset(wanted.dataset)
    data.need_genotypes()
    n = len(data.samples)
    if not 2 <= n <= MAX_SAMPLES:
        raise ToolError(f"Principal components are for 2 to {MAX_SAMPLES:,} samples, not {n}")
    product: Floats = np.zeros((n, n))
    sites = 0
    for _, block in dosages(data, wanted, list(range(n))):
        standard = standardised(block, wanted.min_maf)
        product += standard.T @ standard
        sites += len(standard)
    if sites == 0:
        raise ToolError(f"No site of {data.name} is common enough", "Lower min_maf, or drop conditions")
    coordinates, shares = components_of(product / sites, min(wanted.components, n - 1))
    value = {s: [round(float(c), 6) for c in coordinates[i]] for i, s in enumerate(data.samples)}
    names = [f"PC{i + 1}" for i in range(coordinates.shape[1])]
    rows: list[list[Any]] = [[s, *c] for s, c in value.items()]
    told = ", ".join(f"{name} {share:.1%}" for name, share in zip(names, shares.tolist(), strict=True))
    text = f"Principal components of {count_of(n, 'sample')} over {count_of(sites, 'site')} of {data.name}: {told}."
    result = ToolResult(text, value, None, tables=[Table("components", ["sample", *names], rows, n)])
    result.tables.append(
        Table("variance", ["component", "share"], [list(r) for r in _shares(names, shares)], len(names))
    )
    result.reading = [
        f"{SITES}; the rarer allele at least {wanted.min_maf:g}; missing genotypes stand at the mean",
        *([f"only {n} samples: components show little more than who differs"] if n < FEW_SAMPLES else []),
        *([f"only {sites:,} sites, so positions are rough"] if sites < FEW else []),
    ]
    command = Command([], unprovable="bcftools has no principal components")
    result.evidence.append(prove(context, data, "principal_components", wanted, command, None))
    return result


def _shares(names: list[str], shares: Floats) -> list[tuple[str, float]]:
    return [(name, round(share, 6)) for name, share in zip(names, shares.tolist(), strict=True)]


def standardised(copies: npt.NDArray[np.int8], min_maf: float) -> npt.NDArray[np.float32]:
    """Common and varying sites, standardised; one line per site."""
    called = copies >= 0
    number = called.sum(axis=1)
    frequency = np.where(called, copies, 0).sum(axis=1) / np.maximum(2 * number, 1)
    rarer = np.minimum(frequency, 1 - frequency)
    kept = (number > 0) & (rarer >= min_maf) & (rarer > 0)
    p = frequency[kept, None]
    centred = np.where(called[kept], copies[kept] - 2 * p, 0.0) / np.sqrt(2 * p * (1 - p))
    return np.asarray(centred, dtype=np.float32)


def components_of(product: Floats, number: int) -> tuple[Floats, Floats]:
    """Coordinates (one line per sample) and shares of the variance of the first components."""
    values, vectors = np.linalg.eigh(product)
    order = np.argsort(-values, kind="stable")[:number]
    coordinates = vectors[:, order] * np.sqrt(np.maximum(values[order], 0))
    largest = coordinates[np.abs(coordinates).argmax(axis=0), np.arange(number)]
    return coordinates * np.where(largest < 0, -1, 1), np.maximum(values[order], 0) / max(values.sum(), 1e-12)


TOOL = Tool(
    "principal_components",
    "Principal components of the genotypes of common SNPs: coordinates of each sample, for clusters by ancestry and "
    "outliers. Needs many samples and sites to mean something.",
    PrincipalComponents,
    principal_components,
)

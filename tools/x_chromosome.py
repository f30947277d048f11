"""The part of X of which males have one copy."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ..memory.variant_table import literal
from .build import CONTIG_LENGTHS, OUTSIDE_PAR
from .clauses import quoted
from .dataset import OpenDataset

Build = Literal["GRCh37", "GRCh38"]


@dataclass(frozen=True, slots=True)
class HaploidX:
    """X outside its pseudo-autosomal regions, in a file: first and last position, null for the whole contig.

    `contig` is null where the file has no X. A record is placed by its POS. `reading` says what was taken.
    """

    contig: str | None
    span: tuple[int, int] | None
    reading: str

    def records(self, data: OpenDataset) -> npt.NDArray[np.int32]:
        """The numbers of the records there, sorted."""
        if self.contig is None:
            return np.array([], dtype=np.int32)
        return np.unique(data.table.columns(["record"], self.sql())["record"].to_numpy())

    def sql(self) -> str:
        """The same as a condition of the variant table; `contig` must be there."""
        inside = f" AND pos >= {self.span[0]} AND pos <= {self.span[1]}" if self.span else ""
        return f"chrom = {literal(self.contig or '')}{inside}"

    def expression(self, inside: bool = True) -> str:
        """For bcftools; empty for everything, where the file has no X."""
        if self.contig is None:
            return ""
        name = quoted(self.contig)
        if inside:
            return f"CHROM={name}" + (f" && POS>={self.span[0]} && POS<={self.span[1]}" if self.span else "")
        return f"(CHROM!={name} || POS<{self.span[0]} || POS>{self.span[1]})" if self.span else f"CHROM!={name}"


def contig_named(data: OpenDataset, *bases: str) -> str | None:
    """The contig of the records that is called so, with or without `chr`."""
    return next((c for c in data.contigs if c.removeprefix("chr").upper() in bases), None)


def haploid_x(data: OpenDataset, build: Build | None) -> HaploidX:
    """X outside PAR on the file's build, or on the one that is named.

    The whole contig where neither is known, or where its declared length is not that of the build's X.
    """
    contig = contig_named(data, "X")
    known = build or data.summary["build"]
    if contig is None:
        return HaploidX(None, None, "the file has no records on X")
    length = data.summary["contig_lengths"].get(contig)
    if known not in OUTSIDE_PAR:
        why = f"the genome build is {known or 'not known'}, so nothing of {contig} is taken as pseudo-autosomal"
        return HaploidX(contig, None, why)
    if build is None and length is not None and length != CONTIG_LENGTHS[known]["X"]:
        why = f"{contig} is {length:,} bases long, which is not X of {known}, so nothing of it is pseudo-autosomal"
        return HaploidX(contig, None, why)
    first, last = OUTSIDE_PAR[known]
    return HaploidX(
        contig, (first, last), f"{contig}:{first}-{last} is X outside its pseudo-autosomal regions ({known})"
    )

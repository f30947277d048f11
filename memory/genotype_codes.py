"""Genotypes as small numbers: each distinct GT text of a dataset gets a code, and what it means is looked up.

The text is kept as it stands in the file, so phase, ploidy and missing alleles are never lost.
"""

import re
from enum import IntEnum

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int16]
MAX_CODES = 1 << 15


class Genotype(IntEnum):
    """The class of one sample's genotype.

    HET has two or more distinct called alleles; HOM_REF and HOM_ALT have one, at ploidy two or more; a
    hemizygous call has ploidy one; PARTIAL has called and missing alleles, and counts as neither.
    """

    HOM_REF = 0
    HET = 1
    HOM_ALT = 2
    HEMI_REF = 3
    HEMI_ALT = 4
    PARTIAL = 5
    MISSING = 6


def alleles_of(text: str) -> list[int | None]:
    """The allele numbers of a GT text, null for a missing one: `0|1` is [0, 1]."""
    return [int(a) if a.isdigit() else None for a in re.split(r"[/|]", text.lstrip("/|"))]


def classify(text: str) -> Genotype:
    """The class of a GT text."""
    alleles = alleles_of(text)
    called = {a for a in alleles if a is not None}
    if not called:
        return Genotype.MISSING
    if None in alleles:
        return Genotype.PARTIAL
    if len(alleles) == 1:
        return Genotype.HEMI_ALT if any(called) else Genotype.HEMI_REF
    if len(called) > 1:
        return Genotype.HET
    return Genotype.HOM_ALT if any(called) else Genotype.HOM_REF


class GenotypeCodes:
    """The code book of one dataset: code i stands for `texts[i]`."""

    def __init__(self, texts: list[str] | None = None) -> None:
        self.texts: list[str] = list(texts or [])
        self._code = {text: code for code, text in enumerate(self.texts)}

    def code(self, text: str) -> int:
        """The code of a GT text, new where it was not met before."""
        if text not in self._code:
            self._code[text] = len(self.texts)
            self.texts.append(text)
        return self._code[text]

    def join(self, later: "GenotypeCodes") -> Codes:
        """Take in another book; returns the code here of each of its codes."""
        return np.array([self.code(text) for text in later.texts], dtype=np.int64).astype(np.int16)

    def classes(self) -> npt.NDArray[np.int8]:
        """The class of each code."""
        return np.array([int(classify(t)) for t in self.texts] or [0], dtype=np.int8)

    def called(self) -> npt.NDArray[np.int32]:
        """The number of called alleles of each code."""
        return np.array([sum(a is not None for a in alleles_of(t)) for t in self.texts] or [0], dtype=np.int32)

    def copies(self, allele: int) -> npt.NDArray[np.int32]:
        """The number of copies of an allele in each code."""
        return np.array([alleles_of(t).count(allele) for t in self.texts] or [0], dtype=np.int32)

    def with_class(self, *wanted: Genotype) -> list[int]:
        """The codes of the given classes."""
        return [code for code, text in enumerate(self.texts) if classify(text) in wanted]

    def phased(self) -> npt.NDArray[np.bool_]:
        """Which codes are phased."""
        return np.array(["|" in t for t in self.texts] or [False])

"""The records of a gVCF: every one with its stand-in allele, block after block without gap or overlap."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .across import Sites
from .counts import find_entry, read_counts
from .findings import Findings
from .header import Header
from .lines import Block, Positions


@dataclass(slots=True)
class Coverage:
    """What has been covered so far: up to `end` on `contig`, 1-based and inclusive, by the record in `line`."""

    findings: Findings
    header: Header
    allele: str
    contig: str = ""
    end: int = 0
    line: int = 0

    def is_used(self, block: Block, sites: Sites) -> bool:
        """Whether most records have the stand-in allele, so that the file is a gVCF."""
        there = self._has_allele(block, block.tabs_of(sites.rows, 5))
        return bool(len(there)) and float(there.mean()) > 0.5

    def check(self, block: Block, sites: Sites) -> None:
        tabs = block.tabs_of(sites.rows, 7)
        info_end = np.minimum.reduce([block.starts[sites.rows + 1] - 1, self._next_tab(block, sites)])
        at = find_entry(block, tabs[:, 6] + 1, info_end, "END")
        stated, _ = read_counts(block, np.maximum(at, 0))
        ends = np.where((at >= 0) & (stated > 0), stated, sites.pos + tabs[:, 3] - tabs[:, 2] - 2)
        self._check_alleles(block, sites, tabs)
        runs = sites.runs()
        for begin, end in zip(runs[:-1].tolist(), runs[1:].tolist(), strict=True):
            if begin < end:
                self._check_run(block, sites, ends, begin, end)

    @staticmethod
    def _next_tab(block: Block, sites: Sites) -> Positions:
        """The tab behind INFO, or what is behind all where there is none."""
        following = block.first_tab[sites.rows] + 7
        there = following < block.first_tab[sites.rows + 1]
        return np.where(there, block.tabs[np.minimum(following, len(block.tabs) - 1)], np.iinfo(np.int64).max)

    def _has_allele(self, block: Block, tabs: NDArray[np.int64]) -> NDArray[np.bool_]:
        word = np.frombuffer(self.allele.encode(), np.uint8)
        begins = np.maximum(tabs[:, 4] - len(word), 0)
        same: NDArray[np.bool_] = (block.data[begins[:, None] + np.arange(len(word))] == word).all(axis=1)
        return same & (tabs[:, 4] - tabs[:, 3] > len(word))

    def _check_alleles(self, block: Block, sites: Sites, tabs: NDArray[np.int64]) -> None:
        there = self._has_allele(block, tabs)
        self.findings.add_many(
            "GVCF_NON_REF", block.numbers(sites.rows[~there]), "ALT", lambda i: f"the record has no {self.allele}"
        )

    def _check_run(self, block: Block, sites: Sites, ends: Positions, begin: int, end: int) -> None:
        name = sites.names[sites.codes[begin]]
        pos, numbers = sites.pos[begin:end], block.numbers(sites.rows[begin:end])
        if name != self.contig:
            self.finish()
            self.contig, self.end = name, 0
        first = self.end
        covered = np.maximum.accumulate(np.concatenate([[first], ends[begin:end]]))[:-1]
        gap, overlap = pos > covered + 1, pos <= covered
        before, after, inside = covered[gap], pos[gap], pos[overlap]
        self.findings.add_many(
            "GVCF_GAP", numbers[gap], "POS", lambda i: f"{name}:{before[i] + 1:,}-{after[i] - 1:,} is not covered"
        )
        self.findings.add_many(
            "GVCF_OVERLAP", numbers[overlap], "POS", lambda i: f"{name}:{inside[i]:,} lies in the record before"
        )
        self.end, self.line = int(max(first, ends[begin:end].max())), int(numbers[-1])

    def finish(self) -> None:
        """Look at the end of a contig whose length the header gives."""
        length = self.header.contigs.get(self.contig, (0, None))[1]
        if length is not None and self.end < length:
            what = f"{self.contig}:{self.end + 1:,}-{length:,} is not covered"
            self.findings.add("GVCF_GAP", self.line, "POS", what)

"""The records of a file by blocks: what expressions clear, what is checked singly, what is compared together."""

import numpy as np
import pyarrow as pa

from .across import Duplicates, Order, Sites, read_sites
from .clean_lines import CleanLines
from .counts import check_counts
from .findings import Findings
from .gvcf import Coverage
from .header import COLUMNS, Header
from .lines import COLUMN_LIMIT, FIELD_LIMIT, Block, Positions, column
from .records import RecordChecker, alleles_are_readable
from .reference import Reference

LESSON = 48
"""Lines that are checked singly before the expressions are tried again with what they taught."""


class Body:
    """The records of a file."""

    def __init__(self, header: Header, findings: Findings, reference: Reference | None) -> None:
        self.header = header
        self.reference = reference
        if reference:
            reference.check_contigs(findings, [(line, name, n) for name, (line, n) in header.contigs.items()])
        self.exact = RecordChecker(header, findings)
        self.clean_lines = CleanLines(header)
        self.findings = findings
        self.order = Order(header, findings, judges_ends=reference is None)
        self.duplicates = Duplicates(findings)
        self.coverage = Coverage(findings, header, "<NON_REF>") if "NON_REF" in header.alts else None
        self._is_first = True

    def lacks_columns(self, block: Block, rows: Positions) -> bool:
        """Whether the block's last line, one of `rows`, has fewer columns than the header."""
        ends_with_record = bool(len(rows)) and int(rows[-1]) == block.count - 1
        return ends_with_record and int(block.columns()[-1]) < self.header.columns

    def check(self, block: Block, rows: Positions) -> None:
        """Check the lines `rows` of a block."""
        columns = block.columns()[rows]
        if len(columns) and columns.max() > COLUMN_LIMIT:
            rows, columns = self._without_too_many_columns(block, rows, columns)
        if len(rows) and not self.header.columns:
            self.header.columns = max(8, int(columns[0]))
        whole = columns == self.header.columns
        for row in rows[~whole].tolist():
            self.exact.check_columns(block.first + row, block.line(row))
        good = self._without_long_fields(block, rows[whole])
        if len(good):
            broken = self._check_lines(block, good)
            self._check_together(block, good, np.array(broken, np.int64))

    def _without_too_many_columns(
        self, block: Block, rows: Positions, columns: Positions
    ) -> tuple[Positions, Positions]:
        few = columns <= COLUMN_LIMIT
        what = f"the line has more than {COLUMN_LIMIT:,} columns"
        self.findings.add_many("LINE_TOO_LONG", block.numbers(rows[~few]), None, lambda _: what)
        return rows[few], columns[few]

    def _without_long_fields(self, block: Block, rows: Positions) -> Positions:
        """The lines none of whose columns is beyond what can be taken apart in little memory."""
        short = np.ones(len(rows), bool)
        for i in np.flatnonzero(block.starts[rows + 1] - block.starts[rows] > FIELD_LIMIT).tolist():
            row = int(rows[i])
            tabs = block.tabs[block.first_tab[row] : block.first_tab[row + 1]]
            sizes = np.diff(np.concatenate([block.starts[row : row + 1] - 1, tabs, block.starts[row + 1 :][:1] - 1]))
            at = int(sizes.argmax())
            if sizes[at] > FIELD_LIMIT:
                short[i] = False
                name = [*COLUMNS, "FORMAT"][at].strip("#") if at < 9 else f"sample {at - 8}"
                self.findings.add("LINE_TOO_LONG", block.first + row, name, f"{name} has {sizes[at] >> 20} MB")
        return rows[short]

    def _check_lines(self, block: Block, rows: Positions) -> list[int]:
        """Clear what the expressions clear; check the rest singly, learning from what turns out clean.

        The lines that break a rule.
        """
        broken: list[int] = []
        learned = True
        while len(rows):
            if learned:
                cleared = self.clean_lines.match(block, rows)
                doubtful = ~(cleared.site & cleared.samples)
                rows, site, samples = rows[doubtful], cleared.site[doubtful], cleared.samples[doubtful]
            number = LESSON if learned else len(rows)
            learned = False
            for row, *clear in zip(rows[:number].tolist(), site[:number], samples[:number], strict=True):
                learned |= self._check_singly(block, row, clear, broken)
            rows, site, samples = rows[number:], site[number:], samples[number:]
        return broken

    def _check_singly(self, block: Block, row: int, clear: list[bool], broken: list[int]) -> bool:
        """Check what is not clear of a line: its site, its samples. Whether something was learned from it."""
        columns = block.site(row)
        number, learned = block.first + row, False
        site, samples = clear
        if not site:
            site = self.exact.check_site(number, columns)
            learned = site and self.clean_lines.learn_site(columns)
        if len(columns) < 9:
            samples = True
        elif not samples and alleles_are_readable(columns, self.header):
            samples = self.exact.check_samples(number, columns, self.clean_lines.doubtful_cells(block, row, columns))
            learned |= bool(self.clean_lines.learn_samples(columns))
        if not (site and samples):
            broken.append(row)
        return learned

    def _check_together(self, block: Block, rows: Positions, broken: Positions) -> None:
        sites = read_sites(block, rows)
        self.order.check(block, sites)
        self.duplicates.check(block, sites)
        check_counts(self.findings, self.header, block, np.setdiff1d(rows, broken, assume_unique=True))
        if self._is_first and self.coverage and not self.coverage.is_used(block, sites):
            self.coverage = None  # a joint call set keeps the header line of the gVCFs that it was made from
        self._is_first = False
        if self.coverage:
            self.coverage.check(block, sites)
        if self.reference:
            self._check_reference(self.reference, block, sites, broken)

    def _check_reference(self, reference: Reference, block: Block, sites: Sites, broken: Positions) -> None:
        unreadable = [row for row in broken.tolist() if not alleles_are_readable(block.site(row), self.header)]
        kept = ~np.isin(sites.rows, unreadable)
        rows = sites.rows[kept]
        tabs = block.tabs_of(rows, 5)
        chrom = pa.array(sites.names, pa.string()).take(pa.array(sites.codes[kept]))
        ref = column(block.data, tabs[:, 2] + 1, tabs[:, 3])
        alt = column(block.data, tabs[:, 3] + 1, tabs[:, 4])
        reference.check_records(self.findings, block.numbers(rows), chrom, sites.pos[kept], ref, alt)

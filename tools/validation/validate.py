"""Validate a file: its text in blocks, whole blocks cleared at once, and only the lines that fail looked at singly."""

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from .across import Duplicates, Order, Sites, read_sites
from .blocks import TextError, open_text
from .clean_lines import CleanLines
from .counts import check_counts
from .findings import Findings, Verdict
from .gvcf import Coverage
from .header import COLUMNS, Header, HeaderReader
from .lines import COLUMN_LIMIT, FIELD_LIMIT, Block, Chunk, Positions, chunks, column, to_block
from .records import RecordChecker, alleles_are_readable
from .reference import Reference
from .rules import rules

BLOCK = 4 << 20
"""Bytes of text that are looked at together; larger blocks are no faster and cost memory."""

TOLD_AT_THE_END = ("NOT_TEXT", "FILE_CHANGED")
"""Breaches of which the reader tells when it has given all of the text."""

LESSON = 48
"""Lines that are checked singly before the expressions are tried again with what they taught."""

Progress = Callable[[int], None]


def validate(
    path: Path,
    *,
    strict: bool = False,
    keep: int | None = 20,
    reference: Path | None = None,
    progress: Progress | None = None,
) -> Verdict:
    """Check a file against the rules; with `strict`, warnings make it invalid.

    `keep` findings of each code are listed (all, where null); all are counted. `progress` is told the number of
    records so far. Raises `InputError` where there is no file to read.
    """
    return examine(path, Findings(keep), strict=strict, reference=reference, progress=progress)


def examine(
    path: Path,
    findings: Findings,
    *,
    strict: bool = False,
    reference: Path | None = None,
    progress: Progress | None = None,
) -> Verdict:
    """`validate` with findings of the caller's, which may note more than a verdict holds."""
    verdict = Verdict(str(path), strict)
    validation = Validation(findings, Reference(reference) if reference else None, progress)
    try:
        text = open_text(path)
        if text.packing == "gzip":
            findings.add("PLAIN_GZIP", None, None, "the file is compressed with plain gzip, not in blocks")
        with contextlib.closing(chunks(text.blocks(BLOCK))) as pieces:
            for chunk in pieces:
                validation.take(chunk)
        validation.finish()
    except TextError as error:
        findings.add(error.code, validation.lines or None, None, error.message)
        verdict.readable = error.readable
        if validation.lines and error.code in TOLD_AT_THE_END:
            validation.finish()
    verdict.version, verdict.records = validation.version, validation.records
    verdict.findings, verdict.truncated = findings.listed(), findings.truncated
    verdict.codes = dict(sorted(findings.counts.items()))
    verdict.counts = {"error": findings.number("error"), "warning": findings.number("warning")}
    return verdict


class Validation:
    """One file's state from block to block. `lines` and `records` count what has been taken."""

    def __init__(
        self, findings: Findings, reference: Reference | None = None, progress: Progress | None = None
    ) -> None:
        self.findings = findings
        self.reference = reference
        self.progress = progress
        self.lines = self.records = 0
        self.version: str | None = None
        self._reader: HeaderReader | None = HeaderReader(findings)
        self._body: Body | None = None
        self._blank = range(0)
        """The empty lines at the end so far; they follow each other."""
        self._told_crlf = False

    def take(self, chunk: Chunk) -> None:
        """Whole lines: of the header first, then records."""
        if chunk.cut:
            self._pass_over(chunk.text)
            return
        text = self._line_ends(chunk)
        if self._reader:
            text = self._read_header(text)
        if self._body and text:
            block = to_block(text, self.lines + 1)
            self.lines += block.count
            self._body.check(block, self._good_lines(block))
            if self.progress:
                self.progress(self.records)
        if not chunk.complete:
            self.findings.add("NO_FINAL_NEWLINE", self.lines, None, "the last line has no line end")

    def finish(self) -> None:
        """What can be said only at the end."""
        if self._reader:
            if not self.lines:
                self.findings.add("FILE_EMPTY", None, None, "the file is empty")
                return
            self._end_header(self._reader)
            self.findings.add("COLUMNS_MISSING", self.lines, "#CHROM", "the file ends without a line of column names")
        if self._body and self._body.coverage:
            self._body.coverage.finish()
        if self._blank:
            number = f"{len(self._blank)} empty lines follow" if len(self._blank) > 1 else "an empty line follows"
            self.findings.add("BLANK_LINE_AT_END", self._blank[0], None, f"{number} the last record")

    def _pass_over(self, start: bytes) -> None:
        """A line that is too long to be checked, of which only the start is here."""
        self.lines += 1
        if self._reader:
            self._reader.header.length += 1
            if not start.startswith(b"##") and self.lines > 1:
                self._end_header(self._reader)
        elif not start.startswith(b"#"):
            self.records += 1
        self._blank = range(0)
        problem = text_problem(start.rstrip(b"\n"))
        if (
            problem and problem[0] != "NOT_UTF8"
        ):  # it may say why: other line ends, binary data; the cut may be in a letter
            self.findings.add(problem[0], self.lines, None, problem[1])
        self.findings.add("LINE_TOO_LONG", self.lines, None, "the line is too long to be checked")

    def _line_ends(self, chunk: Chunk) -> bytes:
        if b"\r\n" not in chunk.text:
            return chunk.text
        if not self._told_crlf:
            self._told_crlf = True
            line = self.lines + chunk.text[: chunk.text.index(b"\r\n")].count(b"\n") + 1
            self.findings.add("CRLF", line, None, "lines end with a carriage return and a line feed")
        return chunk.text.replace(b"\r\n", b"\n")

    def _read_header(self, text: bytes) -> bytes:
        """Read header lines; what is left are records."""
        assert self._reader
        at = 0
        while at < len(text):
            end = text.index(b"\n", at)
            line = text[at:end]
            problem = text_problem(line)
            if problem:
                self.findings.add(problem[0], self.lines + 1, None, problem[1])
            more = self._reader.read(line.decode("utf-8", errors="replace"))
            taken = self._reader.header.length > self.lines
            self.lines = self._reader.header.length
            at = end + 1 if taken else at
            if not more:
                self._end_header(self._reader)
                return text[at:]
        return b""

    def _end_header(self, reader: HeaderReader) -> None:
        reader.finish()
        self.version = reader.header.stated_version
        self._body = Body(reader.header, self.findings, self.reference)
        self._reader = None

    def _good_lines(self, block: Block) -> Positions:
        """The lines that are text and no header; the others are reported."""
        sizes = np.diff(block.starts)
        blank = sizes == 1
        wrong = np.zeros(block.count, bool)
        first = block.data[block.starts[:-1]]
        wrong[first == ord("#")] = True
        self.findings.add_many(
            "COLUMNS_REPEATED", block.numbers(np.flatnonzero(wrong)), None,
            lambda _: "a header line stands among the records",
        )  # fmt: skip
        for row, (code, what) in _text_problems(block):
            wrong[row] |= rules()[code].severity_in(self.findings.version) == "error" and code != "NOT_UTF8"
            self.findings.add(code, block.first + row, None, what)
        self._note_blanks(block, blank)
        self.records += block.count - int(np.count_nonzero(blank | (first == ord("#"))))
        return np.flatnonzero(~(wrong | blank))

    def _note_blanks(self, block: Block, blank: np.ndarray) -> None:
        """An empty line is an error only where something follows it."""
        full = np.flatnonzero(~blank)
        last = int(full[-1]) if len(full) else -1
        empty = np.flatnonzero(blank)
        if last >= 0:
            for lines in (self._blank, block.numbers(empty[empty < last])):
                self.findings.add_many("BLANK_LINE", lines, None, lambda _: "an empty line stands among the records")
            self._blank = range(0)
        behind = block.first + last + 1
        self._blank = range(self._blank.start if self._blank else behind, block.first + block.count)


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


_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f]")


def text_problem(line: bytes) -> tuple[str, str] | None:
    """What makes a line no text: the rule and the words."""
    if b"\0" in line:
        return "NOT_TEXT", "the line has NUL bytes"
    if control := _CONTROL.search(line):
        return "CONTROL_CHARACTER", f"the line has the control character 0x{control[0][0]:02x}"
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        return "NOT_UTF8", f"the line has the byte 0x{line[error.start]:02x}, which is not UTF-8 here"
    return None


def _text_problems(block: Block) -> Iterator[tuple[int, tuple[str, str]]]:
    """The lines of a block with characters that text does not have; the whole block is looked at once first."""
    places = [i + np.flatnonzero(_IS_ODD[block.data[i : i + SLICE]]) for i in range(0, len(block.data), SLICE)]
    odd = np.concatenate([_line_numbers(block, place) for place in places])
    if not len(odd):
        return
    for row in np.unique(odd).tolist():
        problem = text_problem(bytes(block.data[block.starts[row] : block.starts[row + 1] - 1]))
        if problem:
            yield row, problem


_IS_ODD = np.array([c != 9 and c != 10 and not 32 <= c < 128 for c in range(256)])
SLICE = 1 << 18
"""Bytes that are looked at together for odd characters: what is in the processor's cache anyway."""


def _line_numbers(block: Block, places: Positions) -> Positions:
    """The lines (0-based in the block) in which `places` of the text are, each once."""
    return np.unique(np.searchsorted(block.starts, places, side="right") - 1)

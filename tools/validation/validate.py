"""Validate a file: its text in blocks, whole blocks cleared at once, and only the lines that fail looked at singly."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ...memory.progress import tell
from .blocks import TextError, open_text
from .body import Body
from .characters import text_problem, text_problems
from .findings import Findings, Verdict
from .header import HeaderReader
from .lines import Block, Chunk, Positions, chunks, to_block
from .reference import Reference
from .rules import rules

BLOCK = 4 << 20
"""Bytes of text that are looked at together; larger blocks are no faster and cost memory."""

TOLD_AT_THE_END = ("NOT_TEXT", "FILE_CHANGED")
"""Breaches of which the reader tells when it has given all of the text."""

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
            rows = self._good_lines(block)
            cut_off = not chunk.complete and self._body.lacks_columns(block, rows)
            self._body.check(block, rows[:-1] if cut_off else rows)
            tell("records checked", self.records)
            if self.progress:
                self.progress(self.records)
            if cut_off:
                self.findings.add("CUT_OFF", self.lines, None, "the file ends within its last record")
                return
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
        problem = text_problem(start.rstrip(b"\n"))  # says why: other line ends, binary data
        if problem and problem[0] != "NOT_UTF8":  # the cut may lie in a letter
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
        for row, (code, what) in text_problems(block):
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

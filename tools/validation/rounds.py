"""The rounds of a repair: a file is written, the result is checked, and written again where that shows more to mend.

More are names that only now can be read, duplicates that only now stand together, definitions that no value fits.
"""

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import mkdtemp

from ...memory.errors import InputError
from .blocks import TextError, open_text
from .changes import IN_RECORDS, ORDER, Change, changes_of
from .findings import Findings, Verdict
from .header import Header
from .lines import Chunk, chunks
from .mend_header import LARGEST, HeaderPlan, MendedHeader, lines_to_join, mend_header, take_header
from .mend_records import CannotSort, RecordMender, Sorter, lines_of, without_repeats
from .output import open_output
from .rules import rules
from .validate import BLOCK, examine

ROUNDS = 8
"""Times that a file is written at most; two are rare."""

REPEATED = ("RECORD_REPEATED", "SYMBOLIC_REPEATED")

Progress = Callable[[str, int], None]
"""Told what is done just now, and the number of records so far."""


MOST_NAMES = 200_000
"""Names for which header lines are added."""


class Survey(Findings):
    """Findings that also count, for each key, the errors in its values.

    `undeclared` has the names that are used without a header line, as (kind of the line, ID), in the order of their
    first use; not more of them than a header may hold.
    """

    def __init__(self) -> None:
        super().__init__(20)
        self.errors: Counter[str] = Counter()
        self.undeclared: dict[tuple[str, str], None] = {}

    def note_undeclared(self, kind: str, name: str) -> None:
        if len(self.undeclared) < MOST_NAMES:
            self.undeclared[kind, name] = None

    def add(
        self, code: str, line: int | None, field: str | None, message: str, eased: bool = False, fix: str = ""
    ) -> None:
        super().add(code, line, field, message, eased, fix)
        if field and "/" in field and rules()[code].group != "header" and self._severity(code, eased) == "error":
            self.errors[field] += 1


class Rounds:
    """One repair: what is known of the file, and what is to be done, from round to round."""

    def __init__(self, path: Path, target: Path, survey: Survey) -> None:
        self.path = path
        self.target = target
        self.reasons: dict[str, str] = {}
        self._before = survey
        self._codes = set(survey.counts)
        self._numbers = dict(survey.counts)
        self._plan = HeaderPlan(undeclared=dict(survey.undeclared))
        self._vain: set[str] = set()
        self._joined = False

    def run(self, tell: Progress) -> tuple[list[Change], Verdict]:
        """Write the target until nothing more can be mended; what was changed, and the verdict on it."""
        if "COLUMNS_REPEATED" in self._codes:
            self._look_for_joined()
        for _ in range(ROUNDS):
            tell("writing", 0)
            header, counts, claimed = self._write()
            survey = Survey()
            after = examine(self.target, survey, progress=lambda n: tell("checking the result", n))
            if not self._learn(header, counts, claimed, survey):
                break
        return changes_of(header, counts, claimed, self._numbers), after

    def _look_for_joined(self) -> None:
        """Header lines among the records, of files that were joined: they go where they contradict nothing."""
        lines, rest = take_header(self._chunks(Counter()))
        among: dict[str, None] = {}
        size = 0
        for line in _header_lines(rest):
            if line not in among:
                among[line] = None
                size += len(line)
            if size > LARGEST:
                break
        self._plan.joined = lines_to_join(lines, among) if size <= LARGEST else None
        self._joined = self._plan.joined is not None
        if not self._joined:
            self.reasons["COLUMNS_REPEATED"] = "The header lines among the records are not those of the header"

    def _write(self) -> tuple[MendedHeader, Counter[str], set[str]]:
        """Write the target: the header as it is now, what was counted in the records, and the rules it claims."""
        while True:
            try:
                return self._write_once()
            except CannotSort as error:
                self._vain |= set(ORDER)
                self.reasons.update(dict.fromkeys(ORDER, f"The records cannot be sorted: {error}"))

    def _write_once(self) -> tuple[MendedHeader, Counter[str], set[str]]:
        counts: Counter[str] = Counter()
        source = self._chunks(counts)
        with closing(source), open_output(self.target) as file:
            lines, rest = take_header(source)
            new = mend_header(lines, self._plan)
            claimed = self._claims(new)
            if claimed:
                new.put(_repair_line(new.lines, claimed))
            header = new.read()
            first = next(rest)
            text = "\n".join(new.lines).encode("utf-8", errors="surrogateescape")
            cut = not (first.text or first.complete or header.columns)
            file.write(text if cut else text + b"\n")
            if not cut:
                file.writelines(self._records_of(header, _chain(first, rest), counts))
        return new, counts, claimed

    def _records_of(self, header: Header, rest: Iterable[Chunk], counts: Counter[str]) -> Iterable[bytes]:
        text: Iterable[bytes] = RecordMender(header, self._codes, self._joined, counts).mend(rest)
        sorts, selects = self._todo(ORDER), self._todo(REPEATED)
        if sorts or selects:
            text = lines_of(text)
        if sorts:
            text = Sorter(header, Path(mkdtemp(dir=self.target.parent))).sort(text)
        return without_repeats(text, counts) if selects else text

    def _todo(self, codes: Iterable[str]) -> bool:
        return bool((self._codes - self._vain) & set(codes))

    def _claims(self, new: MendedHeader) -> set[str]:
        """The rules that the line about this repair names."""
        in_records = {c for c in IN_RECORDS if c in self._codes}
        if "SYMBOLIC_REPEATED" in self._codes:
            in_records.add("RECORD_REPEATED")
        return new.changes.keys() | (in_records - self._vain)

    def _learn(self, new: MendedHeader, counts: Counter[str], claimed: set[str], survey: Survey) -> bool:
        """Whether the result shows that it must be written again."""
        known = len(self._codes), len(self._plan.undeclared), self._plan.tried.total(), len(self._vain)
        worse = {f for f in new.touched if survey.errors[f] > self._before.errors[f]}
        self._plan.tried.update(worse)
        self._plan.undeclared |= dict.fromkeys(n for n in survey.undeclared if n not in self._plan.undeclared)
        for code in survey.counts.keys() - self._codes:
            self._codes.add(code)
            self._numbers[code] = survey.counts[code]
        self._vain |= claimed - new.changes.keys() - {c for c, n in counts.items() if n} - set(ORDER)
        return known != (len(self._codes), len(self._plan.undeclared), self._plan.tried.total(), len(self._vain))

    def _chunks(self, counts: Counter[str]) -> Generator[Chunk, None, None]:
        """The text with line feeds only and without a byte-order mark; what was changed is counted."""
        try:
            for chunk in chunks(open_text(self.path).blocks(BLOCK)):
                number = chunk.text.count(b"\r\n")
                counts["CRLF"] += number
                yield Chunk(chunk.text.replace(b"\r\n", b"\n"), chunk.complete) if number else chunk
        except TextError as error:
            if not _is_byte_order_mark(error):
                raise InputError(f"{self.path} cannot be repaired: {error.message}", rules()[error.code].fix) from error
            counts["NOT_TEXT"] += 1


def _is_byte_order_mark(error: TextError) -> bool:
    """The one error that is raised when all the text has been given."""
    return error.code == "NOT_TEXT" and "byte-order mark" in error.message


def _chain(first: Chunk, rest: Iterator[Chunk]) -> Iterator[Chunk]:
    yield first
    yield from rest


def _header_lines(rest: Iterable[Chunk]) -> Iterator[str]:
    for chunk in rest:
        if chunk.text.startswith(b"#") or b"\n#" in chunk.text:
            for line in chunk.text.split(b"\n"):
                if line.startswith(b"#"):
                    yield line.decode("utf-8", errors="surrogateescape")


def _repair_line(lines: list[str], claimed: set[str]) -> str:
    number = sum(line.startswith("##vcf_agent_repair=") for line in lines) + 1
    return f'##vcf_agent_repair=<ID=repair{number},Rules="{",".join(sorted(claimed))}">'

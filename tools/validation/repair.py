"""Repair: a new file with what can be mended without guessing at data, and a verdict on what could not.

The file is checked, written anew, and the new file is checked; where that shows more to mend (names that only now can
be read, duplicates that only now stand together) or a definition that the values do not fit, it is written again.
"""

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from ...memory.errors import InputError
from ..text import one_line
from .blocks import TextError, open_text
from .findings import Findings, Verdict
from .header import Header
from .lines import Chunk, chunks
from .mend_header import (
    DEFINED,
    LARGEST,
    HeaderPlan,
    HeaderTooLarge,
    MendedHeader,
    lines_to_join,
    mend_header,
    take_header,
)
from .mend_records import CannotSort, RecordMender, Sorter, lines_of, without_repeats
from .output import check_names, folder_beside, is_compressed, make_index, open_output, publish
from .rules import rules
from .validate import BLOCK, examine

ROUNDS = 8
"""Times that a file is written at most; two are rare."""

ORDER = ("CONTIG_AGAIN", "POS_UNSORTED")
REPEATED = ("RECORD_REPEATED", "SYMBOLIC_REPEATED")

IN_RECORDS = {
    "NOT_TEXT": "the byte-order mark was removed",
    "CRLF": "carriage returns before line feeds were removed",
    "BLANK_LINE": "empty lines were removed",
    "BLANK_LINE_AT_END": "empty lines at the end were removed",
    "NO_FINAL_NEWLINE": "a line end was added to the last line",
    "COLUMNS_REPEATED": "header lines among the records were removed, those that the header lacked were put there",
    "FILTER_PASS_BESIDE": "PASS or '.' beside other filters was removed from FILTER",
    "FILTER_REPEATED": "filters named twice were named once",
    "CONTIG_AGAIN": "the records were sorted by contig (in the order of the header) and position",
    "POS_UNSORTED": "the records were sorted by contig (in the order of the header) and position",
    "RECORD_REPEATED": "records the same in every column as one before were left out",
}
IN_HEADER = {
    "FILEFORMAT_MISSING": "",
    "FILEFORMAT_REPEATED": "the second ##fileformat line was removed",
    "BLANK_LINE": "empty lines were removed",
    "META_KEY_ORDER": "the keys were put in order: ",
    "META_DESCRIPTION": "the Description was put in quotes: ",
    **dict.fromkeys(DEFINED, "the specification's Number and Type were written: "),
    "FLAG_NUMBER": "Number=0 was written: ",
    **{f"{kind}_UNDECLARED": "header lines were added: " for kind in ("CONTIG", "FILTER", "ALT", "INFO", "FORMAT")},
}

NEEDED_FOR_INDEX = {
    *("FILEFORMAT_MISSING", "COLUMNS_MISSING", "COLUMN_NAMES", "COLUMNS_REPEATED", "COLUMN_COUNT"),
    *("CHROM_SYNTAX", "POS_SYNTAX", "POS_RANGE", "CONTIG_AGAIN", "POS_UNSORTED", "END_BEFORE_POS"),
    *("BLANK_LINE", "CONTROL_CHARACTER", "NO_FINAL_NEWLINE", "NOT_TEXT"),
}
"""Rules that a file must keep before it is indexed, which is done in C."""

Progress = Callable[[str, int], None]
"""Told what is done just now, and the number of records so far."""


@dataclass(frozen=True, slots=True)
class Change:
    """What was done against the breaches of one rule; `number` counts lines or names."""

    code: str
    number: int
    what: str


@dataclass(slots=True)
class Repair:
    """What was done: `before` and `after` are the verdicts on the file and on `out`.

    `index` is null where `out` is not compressed, or cannot be indexed. `reasons` says by rule why something was left,
    where more can be said than the rule's fix.
    """

    out: Path
    changes: list[Change]
    before: Verdict
    after: Verdict
    index: Path | None
    reasons: dict[str, str] = field(default_factory=dict)

    def left(self) -> list[Change]:
        """What is still wrong with `out`: the rule, how often, and why or what a person can do."""
        return [Change(c, n, self.reasons.get(c) or rules()[c].fix) for c, n in self.after.codes.items()]

    def to_json(self) -> dict[str, Any]:
        return {
            "out": str(self.out),
            "index": str(self.index) if self.index else None,
            "changes": [asdict(change) for change in self.changes],
            "left": [asdict(change) for change in self.left()],
            "before": self.before.to_json(),
            "after": self.after.to_json(),
        }

    def to_text(self) -> str:
        """For a person, a line for each thing."""
        lines = [f"{self.out} was written{f', with the index {self.index.name}' if self.index else ''}."]
        if is_compressed(self.out) and not self.index:
            lines.append("It has no index: what is left does not allow one.")
        lines += ["Changed:"] if self.changes else ["Nothing was changed."]
        lines += [f"  {c.code} ({c.number:,}): {c.what}" for c in self.changes]
        lines += ["Left as it was:"] if self.after.codes else []
        lines += [f"  {c.code} ({c.number:,}): {c.what}" for c in self.left()]
        return "\n".join(lines)


def repair(path: Path, out: Path, *, progress: Progress | None = None) -> Repair:
    """Write `out`, plain text or compressed with an index as its name says, and never touch `path`.

    Raises `InputError` where `path` cannot be read to its end, where `out` exists or is no name of a VCF, and where
    it cannot be written; nothing is left behind then.
    """
    check_names(path, out)
    tell = progress or (lambda what, records: None)
    stamp = _stamp(path)
    survey = Survey()
    before = examine(path, survey, progress=lambda n: tell("checking", n))
    _check_readable(before)
    with folder_beside(out) as folder:
        work = Work(path, folder / f"new{_suffix(out)}", survey, before)
        try:
            changes, after = work.run(tell)
        except HeaderTooLarge:
            raise InputError(f"The header of {path} has more than {LARGEST >> 20} MB", "Shorten it first") from None
        if _stamp(path) != stamp:
            raise InputError(
                f"{path} was written to while it was repaired", "Wait until it is finished, and repair it again"
            )
        fit = is_compressed(out) and not NEEDED_FOR_INDEX & after.codes.keys()
        index = publish(work.target, out, make_index(work.target) if fit else None)
    after.file = str(out)
    return Repair(out, _with_packing(changes, before, out), before, after, index, work.reasons)


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _suffix(out: Path) -> str:
    return ".vcf.gz" if is_compressed(out) else ".vcf"


def _check_readable(before: Verdict) -> None:
    """Refuse what would lose text: where it ends early, or where lines are cut."""
    lost = {"FILE_EMPTY", "NOT_VCF", "DAMAGED_COMPRESSION", "UNSUPPORTED_COMPRESSION", "EXPANSION_LIMIT"}
    lost |= {"LINE_TOO_LONG", "UNREADABLE_RECORD", "FILE_CHANGED"}
    finding = next((f for f in before.findings if f.code in lost or not before.readable), None)
    if finding:
        raise InputError(f"{before.file} cannot be repaired: {finding.message}", finding.fix)


def _with_packing(changes: list[Change], before: Verdict, out: Path) -> list[Change]:
    if "PLAIN_GZIP" not in before.codes:
        return changes
    what = "compressed in blocks (BGZF)" if is_compressed(out) else "written as plain text"
    return [Change("PLAIN_GZIP", 1, f"the file, which was compressed with plain gzip, was {what}"), *changes]


class Survey(Findings):
    """Findings that also count, for each key, the errors in its values."""

    def __init__(self) -> None:
        super().__init__(20)
        self.errors: Counter[str] = Counter()

    def add(self, code: str, line: int | None, field: str | None, message: str, eased: bool = False) -> None:
        super().add(code, line, field, message, eased)
        if field and "/" in field and rules()[code].group != "header" and self._severity(code, eased) == "error":
            self.errors[field] += 1


class Work:
    """One repair: what is known of the file, and what is to be done, from round to round."""

    def __init__(self, path: Path, target: Path, survey: Survey, before: Verdict) -> None:
        self.path = path
        self.target = target
        self.reasons: dict[str, str] = {}
        self._before = survey
        self._records = before.records
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
        return _changes(header, counts, claimed, self._numbers), after

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
        if "NO_FINAL_NEWLINE" in survey.counts:
            self.reasons["NO_FINAL_NEWLINE"] = "The last line lacks columns: the file was cut off, get it again"
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


def _changes(new: MendedHeader, counts: Counter[str], claimed: set[str], numbers: dict[str, int]) -> list[Change]:
    """What was changed, in the order of the rules."""
    found = []
    for code in rules():
        notes = new.changes.get(code, [])
        if notes:
            found.append(Change(code, len(notes) + counts[code], IN_HEADER[code] + _some(notes)))
        elif counts[code] or (code in claimed and code in ORDER):
            found.append(Change(code, counts[code] or numbers[code], IN_RECORDS[code]))
    return found


def _some(notes: list[str]) -> str:
    more = f" and {len(notes) - 5:,} more" if len(notes) > 5 else ""
    return one_line("; ".join(filter(None, notes[:5])), 1000) + (more if notes[0] else "")

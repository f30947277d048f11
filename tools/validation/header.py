"""The header's lines against the rules, and what they declare for the records."""

import re
from collections import Counter
from dataclasses import dataclass, field

from .findings import Findings
from .lines import COLUMN_LIMIT
from .meta_lines import MetaLine, MetaSyntaxError, check_structured, parse
from .names import Names
from .predefined import VERSIONS, Kind, find_predefined
from .source import TextError

COLUMNS = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO"]


@dataclass(frozen=True, slots=True)
class Declared:
    """What is known of a key: from the header, else from the specification (`line` is then null)."""

    number: str
    type: str
    line: int | None = None


HEADER_MEMORY = 160 << 20
"""Bytes that what a header declares may take: some 400,000 names."""

UNKNOWN = "unknown"
"""Type of a key whose header line is wrong: its values are not judged."""


@dataclass(slots=True)
class Header:
    """What a header declares. `length` counts its lines; `columns` those of the column line, 0 where it is wrong.

    `sample_names` are those names with tabs between: as a list a million of them would take ten times the memory.
    `nameless` counts lines of a kind without an ID: each accounts for one name that seems not to be declared.
    """

    version: str = "4.3"
    stated_version: str | None = None
    length: int = 0
    columns: int = 0
    sample_names: str = ""
    keys: dict[tuple[Kind, str], Declared] = field(default_factory=dict)
    filters: set[str] = field(default_factory=set)
    alts: set[str] = field(default_factory=set)
    contigs: dict[str, tuple[int, int | None]] = field(default_factory=dict)
    nameless: Counter[str] = field(default_factory=Counter)

    def find(self, kind: Kind, key: str) -> Declared | None:
        """The declaration of a key, or its meaning in the specification; null where neither knows it."""
        found = self.keys.get((kind, key))
        if found and found.type == UNKNOWN:
            return None
        if found is None and (known := find_predefined(kind, key, self.version)):
            found = Declared(known.number, "Float" if "Float" in known.also else known.type)
        return found

    def sample(self, i: int) -> str:
        """The name of a sample (0-based), its number (1-based) where the column line is wrong."""
        return [*self.sample_names.split("\t", i + 1), *[""] * (i + 1)][i] or f"{i + 1}"

    def is_declared(self, kind: Kind, key: str) -> bool:
        return (kind, key) in self.keys


class HeaderReader:
    """Takes the header's lines one after the other, until the column line."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.header = Header()
        self._seen = Names()
        self._open_quote = False
        self._reference = False
        self._room = HEADER_MEMORY

    def read(self, line: str) -> bool:
        """Take one line without its line end; false once it is the column line, or a record that has none before it."""
        self.header.length += 1
        is_first = self.header.length == 1
        if is_first and line.startswith("##fileformat="):
            self._take_version(line)
            return True
        if is_first:
            self._add("FILEFORMAT_MISSING", "##fileformat", f"the first line is {line[:60]!r}")
        if line.startswith("#CHROM") or (line.startswith("#") and line[1:2] != "#" and "\t" in line):
            self._read_columns(line)
            return False
        if not line.startswith("#") and line.count("\t") >= 4:
            self._add("COLUMNS_MISSING", "#CHROM", "the records begin without a line of column names")
            self.header.length -= 1
            return False
        if not is_first or line.startswith("##"):
            self._read_meta(line)
        return True

    def finish(self) -> None:
        """Say what is missing once the header has ended."""
        if not self._reference:
            self._add("NO_REFERENCE", "##reference", "no ##reference line says which genome this is", None)

    def _add(self, code: str, where: str | None, message: str, line: int | None = -1) -> None:
        self.findings.add(code, self.header.length if line == -1 else line, where, message)

    def _take_version(self, line: str) -> None:
        stated = line.removeprefix("##fileformat=VCFv") if line.startswith("##fileformat=VCFv") else ""
        self.header.stated_version = line.removeprefix("##fileformat=")[:60]
        if stated in VERSIONS:
            self.header.version = self.findings.version = stated
            return
        self.header.version = self.findings.version = _nearest(stated)
        self._add("FILEFORMAT_VERSION", "##fileformat", f"the version is {self.header.stated_version!r}")

    def _read_meta(self, line: str) -> None:
        if self._open_quote and not line.startswith("#"):
            return
        self._open_quote = False
        if not line.strip():
            self._add("BLANK_LINE", None, "the header has an empty line")
        elif line.startswith("##fileformat=") and self.header.stated_version is None:
            self._take_version(line)
        elif line.startswith("##fileformat="):
            self._add("FILEFORMAT_REPEATED", "##fileformat", "##fileformat stands again")
        else:
            self._check_meta(line)

    def _check_meta(self, line: str) -> None:
        try:
            meta = parse(line)
        except MetaSyntaxError as error:
            self._open_quote = error.open_quote
            self._add(error.code, error.where, error.message)
            self._declare_unread(line)
            return
        self._reference |= meta.key == "reference"
        problems = list(check_structured(meta, self.header.version))
        for problem in problems:
            self.findings.add(problem.code, self.header.length, meta.where, problem.message, problem.eased)
        if any(p.code.endswith(("_NUMBER", "_TYPE")) for p in problems):  # which of the two is meant, nobody knows
            meta.values["Type"] = UNKNOWN
        self._declare(meta)

    def _declare_unread(self, line: str) -> None:
        """A line that is wrong still names its key: its values are then not judged."""
        found = re.match(r"##(INFO|FORMAT|FILTER|ALT|contig)=<?.*?\bID=([^,>\s]+)", line)
        if found:
            self._declare(MetaLine(found[1], "", True, {"ID": found[2], "Type": UNKNOWN}))

    def _declare(self, meta: MetaLine) -> None:
        name = meta.values.get("ID", "")
        if meta.key not in _KINDS:
            return
        if not name:
            self.header.nameless[meta.key] += 1
            return
        if not self._seen.add((meta.key, name)):
            self._add("META_ID_REPEATED", meta.where, f"{meta.key} {name[:60]} is declared again")
        self._take_room(name, meta.values.get("Number", ""), meta.values.get("Type", ""))
        if meta.key in ("INFO", "FORMAT"):
            kind: Kind = "INFO" if meta.key == "INFO" else "FORMAT"
            number, type_ = meta.values.get("Number", "."), meta.values.get("Type", "String")
            self.header.keys.setdefault((kind, name), Declared(number, type_, self.header.length))
        elif meta.key == "FILTER":
            self.header.filters.add(name)
        elif meta.key == "ALT":
            self.header.alts.add(name)
        elif meta.key == "contig":
            length = meta.values.get("length", "")
            self.header.contigs.setdefault(name, (self.header.length, int(length) if _is_count(length) else None))

    def _take_room(self, *texts: str) -> None:
        """What is declared stays in memory: its text, and some 400 bytes around it."""
        self._room -= 400 + sum(map(len, texts))
        if self._room < 0:
            what = f"The header declares more than fits in the limit of {HEADER_MEMORY >> 20} MB of memory"
            raise TextError("HEADER_TOO_LONG", what, readable=False)

    def _read_columns(self, line: str) -> None:
        if line.count("\t") >= COLUMN_LIMIT:
            self._add("LINE_TOO_LONG", "#CHROM", f"the line has more than {COLUMN_LIMIT:,} columns")
            return
        problem = _column_problem(line.split("\t", 9), line)
        if problem:
            self._add("COLUMN_NAMES", "#CHROM", problem)
            return
        self.header.columns = line.count("\t") + 1
        self.header.sample_names = "".join(line.split("\t", 9)[9:])
        samples = line.split("\t")[9:]
        if "" in samples:
            self._add("SAMPLE_NAME", "#CHROM", f"sample {samples.index('') + 1} of the column line has no name")
        if len(set(samples)) == len(samples):
            return
        if twins := [name for name, number in Counter(samples).items() if name and number > 1]:
            more = f" (and {len(twins) - 1} more)" if len(twins) > 1 else ""
            self._add("SAMPLE_REPEATED", "#CHROM", f"the sample {twins[0][:60]!r} stands more than once{more}")


_KINDS = {"INFO", "FORMAT", "FILTER", "ALT", "contig", "SAMPLE", "META"}


def _nearest(stated: str) -> str:
    """The version whose rules are used for a file of another one: 4.1 for what is older, 4.5 for what is newer."""
    numbers = re.match(r"(\d{1,3})\.(\d{1,3})", stated)
    if not numbers:
        return "4.3"
    return VERSIONS[0] if (int(numbers[1]), int(numbers[2])) < (4, 1) else VERSIONS[-1]


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _column_problem(columns: list[str], line: str) -> str:
    if columns[:8] == COLUMNS:
        if len(columns) > 8 and columns[8] != "FORMAT":
            return f"the ninth column is {columns[8][:60]!r}, not FORMAT"
        return ""
    if line.split(maxsplit=8)[:8] == COLUMNS:
        return "the column names are parted by spaces, not by tabs"
    wrong = next((i for i, name in enumerate(COLUMNS) if columns[i : i + 1] != [name]), 0)
    found = repr(columns[wrong][:60]) if wrong < len(columns) else "missing"
    return f"column {wrong + 1} is {found}, not {COLUMNS[wrong]}"

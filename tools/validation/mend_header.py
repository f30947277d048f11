"""What can be mended in a header without knowing more than the file says."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from .findings import Findings
from .header import Header, HeaderReader
from .lines import Chunk
from .meta_lines import MetaLine, MetaSyntaxError, check_structured, parse
from .predefined import Kind, find_predefined

Name = tuple[str, str]
"""The kind of a header line and its ID."""

LARGEST = 32 << 20
"""Bytes of a header that is still held in memory, with all that is made of it."""

KINDS = ("contig", "FILTER", "ALT", "INFO", "FORMAT")
DEFINED = {"PREDEFINED_NUMBER", "PREDEFINED_TYPE", "META_NUMBER", "META_TYPE", "FLAG_NUMBER"}
ORDER = ["ID", "Number", "Type", "Description"]
NOT_DECLARED = "Added by a repair since the header did not declare it"


class HeaderTooLarge(Exception):
    """The header has more than `LARGEST` bytes."""


@dataclass(slots=True)
class HeaderPlan:
    """What to do to a header.

    `undeclared` are the names to declare. `tried` counts by field (`INFO/DP`) the definitions that the records' values
    did not fit. `joined` are the header lines among the records of joined files, null where those stay.
    """

    undeclared: dict[Name, None] = field(default_factory=dict)
    tried: Counter[str] = field(default_factory=Counter)
    joined: list[str] | None = None


@dataclass(slots=True)
class MendedHeader:
    """The new lines, and by rule what was changed in words; `touched` are fields with another Number or Type."""

    lines: list[str]
    changes: dict[str, list[str]] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)

    def note(self, code: str, what: str) -> None:
        self.changes.setdefault(code, []).append(what)

    def put(self, line: str, kind: str = "") -> None:
        """Insert behind the last line of its kind, else before the line of column names, right or wrong."""
        last = [i for i, old in enumerate(self.lines) if kind and old.startswith(f"##{kind}=")]
        columns = (i for i, old in enumerate(self.lines) if not old.startswith("##") and old.startswith("#"))
        self.lines.insert(last[-1] + 1 if last else next(columns, len(self.lines)), line)

    def read(self) -> Header:
        return read_header(self.lines, Findings(0))


def read_header(lines: Iterable[str], findings: Findings) -> Header:
    reader = HeaderReader(findings)
    for line in lines:
        reader.read(line)
    return reader.header


def take_header(chunks: Iterator[Chunk]) -> tuple[list[str], Iterator[Chunk]]:
    """The header's lines, and the chunks behind it. Raises `HeaderTooLarge`."""
    reader = HeaderReader(Findings(0))
    lines: list[str] = []
    size, complete = 0, True
    for chunk in chunks:
        at, complete = 0, chunk.complete
        while at < len(chunk.text):
            end = chunk.text.index(b"\n", at)
            line = chunk.text[at:end].decode("utf-8", errors="surrogateescape")
            before = reader.header.length
            more = reader.read(line)
            if reader.header.length > before:
                lines.append(line)
                at, size = end + 1, size + end + 1 - at
            if size > LARGEST:
                raise HeaderTooLarge
            if not more:
                return lines, chain([Chunk(chunk.text[at:], chunk.complete)], chunks)
    return lines, iter([Chunk(b"", complete)])


def mend_header(lines: list[str], plan: HeaderPlan) -> MendedHeader:
    """Mend what the rules say is wrong with the lines, and declare what the plan names."""
    new = MendedHeader(lines)
    _settle_first_line(new)
    for line in plan.joined or []:
        new.put(line, line[2:].partition("=")[0])
    _mend_lines(new, plan)
    _declare(new, plan)
    return new


def _settle_first_line(new: MendedHeader) -> None:
    """Put the only ##fileformat line in front."""
    stated = {line for line in new.lines if line.startswith("##fileformat=")}
    if len(stated) != 1 or new.lines[0] in stated:
        return
    first = stated.pop()
    at = new.lines.index(first)
    new.lines = [first, *(line for line in new.lines[:at] if line.strip()), *new.lines[at + 1 :]]
    new.note("FILEFORMAT_MISSING", "the ##fileformat line, which stood further down, was put in front")


def _mend_lines(new: MendedHeader, plan: HeaderPlan) -> None:
    findings = Findings(None)
    version = read_header(new.lines, findings).version
    codes: dict[int, set[str]] = {}
    for finding in findings.listed():
        codes.setdefault(finding.line or 0, set()).add(finding.code)
    kept = []
    for number, line in enumerate(new.lines, 1):
        wrong = codes.get(number, set())
        if "BLANK_LINE" in wrong:
            new.note("BLANK_LINE", "")
        elif "FILEFORMAT_REPEATED" in wrong and line == new.lines[0]:
            new.note("FILEFORMAT_REPEATED", "")
        else:
            kept.append(_mend_line(new, plan, line, wrong, version) if wrong & MENDED else line)
    new.lines = kept


MENDED = {"META_KEY_ORDER", "META_DESCRIPTION", *DEFINED}


def _mend_line(new: MendedHeader, plan: HeaderPlan, line: str, wrong: set[str], version: str) -> str:
    meta = parse(line)
    values = dict(meta.values)
    if "META_DESCRIPTION" in wrong:
        values["Description"] = _quoted(values["Description"])
    chosen = _definition(meta, plan, wrong, version) if wrong & DEFINED else None
    if chosen:
        values["Number"], values["Type"] = chosen
    order = [*ORDER, *(k for k in meta.order if k not in ORDER)] if "META_KEY_ORDER" in wrong else meta.order
    mended = f"##{meta.key}=<{','.join(f'{key}={values[key]}' for key in order)}>"
    remaining = _problems(mended, version)
    settled = wrong & MENDED - remaining
    if not settled or remaining - wrong:
        return line
    if chosen:
        new.touched.add(meta.where[: _FIELD[meta.key]])
    for code in sorted(settled):
        was = f" (was Number={meta.values['Number']}, Type={meta.values['Type']})" if code in DEFINED else ""
        now = f": Number={values['Number']}, Type={values['Type']}" if code in DEFINED else ""
        new.note(code, meta.where + now + was)
    return mended


_FIELD = {"INFO": len("INFO/") + 60, "FORMAT": len("FORMAT/") + 60}
"""Findings name a key by its first 60 characters."""


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _definition(meta: MetaLine, plan: HeaderPlan, wrong: set[str], version: str) -> tuple[str, str] | None:
    kind: Kind = "INFO" if meta.key == "INFO" else "FORMAT"
    if find_predefined(kind, meta.values["ID"], version):
        choices = definitions(kind, meta.values["ID"], version)
    else:
        choices = [("0", "Flag")] if "FLAG_NUMBER" in wrong else []
    tried = plan.tried[meta.where[: _FIELD[kind]]]
    return choices[tried] if tried < len(choices) else None


def definitions(kind: Kind, name: str, version: str) -> list[tuple[str, str]]:
    """The Number and Type that a key may be given, the best one first."""
    known = find_predefined(kind, name, version)
    if known:
        return [(known.number, type_) for type_ in (known.type, *known.also)]
    return [(".", "String"), ("0", "Flag")] if kind == "INFO" else [(".", "String")]


def _problems(line: str, version: str) -> set[str]:
    try:
        return {problem.code for problem in check_structured(parse(line), version)}
    except MetaSyntaxError as error:
        return {error.code}


def _declare(new: MendedHeader, plan: HeaderPlan) -> None:
    version = new.read().version
    declared = {_name(meta) for meta in map(_parsed, new.lines) if meta}
    added: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for kind, name in plan.undeclared:
        if (kind, name) in declared or "\ufffd" in name:  # what is no UTF-8 has no name that could be written
            continue
        line = _declaration(kind, name, plan.tried, version)
        if line and not _problems(line, version) and parse(line).values["ID"] == name:
            added[kind].append(line)
            new.note(f"{kind.upper()}_UNDECLARED", f"{kind} {name[:60]}")
            if kind in _FIELD:
                new.touched.add(f"{kind}/{name[:60]}")
    for kind, lines in added.items():
        _put_all(new, kind, lines)


def _put_all(new: MendedHeader, kind: str, lines: list[str]) -> None:
    if lines:
        new.put(lines[0], kind)
        at = new.lines.index(lines[0]) + 1
        new.lines[at:at] = lines[1:]


def _declaration(kind: str, name: str, tried: Counter[str], version: str) -> str | None:
    """A line for a name; null where no definition fits its values."""
    if kind == "contig":
        return f"##contig=<ID={name}>"
    if kind in ("FILTER", "ALT"):
        return f'##{kind}=<ID={name},Description="{NOT_DECLARED}">'
    choices = definitions("INFO" if kind == "INFO" else "FORMAT", name, version)
    at = tried[f"{kind}/{name[:60]}"]
    if at >= len(choices):
        return None
    number, type_ = choices[at]
    return f'##{kind}=<ID={name},Number={number},Type={type_},Description="{NOT_DECLARED}">'


def lines_to_join(header: list[str], among: Iterable[str]) -> list[str] | None:
    """Header lines among the records that the header lacks; null where they contradict it, or are none of its kind."""
    known = set(header)
    if not read_header(header, Findings(0)).columns:
        return None
    declared = {name: meta for meta in map(_parsed, header) if meta and (name := _name(meta))}
    joined: list[str] = []
    for line in among:
        if line in known:
            continue
        meta = _parsed(line)
        if meta is None or meta.key == "fileformat":
            return None
        name = _name(meta)
        other = declared.get(name) if name else None
        if other is None:
            joined.append(line)
            if name:
                declared[name] = meta
        elif not _means_the_same(meta, other):
            return None
    return None if _breaks_rules(header, joined) else joined


def _breaks_rules(header: list[str], joined: list[str]) -> bool:
    """Whether lines before the line of column names bring findings that the header alone has not."""
    alone, together = Findings(0), Findings(0)
    read_header(header, alone)
    read_header([*header[:-1], *joined, header[-1]], together)
    return bool(together.counts - alone.counts)


def _means_the_same(meta: MetaLine, other: MetaLine) -> bool:
    return meta.key in KINDS and all(meta.values.get(k) == other.values.get(k) for k in ("Number", "Type", "length"))


def _parsed(line: str) -> MetaLine | None:
    try:
        return parse(line)
    except MetaSyntaxError:
        return None


def _name(meta: MetaLine) -> Name | None:
    name = meta.values.get("ID")
    return (meta.key, name) if name else None

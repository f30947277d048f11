"""What a validation found: every breach counted, the first ones of each kind kept."""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..text import one_line
from .rules import Severity, rules


@dataclass(frozen=True, slots=True)
class Finding:
    """One breach of a rule.

    `line` is 1-based in the text of the file, null where the whole file is meant; `field` is a column
    (`POS`), a key in it (`INFO/DP`, `FORMAT/GT`) or a kind of header line (`##contig`).
    """

    code: str
    severity: Severity
    line: int | None
    field: str | None
    message: str
    fix: str


class Findings:
    """Collects findings of one file: all are counted, the first `keep` of each code are kept (all, where null).

    Findings of one code must come in the order of their lines.
    """

    def __init__(self, keep: int | None) -> None:
        self.keep = keep
        self.version = "4.3"
        self.counts: Counter[str] = Counter()
        self._severities: Counter[Severity] = Counter()
        self._kept: dict[str, list[Finding]] = {}

    def add(
        self, code: str, line: int | None, field: str | None, message: str, eased: bool = False, fix: str = ""
    ) -> None:
        """Count one finding.

        `eased` makes a warning of an error that the rule's context softens; `fix` is a way out for just this one,
        where it can be said more exactly than by the rule.
        """
        self._count(code, 1, eased)
        if self._has_room(code):
            self._keep(code, line, field, message, eased, fix)

    def add_many(
        self, code: str, lines: NDArray[np.int64] | range, field: str | None, message: Callable[[int], str]
    ) -> None:
        """Count one finding for each of `lines`; `message(i)` is asked only for those that are kept."""
        self._count(code, len(lines), False)
        for i in range(len(lines)):
            if not self._has_room(code):
                return
            self._keep(code, int(lines[i]), field, message(i))

    def note_undeclared(self, kind: str, name: str) -> None:
        """A name is used without a header line of `kind`: nothing to whoever only counts."""

    def listed(self) -> list[Finding]:
        """The kept findings: errors and warnings together, in the order of their lines."""
        every = [finding for kept in self._kept.values() for finding in kept]
        return sorted(every, key=lambda f: f.line or 0)

    def number(self, severity: Severity) -> int:
        return self._severities[severity]

    @property
    def truncated(self) -> bool:
        return sum(self.counts.values()) > sum(map(len, self._kept.values()))

    def _has_room(self, code: str) -> bool:
        return self.keep is None or len(self._kept.setdefault(code, [])) < self.keep

    def _severity(self, code: str, eased: bool) -> Severity:
        return "warning" if eased else rules()[code].severity_in(self.version)

    def _count(self, code: str, number: int, eased: bool) -> None:
        if number:
            self.counts[code] += number
            self._severities[self._severity(code, eased)] += number

    def _keep(
        self, code: str, line: int | None, field: str | None, message: str, eased: bool = False, fix: str = ""
    ) -> None:
        place = one_line(field, 120) if field else field
        way_out = one_line(fix) or rules()[code].fix
        finding = Finding(code, self._severity(code, eased), line, place, one_line(message), way_out)
        self._kept.setdefault(code, []).append(finding)


@dataclass(slots=True)
class Verdict:
    """What a validation says of one file.

    `version` is that of the header, null where there is none; `records` counts the lines that are records;
    `readable` is false where the text could not be come by (no such compression, a limit), so that nothing is
    known of the records; `codes` has the exact number of findings of each code.
    """

    file: str
    strict: bool = False
    version: str | None = None
    records: int = 0
    readable: bool = True
    findings: list[Finding] = field(default_factory=list)
    codes: dict[str, int] = field(default_factory=dict)
    counts: dict[Severity, int] = field(default_factory=dict)
    truncated: bool = False

    @property
    def valid(self) -> bool:
        return not (self.counts["error"] or (self.strict and self.counts["warning"]))

    def to_json(self) -> dict[str, Any]:
        """The object of `validate --json`."""
        return {"file": self.file, "valid": self.valid, **{k: v for k, v in asdict(self).items() if k != "file"}}

"""Repair: a new file with what can be mended without guessing at data, and a verdict on what could not."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ...memory.errors import InputError
from .changes import LEFT, Change
from .findings import Verdict
from .mend_header import LARGEST, HeaderTooLarge
from .output import check_names, folder_beside, is_compressed, make_index, publish
from .rounds import Progress, Rounds, Survey
from .rules import rules
from .validate import examine

NEEDED_FOR_INDEX = {
    *("FILEFORMAT_MISSING", "COLUMNS_MISSING", "COLUMN_NAMES", "COLUMNS_REPEATED", "COLUMN_COUNT"),
    *("CHROM_SYNTAX", "POS_SYNTAX", "POS_RANGE", "CONTIG_AGAIN", "POS_UNSORTED", "END_BEFORE_POS"),
    *("BLANK_LINE", "CONTROL_CHARACTER", "CUT_OFF", "NO_FINAL_NEWLINE", "NOT_TEXT"),
}
"""Rules that a file must keep before it is indexed, which is done in C."""


@dataclass(slots=True)
class Repair:
    """What was done: `before` and `after` are the verdicts on the file and on `out`.

    `index` is null where `out` is not compressed, or cannot be indexed. `reasons` says by rule why something was left
    in this file.
    """

    out: Path
    changes: list[Change]
    before: Verdict
    after: Verdict
    index: Path | None
    reasons: dict[str, str] = field(default_factory=dict)

    def left(self) -> list[Change]:
        """What is still wrong with `out`: the rule, how often, and why or what a person can do."""
        return [Change(c, n, self.reasons.get(c) or LEFT.get(c) or rules()[c].fix) for c, n in self.after.codes.items()]

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
        rounds = Rounds(path, folder / f"new{_suffix(out)}", survey)
        try:
            changes, after = rounds.run(tell)
        except HeaderTooLarge:
            raise InputError(f"The header of {path} has more than {LARGEST >> 20} MB", "Shorten it first") from None
        if _stamp(path) != stamp:
            raise InputError(
                f"{path} was written to while it was repaired", "Wait until it is finished, and repair it again"
            )
        fit = is_compressed(out) and not NEEDED_FOR_INDEX & after.codes.keys()
        index = publish(rounds.target, out, make_index(rounds.target) if fit else None)
    after.file = str(out)
    return Repair(out, _with_packing(changes, before, out), before, after, index, rounds.reasons)


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

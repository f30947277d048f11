"""What a repair changed, and what it left, in words."""

from collections import Counter
from dataclasses import dataclass

from ..text import one_line
from .mend_header import DEFINED, MendedHeader
from .rules import rules

ORDER = ("CONTIG_AGAIN", "POS_UNSORTED")
"""Rules that are kept when the records are sorted."""

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

NOT_DECLARED = "A header line for it would break another rule, or the values fit no definition"
LEFT = {
    "RECORD_REPEATED": "The records differ in some column; which one is right, the file does not say",
    "NO_FINAL_NEWLINE": "The header ends within a line: the file was cut off, get it again",
    "CUT_OFF": "The last line lacks columns: the file was cut off, get it again",
    "FILEFORMAT_REPEATED": "The two lines name different versions; which one is right, the file does not say",
    **dict.fromkeys(("PREDEFINED_NUMBER", "PREDEFINED_TYPE"), "The values do not fit the specification's definition"),
    "FLAG_NUMBER": "The key has values in the records",
    **{f"{kind}_UNDECLARED": NOT_DECLARED for kind in ("CONTIG", "FILTER", "ALT", "INFO", "FORMAT")},
}
"""Why something was left that is mended elsewhere."""


@dataclass(frozen=True, slots=True)
class Change:
    """What was done against the breaches of one rule; `number` counts lines or names."""

    code: str
    number: int
    what: str


def changes_of(new: MendedHeader, counts: Counter[str], claimed: set[str], numbers: dict[str, int]) -> list[Change]:
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

"""The rules of VCF as a table: each with a stable code, its severity, the section of the specification and a fix.

The table is `rules.toml`; a domain expert can read and correct it without touching code.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `section` is that of the specification of VCF 4.5 unless it says otherwise.

    `demands` says what a valid file does; `fix` what to do where it does not; `why` whom a breach hurts.
    `says` holds phrases by which people and other programs speak of a breach, `…` standing for any words in between;
    `indexing` is true where a breach keeps the file from being indexed.
    `repaired` is true where `validate --fix` mends it, unless other lines of the file speak against that.
    `severity` holds for every version but those in `eased`, where a breach is a warning.
    """

    code: str
    group: str
    severity: Severity
    section: str
    demands: str
    fix: str
    why: str = ""
    repaired: bool = False
    eased: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    indexing: bool = False

    def severity_in(self, version: str) -> Severity:
        return "warning" if version in self.eased else self.severity


@cache
def rules() -> dict[str, Rule]:
    """Every rule by its code, in the order of a file: container, header, columns, records."""
    table = tomllib.loads(Path(__file__).with_name("rules.toml").read_text(encoding="utf-8"))
    return {
        code: Rule(code, group, **_fields(entry)) for group, entries in table.items() for code, entry in entries.items()
    }


def _fields(entry: dict[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}

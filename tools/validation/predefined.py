"""The INFO and FORMAT keys that the specification predefines, by version of VCF."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

Kind = Literal["INFO", "FORMAT"]

VERSIONS = ("4.1", "4.2", "4.3", "4.4", "4.5")


@dataclass(frozen=True, slots=True)
class Definition:
    """Number and Type of a key. `also` are types that the texts use beside it.

    `structural` marks the keys of sections 3 and 4. Before VCF 4.4 these were examples more than rules, and files
    differ: another Number or Type is a warning there.
    """

    number: str
    type: str
    also: tuple[str, ...] = ()
    structural: bool = False


@cache
def _table() -> dict[str, dict[str, dict[str, Any]]]:
    return tomllib.loads(Path(__file__).with_name("predefined.toml").read_text(encoding="utf-8"))


@cache
def predefined(kind: Kind, version: str) -> dict[str, Definition]:
    """The definitions of `version` by key."""
    groups = [(kind, False), (f"{kind}_SV", True)]
    return {
        key: _definition(entry, version, structural)
        for group, structural in groups
        for key, entry in _table()[group].items()
        if entry["since"] <= version <= entry.get("until", VERSIONS[-1])
    }


def _definition(entry: dict[str, Any], version: str, structural: bool) -> Definition:
    stated = [entry, *(change for change in entry.get("changes", []) if change["since"] <= version)][-1]
    return Definition(stated["number"], stated["type"], tuple(stated.get("also", ())), structural)


def find_predefined(kind: Kind, key: str, version: str) -> Definition | None:
    """The definition of a key, also of one that a pattern names (base modifications since 4.5)."""
    found = predefined(kind, version).get(key)
    if found or kind == "INFO" or version < "4.5":
        return found
    for pattern, entry in _table()["FORMAT_PATTERN"].items():
        if re.fullmatch(pattern, key):
            return _definition(entry, version, False)
    return None

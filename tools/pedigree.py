"""Who is whose child, of which sex, and affected or not: a PED file, six columns a person."""

from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from ..memory.errors import InputError
from .text import one_line

COLUMNS = "family, individual, father, mother, sex, phenotype"
SEX = {"1": "male", "2": "female", "0": None, "-9": None, "-1": None, "other": None, "unknown": None}
AFFECTED = {"2": True, "1": False, "0": None, "-9": None}
MAX_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Person:
    """One line of a PED file. Father and mother are names, null for unknown; so are sex and affected."""

    family: str
    name: str
    father: str | None
    mother: str | None
    sex: str | None
    affected: bool | None


class Pedigree:
    """The people of a PED file by name; parents need not be among them."""

    def __init__(self, people: Iterable[Person]) -> None:
        self.people = {p.name: p for p in people}

    def affected(self) -> list[str]:
        """The names of those who are affected, in the order of the file."""
        return [p.name for p in self.people.values() if p.affected]

    def parents_of(self, name: str) -> list[str]:
        """The known parents of a person, the father first."""
        person = self.people.get(name)
        return [n for n in (person.father, person.mother) if n] if person else []

    def sex(self, name: str) -> str | None:
        """`male`, `female`, or null where it is not known."""
        return self.people[name].sex if name in self.people else None

    def status(self, name: str) -> str | None:
        """`affected`, `unaffected`, or null where it is not known."""
        known = self.people[name].affected if name in self.people else None
        return None if known is None else "affected" if known else "unaffected"

    def to_rows(self) -> list[list[Any]]:
        """For JSON; `from_rows` reads them again."""
        return [list(astuple(p)) for p in self.people.values()]

    @classmethod
    def from_rows(cls, rows: list[list[Any]]) -> "Pedigree":
        return cls(Person(*row) for row in rows)


def read_pedigree(path: Path) -> Pedigree:
    """The pedigree in a PED file. Raises `InputError` with the line that cannot be read."""
    people: dict[str, Person] = {}
    for number, columns in _lines(path):
        person = _person(path, number, columns)
        if person.name in people:
            raise _mistake(path, number, f"{person.name} stands twice", "A name may stand once, in any family")
        people[person.name] = person
    if not people:
        raise InputError(f"{path} names nobody", f"A PED file has one line a person: {COLUMNS}")
    _check_parents(path, people)
    return Pedigree(people.values())


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(_text(path).split("\n"), 1):
        columns = line.split("\t") if "\t" in line else line.split()
        columns = [c.strip() for c in columns]
        if any(columns) and not line.lstrip().startswith("#"):
            yield number, columns


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", "Name a PED file with --ped") from error
    if len(content) > MAX_BYTES or b"\0" in content:
        raise InputError(f"{path} is no PED file: it is too large or not text", f"It should have {COLUMNS}")
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not text in UTF-8", "Save it as UTF-8") from error


def _person(path: Path, number: int, columns: list[str]) -> Person:
    if len(columns) < 6:
        raise _mistake(path, number, f"{len(columns)} columns instead of 6", f"The columns are {COLUMNS}")
    family, name, father, mother, sex, phenotype = columns[:6]
    if not name or name == "0":
        raise _mistake(path, number, "no name of the individual", f"The columns are {COLUMNS}")
    if sex.lower() not in SEX:
        raise _mistake(path, number, f"the sex {sex!r}", "It is 1 (male), 2 (female) or 0 (unknown)")
    if phenotype not in AFFECTED:
        raise _mistake(
            path, number, f"the phenotype {phenotype!r}", "It is 2 (affected), 1 (unaffected), 0 or -9 (unknown)"
        )
    dad, mum = (None if parent in ("", "0", ".") else parent for parent in (father, mother))
    if name in (dad, mum) or (dad and dad == mum):
        raise _mistake(path, number, f"{name} has impossible parents", "Father and mother are two other people")
    return Person(family, name, dad, mum, SEX[sex.lower()], AFFECTED[phenotype])


def _check_parents(path: Path, people: dict[str, Person]) -> None:
    for person in people.values():
        for parent, wrong in ((person.father, "female"), (person.mother, "male")):
            if parent in people and people[parent].sex == wrong:
                raise InputError(
                    one_line(f"{path}: {parent}, a parent of {person.name}, is {wrong}"), "Mend sex or parents"
                )
        if person.name in _ancestors(person.name, people):
            raise InputError(one_line(f"{path}: {person.name} is an own ancestor"), "Mend father and mother")


def _ancestors(name: str, people: dict[str, Person]) -> set[str]:
    found: set[str] = set()
    ahead = [name]
    while ahead:
        person = people.get(ahead.pop())
        new = {p for p in (person.father, person.mother) if p} - found if person else set()
        found |= new
        ahead += new
    return found


def _mistake(path: Path, number: int, what: str, way_out: str) -> InputError:
    return InputError(one_line(f"{path} line {number}: {what}"), way_out)

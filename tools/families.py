"""Who is child, father and mother, and who is affected: from names in the question, else from the pedigree."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..memory.errors import ToolError
from .context import ToolContext
from .dataset import OpenDataset
from .pedigree import Pedigree

WAY_OUT = "Name child, father and mother, or give a pedigree with --ped FILE"


@dataclass(frozen=True, slots=True)
class Trio:
    """0-based sample columns; a parent is null where the file or the pedigree lacks one. `sex` is the child's."""

    child: int
    father: int | None
    mother: int | None
    sex: str | None

    def members(self) -> list[int]:
        return [i for i in (self.child, self.father, self.mother) if i is not None]

    def in_words(self, samples: list[str]) -> str:
        """`child CHILD (male), father FATHER, mother MOTHER`."""
        parts = [f"child {samples[self.child]} ({self.sex or 'sex not known'})"]
        for role, column in (("father", self.father), ("mother", self.mother)):
            parts.append(f"{role} {samples[column]}" if column is not None else f"no {role} in the file")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Family:
    """Affected and unaffected samples, as 0-based columns."""

    name: str
    affected: list[int]
    unaffected: list[int]

    def in_words(self, samples: list[str]) -> str:
        affected, unaffected = (", ".join(samples[i] for i in of) for of in (self.affected, self.unaffected))
        return f"affected {affected}; unaffected {unaffected or 'nobody'}"


def trios_of(
    context: ToolContext,
    data: OpenDataset,
    names: tuple[str | None, str | None, str | None],
    sex: str | None,
    all_children: bool = False,
) -> list[Trio]:
    """The trio of the named child, father and mother; without a child, those of the pedigree.

    Of the pedigree, children with both parents in the file: the affected ones where there are any, unless
    `all_children`. Raises `ToolError` where that is nobody.
    """
    pedigree = context.pedigree_of(data) or Pedigree([])
    child, father, mother = names
    if child is not None:
        return [_named(data, pedigree, child, father, mother, sex)]
    if father or mother:
        raise ToolError("A parent is named but no child", WAY_OUT)
    if not pedigree.people:
        raise ToolError(f"Nothing says who in {data.name} is whose child", WAY_OUT)
    found = [_named(data, pedigree, s, None, None, sex) for s in data.samples]
    whole = [t for t in found if t.father is not None and t.mother is not None]
    if not whole:
        raise ToolError(f"The pedigree has no child with both parents in {data.name}", WAY_OUT)
    affected = [t for t in whole if pedigree.status(data.samples[t.child]) == "affected"]
    return whole if all_children or not affected else affected


def _named(
    data: OpenDataset, pedigree: Pedigree, child: str, father: str | None, mother: str | None, sex: str | None
) -> Trio:
    column = data.sample_index(child)
    person = pedigree.people.get(data.samples[column])
    known = (person.father, person.mother) if person else (None, None)
    parents = []
    for given, recorded in zip((father, mother), known, strict=True):
        in_file = data.samples.index(recorded) if recorded in data.samples else None
        parents.append(data.sample_index(given) if given else in_file)
    members = [column, *[p for p in parents if p is not None]]
    if len(set(members)) < len(members):
        raise ToolError("Child, father and mother are three people", WAY_OUT)
    return Trio(column, parents[0], parents[1], sex or pedigree.sex(data.samples[column]))


def need_both_parents(data: OpenDataset, trio: Trio) -> tuple[int, int]:
    """Columns of father and mother. Raises `ToolError` where one is not known."""
    if trio.father is None or trio.mother is None:
        role = "father" if trio.father is None else "mother"
        raise ToolError(f"The {role} of {data.samples[trio.child]} is not known, or not in {data.name}", WAY_OUT)
    return trio.father, trio.mother


def families_of(
    context: ToolContext, data: OpenDataset, affected: Sequence[str], unaffected: Sequence[str]
) -> list[Family]:
    """The named affected and unaffected samples as one family; without names, the families of the pedigree.

    Where only the affected are named, the unaffected are those of their families in the pedigree.
    """
    pedigree = context.pedigree_of(data) or Pedigree([])
    if affected:
        return [_named_family(data, pedigree, affected, unaffected)]
    if unaffected:
        raise ToolError("Unaffected samples are named but no affected one", "Name the affected ones too")
    found = []
    for name in dict.fromkeys(p.family for p in pedigree.people.values()):
        members = [s for s in data.samples if s in pedigree.people and pedigree.people[s].family == name]
        ill = [s for s in members if pedigree.status(s) == "affected"]
        if ill:
            found.append(_family(data, name, ill, [s for s in members if pedigree.status(s) == "unaffected"]))
    if not found:
        raise ToolError(
            f"Nothing says who in {data.name} is affected", "Name the affected ones, or give a pedigree with --ped FILE"
        )
    return found


def _named_family(data: OpenDataset, pedigree: Pedigree, affected: Sequence[str], unaffected: Sequence[str]) -> Family:
    ill = [data.samples[data.sample_index(s)] for s in affected]
    well = [data.samples[data.sample_index(s)] for s in unaffected]
    if not unaffected:
        families = {pedigree.people[s].family for s in ill if s in pedigree.people}
        of_them = [s for s in data.samples if s in pedigree.people and pedigree.people[s].family in families]
        well = [s for s in of_them if pedigree.status(s) == "unaffected" and s not in ill]
    if both := set(ill) & set(well):
        raise ToolError(f"{min(both)} is named as affected and as unaffected", "Name each sample once")
    return _family(data, "the family", ill, well)


def _family(data: OpenDataset, name: str, affected: list[str], unaffected: list[str]) -> Family:
    ill, well = ([data.samples.index(s) for s in dict.fromkeys(of)] for of in (affected, unaffected))
    return Family(name, ill, well)

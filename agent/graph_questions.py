"""Plain questions that a walk over the graph answers, as arguments of `explore_graph`."""

import re
from typing import Any

from ..tools.dataset import OpenDataset
from .conditions import read_conditions
from .phrases import Text

_SAMPLES = r"(?:samples?|individuals?|people|persons?|patients?|children|relatives)"
_WHO = rf"(?:who|which {_SAMPLES}|what {_SAMPLES})"
_NUMBERS = {"two": 2, "three": 3, "four": 4}
_SEVERAL = r"(?:(?P<a>\d+|two|three|four) or more|at least (?P<b>\d+|two|three|four))"


def graph_arguments(text: Text, data: OpenDataset) -> dict[str, Any] | None:
    """The arguments of the walk that a question asks for; null, with the text as it was, where it asks for none."""
    before = text.rest
    for read in (_who_carries, _genes_hit, _most_alike, _neighbourhood):
        if found := read(text, data):
            return found
        text.rest = before
    return None


def _who_carries(text: Text, data: OpenDataset) -> dict[str, Any] | None:
    if not text.take(rf"^\W*{_WHO} (?:carr(?:y|ies)|ha(?:s|ve))(?: an?| any| the)*"):
        return None
    said = _narrowed(text, data)
    # In one gene only: with two, a carrier in both could be meant or one in either.
    return {"ask": "who_carries", **said} if said and len(said.get("genes", [])) == 1 else None


def _genes_hit(text: Text, data: OpenDataset) -> dict[str, Any] | None:
    several = text.take(rf"in {_SEVERAL}(?: of the)? affected(?: {_SAMPLES})?")
    if not several or not text.take(
        r"^\W*(?:which|what) genes (?:are|have|carry)(?: been)?(?: (?:hit|mutated))?(?: by)?"
    ):
        return None
    said = _narrowed(text, data)
    number = several["a"] or several["b"]
    if said is None or "genes" in said:
        return None
    return {"ask": "genes_hit", "min_samples": _NUMBERS.get(number) or int(number), **said}


def _narrowed(text: Text, data: OpenDataset) -> dict[str, Any] | None:
    """The genes, impacts and consequences of the rest; null where it says anything else."""
    conditions = read_conditions(text, data)
    if conditions.unclear or not conditions.found.keys() <= {"genes", "impacts", "consequences"}:
        return None
    return conditions.found


def _most_alike(text: Text, data: OpenDataset) -> dict[str, Any] | None:
    by = r"(?: by| in| in terms of)(?: their)?(?: number of)?(?: shared)? rare variants"
    like = rf"{_WHO} (?:are|is)(?: the)? most (?:(?:alike|similar)(?: to (?P<a>§s\d+))?|like (?P<b>§s\d+)){by}"
    most = rf"(?:which|what)(?: two)? {_SAMPLES} share(?: the)? most rare variants(?: with (?P<c>§s\d+))?"
    if not (found := text.take(rf"{like}|{most}")):
        return None
    named = text.listed(next((found[g] for g in "abc" if found[g]), ""))
    return {"ask": "most_alike", **({"samples": named} if named else {})}


def _neighbourhood(text: Text, data: OpenDataset) -> dict[str, Any] | None:
    around = r"what (?:is|lies|do you know) (?:around|about|connected (?:to|with)|linked (?:to|with)) (?:the )?variant "
    found = text.take(rf"{around}(?:(?P<key>§r\d+:[a-z]+:[a-z]+)|(?P<id>§i\d+))")
    if not found:
        return None
    if found["id"]:
        return {"ask": "neighbourhood", "variant": text.names[found["id"]]}
    place, ref, alt = found["key"].split(":")
    place = text.names[place].replace(",", "")
    # The text is in lower case; a file may write bases so.
    said = re.search(rf"{re.escape(place)}:{ref}:{alt}", text.question, re.IGNORECASE)
    return {"ask": "neighbourhood", "variant": said[0] if said else f"{place}:{ref.upper()}:{alt.upper()}"}

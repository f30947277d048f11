"""What makes two variants alike, as vectors. `docs/similarity.md` explains it in words.

A vector is a row of parts side by side (gene, consequence class, impact, ...). Each part has length one times the root
of its weight and the weights sum to one, so that the product of two vectors is the sum of the likenesses of their
parts, and one minus it is the distance: 0 for the same in every part, 1 for nothing in common.
"""

import hashlib
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Floats = npt.NDArray[np.float32]

CLASSES = ["", "loss of function", "protein altering", "splice region", "synonymous", "UTR", "non-coding exon",
           "intron", "upstream or downstream", "regulatory", "intergenic", "other"]  # fmt: skip
"""Consequence classes; the empty one where there is no annotation."""

IMPACTS = ["HIGH", "MODERATE", "LOW", "MODIFIER"]
TYPES = ["snp", "mnp", "insertion", "deletion", "indel", "bnd", "other", "overlap", "ref"]
SIGNIFICANCES = ["benign", "likely_benign", "uncertain_significance", "likely_pathogenic", "pathogenic"]
SIGNIFICANCE_CODES = {"0": "uncertain_significance", "2": "benign", "3": "likely_benign", "4": "likely_pathogenic",
                      "5": "pathogenic"}  # fmt: skip
SIZES = ["no change", "1 base", "2 to 5 bases", "6 to 20 bases", "21 to 50 bases", "51 to 1,000 bases",
         "over 1,000 bases", "unknown"]  # fmt: skip
FREQUENCIES = ["not given", "at most 0.0001", "0.0001 to 0.001", "0.001 to 0.01", "0.01 to 0.05", "above 0.05"]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a vector: `encode` gives `width` numbers of length one for a value of the column `name`.

    `named` marks values that are names. Theirs are hashes, and two different names never count as alike, whatever
    their hashes are.
    """

    name: str
    weight: float
    width: int
    encode: Callable[[Any], list[float]]
    named: bool = False


class Embedder(Protocol):
    """Makes vectors of signatures, the rows of the table that `tools/signatures.py` describes.

    `name` and `dimension` are stored with the vectors. A query is a table of one row; a part that it does not speak
    of is null there.
    """

    @property
    def name(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def embed(self, rows: pa.Table) -> Floats:
        """One vector per row, as a matrix."""

    def distances(self, rows: pa.Table, matrix: Floats, query: pa.Table, vector: Floats) -> Floats:
        """The distance of each row, whose vectors are `matrix`, from the query: 0 is the same, 1 has nothing alike."""


def _unit(values: Sequence[float]) -> list[float]:
    length = math.sqrt(sum(v * v for v in values))
    return [v / length for v in values] if length else list(values)


def _hashed(name: str, width: int) -> list[float]:
    """A vector of signs that is the same in every process: the same name gives the same, others hardly alike."""
    bits = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=width // 8).digest(), "big")
    return _unit([1.0 if bits >> i & 1 else -1.0 for i in range(width)])


def _names(joined: str, width: int) -> list[float]:
    """Of names joined by commas; no name is a name of its own."""
    each = [_hashed(name, width) for name in joined.split(",")]
    return _unit([sum(values) for values in zip(*each, strict=True)])


def _one_of(value: str, values: list[str]) -> list[float]:
    at = values.index(value) if value in values else len(values) - 1
    return [float(i == at) for i in range(len(values))]


def _level(value: int | None, levels: int, near: int) -> list[float]:
    """Levels in order: neighbours share some, levels `near` or more apart nothing; null is like no level."""
    steps = [0.0] * (levels + near)
    if value is None:
        steps[-1] = 1.0
    else:
        steps[value : value + near] = [1.0] * near
    return _unit(steps)


def _impact(value: str) -> list[float]:
    return _level(IMPACTS.index(value) if value in IMPACTS else None, 4, 2)


def _significance(value: str) -> list[float]:
    """Several values are averaged; conflicting ones, others (`drug_response`) and none have a place of their own."""
    found = [_one_significance(v) for v in re.split(r"[,/|&]", value.lower())]
    return _unit([sum(values) for values in zip(*found, strict=True)])


def _one_significance(value: str) -> list[float]:
    value = value.strip(" _").replace(" ", "_")
    value = SIGNIFICANCE_CODES.get(value, value)
    if value in SIGNIFICANCES:
        return [*_level(SIGNIFICANCES.index(value), 5, 3), 0.0, 0.0]
    if not value:
        return [*_level(None, 5, 3), 0.0, 0.0]
    conflicting = value.startswith("conflicting")
    return [*[0.0] * 8, float(conflicting), float(not conflicting)]


def _size(value: int) -> list[float]:
    return _level(value if value < 7 else None, 7, 3)


def _frequency(value: int) -> list[float]:
    return _level(value - 1 if value else None, 5, 3)


PARTS = (
    Part("genes", 0.33, 32, partial(_names, width=32), named=True),
    Part("class", 0.24, len(CLASSES), partial(_one_of, values=CLASSES)),
    Part("impact", 0.13, 6, _impact),
    Part("significance", 0.12, 10, _significance),
    Part("frequency", 0.07, 8, _frequency),
    Part("consequence", 0.04, 8, partial(_hashed, width=8), named=True),
    Part("condition", 0.03, 8, partial(_hashed, width=8), named=True),
    Part("type", 0.02, len(TYPES), partial(_one_of, values=TYPES)),
    Part("size", 0.02, 10, _size),
)
"""Same gene and consequence class outweigh everything else together; what the weights mean is in the documentation."""


class PartsEmbedder:
    """The deterministic embedder: no model, no network, the same vectors in every process."""

    name = "parts-1"
    dimension = sum(p.width for p in PARTS)

    def embed(self, rows: pa.Table) -> Floats:
        return np.hstack([self._part(p, _scalars(rows, p)) for p in PARTS])

    def _part(self, part: Part, values: pa.Array) -> Floats:
        """Each distinct value is encoded once; null becomes zeros."""
        coded = values.dictionary_encode()
        book = [part.encode(v) for v in coded.dictionary.to_pylist()] + [[0.0] * part.width]
        at = pc.fill_null(coded.indices, len(book) - 1).to_numpy()
        return np.asarray(np.array(book, dtype=np.float32)[at] * np.float32(math.sqrt(part.weight)))

    def distances(self, rows: pa.Table, matrix: Floats, query: pa.Table, vector: Floats) -> Floats:
        alike, start = np.zeros(len(matrix), dtype=np.float32), 0
        for part in PARTS:
            place = slice(start, start + part.width)
            start += part.width
            likeness = matrix[:, place] @ vector[place]
            alike += np.where(shares_name(rows, query, part), likeness, 0) if part.named else likeness
        spoken_of = float(vector @ vector)
        return np.asarray(np.round(1 - alike / spoken_of, 5))


def _scalars(rows: pa.Table, part: Part) -> pa.Array:
    """The column of a part; lists of names joined by commas, which no name holds."""
    column = rows[part.name].combine_chunks()
    return pc.binary_join(column, ",") if pa.types.is_list(column.type) else column


def shares_name(rows: pa.Table, query: pa.Table, part: Part) -> npt.NDArray[np.bool_]:
    """Whether each row has a name in common with the query; having none is in common too."""
    column = rows[part.name].combine_chunks()
    wanted = query[part.name].combine_chunks()
    if not pa.types.is_list(column.type):
        return np.asarray(pc.fill_null(pc.equal(column, wanted[0]), False))
    if not wanted[0].as_py():
        return np.asarray(pc.equal(pc.list_value_length(column), 0))
    found = np.zeros(len(column), dtype=bool)
    hits = pc.is_in(column.flatten(), value_set=wanted.flatten())
    found[pc.list_parent_indices(column).filter(hits).to_numpy()] = True
    return found

"""Which variants are most like a given one, or best meet some words."""

import re
from dataclasses import replace
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from ..memory.errors import ToolError
from ..memory.variant_table import literal
from .context import ToolContext
from .dataset import OpenDataset
from .evidence import prove, view_command
from .exact_names import alleles_named, is_exact_name
from .filters import VariantFilter
from .registry import Tool
from .result import Table, ToolResult
from .selection import select
from .signatures import frequencies
from .similarity import (
    Candidates,
    Order,
    candidates,
    distances_from,
    fused,
    ranking_columns,
    ranks_of,
    reason,
    source_of,
    spoken,
)
from .text import count_of
from .variant_rows import variant_key

NOT_EVIDENCE = "Similarity is not clinical evidence."
_GLUE = frozenset("a about an and any for gene in is like of on or that the to variant variants which with".split())  # noqa: SIM905


class FindSimilar(VariantFilter):
    """What is looked for, and conditions that every answer must meet."""

    variant: str | None = Field(None, max_length=10_000, description="CHROM:POS:REF:ALT, CHROM:POS (1-based) or rs334")
    text: str | None = Field(None, max_length=1000, description="words, gene symbols, HGVS names or rs numbers")
    mode: Literal["vector", "text", "hybrid"] | None = Field(
        None,
        description="vector: nearest by what the annotation says. text: has every word. hybrid: both ranks. Default: "
        "vector for a variant, text for a text, hybrid for both",
    )
    k: int = Field(10, ge=1, le=100, description="how many")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not (self.variant or (self.text and self.text.strip())):
            raise ValueError("give a `variant` or a `text`")
        if self.variant and self.text and self.mode in ("vector", "text"):
            raise ValueError("a `variant` with a `text` is the mode hybrid")
        if self.mode in ("text", "hybrid") and not self.text:
            raise ValueError(f"the mode {self.mode} needs a `text`")
        return self

    @property
    def way(self) -> str:
        if self.mode:
            return self.mode
        return "vector" if not self.text else "hybrid" if self.variant else "text"


def find_similar(context: ToolContext, wanted: FindSimilar) -> ToolResult:
    """The ALT alleles most like a variant, or that best meet a text, among those that meet all conditions.

    The value is the list of `CHROM:POS:REF:ALT`, the nearest first. Raises `ToolError` where the place has several
    ALT alleles, the words say nothing, or the vectors are not those of the setting's embedder.
    """
    data = context.dataset(wanted.dataset)
    like = _variant(data, wanted.variant) if wanted.variant else None
    if wanted.variant and like is None:
        text = f"{data.name} has no ALT allele {wanted.variant}, so nothing can be compared with it."
        return ToolResult(text, [], "alleles")
    found = select(data, wanted, "allele")
    search = _Search(context, data, wanted, like)
    order = search.order()
    compared = candidates(data, wanted, found)
    narrowed, number = search.narrowed(compared), compared.number
    rows = narrowed.nearest(order, wanted.k, like)
    matching = narrowed.matching(order) if wanted.way == "text" else number
    result = _result(search, rows, number, matching)
    result.reading += found.reading
    result.private = bool(wanted.genotypes)
    command = view_command(data, found.clauses, "allele")
    evidence = prove(context, data, "find_similar", wanted, command, number)
    proves = "it counts the ALT alleles that were compared"
    evidence.note = f"{evidence.note}; {proves}" if evidence.note and evidence.command else evidence.note
    result.evidence.append(evidence)
    return result


_PLACE = re.compile(r"(?P<contig>\S+?):(?P<pos>[\d,]+)(?:[: ](?P<ref>[A-Za-z.]+)[:>](?P<alt>\S+))?")


def _variant(data: OpenDataset, name: str) -> dict[str, Any] | None:
    """The allele row of a name, with its frequency; null where there is none."""
    place = _PLACE.fullmatch(name.strip())
    if place:
        contig = data.contig(place["contig"])[0]
        conditions = [f"chrom = {literal(contig)} AND pos = {int(place['pos'].replace(',', '')[:12] or 0)}"]
    else:
        whole = literal(name.strip())
        conditions = [f"id = {whole}", f"array_has(string_to_array(id, ';'), {whole})"]
    several = place is not None and "," in (place["alt"] or "")
    wanted = [*ranking_columns(data), *(["alts"] if several else [])]
    for condition in conditions:
        table = data.table.columns(wanted, f"{condition} AND allele > 0")
        if len(table):
            return _only(table, _frequencies(data, table), place, name)
    return None


def _only(table: pa.Table, known: list[float | None], place: re.Match[str] | None, name: str) -> dict[str, Any] | None:
    rows = [{**row, "frequency": f} for row, f in zip(table.to_pylist(), known, strict=True)]
    if place and place["alt"]:
        rows = [r for r in rows if r["ref"] == place["ref"] and place["alt"] in (r["alt"], r.get("alts"))]
    if len(rows) > 1:
        keys = list(dict.fromkeys(variant_key(r["chrom"], r["pos"], r["ref"], r["alt"]) for r in rows))
        if len(keys) > 1:
            raise ToolError(f"{name} has several ALT alleles", f"Which is meant: {' or '.join(keys[:6])}?")
    return rows[0] if rows else None


def _frequencies(data: OpenDataset, rows: pa.Table) -> list[float | None]:
    return [None if np.isnan(f) else float(f"{f:.4g}") for f in frequencies(source_of(data), rows)]


class _Search:
    """One question: its query as a signature, the words and the exact names of its text."""

    def __init__(
        self, context: ToolContext, data: OpenDataset, wanted: FindSimilar, like: dict[str, Any] | None
    ) -> None:
        self.context, self.data, self.wanted, self.like = context, data, wanted, like
        told = [w.strip(",;?!\"'") for w in (wanted.text or "").split()]
        self.names = [w for w in told if is_exact_name(w)]
        self.words = [w for w in told if w and w not in self.names and w.lower() not in _GLUE]
        self.query: pa.Table | None = None
        self.distances: Order | None = None
        self.hits: Order | None = None
        self.reading: list[str] = []
        if wanted.text and not (self.words or self.names):
            raise ToolError(
                "The text has no word to look for", "Name a gene, a consequence, a condition or an HGVS name"
            )

    def order(self) -> Order:
        """How near each signature is."""
        if self.wanted.way != "text":
            self._measure()
        ranks = ranks_of(self.data, " ".join(self.words)) if self.words and self.wanted.way != "vector" else None
        self.hits = ranks
        if self.distances is None:
            return ranks if ranks is not None else np.zeros(len(self.data.signatures.rows))
        return fused(self.distances, ranks) if ranks is not None else self.distances

    def _measure(self) -> None:
        data, embedder = self.data, self.context.embedder
        if self.like is not None:
            self.query = data.signatures.rows.slice(self.like["signature"], 1)
        elif self.words:
            self.query, unknown = spoken(data, " ".join(self.words))
            if embedder.name.startswith("parts-") and not self._speaks(unknown):
                return
        else:
            return
        self.distances = distances_from(data, embedder, self.query)

    def _speaks(self, unknown: list[str]) -> bool:
        """Whether the words say anything of which the offline embedder knows. Raises `ToolError` in vector mode."""
        if len(unknown) < len(self.words):
            self.reading += [f"not measured, since it names no part: {', '.join(unknown)}"] if unknown else []
            return True
        if self.wanted.way == "vector":
            what = f"{', '.join(unknown[:6])}: no gene of {self.data.name}, consequence, impact, significance or type"
            raise ToolError(what, "Ask with mode text, which looks for the words themselves")
        self.query = None
        return False

    def is_hit(self, signature: int) -> bool:
        """Whether a signature has every word of the text; its exact names every answer has."""
        return self.wanted.way != "vector" and (self.hits is None or bool(np.isfinite(self.hits[signature])))

    def narrowed(self, compared: Candidates) -> Candidates:
        """The candidates that have every exact name of the text."""
        if not self.names:
            return compared
        named = set.intersection(*(alleles_named(self.data, n) for n in self.names))
        self.reading.append(
            f"{_quoted(self.names)} must be the whole name, given to {count_of(len(named), 'ALT allele')}"
        )
        where, rest = (
            " AND ".join([_any_of(named), *([w] if w else [])]) for w in (compared.found.where, compared.rest)
        )
        number = min(len(named), compared.number)
        return replace(compared, found=replace(compared.found, where=where), rest=rest, number=number)


def _any_of(named: set[tuple[int, int]]) -> str:
    records: dict[int, list[str]] = {}
    for record, allele in sorted(named):
        records.setdefault(allele, []).append(str(record))
    parts = [f"(allele = {allele} AND record IN ({', '.join(each)}))" for allele, each in records.items()]
    return f"({' OR '.join(parts) or 'false'})"


def _quoted(words: list[str]) -> str:
    return ", ".join(f"'{w}'" for w in words)


def _result(search: _Search, rows: pa.Table, number: int, matching: int) -> ToolResult:
    wanted = search.wanted
    shown = _shown(search, rows)
    keys = [row[0] for row in shown]
    sentence = _sentence(search, len(keys), number, matching)
    result = ToolResult(sentence, keys, "alleles", _reading(search, number))
    columns = ["variant", "id", "gene", "consequence", "impact", "significance", "frequency", "distance", "why"]
    total = matching if len(keys) == wanted.k else len(keys)
    result.tables.append(Table("similar variants", columns, shown, total, len(keys) < total))
    return result


def _shown(search: _Search, rows: pa.Table) -> list[list[Any]]:
    data, kinds = search.data, search.data.signatures.rows
    asked = search.query.to_pylist()[0] if search.query is not None else None
    said = kinds.take(rows["signature"]).to_pylist()
    found = []
    for row, kind, known in zip(rows.to_pylist(), said, _frequencies(data, rows), strict=True):
        distance = None if search.distances is None else round(float(search.distances[row["signature"]]), 4)
        why = [reason(asked, kind)] if asked else []
        why += [f"has {_quoted([*search.words, *search.names])}"] if search.is_hit(row["signature"]) else []
        key = variant_key(row["chrom"], row["pos"], row["ref"], row["alt"])
        told = [",".join(kind["genes"]), kind["consequence"], kind["impact"], kind["significance"]]
        found.append([key, row["id"], *[t or None for t in told], known, distance, "; ".join(w for w in why if w)])
    return found


def _sentence(search: _Search, shown: int, number: int, matching: int) -> str:
    asked = search.wanted.variant or f"the text '{search.wanted.text}'"
    if number == 0:
        return f"No ALT allele of {search.data.name} meets the conditions, so none is like {asked}."
    among = f"{count_of(number, 'ALT allele')} of {search.data.name}"
    among += " that meet the conditions" if _conditions(search.wanted) else ""
    if shown == 0:
        return f"None of the {among} {'matches' if search.wanted.text else 'is like'} {asked}."
    if search.wanted.way == "text":
        said = "matches" if matching == 1 else "match"
        best = f"; the best {shown} are shown" if shown < matching else ""
        return f"{matching:,} of the {among} {said} {asked}{best}. {NOT_EVIDENCE}"
    return f"The {count_of(shown, 'ALT allele')} nearest to {asked} among the {among}. {NOT_EVIDENCE}"


def _conditions(wanted: FindSimilar) -> bool:
    own = {"variant", "text", "mode", "k", "dataset"}
    return bool(wanted.model_dump(exclude_defaults=True, exclude=own))


def _reading(search: _Search, number: int) -> list[str]:
    data, wanted, reading = search.data, search.wanted, list(search.reading)
    if search.distances is not None:
        reading.append(
            f"distance by the embedder {search.context.embedder.name}: 0 is the same in every part, 1 nothing in "
            "common; kinds equally near follow by position, alleles of one kind by frequency, then position"
        )
    if wanted.way != "vector" and search.words:
        reading.append(f"every word must stand in what the annotation says, whole: {_quoted(search.words)}")
    if wanted.way == "hybrid":
        reading.append("both orders are joined by reciprocal rank fusion")
    reading.append(
        f"all {count_of(number, 'ALT allele')} that meet the conditions were compared; they are applied first"
    )
    if search.like is not None:
        reading.append("the variant itself is left out")
    if search.distances is not None and not data.annotated:
        reading.append("the file has no consequence annotation, so genes and consequences say nothing here; what else "
                       "it has (significance, frequency, type, size) decides")  # fmt: skip
    source = source_of(data)
    reading.append(f"frequency is {source.name}" if source else "the file has no frequencies")
    return reading


TOOL = Tool(
    "find_similar",
    "The variants most like a given one (same gene and consequence class first, then impact, significance, frequency), "
    "or that match words, a gene, an HGVS name. Conditions are applied before the search. Returns the nearest with "
    "distance and why. Similarity is not clinical evidence.",
    FindSimilar,
    find_similar,
    example={"variant": "chr7:117559590:ATCT:A", "k": 3},
)

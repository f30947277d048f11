"""A question to the graph: the files and names it is about, and the steps from which its answers are made."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..memory.catalog import Catalog
from ..memory.errors import ToolError
from ..memory.variant_graph import VariantGraph
from ..memory.variant_table import literal
from .consequences import SEVERITY
from .context import ToolContext
from .dataset import OpenDataset, nearest, other_names
from .evidence import Command
from .graph_counts import Carriage, Keys, carriage, meets, merged
from .graph_load import IS_VARIANT
from .result import Json, Table

if TYPE_CHECKING:
    from .explore_graph import ExploreGraph

Offsets = npt.NDArray[np.int64]

# Without the hints Kuzu reads the genotypes of all samples first: 60 ms in place of 3 at a million variants.
CALLS_IN_GENE = """
    MATCH (g:Gene {symbol: $gene})<-[e:IN_GENE]-(v:Variant)<-[c:CARRIES]-(s:Sample)
    WHERE s.dataset IN $datasets
    HINT (((g JOIN e) JOIN v) JOIN c) JOIN s
    RETURN DISTINCT g.symbol AS gene, v.id AS variant, v.pos AS pos, s.id AS sample, c.genotype AS genotype,
           e.consequence AS consequence, e.impact AS impact"""
CARRIERS = """
    MATCH (v:Variant {id: $variant})<-[c:CARRIES]-(s:Sample) WHERE s.dataset IN $datasets
    HINT (v JOIN c) JOIN s
    RETURN DISTINCT s.id AS sample, c.genotype AS genotype"""
CARRIED = "MATCH (s:Sample {id: $sample})-[:CARRIES]->(v:Variant) RETURN offset(id(v)) AS variant"
GENES = """
    MATCH (v:Variant {id: $variant})-[e:IN_GENE]->(g:Gene)
    RETURN DISTINCT g.symbol AS gene, e.consequence AS consequence, e.impact AS impact"""
CONDITIONS = """
    MATCH (v:Variant {id: $variant})-[a:ASSERTED]->(x:Condition)
    RETURN DISTINCT x.name AS condition, a.significance AS significance, a.review_status AS review_status"""


@dataclass(slots=True)
class Found:
    """An answer of the graph: `count` is the graph's, of the things that `counts` names; `counted` is the table's.

    `command` is what bcftools can say of it, and what that should give.
    """

    text: str
    value: Json
    unit: str
    tables: list[Table]
    count: Json
    counted: Callable[[], Json]
    counts: str
    reading: list[str] = field(default_factory=list)
    command: Callable[[], tuple[Command, Json] | None] = lambda: None


@dataclass
class Question:
    """`files` are those whose samples are asked about, `held` all that the graph is made of."""

    context: ToolContext
    wanted: "ExploreGraph"
    graph: VariantGraph
    files: list[OpenDataset]
    held: list[OpenDataset]

    @cached_property
    def _names(self) -> dict[str, str]:
        """Each sample's id in the graph, and its name, with its file's where there are several files."""
        several = len(self.files) > 1
        return {
            f"{d.dataset.sha256}/{s}": f"{self._file_name(d)}/{s}" if several else s
            for d in self.files
            for s in d.samples
        }

    @cached_property
    def persons(self) -> dict[str, str]:
        """Of the samples that are one person with an earlier one of these files, that one."""
        said = Catalog(self.context.workspace).persons()
        first: dict[str, str] = {}
        found: dict[str, str] = {}
        for sample in self._names:
            person = said.get(sample, sample)
            if first.setdefault(person, sample) != sample:
                found[sample] = first[person]
        return found

    @cached_property
    def labels(self) -> dict[str, str]:
        """Each person's id in the graph, that is their first sample's, and how they are called."""
        called = {sample: name for sample, name in self._names.items() if sample not in self.persons}
        for sample, first in self.persons.items():
            called[first] += f" = {self._names[sample]}"
        return called

    def _one_person(self, rows: pa.Table) -> pa.Table:
        """The same rows with persons in place of samples, each once."""
        samples = pa.array([self.persons.get(s, s) for s in rows["sample"].to_pylist()], pa.string())
        rows = rows.set_column(rows.column_names.index("sample"), "sample", samples)
        return rows.group_by(rows.column_names, use_threads=False).aggregate([])

    def carriage(self, only: Keys | None = None) -> Carriage:
        """Who carries what by the variant tables; see `graph_counts.carriage`."""
        return merged(carriage(self.files, only), self.persons)

    def _file_name(self, data: OpenDataset) -> str:
        twice = sum(d.name == data.name for d in self.files) > 1
        return f"{data.name}-{data.dataset.sha256[:6]}" if twice else data.name

    def rows(self, cypher: str, **values: object) -> pa.Table:
        if "$datasets" in cypher:
            values["datasets"] = [d.dataset.sha256 for d in self.files]
        if "samples" in values:
            asked = set(cast(list[str], values["samples"]))
            values["samples"] = [*asked, *(s for s, first in self.persons.items() if first in asked)]
        rows = self.graph.query(cypher, **values)
        return self._one_person(rows) if self.persons and "sample" in rows.column_names else rows

    # Names.

    def sample(self, name: str) -> str:
        """The id of a sample. Raises `ToolError` where no file has it, or several do."""
        found = [key for key, label in self._names.items() if name in (label, key.partition("/")[2])]
        if not found:
            found = [k for k in self._names if k.partition("/")[2].casefold() == name.casefold()]
        found = list(dict.fromkeys(self.persons.get(key, key) for key in found))
        if len(found) > 1:
            choices = ", ".join(self.labels[k] for k in found)
            raise ToolError(f"Several samples are called {name!r}", f"Say which: {choices}, or give `dataset`")
        if not found:
            if len(self.files) == 1:
                self.files[0].sample_index(name)
            raise ToolError(f"No open file has a sample {name!r}", nearest(name, [*self.labels.values()], "There are"))
        return found[0]

    def samples(self, names: Iterable[str]) -> list[str]:
        return list(dict.fromkeys(self.sample(n) for n in names))

    def affected(self) -> list[str]:
        """The ids of the affected samples. Raises `ToolError` where none is known."""
        if self.wanted.affected:
            return self.samples(self.wanted.affected)
        found = []
        for data in self.files:
            pedigree = self.context.pedigree_of(data)
            named = set(pedigree.affected()) if pedigree else set()
            found += [f"{data.dataset.sha256}/{s}" for s in data.samples if s in named]
        found = list(dict.fromkeys(self.persons.get(s, s) for s in found))
        if not found:
            raise ToolError("No sample is known to be affected", "Give a pedigree with --ped, or name them: `affected`")
        return found

    def genes(self) -> list[str]:
        """The genes asked for as the graph has them. Raises `ToolError` with the nearest one."""
        known = self.rows("MATCH (g:Gene) RETURN g.symbol AS gene ORDER BY gene")["gene"].to_pylist()
        found = []
        for symbol in self.wanted.genes:
            same = [g for g in known if g == symbol] or [g for g in known if g.upper() == symbol.upper()]
            if not same and not known:
                self.files[0].gene(symbol)
            if not same:
                raise ToolError(f"The graph has no gene {symbol!r}", nearest(symbol, known, "Its genes are"))
            found.append(same[0])
        return list(dict.fromkeys(found))

    @cached_property
    def terms(self) -> set[str]:
        """The consequences asked for, as the files write them. Raises `ToolError` for what is no consequence."""
        from .consequences import SHORT_NAMES

        known = {c for d in self.held if d.annotated for c in d.consequences}
        found = set()
        for term in self.wanted.consequences:
            same = {k for k in known if term in (k, SHORT_NAMES.get(k))}
            if not same and term not in SEVERITY:
                raise ToolError(f"{term!r} is no consequence", nearest(term, [*known, *SEVERITY], "There are"))
            found |= same or {term}
        return found

    def variant(self) -> tuple[str, int] | None:
        """Key and position of the variant asked for; null where the graph has none such.

        Raises `ToolError` where it is neither `CHROM:POS:REF:ALT` nor an ID, or stands for several.
        """
        said = str(self.wanted.variant).strip()
        chrom, _, rest = said.partition(":")
        keys = [said, *(f"{other}:{rest}" for other in other_names(chrom) if rest)]
        for key in keys:
            if len(found := self.rows("MATCH (v:Variant {id: $key}) RETURN v.pos AS pos", key=key)):
                return key, int(found["pos"][0].as_py())
        parts = said.rsplit(":", 3)
        if len(parts) == 4 and parts[1].isdigit() and "," not in parts[3]:
            return None
        return self._by_id(said)

    def _by_id(self, said: str) -> tuple[str, int] | None:
        if not re.fullmatch(r"[^\s:,]+", said):
            raise ToolError(f"{said!r} names no variant", "Write it like chr20:12050:A:T, with one ALT, or like rs334")
        found: dict[str, int] = {}
        for data in self.files:
            where = f"array_has(string_to_array(id, ';'), {literal(said)}) AND {IS_VARIANT}"
            for row in data.table.columns(["chrom", "pos", "ref", "alt"], where).to_pylist():
                found[f"{row['chrom']}:{row['pos']}:{row['ref']}:{row['alt']}"] = row["pos"]
        if len(found) > 1:
            raise ToolError(f"{said} is {len(found)} variants", f"Say which: {', '.join(list(found)[:5])}")
        return next(iter(found.items()), None)

    # Steps.

    def calls_in(self, genes: list[str]) -> pa.Table:
        """Who carries the wanted variants of some genes: a row for each gene, variant, sample and genotype."""
        tables = []
        for gene in genes:
            rows = self.rows(CALLS_IN_GENE, gene=gene)
            said = list(zip(rows["consequence"].to_pylist(), rows["impact"].to_pylist(), strict=True))
            wanted = {s: meets(s, list(self.wanted.impacts), self.terms) for s in set(said)}
            tables.append(rows.filter(pa.array([wanted[s] for s in said], pa.bool_())))
        keys = ["gene", "variant", "pos", "sample", "genotype"]
        grouped = pa.concat_tables(tables).group_by(keys, use_threads=False)
        found = grouped.aggregate([("consequence", "distinct"), ("impact", "distinct")])
        return found.sort_by([("pos", "ascending"), ("variant", "ascending"), ("sample", "ascending")])

    def carriers(self, variant: str) -> dict[str, str]:
        """The samples that carry a variant, each with its genotype; several are joined by a comma."""
        found: dict[str, list[str]] = {}
        for row in self.rows(CARRIERS, variant=variant).to_pylist():
            found.setdefault(row["sample"], []).append(row["genotype"])
        return {s: ",".join(sorted(found[s])) for s in sorted(found)}

    def carried(self, sample: str) -> Offsets:
        """The variants of a sample, as the graph numbers them; sorted, each once."""
        samples = [sample, *(s for s, first in self.persons.items() if first == sample)]
        parts = [np.asarray(self.rows(CARRIED, sample=s)["variant"], dtype=np.int64) for s in samples]
        return np.unique(np.concatenate(parts))

    def named(self, offsets: Offsets) -> list[str]:
        """The keys of some variants, by position."""
        if len(offsets) == 0:
            return []
        cypher = "MATCH (v:Variant) WHERE offset(id(v)) IN $offsets RETURN v.id AS variant, v.pos AS pos"
        rows = self.rows(cypher, offsets=[int(o) for o in offsets])
        return list(rows.sort_by([("pos", "ascending"), ("variant", "ascending")])["variant"].to_pylist())

    def in_words(self, ids: Iterable[str]) -> str:
        names = [self.labels[i] for i in ids]
        shown = ", ".join(names[:12])
        return f"{shown} and {len(names) - 12} more" if len(names) > 12 else shown


def pairs(calls: pa.Table) -> pa.Table:
    """The distinct variants and samples of some calls."""
    return calls.group_by(["variant", "sample"], use_threads=False).aggregate([])


def first_of(values: list[Any]) -> str:
    """What several annotations say, joined."""
    return "; ".join(sorted({v for v in values if v}))


def distinct(column: pa.ChunkedArray) -> list[str]:
    return list(pc.unique(column).to_pylist())


def table_of(name: str, columns: list[str], rows: list[list[Any]], total: int) -> Table:
    return Table(name, columns, rows, total, len(rows) < total)

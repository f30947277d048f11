"""What the graph holds: the rows that a writer is given, and the tables that a reader finds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class GraphRows:
    """A block of one dataset's rows, each column a string unless noted; further columns are ignored.

    Blocks of one dataset stand together, and may repeat a dataset, sample, gene or condition. An edge stands
    in the block of its variant. `carries` is stored row for row (a record that stands twice in a file is two
    calls); of the other tables, equal rows are stored once.
    """

    dataset: pa.Table
    """One row: id (SHA-256 of the file), name."""
    samples: pa.Table
    """id ("<dataset id>/<sample name>"), name, dataset (its id), sex, affected; the last two may be null."""
    variants: pa.Table
    """id ("CHROM:POS:REF:ALT"), chrom, pos (int64, 1-based), ref, alt."""
    genes: pa.Table
    """symbol."""
    conditions: pa.Table
    """name."""
    carries: pa.Table
    """sample (id), variant (id), genotype (as in the file: "0/1", "1|0", "1")."""
    in_gene: pa.Table
    """variant (id), gene (symbol), consequence, impact; the last two may be null."""
    asserted: pa.Table
    """variant (id), condition (name), significance, review_status; the last two may be null."""
    parent_of: pa.Table
    """parent (sample id), child (sample id)."""


@dataclass(frozen=True)
class GraphCounts:
    """Rows per table of the graph."""

    nodes: dict[str, int]
    edges: dict[str, int]


@dataclass(frozen=True)
class Table:
    """A table of the graph; its columns begin with the primary key, or with the keys of both ends."""

    name: str
    columns: tuple[str, ...]
    ends: tuple[str, ...] = ()

    def create(self) -> str:
        typed = [f"{column} {'INT64' if column == 'pos' else 'STRING'}" for column in self.columns]
        if not self.ends:
            return f"CREATE NODE TABLE {self.name}({', '.join(typed)}, PRIMARY KEY({self.columns[0]}))"
        return f"CREATE REL TABLE {self.name}({', '.join(['FROM {} TO {}'.format(*self.ends), *typed[2:]])})"

    def count(self) -> str:
        pattern = f"()-[x:{self.name}]->()" if self.ends else f"(x:{self.name})"
        return f"MATCH {pattern} RETURN count(*) AS n"

    def typed(self, rows: pa.Table) -> pa.Table:
        import pyarrow as pa

        types = [(column, pa.int64() if column == "pos" else pa.string()) for column in self.columns]
        return rows.select(list(self.columns)).cast(pa.schema(types))


def expected_rows(rows: Iterable[GraphRows]) -> dict[str, pa.Table]:
    """What a graph of these rows holds, by table; for a comparison with what a graph does hold."""
    import pyarrow as pa

    parts: dict[str, list[pa.Table]] = {table.name: [] for table in TABLES.values()}
    for block in rows:
        for field, table in TABLES.items():
            parts[table.name].append(table.typed(getattr(block, field)))
    whole = {name: pa.concat_tables(found) for name, found in parts.items() if found}
    return {name: table if name == "CARRIES" else distinct(table) for name, table in whole.items()}


# By the field of GraphRows that fills it; nodes come before the edges that need them.
TABLES = {
    "dataset": Table("Dataset", ("id", "name")),
    "samples": Table("Sample", ("id", "name", "dataset", "sex", "affected")),
    "variants": Table("Variant", ("id", "chrom", "pos", "ref", "alt")),
    "genes": Table("Gene", ("symbol",)),
    "conditions": Table("Condition", ("name",)),
    "carries": Table("CARRIES", ("sample", "variant", "genotype"), ("Sample", "Variant")),
    "in_gene": Table("IN_GENE", ("variant", "gene", "consequence", "impact"), ("Variant", "Gene")),
    "asserted": Table("ASSERTED", ("variant", "condition", "significance", "review_status"), ("Variant", "Condition")),
    "parent_of": Table("PARENT_OF", ("parent", "child"), ("Sample", "Sample")),
}
IN_DATASET = Table("IN_DATASET", ("variant", "dataset"), ("Variant", "Dataset"))
ALL = (*TABLES.values(), IN_DATASET)

PROPERTIES = {table.name: table.columns[len(table.ends) :] for table in ALL}
"""What can be asked of each node and relation, by its name."""

ENDS = {table.name: table.ends for table in ALL if table.ends}
"""The node that each relation starts from, and the one that it leads to."""


def schema_in_words() -> str:
    """The graph for a model: `Gene(symbol), …; CARRIES(genotype) Sample->Variant, …`."""
    named = {name: f"{name}({', '.join(columns)})" if columns else name for name, columns in PROPERTIES.items()}
    nodes = [named[name] for name in named if name not in ENDS]
    return f"{', '.join(nodes)}; {', '.join(f'{named[name]} {a}->{b}' for name, (a, b) in ENDS.items())}"


def distinct(rows: pa.Table, known: pa.Table | None = None) -> pa.Table:
    """The rows, each once, without those of `known`; group_by because a join never matches null with null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = [(rows, False)] if known is None else [(known, True), (rows, False)]
    marked = [part.append_column("known", pa.repeat(mark, part.num_rows)) for part, mark in parts]
    grouped = pa.concat_tables(marked).group_by(rows.column_names, use_threads=False)
    both = grouped.aggregate([("known", "any")])
    return both.filter(pc.invert(both["known_any"])).select(rows.column_names)

"""Whether the three places that hold the variants agree: the file, the table, the graph."""

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..memory.catalog import Catalog
from ..memory.errors import VcfAgentError
from ..memory.graph_schema import expected_rows
from ..memory.variant_graph import graph_path, read_graph
from . import bcftools
from .context import ToolContext
from .dataset import OpenDataset
from .evidence import shown_path
from .filters import Arguments
from .graph_load import choose, graph_rows
from .registry import Tool
from .result import Evidence, Table, ToolResult
from .text import count_of
from .vcf_file import open_vcf, sha256_of

BLOCK_RECORDS = 50_000
SITE = ["CHROM", "POS", "ID", "REF", "ALT", "FILTER"]
READING = ["site (without QUAL) and genotypes are compared, as the bundled bcftools reads them"]
COLUMNS = ["chrom", "pos", "id", "ref", "alts", "filter"]


class CheckStores(Arguments):
    """No arguments: every dataset of the workspace is looked at."""


def check_stores(context: ToolContext, wanted: CheckStores) -> ToolResult:
    """Compare the table of each dataset with its file, record by record, and the graph with the tables.

    The value is true where all agree. What cannot be compared (a file that is gone) is told and is no disagreement.
    """
    datasets = [OpenDataset(d, context.workspace) for d in Catalog(context.workspace).datasets()]
    rows = [["file and table", data.name, *_told(_file_against_table, data)] for data in datasets]
    if datasets:
        rows.append(["tables and graph", "all", *_told(_tables_against_graph, datasets)])
    agree = all(row[2] is not False for row in rows)
    text = f"{count_of(len(datasets), 'dataset')}: " + ("; ".join(f"{r[1]}, {r[0]}: {r[3]}" for r in rows) or "nothing")
    result = ToolResult(text + ".", agree, None, list(READING))
    result.tables.append(Table("agreement", ["stores", "dataset", "agree", "found"], rows, len(rows)))
    result.evidence = [_evidence(context, data) for data in datasets]
    return result


def _told(look: Any, what: Any) -> tuple[bool | None, str]:
    """What a comparison found; a store that cannot be read disagrees, and a file that cannot tells nothing."""
    try:
        return look(what)  # type: ignore[no-any-return]
    except VcfAgentError as error:
        return False, str(error)


def _file_against_table(data: OpenDataset) -> tuple[bool | None, str]:
    path = data.dataset.path
    if not path.exists():
        return None, f"{path} is not there any more"
    if sha256_of(path) != data.dataset.sha256:
        return None, f"{path} holds something else now; ingest it again"
    if any(not f.declared for f in open_vcf(path).header.fields):
        return None, "bcftools alone cannot read a file with undeclared fields"
    try:
        return _compare(_records_of_file(data), _records_of_table(data))
    except (pa.ArrowException, bcftools.BcftoolsError) as error:
        return None, f"bcftools' text of the file cannot be read as columns: {error}"


def _compare(of_file: Iterator[pa.Table], of_table: Iterator[pa.Table]) -> tuple[bool, str]:
    record = 0
    for theirs, ours in zip_longest(of_file, of_table):
        wrong = _first_difference(theirs, ours)
        if wrong is not None:
            return False, f"record {record + wrong + 1:,} differs; ingest it again"
        record += len(theirs)
    return True, f"{count_of(record, 'record')}, each the same in site and genotypes"


def _first_difference(a: pa.Table | None, b: pa.Table | None) -> int | None:
    """The place of the first row in which two tables differ; null where they are the same."""
    if a is None or b is None:
        return 0
    if a.equals(b):
        return None
    n = min(len(a), len(b))
    return next((i for i in range(n) if not a.slice(i, 1).equals(b.slice(i, 1))), n)


def _records_of_file(data: OpenDataset) -> Iterator[pa.Table]:
    """Site and genotypes of the records, each genotype as text, read by bcftools."""
    from pyarrow import csv

    genotypes = [f"GT:{i}" for i in range(len(data.samples))] if "GT" in data.summary["sample_fields"] else []
    names = [*COLUMNS, *genotypes]
    types = dict.fromkeys(names, pa.string()) | {"pos": pa.int64()}
    query = "\\t".join(f"%{name}" for name in SITE) + ("[\\t%GT]" if genotypes else "") + "\\n"
    with bcftools.stream(["query", "-f", query, str(data.dataset.path)]) as text:
        reader = csv.open_csv(
            text,
            csv.ReadOptions(column_names=names, block_size=64 << 20),
            csv.ParseOptions(delimiter="\t", quote_char=False),
            csv.ConvertOptions(column_types=types, strings_can_be_null=False),
        )
        yield from _in_blocks(pa.Table.from_batches([batch]) for batch in reader)


def _records_of_table(data: OpenDataset) -> Iterator[pa.Table]:
    genotypes = ["gt"] if "GT" in data.summary["sample_fields"] else []
    texts, n = pa.array(data.codes.texts, pa.string()), len(data.samples)
    stored = [*COLUMNS, "alt", "n_alt", *genotypes]

    def shown(rows: pa.RecordBatch) -> pa.Table:
        alts = pc.if_else(pc.less_equal(rows["n_alt"], 1), rows["alt"], rows["alts"])
        columns = {c: alts if c == "alts" else rows[c] for c in COLUMNS}
        columns = {c: v if c == "pos" else pc.fill_null(v, ".") for c, v in columns.items()}
        if genotypes:
            codes = rows["gt"].flatten().to_numpy().reshape(-1, n)
            columns |= {f"GT:{i}": texts.take(pa.array(codes[:, i])) for i in range(n)}
        return pa.table(columns)

    yield from _in_blocks(shown(rows) for rows in data.table.blocks(stored, "allele <= 1", BLOCK_RECORDS))


def _in_blocks(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The same rows, `BLOCK_RECORDS` at a time."""
    held: pa.Table | None = None
    for table in tables:
        held = pa.concat_tables([held, table]) if held is not None else table
        while len(held) >= BLOCK_RECORDS:
            yield held.slice(0, BLOCK_RECORDS).combine_chunks()
            held = held.slice(BLOCK_RECORDS)
    if held is not None and len(held):
        yield held.combine_chunks()


def _tables_against_graph(datasets: list[OpenDataset]) -> tuple[bool, str]:
    """Every node and edge of the graph against those that the tables give."""
    newest = datasets[-1]
    expected = expected_rows(block for data in datasets for block in graph_rows(data, choose(data)))
    with read_graph(graph_path(newest.workspace, newest.dataset.graph_generation)) as graph:
        for name, rows in expected.items():
            missing, extra, example = _differences(rows, graph.rows(name))
            if missing or extra:
                what = f"{name}: {missing:,} missing and {extra:,} too many in the graph, such as {example}"
                return False, f"{what}; make it again with: vcf-agent doctor --rebuild-graph"
    edges = sum(len(rows) for rows in expected.values())
    return True, f"{edges:,} nodes and edges, each the same"


def _differences(expected: pa.Table, actual: pa.Table) -> tuple[int, int, str]:
    """How many rows only the first has, and only the second, each as often as it stands there."""
    if expected.num_columns == 0 or len(expected) + len(actual) == 0:
        return 0, 0, ""
    both = pa.concat_tables([
        expected.append_column("n", pa.repeat(pa.scalar(1, pa.int64()), len(expected))),
        actual.append_column("n", pa.repeat(pa.scalar(-1, pa.int64()), len(actual))),
    ])  # fmt: skip
    counts = both.group_by(expected.column_names).aggregate([("n", "sum")])
    odd = counts.filter(pc.not_equal(counts["n_sum"], 0))
    if not len(odd):
        return 0, 0, ""
    sums = odd["n_sum"].to_numpy()
    example = " ".join(str(v) for v in list(odd.slice(0, 1).to_pylist()[0].values())[:2])
    return int(sums[sums > 0].sum()), int(-sums[sums < 0].sum()), example[:200]


def _evidence(context: ToolContext, data: OpenDataset) -> Evidence:
    note = "the comparison itself; the file is read anew by bcftools"
    return Evidence(shown_path(data.dataset.path, context.folder), data.dataset.sha256, "check_stores", {}, note=note)


TOOL = Tool(
    "check_stores",
    "Whether file, table and graph of every ingested file agree, record by record and edge by edge. Takes seconds per "
    "million records.",
    CheckStores,
    check_stores,
)

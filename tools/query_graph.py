"""Questions about how samples, variants, genes and conditions are connected, in read-only Cypher."""

from pydantic import Field

from ..memory.catalog import Catalog, Dataset
from ..memory.errors import StorageError, ToolError
from ..memory.graph_child import answer_apart
from ..memory.graph_schema import schema_in_words
from ..memory.read_only_cypher import CLAUSES, FUNCTIONS, MAX_HOPS, Statement, read_only
from ..memory.variant_graph import GraphAnswer, graph_path
from .context import ToolContext
from .evidence import shown_path
from .filters import Arguments
from .registry import Tool
from .result import Evidence, Json, Table, ToolResult
from .text import count_of

MAX_ROWS = 1000
MAX_VALUES = 100_000
"""Values in the lists of one answer."""
SECONDS = 10.0
PRIVATE = frozenset({"Sample", "CARRIES", "PARENT_OF"})

READING = [
    "a Variant is one ALT allele, CHROM:POS:REF:ALT with POS 1-based, shared by the files that hold it; "
    "alleles are compared as the files write them",
    "not in the graph: records without an ALT, <NON_REF> and * alleles, and reference and missing genotypes; "
    "IN_DATASET stands for alleles that no sample carries, the others are in Sample.dataset of their carriers; "
    "IN_GENE holds the most severe consequence of a variant in a gene",
]
REPEATS = "one relation may stand for several in a pattern; a.id <> b.id keeps the nodes apart"


class QueryGraph(Arguments):
    cypher: str = Field(
        description=f"one read-only Cypher statement; {CLAUSES}, also EXISTS {{ MATCH … }}, CASE and paths such as "
        f"-[:PARENT_OF*1..{MAX_HOPS}]->; functions: {', '.join(FUNCTIONS)}"
    )
    limit: int = Field(100, ge=1, le=MAX_ROWS, description="how many rows to show; all of them are counted")


def query_graph(context: ToolContext, wanted: QueryGraph) -> ToolResult:
    """What the statement returns, over the graph of every file in the workspace.

    The value is the cell where there is one, else a list of cells or of rows. Raises `ToolError` for a statement
    that is not allowed or has no answer in time, and `StorageError` where there is no graph.
    """
    statement = read_only(wanted.cypher)
    answer, datasets = _ask(context, statement, wanted.limit)
    _check_size(answer)
    return ToolResult(
        _sentence(answer, statement),
        _value(answer),
        "rows" if len(answer.rows) != 1 or len(answer.columns) != 1 else None,
        _reading(statement, datasets),
        [Table("graph", answer.columns, answer.rows, answer.total, len(answer.rows) < answer.total)],
        [_evidence(context, wanted, data, answer.total) for data in datasets],
        private=bool(statement.tables & PRIVATE),
    )


def _ask(context: ToolContext, statement: Statement, limit: int) -> tuple[GraphAnswer, list[Dataset]]:
    """The answer of the graph that the catalog names, and the files that it holds.

    Asked once more where another process has committed a new graph, and removed this one, meanwhile.
    """
    while True:
        datasets = Catalog(context.workspace).datasets()
        if not datasets:
            raise StorageError(f"{context.workspace} holds no graph", "Ingest a file first: vcf-agent ingest FILE")
        path = graph_path(context.workspace, datasets[-1].graph_generation)
        try:
            return answer_apart(path, statement, limit, SECONDS), datasets
        except StorageError as error:
            if Catalog(context.workspace).datasets() == datasets:
                if path.exists():
                    raise
                way_out = f"Ingest a file once more: vcf-agent ingest --again {datasets[-1].path}"
                raise StorageError(f"The graph {path} is not there", way_out) from error


def _check_size(answer: GraphAnswer) -> None:
    values = sum(len(cell) for row in answer.rows for cell in row if isinstance(cell, list))
    if values > MAX_VALUES:
        raise ToolError(f"The lists of the answer hold {values:,} values", "Count them, or return them as rows")


def _value(answer: GraphAnswer) -> Json:
    if len(answer.columns) > 1:
        return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
    cells = [row[0] for row in answer.rows]
    return cells[0] if answer.total == 1 else cells


def _sentence(answer: GraphAnswer, statement: Statement) -> str:
    if answer.total == 0:
        return "The graph has no row for that."
    if answer.total == 1:
        cells = zip(statement.columns, answer.rows[0], strict=True)
        return f"The graph gives {', '.join(f'{column} = {_shown(cell)}' for column, cell in cells)}."
    shown = len(answer.rows)
    return f"{count_of(answer.total, 'row')}{f'; the first {shown:,} are shown' if shown < answer.total else ''}."


def _shown(cell: Json) -> str:
    text = f"{cell:,}" if type(cell) is int else str(cell)
    return text if len(text) <= 200 else text[:199] + "…"


def _reading(statement: Statement, datasets: list[Dataset]) -> list[str]:
    names = ", ".join(d.name for d in datasets[:10]) + (", …" if len(datasets) > 10 else "")
    reading = [f"the graph holds {count_of(len(datasets), 'file')}: {names}", *READING]
    reading += [f"{d.name}: {left_out}" for d in datasets if (left_out := d.summary["graph"]["left_out"])]
    if statement.relations > 1:
        reading.append(REPEATS)
    if statement.limit is not None:
        reading.append(f"the statement's own LIMIT keeps at most {count_of(statement.limit, 'row')}")
    return reading


def _evidence(context: ToolContext, wanted: QueryGraph, data: Dataset, total: int) -> Evidence:
    note = f"{count_of(total, 'row')} in all; no bcftools command speaks of a graph"
    arguments = wanted.model_dump(exclude_defaults=True, mode="json")
    return Evidence(shown_path(data.path, context.folder), data.sha256, "query_graph", arguments, note=note)


TOOL = Tool(
    "query_graph",
    "Answers what connects samples, variants, genes and conditions, over all ingested files at once: shared carriers, "
    f"parents, variants of a condition. Takes read-only Cypher over: {schema_in_words()}. "
    "Variant.id is CHROM:POS:REF:ALT, pos 1-based. For counts in one file use count_variants.",
    QueryGraph,
    query_graph,
    example={
        "cypher": "MATCH (s:Sample)-[c:CARRIES]->(v:Variant)-[:IN_GENE]->(g:Gene {symbol: 'CFTR'}) "
        "RETURN s.name AS sample, c.genotype AS genotype, v.id AS variant ORDER BY sample, variant LIMIT 5"
    },
)

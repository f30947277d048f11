"""The rows of the graph, made from the variant table, so that the graph can always be made again."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..memory.catalog import Dataset
from ..memory.variant_graph import GraphRows, write_generation
from .clauses import SIGNIFICANCE_FIELDS
from .consequences import rank
from .dataset import OpenDataset, matrix
from .pedigree import Pedigree

CONDITION_FIELDS = ["CLNDN", "CLNDBN"]
REVIEW_FIELDS = ["CLNREVSTAT"]
BLOCK_ROWS = 200_000


def graph_path(workspace: Path, generation: int) -> Path:
    """Where a generation of the graph stands."""
    return workspace / "graph" / f"{generation}.kuzu"


def write_graph(workspace: Path, generation: int, dataset: Dataset, held: list[Dataset]) -> None:
    """Write the next generation: the one that holds the datasets `held`, with this one's rows added.

    It is made anew from the tables where it holds an older state of this dataset, or is not there.
    """
    others = [d for d in held if d.sha256 != dataset.sha256]
    previous = graph_path(workspace, held[-1].graph_generation) if held and others == held else None
    if previous is not None and not previous.exists():
        previous = None
    sources = [dataset] if previous else [*others, dataset]
    rows = (block for each in sources for block in graph_rows(OpenDataset(each, workspace)))
    path = graph_path(workspace, generation)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_generation(path, rows, previous)


def drop_older_graphs(workspace: Path, generation: int) -> None:
    """Remove the generations before one that is committed; whoever has one open goes on reading it."""
    for path in (workspace / "graph").glob("*.kuzu*"):
        number = path.name.partition(".")[0]
        if number.isdigit() and int(number) < generation:
            path.unlink(missing_ok=True)


def graph_rows(data: OpenDataset) -> Iterator[GraphRows]:
    """The rows of one dataset, in blocks. Alleles that are no variant (no ALT, <NON_REF>, *) are left out."""
    columns = ["record", "allele", "chrom", "pos", "ref", "alt", "profile", *(["gt"] if data.samples else [])]
    for name in [*SIGNIFICANCE_FIELDS, *CONDITION_FIELDS, *REVIEW_FIELDS]:
        if name in data.info and data.info[name].column not in columns:
            columns.append(data.info[name].column)
    is_variant = "allele > 0 AND type <> 'ref' AND type <> 'overlap'"
    last = data.summary["records"]
    for start in range(0, max(last, 1), BLOCK_ROWS):
        where = f"record >= {start} AND record < {start + BLOCK_ROWS} AND {is_variant}"
        yield _block(data, data.table.columns(columns, where))


def _block(data: OpenDataset, rows: pa.Table) -> GraphRows:
    key = pc.binary_join_element_wise(rows["chrom"], rows["pos"].cast(pa.string()), rows["ref"], rows["alt"], ":")
    key = key.combine_chunks() if isinstance(key, pa.ChunkedArray) else key
    in_gene = _in_gene(data, rows, key)
    asserted = _asserted(data, rows, key)
    variants = pa.table({"id": key, "chrom": rows["chrom"], "pos": rows["pos"], "ref": rows["ref"], "alt": rows["alt"]})
    return GraphRows(
        dataset=pa.table({"id": [data.dataset.sha256], "name": [data.name]}),
        samples=_samples(data),
        variants=variants,
        genes=pa.table({"symbol": pc.unique(in_gene["gene"])}),
        conditions=pa.table({"name": pc.unique(asserted["condition"])}),
        carries=_carries(data, rows, key),
        in_gene=in_gene,
        asserted=asserted,
        parent_of=_parent_of(data),
    )


def _sample_ids(data: OpenDataset) -> list[str]:
    return [f"{data.dataset.sha256}/{s}" for s in data.samples]


def _samples(data: OpenDataset) -> pa.Table:
    pedigree = Pedigree.from_rows(data.summary.get("pedigree") or [])
    return pa.table({
        "id": pa.array(_sample_ids(data), pa.string()), "name": pa.array(data.samples, pa.string()),
        "dataset": pa.array([data.dataset.sha256] * len(data.samples), pa.string()),
        "sex": pa.array([pedigree.sex(s) for s in data.samples], pa.string()),
        "affected": pa.array([pedigree.status(s) for s in data.samples], pa.string()),
    })  # fmt: skip


def _parent_of(data: OpenDataset) -> pa.Table:
    """Parents and children who are both samples of the file; a pedigree may name others."""
    pedigree = Pedigree.from_rows(data.summary.get("pedigree") or [])
    id_of = dict(zip(data.samples, _sample_ids(data), strict=True))
    pairs = [(id_of[p], id_of[c]) for c in data.samples for p in pedigree.parents_of(c) if p in id_of]
    return pa.table({
        "parent": pa.array([p for p, _ in pairs], pa.string()), "child": pa.array([c for _, c in pairs], pa.string())
    })  # fmt: skip


def _carries(data: OpenDataset, rows: pa.Table, key: pa.Array) -> pa.Table:
    """An edge for each sample with a copy of the row's own ALT allele, with its genotype as in the file."""
    if not data.samples or len(rows) == 0:
        return pa.table({n: pa.array([], pa.string()) for n in ("sample", "variant", "genotype")})
    codes = matrix(rows["gt"])
    at_row, at_sample = np.nonzero(_has_copy(data, codes, rows["allele"].to_numpy()))
    samples, texts = pa.array(_sample_ids(data), pa.string()), pa.array(data.codes.texts, pa.string())
    return pa.table({
        "sample": samples.take(pa.array(at_sample)), "variant": key.take(pa.array(at_row)),
        "genotype": texts.take(pa.array(codes[at_row, at_sample].astype(np.int64))),
    })  # fmt: skip


def _has_copy(data: OpenDataset, codes: npt.NDArray[np.int16], allele: npt.NDArray[np.int16]) -> npt.NDArray[np.bool_]:
    found = np.zeros(codes.shape, dtype=bool)
    for number in np.unique(allele):
        mine = allele == number
        found[mine] = (data.codes.copies(int(number)) > 0)[codes[mine]]
    return found


def _in_gene(data: OpenDataset, rows: pa.Table, key: pa.Array) -> pa.Table:
    """One edge for each variant and gene, with the most severe consequence there and its impact."""
    worst = [_worst_by_gene(p) for p in data.profiles.to_pylist()]
    n_genes = np.array([len(w) for w in worst], dtype=np.int64)
    profile = rows["profile"].to_numpy()
    flat = [(gene, *said) for w in worst for gene, said in w.items()]
    start = np.cumsum(n_genes) - n_genes
    times = n_genes[profile]
    at_row = np.repeat(np.arange(len(rows)), times)
    within = np.arange(len(at_row)) - np.repeat(np.cumsum(times) - times, times)
    place = pa.array(np.repeat(start[profile], times) + within)
    parts = [pa.array([f[i] for f in flat], pa.string()).take(place) for i in range(3)]
    return pa.table(
        {"variant": key.take(pa.array(at_row)), "gene": parts[0], "consequence": parts[1], "impact": parts[2]}
    )


def _worst_by_gene(profile: dict[str, list[str]]) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for gene, consequence, impact in zip(profile["genes"], profile["consequences"], profile["impacts"], strict=True):
        if gene and (gene not in found or rank(consequence) < rank(found[gene][0])):
            found[gene] = (consequence, impact)
    return found


def _asserted(data: OpenDataset, rows: pa.Table, key: pa.Array) -> pa.Table:
    """An edge for each variant with a significance and the condition that it is asserted for."""
    significance, condition, review = (
        next((rows[data.info[n].column] for n in names if n in data.info), None)
        for names in (SIGNIFICANCE_FIELDS, CONDITION_FIELDS, REVIEW_FIELDS)
    )
    if significance is None or condition is None:
        return pa.table(
            {n: pa.array([], pa.string()) for n in ("variant", "condition", "significance", "review_status")}
        )
    said = pa.array(np.flatnonzero(pc.and_(pc.is_valid(significance), pc.is_valid(condition))))
    table = pa.table(
        {
            "variant": key,
            "condition": condition,
            "significance": significance,
            "review_status": pa.nulls(len(rows), pa.string()) if review is None else review,
        }
    ).take(said)
    names = pc.split_pattern(table["condition"].combine_chunks(), "|")
    parent = pc.list_parent_indices(names)
    return table.take(parent).set_column(1, "condition", names.flatten())

"""The rows of the graph, made from the variant table, so that the graph can always be made again."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..memory.catalog import Dataset
from ..memory.graph_schema import GraphRows
from ..memory.graph_writer import write_generation
from ..memory.variant_graph import graph_path
from .clauses import CONDITION_FIELDS, SIGNIFICANCE_FIELDS
from .consequences import worst_by_gene
from .dataset import OpenDataset, matrix
from .pedigree import Pedigree

REVIEW_FIELDS = ["CLNREVSTAT"]
BLOCK_ROWS = 30_000
MANY_CALLS = 20_000_000
"""Calls of ALT alleles from which a dataset is large: some gigabytes of graph."""
COMMON = 0.05
"""Frequency among the called alleles of the file's own samples."""


def write_graph(
    workspace: Path, generation: int, added: Dataset | None, held: list[Dataset], without: str | None = None
) -> "Choice | None":
    """Write the next generation: the datasets `held` but one, and the one `added`; returns what of that it holds.

    The rows of the added one are put into a copy of the current generation. Where none is added, or the graph holds
    an older state of it or a dataset that goes, or is not there, all is made anew from the tables.
    """
    others = [d for d in held if d.sha256 not in (without, added and added.sha256)]
    previous = graph_path(workspace, held[-1].graph_generation) if added and held and others == held else None
    if previous is not None and not previous.exists():
        previous = None
    sources = [OpenDataset(d, workspace) for d in [*([] if previous else others), *([added] if added else [])]]
    choices = [choose(data) for data in sources]
    rows = (block for data, choice in zip(sources, choices, strict=True) for block in graph_rows(data, choice))
    path = graph_path(workspace, generation)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_generation(path, rows, previous)
    return choices[-1] if added else None


@dataclass(frozen=True, slots=True)
class Choice:
    """Which alleles of a dataset are in the graph: those for which `where` holds; `left_out` says which are not."""

    where: str
    left_out: str


IS_VARIANT = "allele > 0 AND type <> 'ref' AND type <> 'overlap'"


def choose(data: OpenDataset) -> Choice:
    """What of a dataset the graph holds.

    Alleles that are no variant (no ALT, `<NON_REF>`, `*`) never are. Of a file with samples, those are left out that
    no sample carries. Where more than `MANY_CALLS` calls remain, common non-coding alleles are left out too, then
    all non-coding ones, then all common ones, as far as is needed. An allele with a clinical significance stays.
    """
    if not data.samples:
        return Choice(IS_VARIANT, "")
    asserted = _significance(data)
    keep = f"OR {asserted} IS NOT NULL" if asserted else ""
    carried = Choice(f"{IS_VARIANT} AND (ac > 0 {keep})", "that no sample carries")
    for choice in [carried, *_smaller(data, carried.where, keep)]:
        rows = data.table.columns(["ac"], choice.where)
        if (pc.sum(rows["ac"]).as_py() or 0) <= MANY_CALLS:
            break
    n_all = data.table.count(IS_VARIANT)
    missing = n_all - len(rows)
    what = f"{missing:,} of {n_all:,} ALT alleles are not in the graph: those {choice.left_out}" if missing else ""
    return Choice(choice.where, what + ("" if not missing or not asserted else ", unless a significance is asserted"))


def _smaller(data: OpenDataset, carried: str, keep: str) -> Iterator[Choice]:
    coding = ", ".join(str(p["profile"]) for p in data.profiles.to_pylist() if set(p["impacts"]) - {"MODIFIER", ""})
    is_coding, is_rare = f"profile IN ({coding})" if coding else "false", f"CAST(ac AS DOUBLE) <= {COMMON} * an"
    common = f"common (over {COMMON:.0%} of the called alleles)"
    for condition, what in (
        (f"{is_coding} OR {is_rare}", f"that are non-coding and {common}"),
        (is_coding, "that are non-coding"),
        (f"{is_coding} AND {is_rare}", f"that are non-coding or {common}"),
    ):
        yield Choice(f"{carried} AND ({condition} {keep})", f"that no sample carries, and those {what}")


def _significance(data: OpenDataset) -> str | None:
    return next((data.info[n].column for n in SIGNIFICANCE_FIELDS if n in data.info), None)


def graph_rows(data: OpenDataset, choice: Choice) -> Iterator[GraphRows]:
    """The rows of one dataset, in blocks."""
    columns = ["record", "allele", "chrom", "pos", "ref", "alt", "profile", *(["gt"] if data.samples else [])]
    for name in [*SIGNIFICANCE_FIELDS, *CONDITION_FIELDS, *REVIEW_FIELDS]:
        if name in data.info and data.info[name].column not in columns:
            columns.append(data.info[name].column)
    effects = _worst_effects(data)
    nothing = pa.RecordBatch.from_pylist([], schema=data.table.columns(columns, "false").schema)
    for rows in chain([nothing], data.table.blocks(columns, choice.where, BLOCK_ROWS)):
        yield _block(data, rows, effects)  # the first one, since a dataset without alleles is one too


def _block(data: OpenDataset, rows: pa.RecordBatch, effects: "Effects") -> GraphRows:
    key = pc.binary_join_element_wise(rows["chrom"], rows["pos"].cast(pa.string()), rows["ref"], rows["alt"], ":")
    in_gene = _in_gene(effects, rows, key)
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
    pedigree = Pedigree.from_rows(data.summary["pedigree"] or [])
    return pa.table({
        "id": pa.array(_sample_ids(data), pa.string()), "name": pa.array(data.samples, pa.string()),
        "dataset": pa.array([data.dataset.sha256] * len(data.samples), pa.string()),
        "sex": pa.array([pedigree.sex(s) for s in data.samples], pa.string()),
        "affected": pa.array([pedigree.status(s) for s in data.samples], pa.string()),
    })  # fmt: skip


def _parent_of(data: OpenDataset) -> pa.Table:
    """Parents and children who are both samples of the file; a pedigree may name others."""
    pedigree = Pedigree.from_rows(data.summary["pedigree"] or [])
    id_of = dict(zip(data.samples, _sample_ids(data), strict=True))
    pairs = [(id_of[p], id_of[c]) for c in data.samples for p in pedigree.parents_of(c) if p in id_of]
    return pa.table({
        "parent": pa.array([p for p, _ in pairs], pa.string()), "child": pa.array([c for _, c in pairs], pa.string())
    })  # fmt: skip


def _carries(data: OpenDataset, rows: pa.RecordBatch, key: pa.Array) -> pa.Table:
    """An edge for each sample with a copy of the row's own ALT allele, with its genotype as in the file."""
    if not data.samples or len(rows) == 0:
        return pa.table({n: pa.array([], pa.string()) for n in ("sample", "variant", "genotype")})
    codes = matrix(rows["gt"], len(data.samples))
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


@dataclass(frozen=True, slots=True)
class Effects:
    """The gene, the most severe consequence there and its impact, for all profiles one after the other.

    Those of profile i stand from `start[i]`, and are `number[i]`.
    """

    said: pa.Table
    start: npt.NDArray[np.int64]
    number: npt.NDArray[np.int64]


def _worst_effects(data: OpenDataset) -> Effects:
    worst = [worst_by_gene(p) for p in data.profiles.to_pylist()]
    number = np.array([len(w) for w in worst], dtype=np.int64)
    flat = [(gene, *said) for w in worst for gene, said in w.items()]
    names = ("gene", "consequence", "impact")
    said = pa.table({name: pa.array([f[i] for f in flat], pa.string()) for i, name in enumerate(names)})
    return Effects(said, np.cumsum(number) - number, number)


def _in_gene(effects: Effects, rows: pa.RecordBatch, key: pa.Array) -> pa.Table:
    """One edge for each variant and gene."""
    profile = rows["profile"].to_numpy()
    times = effects.number[profile]
    at_row = np.repeat(np.arange(len(rows)), times)
    within = np.arange(len(at_row)) - np.repeat(np.cumsum(times) - times, times)
    said = effects.said.take(pa.array(np.repeat(effects.start[profile], times) + within))
    return said.add_column(0, "variant", key.take(pa.array(at_row)))


def _asserted(data: OpenDataset, rows: pa.RecordBatch, key: pa.Array) -> pa.Table:
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

"""Questions to the graph about samples, each a walk from the keys of what is named."""

import re
from itertools import combinations
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..memory.errors import ToolError
from . import graph_counts as exact
from .clauses import clauses_of
from .evidence import Command, all_lines, view_command
from .filters import VariantFilter
from .graph_scope import Found, Question, distinct, first_of, pairs, table_of
from .list_variants import query_options
from .result import Json
from .text import count_of


def who_carries(q: Question) -> Found:
    """The samples that carry variants of some genes; the table has a row for each of their calls."""
    genes = q.genes()
    calls, chosen = q.calls_in(genes), q.samples(q.wanted.samples)
    if chosen:
        calls = calls.filter(pc.is_in(calls["sample"], value_set=pa.array(chosen)))
    carried = pairs(calls)
    by_sample = dict.fromkeys(chosen or q.labels, 0) | _tally(carried["sample"])
    carriers = [s for s in q.labels if by_sample.get(s)]
    n_variants = len(distinct(calls["variant"]))
    who = f"{len(carriers)} of {count_of(len(by_sample), 'sample')}"
    text = f"{count_of(n_variants, 'variant')}{_said(q)} in {', '.join(genes)}: carried by {who}"
    listed = [f"{q.labels[s]} ({by_sample[s]:,})" for s in carriers[:20]]
    rows = [
        [r["variant"], r["gene"], q.labels[r["sample"]], r["genotype"], *_annotation(r)]
        for r in calls.slice(0, q.wanted.limit).to_pylist()
    ]
    columns = ["variant", "gene", "sample", "genotype", "consequence", "impact"]

    def counted() -> int:
        found = q.carriage(exact.in_genes(q.held, genes, list(q.wanted.impacts), q.terms))
        return int(found.has[:, found.columns(chosen or found.samples)].sum())

    return Found(
        text + (": " + ", ".join(listed) if listed else "") + ".", [q.labels[s] for s in carriers], "samples",
        [table_of("calls", columns, rows, len(calls))], len(carried), counted, "carried variants, over the samples",
        command=lambda: _calls_command(q, genes, chosen, calls),
    )  # fmt: skip


def _annotation(row: dict[str, Any]) -> list[str]:
    return [first_of(row["consequence_distinct"]), first_of(row["impact_distinct"])]


def _said(q: Question) -> str:
    wanted = [*q.wanted.impacts, *q.wanted.consequences]
    return f" ({' or '.join(wanted)})" if wanted else ""


def _tally(column: pa.ChunkedArray) -> dict[str, int]:
    return {str(p["values"]): int(p["counts"]) for p in pc.value_counts(column).to_pylist()}


def _calls_command(q: Question, genes: list[str], chosen: list[str], calls: pa.Table) -> tuple[Command, Json] | None:
    """The same calls from bcftools: one file, no choice among consequences, one allele a record."""
    data = q.files[0]
    if len(q.held) > 1 or q.wanted.impacts or q.wanted.consequences:
        return None
    clauses = clauses_of(data, VariantFilter(genes=genes))
    command = view_command(data, clauses)
    names = [key.partition("/")[2] for key in chosen]
    several = data.table.count(f"({clauses[0].sql}) AND (n_alt > 1 OR type = 'ref' OR type = 'overlap')")
    command.unprovable = (
        command.unprovable or data.unlistable(names) or ("some of the records have several ALT alleles" * bool(several))
    )
    samples = ["-s", ",".join(names)] if names else []
    form = r"[%CHROM:%POS:%REF:%ALT\t%SAMPLE\t%GT\n]"
    command.arguments = ["query", *samples, "-f", form, *query_options(command.arguments[2:])]
    command.then, command.read = r"awk -F'\t' '$3~/[1-9]/' | sort -u", _carried_lines
    lines = [f"{r['variant']}\t{r['sample'].partition('/')[2]}\t{r['genotype']}" for r in calls.to_pylist()]
    return command, sorted(set(lines))


def _carried_lines(output: IO[bytes]) -> list[str]:
    return sorted({line for line in all_lines(output) if re.search("[1-9]", line.rpartition("\t")[2])})


def shared_variants(q: Question) -> Found:
    """The variants that all of the samples carry."""
    ids = q.samples(q.wanted.samples)
    if len(ids) < 2 and not q.wanted.nobody_else:
        raise ToolError("Variants are shared by at least two samples", "Name another, or ask for nobody_else")
    common = q.carried(ids[0])
    for sample in ids[1:]:
        common = np.intersect1d(common, q.carried(sample), assume_unique=True)
    if q.wanted.nobody_else:
        for sample in q.labels.keys() - set(ids):
            common = np.setdiff1d(common, q.carried(sample), assume_unique=True)
    shown = q.named(common[: q.wanted.limit])
    alone = " and by no other sample" if q.wanted.nobody_else else ""
    rows = [[v, *[genotypes.get(s) for s in ids]] for v in shown for genotypes in [q.carriers(v)]]
    found = Found(
        f"{count_of(len(common), 'variant')} carried by {q.in_words(ids)}{alone}.", shown, "variants",
        [table_of("shared variants", ["variant", *[q.labels[s] for s in ids]], rows, len(common))], len(common),
        lambda: exact.shared_by(q.carriage(), ids, q.wanted.nobody_else), "variants",
    )  # fmt: skip
    if len(common) > len(shown):
        found.reading.append(f"the value holds {len(shown):,} of {len(common):,} variants, as the table does")
    return found


def most_alike(q: Question) -> Found:
    """Pairs of samples by the number of rare variants that both carry; one sample named: its pairs with all others."""
    named = q.samples(q.wanted.samples)
    ids = named if len(named) > 1 else list(q.labels)
    at_most = q.wanted.max_carriers or max(2, len(q.labels) // 10)
    shared = exact.pair_counts(_rare(q, at_most)[:, [list(q.labels).index(s) for s in ids]])
    rows: list[list[Any]] = []
    for i, j in combinations(range(len(ids)), 2):
        if len(named) != 1 or named[0] in (ids[i], ids[j]):
            a, b = (j, i) if named and ids[j] == named[0] else (i, j)
            both, either = int(shared[a, b]), int(shared[a, a] + shared[b, b] - shared[a, b])
            rows.append([q.labels[ids[a]], q.labels[ids[b]], both, round(both / either, 4) if either else None])
    rows.sort(key=lambda r: (-r[2], -(r[3] or 0)))

    def counted() -> dict[str, int]:
        table = exact.rare_pairs(q.carriage(), ids, at_most)
        place = {q.labels[s]: i for i, s in enumerate(ids)}
        return {f"{r[0]} and {r[1]}": int(table[place[r[0]], place[r[1]]]) for r in rows}

    if not rows:
        raise ToolError("There are no two samples to compare", "Open a file with several samples")
    columns = ["sample", "other sample", "shared rare variants", "Jaccard"]
    a, b, both, jaccard = rows[0]
    return Found(
        f"Most alike are {a} and {b}: they share {both:,} rare variants (Jaccard {jaccard})."
        if both else "No two of these samples share a rare variant.",
        {f"{r[0]} and {r[1]}": r[2] for r in rows[: q.wanted.limit]}, "variants",
        [table_of("pairs", columns, rows[: q.wanted.limit], len(rows))], {f"{r[0]} and {r[1]}": r[2] for r in rows},
        counted, "rare variants shared by each pair",
        [f"rare: carried by at most {at_most} of the {len(q.labels)} samples; Jaccard: shared rare variants divided by "
         "those that either carries", *_ties(rows)],
    )  # fmt: skip


def _ties(rows: list[list[Any]]) -> list[str]:
    same = sum(r[2] == rows[0][2] for r in rows[1:]) if rows and rows[0][2] else 0
    return [f"{same:,} more with as many shared variants as the first"] if same else []


def _rare(q: Question, at_most: int) -> exact.Matrix:
    """Which samples carry each of the variants that few do."""
    carried = [q.carried(s) for s in q.labels]
    variants, times = np.unique(np.concatenate(carried), return_counts=True)
    rare = variants[times <= at_most]
    return np.stack([np.isin(rare, mine, assume_unique=True) for mine in carried], axis=1)


def genes_hit(q: Question) -> Found:
    """Genes in which several affected samples carry a variant, not necessarily the same one."""
    ids = q.affected()
    hit = _affected_by_gene(q, ids)
    wanted = {g: n for g, n in hit.items() if n >= q.wanted.min_samples}
    order = sorted(wanted, key=lambda g: (-wanted[g], g))
    columns = ["gene", "affected carriers", "affected samples", "variants in them", "unaffected or unknown carriers"]
    rows = [_hit_row(q, gene, ids) for gene in order[: q.wanted.limit]]

    def counted() -> int:
        found = q.carriage()
        hits = exact.genes_hit(found, q.held, ids, list(q.wanted.impacts), q.terms)
        return sum(n >= q.wanted.min_samples for n in hits.values())

    listed = ", ".join(f"{r[0]} ({r[1]})" for r in rows) + (" and others" if len(rows) < len(order) else "")
    text = (
        f"{count_of(len(order), 'gene')} with a variant{_said(q)} in at least {q.wanted.min_samples} of the affected "
        f"samples ({q.in_words(ids)})" + (f": {listed}." if listed else ".")
    )
    if q.wanted.min_samples > len(ids):
        text += f" Only {count_of(len(ids), 'sample')} affected, so no gene can have {q.wanted.min_samples}."
    return Found(
        text, order, "genes", [table_of("genes", columns, rows, len(order))], len(order), counted, "genes"
    )  # fmt: skip


def _affected_by_gene(q: Question, ids: list[str]) -> dict[str, int]:
    """How many of the samples carry a wanted variant in each gene."""
    impacts = list(q.wanted.impacts)
    walk = "MATCH (v:Variant)-[e:IN_GENE]->(g:Gene)" + " WHERE e.impact IN $impacts" * bool(impacts)
    cypher = walk + " RETURN offset(id(v)) AS variant, offset(id(g)) AS gene"
    rows = q.rows(cypher + ", e.consequence AS said" * bool(q.terms), **({"impacts": impacts} if impacts else {}))
    if q.terms:
        good = [s for s in distinct(rows["said"]) if exact.meets((s, None), [], q.terms)]
        rows = rows.filter(pc.is_in(rows["said"], value_set=pa.array(good, pa.string())))
    variant, gene = np.asarray(rows["variant"], dtype=np.int64), np.asarray(rows["gene"], dtype=np.int64)
    symbols = q.rows("MATCH (g:Gene) RETURN offset(id(g)) AS place, g.symbol AS gene")
    names = dict(zip(symbols["place"].to_pylist(), symbols["gene"].to_pylist(), strict=True))
    hit: dict[str, int] = {}
    for sample in ids:
        for place in np.unique(gene[np.isin(variant, q.carried(sample))]).tolist():
            hit[names[place]] = hit.get(names[place], 0) + 1
    return hit


def _hit_row(q: Question, gene: str, ids: list[str]) -> list[Any]:
    calls = q.calls_in([gene])
    of_affected = calls.filter(pc.is_in(calls["sample"], value_set=pa.array(ids)))
    who = [s for s in ids if s in set(distinct(of_affected["sample"]))]
    variants = distinct(of_affected["variant"])
    shown = ", ".join(variants[:10]) + (f" and {len(variants) - 10} more" if len(variants) > 10 else "")
    others = len(distinct(calls["sample"])) - len(who)
    return [gene, len(who), q.in_words(who), shown, others]

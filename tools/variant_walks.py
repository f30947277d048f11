"""Questions to the graph about a variant, a condition and pairs of variants, each a walk from the keys of names."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..memory.errors import ToolError
from . import graph_counts as exact
from .dataset import nearest
from .graph_scope import CONDITIONS, GENES, Found, Question, distinct, first_of, pairs, table_of
from .result import Json, Table
from .text import count_of

MAX_PAIRED = 3_000
"""Variants of which all pairs are looked at."""


def neighbourhood(q: Question) -> Found:
    """What a variant hangs together with: genes, conditions, carriers, files, and variants beside it."""
    place = q.variant()
    if place is None:
        return _no_variant(q)
    key, pos = place
    genes, conditions = (q.rows(cypher, variant=key).to_pylist() for cypher in (GENES, CONDITIONS))
    carriers = q.carriers(key)
    files = q.rows("MATCH (v:Variant {id: $variant})-[:IN_DATASET]->(d:Dataset) RETURN d.id AS id", variant=key)["id"]
    holding = {*files.to_pylist(), *(s.partition("/")[0] for s in carriers)}
    names = [d.name for d in q.files if d.dataset.sha256 in holding]
    others = _others(q, sorted({g["gene"] for g in genes}), key, list(carriers))
    rows = [["gene", g["gene"], first_of([g["consequence"], g["impact"]])] for g in genes]
    rows += [["condition", c["condition"], first_of([c["significance"], c["review_status"]])] for c in conditions]
    rows += [["file", n, ""] for n in names]
    rows += [["carrier", q.labels[s], genotype] for s, genotype in carriers.items()]
    beside = [[v, gene, q.in_words(who)] for (v, gene), who in list(others.items())[: q.wanted.limit]]
    n_others = len({v for v, _ in others})

    def counted() -> dict[str, int]:
        own, in_genes = exact.of_variant(q.held, key, pos)
        mine = q.carriage(own)
        near = q.carriage(exact.in_genes(q.held, sorted(in_genes), [], set()))
        beside = near.has[:, mine.has.any(axis=0)].any(axis=1).sum() - bool(in_genes and mine.has.any())
        return {"carriers": int(mine.has.sum()), "other variants": int(beside)}

    text = f"{key} is in {', '.join(names) or 'none of these files'}, {_genes_in_words(genes)}; "
    text += f"{count_of(len(carriers), 'carrier')}" + (f" ({q.in_words(carriers)})" if carriers else "")
    text += f"; {count_of(len({c['condition'] for c in conditions}), 'condition')}"
    text += f"; {count_of(n_others, 'other variant')} of the same gene in its carriers."
    value = {
        "genes": sorted({g["gene"] for g in genes}), "conditions": sorted({c["condition"] for c in conditions}),
        "files": names, "carriers": [q.labels[s] for s in carriers], "other_variants": n_others,
    }  # fmt: skip
    tables = [Table("around the variant", ["what", "name", "told"], rows, len(rows))]
    tables.append(table_of("other variants", ["variant", "gene", "carried by"], beside, len(others)))
    return Found(
        text, value, "variants", tables, {"carriers": len(carriers), "other variants": n_others}, counted,
        "carriers, and other variants of the same gene in them",
    )  # fmt: skip


def _genes_in_words(genes: list[dict[str, Any]]) -> str:
    names = sorted({g["gene"] for g in genes})
    return f"in {', '.join(names[:10])}" if names else "in no gene that is annotated"


def _no_variant(q: Question) -> Found:
    said = q.wanted.variant
    where = " or ".join(d.name for d in q.files)
    return Found(
        f"There is no variant {said} in {where}.", None, "variants", [], {}, dict, "carriers",
        ["a file of variants says nothing of alleles that it does not list"],
    )  # fmt: skip


def _others(q: Question, genes: list[str], key: str, carriers: list[str]) -> dict[tuple[str, str], list[str]]:
    """Other variants of the genes that some of the carriers carry, and who does."""
    if not genes or not carriers:
        return {}
    calls = q.calls_in(genes)
    near = pc.and_(pc.is_in(calls["sample"], value_set=pa.array(carriers)), pc.not_equal(calls["variant"], key))
    found: dict[tuple[str, str], list[str]] = {}
    for row in calls.filter(near).select(["variant", "gene", "sample"]).to_pylist():
        who = found.setdefault((row["variant"], row["gene"]), [])
        who += [row["sample"]] if row["sample"] not in who else []
    return found


ASSERTIONS = """
    MATCH (x:Condition {name: $condition})<-[a:ASSERTED]-(v:Variant)<-[c:CARRIES]-(s:Sample)
    WHERE s.id IN $samples
    HINT (((x JOIN a) JOIN v) JOIN c) JOIN s
    RETURN DISTINCT s.id AS sample, v.id AS variant, v.pos AS pos, c.genotype AS genotype, x.name AS condition,
           a.significance AS significance, a.review_status AS review_status"""


def path_to_condition(q: Question) -> Found:
    """The variants of some samples that are asserted for a condition; all samples where none is named."""
    names, ids = _conditions(q), q.samples(q.wanted.samples) or list(q.labels)
    rows = [row for name in names for row in q.rows(ASSERTIONS, condition=name, samples=ids).to_pylist()]
    rows.sort(key=lambda r: (r["pos"], r["variant"], r["sample"]))
    found = {(r["sample"], r["variant"]) for r in rows}
    variants = list(dict.fromkeys(r["variant"] for r in rows))
    shown = []
    for r in rows[: q.wanted.limit]:
        genes = first_of([g["gene"] for g in q.rows(GENES, variant=r["variant"]).to_pylist()])
        shown.append([q.labels[r["sample"]], r["variant"], r["genotype"], genes, r["condition"], r["significance"],
                      r["review_status"]])  # fmt: skip
    columns = ["sample", "variant", "genotype", "gene", "condition", "significance", "review status"]

    def counted() -> int:
        table = q.carriage(exact.asserted_for(q.held, names))
        return int(table.has[:, table.columns(ids)].sum())

    who = q.in_words(ids) if q.wanted.samples else f"{count_of(len({s for s, _ in found}), 'sample')}"
    return Found(
        f"{who}: {count_of(len(variants), 'carried variant')} asserted for {' or '.join(names)}"
        " (of any significance; it stands in the table).",
        variants, "variants", [table_of("assertions", columns, shown, len(rows))], len(found), counted,
        "carried variants, over the samples",
    )  # fmt: skip


def _conditions(q: Question) -> list[str]:
    """The conditions of that name as the files write it. Raises `ToolError` with the nearest ones."""
    known = q.rows("MATCH (x:Condition) RETURN x.name AS name ORDER BY name")["name"].to_pylist()
    said = _plain_name(str(q.wanted.condition))
    if found := [name for name in known if _plain_name(name) == said]:
        return found
    if not known:
        raise ToolError("The open files assert no variant for any condition", "Annotate them with ClinVar (CLNDN)")
    by_plain = {_plain_name(name): name for name in known}
    raise ToolError(
        f"No variant is asserted for the condition {q.wanted.condition!r}",
        nearest(said, list(by_plain), "Conditions there are"),
    )


def _plain_name(name: str) -> str:
    return " ".join(name.replace("_", " ").casefold().split())


def co_occurrence(q: Question) -> Found:
    """Pairs of variants that the same samples carry: of genes, or of one variant with all others."""
    place = q.variant() if q.wanted.variant else None
    if q.wanted.variant and place is None:
        return _no_variant(q)
    key = place[0] if place else None
    genes = q.genes()
    if genes:
        together, total, counted = _pairs_in_genes(q, genes, key)
    else:
        assert place
        together, total, counted = _pairs_with(q, *place)
    rows = [_pair_row(q, a, b) for a, b in together[: q.wanted.limit]]
    columns = ["variant", "other variant", "carry both", "only the first", "only the other", "both phased", "samples"]
    most = f"; the most in {count_of(rows[0][2], 'sample')}: {rows[0][0]} and {rows[0][1]}" if rows else ""
    where = f" in {', '.join(genes)}" * bool(genes) + f" with {key}" * bool(key)
    return Found(
        f"{count_of(total, 'pair')} of variants{where} carried by the same sample{most}.",
        [[a, b] for a, b in together[: q.wanted.limit]], "pairs of variants",
        [table_of("pairs", columns, rows, total)], total, counted, "pairs of variants",
        ["whether two variants of a sample lie on the same haplotype is not known: phase sets are not stored, and "
         "genotypes with | at two places may belong to different ones; 'both phased' tells how many samples have | "
         "at both"],
    )  # fmt: skip


Pairs = tuple[list[tuple[str, str]], int, Callable[[], Json]]


def _pairs_in_genes(q: Question, genes: list[str], key: str | None) -> Pairs:
    calls = pairs(q.calls_in(genes))
    variants, samples = distinct(calls["variant"]), list(q.labels)
    if len(variants) > MAX_PAIRED:
        raise ToolError(f"{len(variants):,} variants are too many to pair", "Narrow them by impacts or consequences")
    has = np.zeros((len(variants), len(samples)), dtype=np.float32)
    rows, columns = (pc.index_in(calls[n], value_set=pa.array(v, pa.string())).to_numpy()
                     for n, v in (("variant", variants), ("sample", samples)))  # fmt: skip
    has[rows, columns] = 1
    both = np.triu(has @ has.T, 1)
    if key is not None:
        at = np.array([v == key for v in variants], dtype=bool)
        both[~(at[:, None] | at[None, :])] = 0
    first, second = np.nonzero(both)
    order = np.argsort(-both[first, second], kind="stable")[: q.wanted.limit]
    found = [(variants[i], variants[j]) for i, j in zip(first[order], second[order], strict=True)]

    def counted() -> int:
        table = q.carriage(exact.in_genes(q.held, genes, list(q.wanted.impacts), q.terms))
        if key is None:
            return exact.pairs_of_alleles(table.has)
        at = pc.index(table.keys, key).as_py()
        return 0 if at < 0 else exact.pairs_of_alleles(table.has, at)

    return [(b, a) if b == key else (a, b) for a, b in found], len(first), counted


def _pairs_with(q: Question, key: str, pos: int) -> Pairs:
    own = q.rows("MATCH (v:Variant {id: $key}) RETURN offset(id(v)) AS place", key=key)["place"][0].as_py()
    carried = [q.carried(s) for s in q.carriers(key)] or [np.array([], dtype=np.int64)]
    others, times = np.unique(np.concatenate(carried), return_counts=True)
    times, others = times[others != own], others[others != own]
    order = np.argsort(-times, kind="stable")[: q.wanted.limit]
    together = [
        v for n in sorted(set(times[order].tolist()), reverse=True) for v in q.named(others[order][times[order] == n])
    ]

    def counted() -> int:
        table = q.carriage()
        at = pc.index(table.keys, key).as_py()
        return 0 if at < 0 else exact.pairs_of_alleles(table.has, at)

    return [(key, v) for v in together], len(others), counted


def _pair_row(q: Question, a: str, b: str) -> list[Any]:
    first, second = q.carriers(a), q.carriers(b)
    both = [s for s in first if s in second]
    phased = sum("|" in first[s] and "|" in second[s] for s in both)
    return [a, b, len(both), len(first) - len(both), len(second) - len(both), phased, q.in_words(both)]

"""Pictures of samples: depth, missing genotypes, heterozygosity, principal components, carriers of a gene."""

from collections import Counter
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..memory.errors import ToolError
from ..memory.genotype_codes import Genotype, classify
from .bins import Bins, distinct
from .context import ToolContext
from .dataset import OpenDataset
from .evidence import all_lines, asks_samples, tally
from .figures import Node, network, of_samples, points
from .missingness import READING, Missingness, missingness
from .pictures import Picture, awk_bins, binned, by_label, number_reader, peak, query_command
from .principal_components import PrincipalComponents, principal_components
from .result import Json, Table
from .sample_counts import NAMES, code_counts
from .selection import CLASSES, Selection, select, selected_blocks
from .text import count_of
from .variant_rows import keys_of

if TYPE_CHECKING:
    from .draw import Draw

MAX_SAMPLES = 2000
"""Samples of which each is drawn; of more, those with the largest values."""
MAX_VARIANTS, MAX_CARRIERS = 40, 60
"""Nodes of a network that a person can still look at."""
GROUPS = 8


def sample_depth(context: ToolContext, data: OpenDataset, found: Selection, wanted: "Draw") -> Picture:
    """Genotypes by FORMAT/DP, all samples together."""
    if "DP" not in data.summary["sample_fields"]:
        raise ToolError(f"{data.name} has no FORMAT/DP", 'Ask for of="site" to draw INFO/DP')
    values, counts = distinct(_known(data, found))
    title = f"Depth of genotypes, {data.name}"
    figure, table, bins, numbers, remark = binned(values, counts, True, "depth", title,
                                                  "FORMAT/DP (reads of one sample)", "genotypes")  # fmt: skip
    total = sum(numbers)
    told = count_of(total, "genotype") + " with FORMAT/DP" + (f", {peak(bins, numbers, 'genotypes')}" if total else "")
    picture = Picture(figure, f"Histogram of {told}.", f"{data.name}: {told}.", by_label(bins.names(), numbers),
                      "genotypes", [table], expected=numbers)  # fmt: skip
    picture.reading = [
        'depth is FORMAT/DP wherever it is given, also beside a missing GT; of="site" draws INFO/DP',
        *remark,
    ]
    then = f"grep -v '^\\.$' | {awk_bins(bins)}"
    picture.command = query_command(data, found, r"[%DP\n]", then, number_reader(bins, int))
    picture.command.unprovable = picture.command.unprovable or asks_samples(picture.command.arguments)
    return picture


def _known(data: OpenDataset, found: Selection) -> Iterator[npt.NDArray[Any]]:
    for _, block in selected_blocks(data, found, ["dp"]):
        yield block["dp"][block["dp"] >= 0]


def missing_by_sample(context: ToolContext, data: OpenDataset, found: Selection, wanted: "Draw") -> Picture:
    """The share of missing genotypes of each sample; the numbers are those of `missingness`."""
    of = missingness(context, Missingness(by="sample", **wanted.conditions()))
    shares = {s: v["share"] or 0.0 for s, v in of.value.items()}
    figure, kept, remark = _by_sample(shares, f"Missing genotypes by sample, {data.name}",
                                      "missing (share of the records)", ":.2%")  # fmt: skip
    rows: list[list[Any]] = [[s, shares[s], of.value[s]["missing"]] for s in kept]
    most = f"{kept[0]} has most, {shares[kept[0]]:.2%}" if rows and rows[0][1] else "none is missing"
    alt = f"Missing genotypes of {count_of(len(shares), 'sample')}; {most}."
    table = Table("missing by sample", ["sample", "share", "missing"], rows, len(shares), len(rows) < len(shares))
    return Picture(figure, alt, of.text, shares, "fraction", [table], [*of.reading, *remark], evidence=of.evidence)


def _by_sample(shares: dict[str, float], title: str, y_title: str, form: str) -> tuple[Json, list[str], list[str]]:
    """The figure, the samples in its order, the largest first, and a remark where some are left out."""
    order = sorted(shares, key=lambda s: -shares[s])
    kept = order[:MAX_SAMPLES]
    figure = of_samples(kept, [shares[s] for s in kept], title=title, y_title=y_title, unit=form)
    figure["layout"]["yaxis"]["tickformat"] = ".1%" if max(shares.values(), default=0) < 0.05 else ".0%"
    figure["layout"]["yaxis"]["rangemode"] = "tozero"
    left = len(order) - len(kept)
    return figure, kept, [f"the {MAX_SAMPLES:,} largest of {len(order):,} samples are drawn"] if left else []


def missing_by_site(context: ToolContext, data: OpenDataset, found: Selection, wanted: "Draw") -> Picture:
    """Records by how many samples are missing there."""
    is_missing = np.isin(data.codes.classes(), [Genotype.MISSING, Genotype.PARTIAL])
    blocks = (is_missing[block["gt"]].sum(axis=1) for _, block in selected_blocks(data, found, ["gt"]))
    values, counts = distinct(blocks)
    title = f"Missing genotypes by site, {data.name}"
    x_title = f"samples with a missing genotype (of {len(data.samples):,})"
    figure, table, bins, numbers, remark = binned(values, counts, True, "missing by site", title, x_title, "records")
    none, total = int(counts[values == 0].sum()), int(counts.sum())
    told = f"{none:,} of {count_of(total, 'record')} have no missing genotype"
    picture = Picture(figure, f"Histogram of records by samples missing: {told}.", f"{data.name}: {told}.",
                      by_label(bins.names(), numbers), "records", [table], [READING, *remark],
                      expected=numbers)  # fmt: skip
    then = r"""awk -F'\t' '{m=0; for(i=1;i<NF;i++) m+=($i~/\./); n[m]++} END {for (m in n) print m, n[m]}'"""
    picture.command = query_command(data, found, r"[%GT\t]\n", then, lambda output: _missing_in(output, bins))
    why = asks_samples(picture.command.arguments)
    picture.command.unprovable = picture.command.unprovable or why
    return picture


def _missing_in(output: IO[bytes], bins: Bins) -> list[int]:
    numbers = Counter(sum(b"." in gt for gt in line.split(b"\t")) for line in output)
    values = np.array(list(numbers), dtype=np.float64)
    return bins.count(values, np.array(list(numbers.values()), dtype=np.int64))


def heterozygosity(context: ToolContext, data: OpenDataset, found: Selection, wanted: "Draw") -> Picture:
    """The share of heterozygous genotypes of each sample."""
    codes = max(len(data.codes.texts), 1)
    counts = np.zeros((len(data.samples), codes), dtype=np.int64)
    for _, block in selected_blocks(data, found, ["gt"]):
        counts += code_counts(block["gt"], codes)
    of_class = {
        name: counts[:, data.codes.classes() == kind].sum(axis=1).tolist()
        for kind, name in NAMES.items()
    }  # fmt: skip
    het, alt, ref = (of_class[n] for n in ("het", "hom_alt", "hom_ref"))
    called = [sum(n) for n in zip(het, alt, ref, strict=True)]
    shares = {s: round(h / c, 6) if c else 0.0 for s, h, c in zip(data.samples, het, called, strict=True)}
    figure, kept, remark = _by_sample(shares, f"Heterozygosity by sample, {data.name}",
                                      "heterozygous (share of called)", ":.2%")  # fmt: skip
    at = {s: i for i, s in enumerate(data.samples)}
    rows: list[list[Any]] = [[s, shares[s], het[at[s]], called[at[s]]] for s in kept]
    ends = f"from {shares[kept[-1]]:.2%} ({kept[-1]}) to {shares[kept[0]]:.2%} ({kept[0]})"
    table = Table("heterozygosity", ["sample", "share", "heterozygous", "called diploid"], rows, len(shares),
                  len(rows) < len(shares))  # fmt: skip
    picture = Picture(figure, f"Share of heterozygous genotypes of {count_of(len(shares), 'sample')}, {ends}.",
                      f"Heterozygous share of called diploid genotypes in {data.name}: {ends}.", shares, "fraction",
                      [table])  # fmt: skip
    picture.reading = ["heterozygous over called diploid genotypes of the records looked at; haploid and missing ones "
                       "count as neither; X of males lowers it", *remark]  # fmt: skip
    then = "sort | uniq -c"
    picture.command = query_command(data, found, r"[%SAMPLE\t%GT\n]", then, _classes_in)
    picture.command.unprovable = picture.command.unprovable or asks_samples(picture.command.arguments)
    every = {s: [ref[i], alt[i], het[i]] for i, s in enumerate(data.samples)}
    picture.expected = {s: numbers for s, numbers in every.items() if any(numbers)}
    return picture


def _classes_in(output: IO[bytes]) -> dict[str, list[int]]:
    """Homozygous REF, homozygous ALT and heterozygous genotypes of each sample that has any."""
    kinds = [Genotype.HOM_REF, Genotype.HOM_ALT, Genotype.HET]
    found: dict[str, list[int]] = {}
    for line, number in tally(output).items():
        sample, _, text = line.rpartition("\t")
        if (kind := classify(text)) in kinds:
            found.setdefault(sample, [0, 0, 0])[kinds.index(kind)] += number
    return found


def pca(context: ToolContext, data: OpenDataset, found: Selection, wanted: "Draw") -> Picture:
    """Samples along the first two principal components, coloured by family or by who is affected."""
    of = principal_components(context, PrincipalComponents(components=2, **wanted.conditions()))
    colour, groups = _groups(context, data, wanted)
    shares = {row[0]: row[1] for row in of.tables[1].rows}
    coordinates = {s: (c[0], c[1] if len(c) > 1 else 0.0) for s, c in of.value.items()}
    placed: dict[str, list[tuple[str, float, float]]] = {}
    for sample, (x, y) in coordinates.items():
        placed.setdefault(groups[sample], []).append((sample, x, y))
    titles = [f"PC{i} ({shares[f'PC{i}']:.1%} of the variance)" if f"PC{i}" in shares else "" for i in (1, 2)]
    figure = points(placed, title=f"Principal components, {data.name}", x_title=titles[0], y_title=titles[1])
    rows: list[list[Any]] = [[s, x, y, group] for group, of_group in placed.items() for s, x, y in of_group]
    alt = f"{count_of(len(rows), 'sample')} along two principal components" + f", coloured by {colour}" * bool(colour)
    table = Table("components", ["sample", "PC1", "PC2", colour or "group"], rows, len(rows))
    told = [f"colours are by {colour} of the pedigree"] if colour else ["no pedigree, so one colour"]
    return Picture(figure, f"{alt}.", of.text, of.value, "coordinates", [table, of.tables[1]], [*of.reading, *told],
                   evidence=of.evidence)  # fmt: skip


def _groups(context: ToolContext, data: OpenDataset, wanted: "Draw") -> tuple[str, dict[str, str]]:
    """What samples are coloured by, and the group of each; small families together where there are many."""
    pedigree = context.pedigree_of(data)
    if pedigree is None:
        if wanted.colour_by:
            raise ToolError("There is no pedigree to colour by", "Name one with --ped, or leave out colour_by")
        return "", dict.fromkeys(data.samples, "samples")
    known = {s: pedigree.people[s].family for s in data.samples if s in pedigree.people}
    if (wanted.colour_by or "family") == "status":
        return "status", {s: pedigree.status(s) or "not known" for s in data.samples}
    sizes = {f: list(known.values()).count(f) for f in dict.fromkeys(known.values())}
    largest = sorted(sizes, key=lambda f: -sizes[f])
    own = set(largest if len(largest) < GROUPS else largest[: GROUPS - 2])
    return "family", {
        s: known[s] if known.get(s) in own else "other families" if s in known else "not in it" for s in data.samples
    }


Edge = tuple[str, str, str, str]
"""Gene, variant, sample and genotype."""


def carriers(context: ToolContext, data: OpenDataset, found: Selection, wanted: "Draw") -> Picture:
    """The samples that carry variants of some genes, as a network of samples, variants and genes."""
    if not wanted.genes:
        raise ToolError("Nothing says of which gene the carriers are to be drawn", 'Name it, as in genes=["CFTR"]')
    edges = [edge for gene in wanted.genes for edge in _edges(data, wanted, data.gene(gene))]
    genes, variants, samples = (list(dict.fromkeys(e[i] for e in edges)) for i in range(3))
    kept = set(variants[:MAX_VARIANTS]), set(samples[:MAX_CARRIERS])
    drawn = [e for e in edges if e[1] in kept[0] and e[2] in kept[1]]
    told = f"{count_of(len(samples), 'sample')} carry {count_of(len(variants), 'variant')} of {', '.join(genes)}"
    told = told if edges else f"no sample carries a variant of {', '.join(wanted.genes)} that meets the conditions"
    picture = Picture(
        _network(drawn, f"Carriers of variants in {', '.join(genes) or ', '.join(wanted.genes)}, {data.name}"),
        f"Network of samples, variants and genes: {told}.", f"In {data.name}, {told}.",
        {v: [e[2] for e in edges if e[1] == v] for v in variants}, "samples",
        [Table("carriers", ["gene", "variant", "sample", "genotype"], [list(e) for e in drawn], len(edges),
               len(drawn) < len(edges))],
        ["a sample carries a variant where its complete genotype has an ALT allele", *found.reading], private=True,
    )  # fmt: skip
    if len(drawn) < len(edges):
        most = f"{MAX_VARIANTS} variants and {MAX_CARRIERS} samples"
        picture.reading.append(f"drawn are the first {most}, of {len(variants):,} and {len(samples):,}")
    _prove_carriers(data, found, picture, edges)
    return picture


def _edges(data: OpenDataset, wanted: "Draw", gene: str) -> list[Edge]:
    found = select(data, wanted.model_copy(update={"genes": [gene]}))
    carrying = np.isin(data.codes.classes(), list(CLASSES["carrier"]))
    edges: list[Edge] = []
    for records, block in selected_blocks(data, found, ["gt"]):
        at, sample = np.nonzero(carrying[block["gt"]])
        keys = keys_of(data, records)
        texts = [data.codes.texts[c] for c in block["gt"][at, sample].tolist()]
        edges += [(gene, keys[i], data.samples[j], t)
                  for i, j, t in zip(at.tolist(), sample.tolist(), texts, strict=True)]  # fmt: skip
    return edges


def _network(edges: list[Edge], title: str) -> Json:
    """Genes on the left, their variants in the middle, carriers on the right, each in the order of the file."""
    names = [list(dict.fromkeys(e[i] for e in edges)) for i in range(3)]
    tallest = max(map(len, names), default=0)
    places: list[dict[str, Node]] = [
        {n: (n, float(x), round(-(i + 0.5) * tallest / len(of), 6)) for i, n in enumerate(of)}
        for x, of in enumerate(names)
    ]
    gene, variant, sample = places
    two = {e: len(set(e[3].replace("|", "/").split("/"))) == 1 and len(e[3]) > 1 for e in edges}
    lines = {
        "variant of the gene": [(gene[g], variant[v]) for g, v in dict.fromkeys((e[0], e[1]) for e in edges)],
        "heterozygous": [(variant[e[1]], sample[e[2]]) for e in edges if not two[e] and len(e[3]) > 1],
        "homozygous": [(variant[e[1]], sample[e[2]]) for e in edges if two[e]],
        "hemizygous": [(variant[e[1]], sample[e[2]]) for e in edges if len(e[3]) == 1],
    }
    kinds = dict(zip(("genes", "variants", "samples"), (list(p.values()) for p in places), strict=True))
    return network(kinds, {k: of for k, of in lines.items() if of}, title=title)


def _prove_carriers(data: OpenDataset, found: Selection, picture: Picture, edges: list[Edge]) -> None:
    then = r"""awk -F'\t' '$3!~/\./ && $3~/[1-9]/'"""
    command = query_command(data, found, r"[%CHROM:%POS:%REF:%ALT\t%SAMPLE\t%GT\n]", then, _carried)
    command.unprovable = command.unprovable or asks_samples(command.arguments)
    picture.command, picture.expected = command, sorted({e[1:] for e in edges})


def _carried(output: IO[bytes]) -> list[tuple[str, ...]]:
    rows = (tuple(line.split("\t")) for line in all_lines(output))
    return sorted({r for r in rows if "." not in r[2] and any(c in "123456789" for c in r[2])})

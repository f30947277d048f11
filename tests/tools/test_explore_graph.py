"""Answers of the graph against a plain reading of the VCF text, on small random files and on the example cohort."""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import pytest
from make_vcf import write_vcf
from vcf_agent.memory.catalog import Catalog
from vcf_agent.memory.errors import ToolError
from vcf_agent.memory.variant_graph import graph_path, read_graph
from vcf_agent.tools.context import ToolContext
from vcf_agent.tools.dataset import OpenDataset
from vcf_agent.tools.ingest import ingest
from vcf_agent.tools.pedigree import read_pedigree
from vcf_agent.tools.registry import tool
from vcf_agent.tools.result import ToolResult

SAMPLES = ["Ann", "Bob", "Cy", "Dee"]
DECLARED = [
    "##contig=<ID=1,length=1000000>",
    '##INFO=<ID=CSQ,Number=.,Type=String,Description="Consequence annotations from Ensembl VEP. '
    'Format: Allele|Consequence|IMPACT|SYMBOL">',
    '##INFO=<ID=CLNSIG,Number=.,Type=String,Description="Significance">',
    '##INFO=<ID=CLNDN,Number=.,Type=String,Description="Condition">',
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
]
SEVERITY = ["stop_gained", "missense_variant", "synonymous_variant", "intron_variant"]
IMPACT = dict(zip(SEVERITY, ["HIGH", "MODERATE", "LOW", "MODIFIER"], strict=True))
CONDITIONS = ["Cystic_fibrosis", "Breast_cancer", "not_provided"]


def random_vcf(path: Path, seed: int, samples: list[str] = SAMPLES, n: int = 40) -> Path:
    rng = random.Random(seed)
    lines = []
    for i in range(n):
        alts = rng.sample(["C", "G", "T", "AC", "*"], rng.choice([1, 1, 1, 2, 3]))
        entries = [
            "|".join([alt, term, IMPACT[term], gene])
            for alt in alts
            if alt != "*"
            for gene in rng.sample(["G1", "G2", "G3", "g4"], rng.choice([0, 1, 2]))
            for term in rng.sample(SEVERITY, rng.choice([1, 2]))
        ]
        info = [f"CSQ={','.join(_as_vep(e) for e in entries)}"] if entries else []
        if rng.random() < 0.4:
            info += [f"CLNSIG={rng.choice(['Pathogenic', 'Benign'])}"]
            info += [f"CLNDN={'|'.join(rng.sample(CONDITIONS, rng.choice([1, 2])))}"] * (rng.random() < 0.8)
        calls = [_genotype(rng, len(alts)) for _ in samples]
        name = f"rs{i}" if i % 3 == 0 else "."
        columns = ["1", str(100 + 7 * i), name, "A", ",".join(alts), "50", "PASS", ";".join(info) or ".", "GT", *calls]
        lines.append("\t".join(columns))
    lines.append(lines[3])  # a record that stands twice
    return write_vcf(path, lines, samples, DECLARED)


def _as_vep(entry: str) -> str:
    """VEP leaves out the base that an insertion shares with REF."""
    return entry.replace("AC|", "C|", 1) if entry.startswith("AC|") else entry


def _genotype(rng: random.Random, n_alt: int) -> str:
    ploidy = rng.choice([1, 2, 2, 2, 2, 3])
    alleles = [str(rng.choice([".", 0, 0, 0, *range(1, n_alt + 1)])) for _ in range(ploidy)]
    return rng.choice("/|").join(alleles)


class Truth:
    """A VCF as its text says it: who carries which allele, and what is said of each."""

    def __init__(self, path: Path) -> None:
        self.calls: dict[tuple[str, str], set[str]] = {}
        self.worst: dict[tuple[str, str], str] = {}
        self.asserted: dict[str, set[str]] = {}
        self.samples: list[str] = []
        for line in path.read_text().splitlines():
            if line.startswith("#CHROM"):
                self.samples = line.split("\t")[9:]
            elif not line.startswith("#"):
                self._record(line.split("\t"))

    def _record(self, c: list[str]) -> None:
        info = dict(part.split("=", 1) for part in c[7].split(";") if "=" in part)
        for number, alt in enumerate(c[4].split(","), 1):
            if alt in ("*", ".", "<NON_REF>"):
                continue
            key = f"{c[0]}:{c[1]}:{c[3]}:{alt}"
            for sample, call in zip(self.samples, c[9:], strict=True):
                if str(number) in re.split(r"[/|]", call):
                    self.calls.setdefault((key, sample), set()).add(call)
            self._annotate(key, alt, info, c[4].split(","))

    def _annotate(self, key: str, alt: str, info: dict[str, str], alts: list[str]) -> None:
        for entry in filter(None, info.get("CSQ", "").split(",")):
            allele, term, _, gene = entry.split("|")
            # C may be the substitution or the inserted base of AC: an entry goes to what it can name.
            mine = allele == alt or (alt == "AC" and allele == "C")
            if mine and SEVERITY.index(term) < SEVERITY.index(self.worst.get((key, gene), SEVERITY[-1])) + (
                (key, gene) not in self.worst
            ):
                self.worst[key, gene] = term
        if "CLNSIG" in info and "CLNDN" in info:
            self.asserted.setdefault(key, set()).update(info["CLNDN"].split("|"))

    def carried(self, sample: str) -> set[str]:
        return {key for key, who in self.calls if who == sample}

    def carriers(self, key: str) -> set[str]:
        return {who for k, who in self.calls if k == key}

    def in_gene(self, gene: str, impacts: tuple[str, ...] = ()) -> set[str]:
        return {k for (k, g), term in self.worst.items() if g == gene and (not impacts or IMPACT[term] in impacts)}


Open = Callable[..., ToolContext]


@pytest.fixture
def with_graph(workspace: Path) -> Iterator[Open]:
    """`with_graph(path, ...)` opens files with their graph, which the other tests of tools leave out."""
    contexts: list[ToolContext] = []

    def open_files(*paths: Path, ped: Path | None = None) -> ToolContext:
        pedigree = read_pedigree(ped) if ped else None
        files = [OpenDataset(ingest(p, workspace), workspace) for p in paths]
        contexts.append(ToolContext(workspace, files, paths[0].parent, 60, pedigree=pedigree))
        return contexts[-1]

    yield open_files
    for context in contexts:
        context.open_graph.close()


def ask(context: ToolContext, ask: str, **arguments: object) -> ToolResult:
    """The tool's answer, which must agree with the count from the table."""
    result = tool("explore_graph").call(context, {"ask": ask, "limit": 1000, **arguments})
    assert result.private
    for evidence in result.evidence:
        assert evidence.verified is not False, evidence.note
        assert "the graph gives the same" in str(evidence.note)
    return result


def rows(result: ToolResult, table: int = 0) -> list[list[object]]:
    found = result.tables[table]
    assert len(found.rows) == found.total or found.truncated
    return found.rows


@pytest.mark.parametrize("seed", range(6))
def test_who_carries(with_graph: Open, tmp_path: Path, seed: int) -> None:
    path = random_vcf(tmp_path / "a.vcf", seed)
    truth, context = Truth(path), with_graph(path)
    for gene in ("G1", "g4"):
        for impacts in ((), ("HIGH",), ("LOW", "MODERATE")):
            wanted = truth.in_gene(gene, impacts)
            result = ask(context, "who_carries", genes=[gene.lower()], impacts=list(impacts))
            assert {(r[0], r[2], r[3]) for r in rows(result)} == {
                (k, s, call) for (k, s), calls in truth.calls.items() if k in wanted for call in calls
            }
            assert set(result.value) == {s for k, s in truth.calls if k in wanted}
            only = ask(context, "who_carries", genes=[gene], impacts=list(impacts), samples=["Bob"])
            assert {r[0] for r in rows(only)} == wanted & truth.carried("Bob")


@pytest.mark.parametrize("seed", range(4))
def test_shared_variants(with_graph: Open, tmp_path: Path, seed: int) -> None:
    path = random_vcf(tmp_path / "a.vcf", seed)
    truth, context = Truth(path), with_graph(path)
    for a, b in combinations(SAMPLES, 2):
        both = truth.carried(a) & truth.carried(b)
        result = ask(context, "shared_variants", samples=[a, b])
        assert set(result.value) == both == {r[0] for r in rows(result)}
        alone = ask(context, "shared_variants", samples=[a, b], nobody_else=True)
        assert set(alone.value) == {k for k in both if truth.carriers(k) == {a, b}}


@pytest.mark.parametrize("seed", range(4))
def test_most_alike(with_graph: Open, tmp_path: Path, seed: int) -> None:
    path = random_vcf(tmp_path / "a.vcf", seed)
    truth, context = Truth(path), with_graph(path)
    rare = {k for k, _ in truth.calls if len(truth.carriers(k)) <= 3}
    found = rows(ask(context, "most_alike", max_carriers=3))
    assert len(found) == 6
    for a, b, shared, jaccard in found:
        first, second = truth.carried(str(a)) & rare, truth.carried(str(b)) & rare
        assert shared == len(first & second)
        assert jaccard == round(len(first & second) / len(first | second), 4)
    assert [r[2] for r in found] == sorted((r[2] for r in found), reverse=True)  # type: ignore[type-var]
    assert all(r[0] == "Cy" for r in rows(ask(context, "most_alike", samples=["Cy"])))


@pytest.mark.parametrize("seed", range(4))
def test_genes_hit(with_graph: Open, tmp_path: Path, seed: int) -> None:
    path = random_vcf(tmp_path / "a.vcf", seed)
    ped = tmp_path / "family.ped"
    ped.write_text("F\tAnn\t0\t0\t2\t2\nF\tBob\t0\t0\t1\t2\nF\tCy\t0\t0\t1\t1\nF\tElse\t0\t0\t1\t2\n")
    truth, context = Truth(path), with_graph(path, ped=ped)
    for impacts in ((), ("HIGH",)):
        result = ask(context, "genes_hit", impacts=list(impacts))
        expected = {}
        for gene in ("G1", "G2", "G3", "g4"):
            carriers = {s for k in truth.in_gene(gene, impacts) for s in truth.carriers(k)}
            if {"Ann", "Bob"} <= carriers:
                expected[gene] = len(carriers - {"Ann", "Bob"})
        assert {r[0]: r[4] for r in rows(result)} == expected
        assert result.value == sorted(expected)
    named = ask(context, "genes_hit", affected=["Dee"], min_samples=1, consequences=["stop_gained"])
    assert set(named.value) == {
        g for (k, g), term in truth.worst.items() if term == "stop_gained" and "Dee" in truth.carriers(k)
    }


@pytest.mark.parametrize("seed", range(4))
def test_neighbourhood(with_graph: Open, tmp_path: Path, seed: int) -> None:
    path = random_vcf(tmp_path / "a.vcf", seed)
    truth, context = Truth(path), with_graph(path)
    for key in list(dict.fromkeys(k for k, _ in truth.calls))[:6]:
        result = ask(context, "neighbourhood", variant=key)
        genes = {g for k, g in truth.worst if k == key}
        others = {k for g in genes for k in truth.in_gene(g)} - {key}
        near = {k for k in others if truth.carriers(k) & truth.carriers(key)}
        assert set(result.value["carriers"]) == truth.carriers(key)
        assert set(result.value["genes"]) == genes
        assert set(result.value["conditions"]) == truth.asserted.get(key, set())
        assert {r[0] for r in rows(result, 1)} == near
        assert result.value["other_variants"] == len(near)


@pytest.mark.parametrize("seed", range(4))
def test_path_to_condition(with_graph: Open, tmp_path: Path, seed: int) -> None:
    path = random_vcf(tmp_path / "a.vcf", seed)
    truth, context = Truth(path), with_graph(path)
    asserted = {k for k, names in truth.asserted.items() if "Cystic_fibrosis" in names}
    result = ask(context, "path_to_condition", samples=["Dee"], condition="cystic fibrosis")
    assert set(result.value) == asserted & truth.carried("Dee")
    everyone = ask(context, "path_to_condition", condition="CYSTIC_FIBROSIS")
    assert {(r[1], r[0]) for r in rows(everyone)} == {c for c in truth.calls if c[0] in asserted}
    with pytest.raises(ToolError, match="cystic fibrosis"):
        ask(context, "path_to_condition", condition="cistic fibrosis")


@pytest.mark.parametrize("seed", range(4))
def test_co_occurrence(with_graph: Open, tmp_path: Path, seed: int) -> None:
    path = random_vcf(tmp_path / "a.vcf", seed, n=20)
    truth, context = Truth(path), with_graph(path)
    keys = {k for k, _ in truth.calls}
    for arguments, among in (({"genes": ["G1"]}, truth.in_gene("G1")), ({"variant": min(keys)}, keys)):
        result = ask(context, "co_occurrence", **arguments)
        expected = {
            frozenset(pair): len(truth.carriers(pair[0]) & truth.carriers(pair[1]))
            for pair in combinations(sorted(among & keys), 2)
            if "variant" not in arguments or min(keys) in pair
        }
        expected = {pair: n for pair, n in expected.items() if n}
        assert result.tables[0].total == len(expected)
        for a, b, both, first, second, phased, _ in rows(result):
            assert expected[frozenset((str(a), str(b)))] == both
            together = truth.carriers(str(a)) & truth.carriers(str(b))
            assert (first, second) == tuple(len(truth.carriers(str(k)) - together) for k in (a, b))
            assert phased == sum(all("|" in "".join(truth.calls[str(k), who]) for k in (a, b)) for who in together)
        assert any("haplotype is not known" in r for r in result.reading)


def test_two_files_with_the_same_samples_and_variants(with_graph: Open, tmp_path: Path) -> None:
    first, second = random_vcf(tmp_path / "one.vcf", 1), random_vcf(tmp_path / "two.vcf", 2)
    context = with_graph(first, second)
    one, two = Truth(first), Truth(second)
    with pytest.raises(ToolError, match="one/Ann, two/Ann"):
        ask(context, "shared_variants", samples=["Ann", "Bob"])
    result = ask(context, "shared_variants", samples=["one/Ann", "two/Ann"])
    assert set(result.value) == one.carried("Ann") & two.carried("Ann")
    alone = ask(context, "shared_variants", samples=["Ann", "Bob"], dataset="two")
    assert set(alone.value) == two.carried("Ann") & two.carried("Bob")
    genes = {k for truth in (one, two) for k in truth.in_gene("G2") if truth.carriers(k)}  # others are left out
    for files, dataset in (({"one": one, "two": two}, None), ({"": two}, "two")):
        found = ask(context, "who_carries", genes=["G2"], **({"dataset": dataset} if dataset else {}))
        assert {(r[0], r[2]) for r in rows(found)} == {
            (k, f"{name}/{s}".removeprefix("/")) for name, t in files.items() for k, s in t.calls if k in genes
        }
    ask(context, "most_alike")
    ask(context, "genes_hit", affected=["one/Ann", "two/Bob"])
    ask(context, "neighbourhood", variant=min(k for k, _ in one.calls))
    ask(context, "co_occurrence", genes=["G1"])


def test_the_example_cohort(with_graph: Open, example: Path) -> None:
    context = with_graph(example, ped=example.with_name("family.ped"))
    result = ask(context, "who_carries", genes=["CFTR"])
    assert result.evidence[0].verified is True
    by_id = ask(context, "neighbourhood", variant="rs113993960")
    around = ask(context, "neighbourhood", variant="7:117559590:ATCT:A").value
    assert around == by_id.value
    assert around["carriers"] == ["ARUN", "DEV", "LILA", "MIRA"]
    assert around["conditions"] == ["Cystic_fibrosis"]
    alike = ask(context, "most_alike", samples=["OTTO"])
    assert rows(alike)[0][1] == "INES"
    assert ask(context, "genes_hit", min_samples=1, impacts=["HIGH"]).value


def test_names_that_are_not_there(with_graph: Open, tmp_path: Path) -> None:
    context = with_graph(random_vcf(tmp_path / "a.vcf", 1))
    for arguments, said in (
        ({"ask": "who_carries", "genes": ["G11"]}, "Did you mean G1"),
        ({"ask": "who_carries"}, "needs genes"),
        ({"ask": "who_carries", "genes": ["G1"], "condition": "x"}, "does not use condition"),
        ({"ask": "shared_variants", "samples": ["Anne", "Bob"]}, "Did you mean Ann"),
        ({"ask": "shared_variants", "samples": ["Ann"]}, "at least two samples"),
        ({"ask": "genes_hit"}, "--ped"),
        ({"ask": "neighbourhood", "variant": "1:100"}, "names no variant"),
        ({"ask": "who_carries", "genes": ["G1"], "consequences": ["misense_variant"]}, "missense_variant"),
    ):
        with pytest.raises(ToolError, match=re.escape(said)):
            tool("explore_graph").call(context, arguments)
    nothing = ask(context, "neighbourhood", variant="1:5:A:T")
    assert nothing.value is None
    assert "no variant 1:5:A:T" in nothing.text


def test_values_are_never_cypher(with_graph: Open, tmp_path: Path) -> None:
    names = ['x"}) DETACH DELETE n //', "y' OR 1=1", "Cy", "a/b"]
    path = random_vcf(tmp_path / "a.vcf", 3, names)
    truth, context = Truth(path), with_graph(path)
    result = ask(context, "shared_variants", samples=names[:2])
    assert set(result.value) == truth.carried(names[0]) & truth.carried(names[1])
    assert set(ask(context, "shared_variants", samples=["a/b", "Cy"]).value) == truth.carried("a/b") & truth.carried(
        "Cy"
    )


def test_a_graph_that_disagrees_is_told(with_graph: Open, tmp_path: Path, workspace: Path) -> None:
    path = random_vcf(tmp_path / "a.vcf", 1)
    context = with_graph(path)
    other = tmp_path / "other"
    ingest(random_vcf(tmp_path / "a.vcf", 1, n=12), other)  # the same name, fewer records
    graph_path(other, 1).replace(graph_path(workspace, 1))
    result = tool("explore_graph").call(context, {"ask": "shared_variants", "samples": ["Ann", "Bob"]})
    assert result.evidence[0].verified is False
    assert "do not agree" in result.text


def test_a_pedigree_given_at_ingest_is_in_the_graph(workspace: Path, example: Path, tmp_path: Path) -> None:
    ped = example.with_name("family.ped")

    def relations() -> tuple[Counter[str], dict[str, tuple[str, str]]]:
        dataset = Catalog(workspace).datasets()[0]
        with read_graph(graph_path(workspace, dataset.graph_generation)) as graph:
            parents = graph.query("MATCH (p:Sample)-[:PARENT_OF]->(c:Sample) RETURN p.name + '>' + c.name AS pair")
            people = graph.query("MATCH (s:Sample) RETURN s.name AS name, s.sex AS sex, s.affected AS affected")
        told = {r["name"]: (r["sex"], r["affected"]) for r in people.to_pylist()}
        return Counter(parents["pair"].to_pylist()), told

    ingest(example, workspace)
    assert relations()[0] == Counter()
    ingest(example, workspace, pedigree=read_pedigree(ped))
    parents, people = relations()
    assert parents == Counter(["ARUN>DEV", "MIRA>DEV", "ARUN>LILA", "MIRA>LILA"])
    assert people["DEV"] == ("male", "affected")
    assert people["INES"] == ("female", "unaffected")
    changed = tmp_path / "other.ped"
    changed.write_text("F DEV NOBODY MIRA 0 1\n")
    ingest(example, workspace, pedigree=read_pedigree(changed))
    parents, people = relations()
    assert parents == Counter(["MIRA>DEV"])
    assert people["DEV"] == (None, "unaffected")
    ingest(example, workspace, again=True)
    assert relations()[0] == parents

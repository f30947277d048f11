"""find_similar against plain readings: every allele compared one by one, every name compared whole."""

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from make_vcf import DECLARED, record, write_vcf
from vcf_agent.memory.embedding import PARTS, PartsEmbedder
from vcf_agent.memory.errors import StorageError, ToolError
from vcf_agent.tools.context import ToolContext
from vcf_agent.tools.result import ToolResult

Open = Callable[[Path], ToolContext]
Run = Callable[..., ToolResult]

CSQ = (
    '##INFO=<ID=CSQ,Number=.,Type=String,Description="Consequence annotations from Ensembl VEP. Format: '
    'Allele|Consequence|IMPACT|SYMBOL|Feature|HGVSc|HGVSp|Existing_variation">'
)
POPULATION = '##INFO=<ID=gnomAD_AF,Number=A,Type=Float,Description="Allele frequency in gnomAD">'
CLINICAL = [
    '##INFO=<ID=CLNSIG,Number=.,Type=String,Description="Significance">',
    '##INFO=<ID=CLNDN,Number=.,Type=String,Description="Condition">',
]
ANNOTATED = [*DECLARED, CSQ, POPULATION, *CLINICAL]

KINDS = [
    ("missense_variant", "MODERATE"),
    ("stop_gained", "HIGH"),
    ("frameshift_variant", "HIGH"),
    ("synonymous_variant", "LOW"),
    ("intron_variant", "MODIFIER"),
    ("splice_region_variant&intron_variant", "LOW"),
]
GENES = ["BRCA1", "BRCA2", "BRCA1P1", "HLA-DRB1", "TP53", "CFTR", ""]
SIGNIFICANCES = ["Pathogenic", "Likely_pathogenic", "Benign", "Uncertain_significance", ""]


def entry(alt: str, kind: tuple[str, str], gene: str, coding: str = "", protein: str = "", known: str = "") -> str:
    return "|".join([alt, kind[0], kind[1], gene, "ENST01", coding, protein, known])


def random_line(rng: random.Random, number: int) -> str:
    ref = rng.choice("ACGT")
    alt = rng.choice([b for b in "ACGT" if b != ref]) if rng.random() < 0.8 else ref + "T" * rng.randint(1, 30)
    info = [f"CSQ={entry(alt, rng.choice(KINDS), rng.choice(GENES))}"]
    info += [f"gnomAD_AF={rng.choice([0.00005, 0.0005, 0.005, 0.02, 0.3]) * rng.random():.3g}"] * (rng.random() < 0.8)
    if significance := rng.choice(SIGNIFICANCES):
        info += [f"CLNSIG={significance}", f"CLNDN={rng.choice(['Breast_cancer', 'Cystic_fibrosis'])}"]
    place = {"chrom": "chr1" if number < 900 else "chr2", "pos": 100 + 7 * number, "id": f"rs{number}"}
    return record(ref=ref, alt=alt, filter=rng.choice(["PASS", "q10"]), info=";".join(info), **place)


@pytest.fixture(scope="module")
def crowd(library: Open, tmp_path_factory: pytest.TempPathFactory) -> ToolContext:
    """1,500 records at random."""
    rng = random.Random(11)
    path = tmp_path_factory.mktemp("crowd") / "crowd.vcf"
    return library(write_vcf(path, [random_line(rng, n) for n in range(1500)], declared=ANNOTATED))


def distance(query: dict[str, Any], other: dict[str, Any]) -> float:
    """The documented distance of two signatures, part by part, from the rows alone."""
    total = 0.0
    for part in PARTS:
        mine, its = query[part.name], other[part.name]
        if part.named and part.name == "genes" and not (set(mine) & set(its) or (not mine and not its)):
            continue
        if part.named and part.name != "genes" and mine != its:
            continue
        values = [",".join(v) if isinstance(v, list) else v for v in (mine, its)]
        a, b = (part.encode(v) for v in values)
        total += part.weight * sum(x * y for x, y in zip(a, b, strict=True))
    return round(1 - total, 4)


def brute_force(context: ToolContext, name: str, keep: Any, k: int) -> list[tuple[str, float]]:
    """Every allele compared with the one called `name`."""
    data = context.datasets[0]
    kinds = data.signatures.rows.to_pylist()
    info = {c.id: c.column for c in data.info.values()}
    rows = data.table.columns(["record", "chrom", "pos", "id", "ref", "alt", "filter", "profile", "signature",
                               info["gnomAD_AF"]]).to_pylist()  # fmt: skip
    me = next(r for r in rows if r["id"] == name)

    def gap(one: float | None, other: float | None) -> float:
        if one is None or other is None:
            return 0.0 if one is other else float("inf")
        return round(abs(one - other), 6)

    def place(row: dict[str, Any]) -> tuple[Any, ...]:
        kind = kinds[row["signature"]]
        first = abs(kind["pos"] - me["pos"]) if kind["chrom"] == me["chrom"] else float("inf")
        apart = abs(row["pos"] - me["pos"]) if row["chrom"] == me["chrom"] else float("inf")
        frequency = gap(row[info["gnomAD_AF"]], me[info["gnomAD_AF"]])
        far = distance(kinds[me["signature"]], kind)
        return far, first, row["signature"], frequency, apart, row["record"]

    others = sorted((r for r in rows if r is not me and keep(r, kinds[r["signature"]])), key=place)
    return [(f"{r['chrom']}:{r['pos']}:{r['ref']}:{r['alt']}", place(r)[0]) for r in others[:k]]


FILTERS: dict[str, tuple[dict[str, Any], Any]] = {
    "none": ({}, lambda r, s: True),
    "pass": ({"filters": ["PASS"]}, lambda r, s: r["filter"] == "PASS"),
    "place": ({"regions": ["chr2"]}, lambda r, s: r["chrom"] == "chr2"),
    "gene": ({"genes": ["BRCA1"]}, lambda r, s: s["genes"] == ["BRCA1"]),
    "gene and pass": (
        {"genes": ["TP53"], "filters": ["PASS"]},
        lambda r, s: s["genes"] == ["TP53"] and r["filter"] == "PASS",
    ),
    "impact": ({"impacts": ["HIGH"]}, lambda r, s: s["impact"] == "HIGH"),
    "few": ({"regions": ["chr1:100-170"]}, lambda r, s: r["chrom"] == "chr1" and r["pos"] <= 170),
}


@pytest.mark.parametrize("few", [0, 5000], ids=["by signature", "one by one"])
@pytest.mark.parametrize("name", FILTERS)
def test_the_nearest_are_those_of_brute_force(
    crowd: ToolContext, run: Run, monkeypatch: pytest.MonkeyPatch, name: str, few: int
) -> None:
    monkeypatch.setattr("vcf_agent.tools.similarity.FEW", few)
    arguments, keep = FILTERS[name]
    for variant in ("rs3", "rs700", "rs1400"):
        expected = brute_force(crowd, variant, keep, 10)
        result = run(crowd, "find_similar", prove=False, variant=variant, **arguments)
        assert result.value == [key for key, _ in expected]
        shown = [row[7] for row in result.tables[0].rows]
        assert shown == pytest.approx([far for _, far in expected], abs=2e-4)


def test_the_count_that_supports_the_answer_is_proved(crowd: ToolContext, run: Run) -> None:
    result = run(crowd, "find_similar", variant="rs3", filters=["PASS"], types=["snp"])
    counted = run(crowd, "count_variants", filters=["PASS"], types=["snp"], scope="allele")
    assert f"{counted.value:,} ALT alleles" in result.text
    assert result.evidence[0].verified is True
    assert "not clinical evidence" in result.text


def test_same_gene_and_class_come_first_then_impact_significance_frequency(
    opened: Open, run: Run, tmp_path: Path
) -> None:
    missense, stop = ("missense_variant", "MODERATE"), ("stop_gained", "HIGH")
    altered = ("inframe_deletion", "MODERATE")

    def line(number: int, kind: tuple[str, str], gene: str, significance: str, frequency: float) -> str:
        info = f"CSQ={entry('C', kind, gene)};CLNSIG={significance};gnomAD_AF={frequency}"
        return record(pos=100 * number, id=f"rs{number}", info=info)

    lines = [
        line(1, missense, "TP53", "Pathogenic", 0.00001),
        line(2, stop, "CFTR", "Benign", 0.4),  # nothing alike but the type
        line(3, missense, "CFTR", "Pathogenic", 0.00001),  # all but the gene
        line(4, stop, "TP53", "Pathogenic", 0.00001),  # same gene, another class
        line(5, missense, "TP53", "Benign", 0.4),  # same gene and class, nothing else
        line(6, altered, "TP53", "Pathogenic", 0.00001),  # same class by another term
        line(7, missense, "TP53", "Pathogenic", 0.4),
        line(8, missense, "TP53", "Likely_pathogenic", 0.00001),
        line(9, missense, "TP53", "Pathogenic", 0.00005),  # the same in every part
    ]
    context = opened(write_vcf(tmp_path / "order.vcf", lines, declared=ANNOTATED))
    result = run(context, "find_similar", variant="rs1")
    assert [row[1] for row in result.tables[0].rows] == [f"rs{n}" for n in (9, 6, 8, 7, 5, 3, 4, 2)]
    why = {row[1]: row[8] for row in result.tables[0].rows}
    assert why["rs9"] == "same gene, impact, significance, frequency bin, consequence, type and size"
    assert why["rs2"] == "same type and size; gene, impact, significance, frequency bin and consequence differ"
    assert why["rs6"].startswith("same gene, consequence class, impact") and "consequence differs" in why["rs6"]
    assert result.tables[0].rows[0][7] == 0


@pytest.fixture(scope="module")
def named(library: Open, tmp_path_factory: pytest.TempPathFactory) -> ToolContext:
    def csq(gene: str, *names: str, alt: str = "C") -> str:
        return entry(alt, KINDS[0], gene, *names)

    both = f"{csq('HLA-DRB1', 'c.9A>C')},{csq('HLA-DRB1', 'c.9A>G', alt='G')}"
    clinical = "CLNSIG=Pathogenic;CLNDN=Breast-ovarian_cancer|x"
    lines = [
        record(pos=100, id="rs10", info=f"CSQ={csq('BRCA1', 'ENST01.2:c.7A>C', 'ENSP01.2:p.Arg7His')}"),
        record(pos=200, id="rs100", info=f"CSQ={csq('BRCA2', 'ENST01.2:c.77A>C', 'ENSP01.2:p.Arg7')}"),
        record(pos=300, id="rs1", info=f"CSQ={csq('BRCA1P1', 'c.7A>CT', 'p.Arg7%3D', 'rs55&COSV1')}"),
        record(pos=400, alt="C,G", info=f"CSQ={both}"),
        record(pos=500, info=f"CSQ={csq('HLA', 'c.1A>C')};{clinical}"),
    ]
    return library(write_vcf(tmp_path_factory.mktemp("named") / "named.vcf", lines, declared=ANNOTATED))


@pytest.mark.parametrize(
    ("text", "positions"),
    [
        ("BRCA1", [100]), ("brca2", [200]), ("BRCA1P1", [300]), ("BRCA", []), ("HLA-DRB1", [400, 400]), ("HLA", [500]),
        ("DRB1", []), ("p.Arg7His", [100]), ("p.Arg7", [200]), ("p.Arg7=", [300]), ("c.7A>C", [100]),
        ("ENST01.2:c.7A>C", [100]), ("ENST09.9:c.7A>C", []), ("ENST01:c.7A>CT", [300]), ("c.9A>G", [400]),
        ("rs1", [300]), ("rs10", [100]), ("rs55", [300]), ("p.Arg", []), ("BRCA1 p.Arg7His", [100]),
        ("BRCA2 p.Arg7His", []), ("missense HLA-DRB1", [400, 400]), ("breast-ovarian cancer", [500]),
        ("pathogenic", [500]),
        ("100%", []), ("c.7_", []), ("' OR 1=1 --", []), ('"BRCA1', [100]), ("BRCA1\" OR \"BRCA2", []), ("%", []),
        ("c.1A'>C", []), ("p.%' OR '1'='1", []), ("BRCA1*", []), ("\u202eBRCA1", []),
    ],
)  # fmt: skip
def test_words_and_names_are_found_whole(named: ToolContext, run: Run, text: str, positions: list[int]) -> None:
    result = run(named, "find_similar", text=text)
    assert [int(key.split(":")[1]) for key in result.value] == positions
    assert len(result.value) == result.tables[0].total


def test_of_two_alleles_the_named_one_is_found(named: ToolContext, run: Run) -> None:
    assert run(named, "find_similar", text="c.9A>G").value == ["chr1:400:A:G"]
    assert run(named, "find_similar", variant="chr1:400:A:G").value[0] == "chr1:400:A:C"
    with pytest.raises(ToolError, match="chr1:400:A:C or chr1:400:A:G"):
        run(named, "find_similar", variant="chr1:400")


def test_conditions_hold_for_text_and_hybrid_as_well(named: ToolContext, run: Run) -> None:
    for mode in ("text", "hybrid"):
        assert run(named, "find_similar", text="missense", mode=mode, regions=["chr1:200"]).value == ["chr1:200:A:C"]
        nothing = run(named, "find_similar", text="BRCA1", mode=mode, filters=["q10"])
        assert nothing.value == [] and nothing.text.startswith("No ALT allele")


def test_hybrid_puts_first_what_both_orders_have(named: ToolContext, run: Run) -> None:
    result = run(named, "find_similar", variant="rs10", text="BRCA1P1", k=4)
    assert result.value[0] == "chr1:300:A:C"
    assert "has 'BRCA1P1'" in result.tables[0].rows[0][8] and "has" not in result.tables[0].rows[1][8]


@pytest.mark.parametrize(
    "arguments",
    [{}, {"text": "  "}, {"text": "of the"}, {"text": "x" * 65_536}, {"variant": "rs10", "mode": "text"},
     {"variant": "rs10", "text": "BRCA1", "mode": "vector"}, {"text": "x", "k": 101}, {"text": "zzz", "mode": "vector"},
     {"variant": "chr77:1"}, {"variant": "rs10", "genes": ["NOGENE"]}],
)  # fmt: skip
def test_what_cannot_be_looked_for_is_refused(named: ToolContext, run: Run, arguments: dict[str, Any]) -> None:
    with pytest.raises(ToolError):
        run(named, "find_similar", **arguments)


@pytest.mark.parametrize("variant", ["rs999", "chr1:101", "chr1:100:A:T", "x' OR '1'='1", "rs10'; DROP", ""])
def test_a_variant_that_is_not_there_is_an_answer(named: ToolContext, run: Run, variant: str) -> None:
    if not variant:
        with pytest.raises(ToolError):
            run(named, "find_similar", variant=variant)
    else:
        result = run(named, "find_similar", variant=variant)
        assert result.value == [] and "so nothing can be compared" in result.text


def test_files_without_annotation_or_samples_or_info(opened: Open, run: Run, tmp_path: Path) -> None:
    lines = [record(pos=10, id="a"), record(pos=20, ref="AT", alt="A"), record(pos=30), record(pos=40, alt=".")]
    bare = opened(write_vcf(tmp_path / "bare.vcf", lines, declared=DECLARED[:2]))
    result = run(bare, "find_similar", variant="a")
    assert result.value == ["chr1:30:A:C", "chr1:20:AT:A"] and result.evidence[0].verified is True
    assert any("no consequence annotation" in r for r in result.reading)
    assert run(bare, "find_similar", text="deletion").value == ["chr1:20:AT:A"]
    assert run(bare, "find_similar", text="p.Arg7His").value == []


def test_the_frequency_among_the_samples_counts_and_is_in_no_text(opened: Open, run: Run, tmp_path: Path) -> None:
    calls = [["0/0", "0/1"], ["1/1", "1/1"], ["0/1", "0/0"], ["./.", "./."]]
    lines = [record(pos=10 * n + 10, id=f"rs{n}", samples=c) for n, c in enumerate(calls)]
    context = opened(write_vcf(tmp_path / "few.vcf", lines, ["A", "B"]))
    result = run(context, "find_similar", variant="rs0")
    assert [row[1] for row in result.tables[0].rows] == ["rs2", "rs1", "rs3"]
    assert [row[6] for row in result.tables[0].rows] == [0.25, 1.0, None]
    assert not any("frequency" in t for t in context.datasets[0].signatures.rows["text"].to_pylist())


def test_vectors_are_the_same_in_every_process(crowd: ToolContext) -> None:
    rows = crowd.datasets[0].signatures.rows.slice(0, 5)
    here = PartsEmbedder().embed(rows)
    assert (here == crowd.datasets[0].signatures.matrix[:5]).all()
    code = (
        "import json, sys, pyarrow as pa; from vcf_agent.memory.embedding import PartsEmbedder;"
        "print(json.dumps(PartsEmbedder().embed(pa.Table.from_pylist(json.loads(sys.argv[1]))).tolist()))"
    )
    told = json.dumps(rows.select([p.name for p in PARTS]).to_pylist())
    told_back = subprocess.run([sys.executable, "-c", code, told], capture_output=True, text=True, check=True).stdout
    assert json.loads(told_back) == here.tolist()


def test_the_weights_are_those_of_the_documentation() -> None:
    text = (Path(__file__).parents[2] / "docs" / "similarity.md").read_text()
    for part in PARTS:
        assert f"| `{part.name}` | {part.weight:.2f} |" in text
    assert sum(p.weight for p in PARTS) == pytest.approx(1)


def test_vectors_of_another_embedder_are_refused(named: ToolContext, run: Run) -> None:
    class Other(PartsEmbedder):
        name = "other"

    context = ToolContext(named.workspace, named.datasets, named.folder, 0, Other())
    with pytest.raises(ToolError, match=r"made by parts-1 .103 numbers.*ingest --again"):
        run(context, "find_similar", variant="rs10")
    assert run(context, "find_similar", text="BRCA1").value  # words need no vectors


def test_a_table_that_is_gone_is_told(opened: Open, run: Run, tmp_path: Path) -> None:
    import shutil

    context = opened(write_vcf(tmp_path / "gone.vcf", [record(id="rs1")]))
    for table in (context.workspace / "tables").glob("signatures-*"):
        shutil.rmtree(table)
    with pytest.raises(StorageError, match="--again"):
        run(context, "find_similar", variant="rs1")

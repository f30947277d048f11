"""query_graph over the graph of the example cohort, against the VCF itself."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from vcf_agent.memory.catalog import Catalog
from vcf_agent.memory.errors import StorageError, ToolError
from vcf_agent.memory.graph_schema import schema_in_words
from vcf_agent.memory.variant_graph import graph_path
from vcf_agent.tools.context import ToolContext
from vcf_agent.tools.ingest import ingest
from vcf_agent.tools.registry import tool, tools


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory, example: Path) -> ToolContext:
    workspace = tmp_path_factory.mktemp("graph") / "workspace"
    ingest(example, workspace)
    return ToolContext(workspace, [], example.parent)


def ask(context: ToolContext, cypher: str, **more: object):
    return tool("query_graph").call(context, {"cypher": cypher, **more})


@pytest.fixture(scope="module")
def carried(example: Path) -> dict[str, dict[str, str]]:
    """What each sample carries, by bcftools and plain text: CHROM:POS:REF:ALT and the genotype."""
    line = [r"%CHROM\t%POS\t%REF\t%ALT[\t%SAMPLE=%GT]\n", str(example)]
    rows = subprocess.run(["bcftools", "query", "-f", *line], capture_output=True, text=True, check=True).stdout
    found: dict[str, dict[str, str]] = {}
    for row in rows.splitlines():
        chrom, pos, ref, alts, *genotypes = row.split("\t")
        for number, alt in enumerate(alts.split(","), 1):
            for sample, genotype in (g.split("=") for g in genotypes):
                if str(number) in genotype.replace("|", "/").split("/"):
                    found.setdefault(sample, {})[f"{chrom}:{pos}:{ref}:{alt}"] = genotype
    return found


def test_carriers_are_those_of_the_file(context, carried):
    found = ask(context, "MATCH (s:Sample)-[:CARRIES]->(v:Variant) RETURN s.name AS sample, count(DISTINCT v) AS n")
    assert {row["sample"]: row["n"] for row in found.value} == {s: len(v) for s, v in carried.items()}
    assert found.private and found.tables[0].columns == ["sample", "n"]


def test_shared_variants_are_those_of_the_file(context, carried):
    cypher = """MATCH (a:Sample {name: 'ARUN'})-[:CARRIES]->(v:Variant)<-[:CARRIES]-(b:Sample {name: 'MIRA'})
                RETURN DISTINCT v.id ORDER BY v.id"""
    found = ask(context, cypher, limit=1000)
    shared = sorted(carried["ARUN"].keys() & carried["MIRA"].keys())
    assert found.tables[0].total == len(shared) > 0
    assert found.value == shared[:1000]
    assert "one relation may stand for several" in " ".join(found.reading)


def test_one_cell_is_the_value(context, carried):
    found = ask(context, "MATCH (v:Variant)<-[:CARRIES]-(s) RETURN count(DISTINCT v)")
    expected = len({v for variants in carried.values() for v in variants})
    assert (found.value, found.unit) == (expected, None)
    assert found.text == f"The graph gives count(DISTINCT v) = {expected:,}."


def test_nothing_is_cut_silently(context):
    every = ask(context, "MATCH (v:Variant) RETURN count(*)").value
    found = ask(context, "MATCH (v:Variant) RETURN v.id, v.pos ORDER BY v.id", limit=7)
    assert (len(found.value), found.tables[0].total, found.tables[0].truncated) == (7, every, True)
    assert found.text == f"{every:,} rows; the first 7 are shown."
    assert not found.private
    own = ask(context, "MATCH (v:Variant) RETURN v.id LIMIT 5")
    assert "the statement's own LIMIT keeps at most 5 rows" in own.reading


def test_the_reading_and_the_evidence(context, example):
    found = ask(context, "MATCH (g:Gene) RETURN g.symbol ORDER BY g.symbol", limit=2)
    assert found.reading[0] == "the graph holds 1 file: cohort"
    assert any("CHROM:POS:REF:ALT" in line for line in found.reading)
    (evidence,) = found.evidence
    assert (evidence.file, evidence.tool, evidence.command, evidence.verified) == (
        example.name,
        "query_graph",
        None,
        None,
    )
    assert evidence.arguments == {"cypher": "MATCH (g:Gene) RETURN g.symbol ORDER BY g.symbol", "limit": 2}
    assert evidence.note == f"{found.tables[0].total} rows in all; no bcftools command speaks of a graph"
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["value"] == found.value


def test_an_order_by_two_names(context):
    found = ask(context, "MATCH (g:Gene) RETURN g.symbol AS gene, g.symbol AS again ORDER BY gene, again DESC", limit=3)
    assert [row[0] for row in found.tables[0].rows] == sorted(row[0] for row in found.tables[0].rows)


def test_nothing_found_is_an_answer(context):
    found = ask(context, "MATCH (g:Gene {symbol: 'NOWHERE'}) RETURN g.symbol")
    assert (found.value, found.text) == ([], "The graph has no row for that.")


@pytest.mark.parametrize("limit", [0, -1, 1001, "all"])
def test_a_limit_out_of_bounds(context, limit):
    with pytest.raises(ToolError, match="limit"):
        ask(context, "RETURN 1", limit=limit)


@pytest.mark.parametrize(
    "cypher", ["LOAD FROM '/etc/passwd' RETURN *", "MATCH (g:Gene) DELETE g", "RETURN 1; RETURN 2"]
)
def test_what_does_not_only_read_is_refused(context, cypher):
    with pytest.raises(ToolError, match="The Cypher statement is refused"):
        ask(context, cypher)


def test_what_kuzu_cannot_run_is_one_line(context):
    with pytest.raises(ToolError, match="The graph cannot run the statement: Binder exception") as raised:
        ask(context, "MATCH (v:Variant) WHERE v.pos = [1] RETURN v")
    assert "\n" not in str(raised.value)


def test_lists_too_long_to_show(context, monkeypatch):
    monkeypatch.setattr("vcf_agent.tools.query_graph.MAX_VALUES", 100)
    with pytest.raises(ToolError, match="The lists of the answer hold"):
        ask(context, "MATCH (v:Variant) RETURN collect(v.id)")


def test_no_graph_is_told_with_the_way_out(tmp_path, example):
    workspace = tmp_path / "workspace"
    context = ToolContext(workspace, [], tmp_path)
    with pytest.raises(StorageError, match="holds no graph"):
        ask(context, "RETURN 1")
    assert not workspace.exists(), "asking makes nothing"
    dataset = ingest(example, workspace)
    graph_path(workspace, dataset.graph_generation).unlink()
    with pytest.raises(StorageError, match=r"is not there.*vcf-agent ingest --again"):
        ask(context, "RETURN 1")
    ingest(example, workspace, again=True)
    assert ask(context, "MATCH (d:Dataset) RETURN d.name").value == "cohort"


def test_the_newest_generation_is_asked_while_others_are_written(tmp_path, example):
    workspace = tmp_path / "workspace"
    small = tmp_path / "small.vcf"
    header = "##fileformat=VCFv4.2\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    small.write_text(header + "1\t5\t.\tA\tT\t.\t.\t.\n")
    ingest(small, workspace)
    context = ToolContext(workspace, [], tmp_path)
    stop, seen, errors = threading.Event(), set(), []

    def reader() -> None:
        while not stop.is_set():
            try:
                seen.add(ask(context, "MATCH (d:Dataset) RETURN count(*)").value)
            except Exception as error:
                errors.append(error)

    thread = threading.Thread(target=reader)
    thread.start()
    try:
        for number in range(2, 6):
            other = tmp_path / f"other{number}.vcf"
            other.write_text(header + f"1\t{number}0\t.\tA\tT\t.\t.\t.\n")
            ingest(other, workspace)
    finally:
        stop.set()
        thread.join()
    assert errors == []
    assert seen <= {1, 2, 3, 4, 5} and len(seen) > 1
    assert len(Catalog(workspace).datasets()) == ask(context, "MATCH (d:Dataset) RETURN count(*)").value == 5


def test_a_model_is_told_the_schema():
    assert "query_graph" in tools()
    described = tool("query_graph").description
    assert schema_in_words() in described
    assert "CARRIES(genotype) Sample->Variant" in described and "PARENT_OF Sample->Sample" in described
    assert len(described) < 900


def test_a_statement_that_kuzu_crashes_on_is_an_error_and_no_more(context):
    crash = "MATCH (v:Variant) RETURN label(null) AS x"
    with pytest.raises(ToolError, match=r"The graph's engine broke on the statement \(SIG(SEGV|ABRT)\)"):
        ask(context, crash)
    assert ask(context, "MATCH (d:Dataset) RETURN d.name").value == "cohort"


def test_a_statement_that_never_ends_to_parse_is_ended(context, monkeypatch):
    monkeypatch.setattr("vcf_agent.memory.graph_child.GRACE", 0.0)
    monkeypatch.setattr("vcf_agent.tools.query_graph.SECONDS", 0.01)
    with pytest.raises(ToolError, match=r"The graph had no answer within 0\.01 s"):
        ask(context, "MATCH (v:Variant) RETURN count(*)")


def test_the_process_of_a_statement_can_write_no_file(tmp_path):
    wrote = f"""
from pathlib import Path
from vcf_agent.memory.graph_child import _write_no_file
_write_no_file()
Path({str(tmp_path / "file")!r}).write_text("x")
"""
    done = subprocess.run([sys.executable, "-c", wrote], capture_output=True, text=True)
    assert "File too large" in done.stderr and (tmp_path / "file").stat().st_size == 0

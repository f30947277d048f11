"""File, table and graph agree, and it is noticed when they do not; datasets come and go as a whole."""

import json
import os
import shutil
from pathlib import Path

import pytest
from vcf_agent.memory.catalog import Catalog
from vcf_agent.memory.errors import ToolError
from vcf_agent.memory.variant_graph import graph_path, read_graph
from vcf_agent.memory.variant_table import table_name
from vcf_agent.tools.context import ToolContext
from vcf_agent.tools.dataset import OpenDataset
from vcf_agent.tools.ingest import ingest
from vcf_agent.tools.whole_datasets import find_dataset, rebuild_graph, remove_dataset, say_same_person
from vcf_agent.ui.cli import main

HEADER = (
    "##fileformat=VCFv4.2\n##contig=<ID=1>\n##contig=<ID=2>\n"
    '##INFO=<ID=CLNSIG,Number=.,Type=String,Description="s">\n##INFO=<ID=CLNDN,Number=.,Type=String,Description="d">\n'
    '##INFO=<ID=ANN,Number=.,Type=String,Description="a">\n##FORMAT=<ID=GT,Number=1,Type=String,Description="g">\n'
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tone\ttwo\n"
)
RECORDS = [
    "1\t100\trs1\tA\tG\t50\tPASS\tCLNSIG=Benign;CLNDN=A_b|C\tGT\t0/1\t./.",
    "1\t200\t.\tAT\tA,ATT\t.\t.\tANN=A|missense_variant|MODERATE|G1|,ATT|stop_gained|HIGH|G2|\tGT\t1/2\t0|0",
    "1\t300\t.\tC\t<NON_REF>\t.\tPASS\t.\tGT\t0/0\t0/0",
    "1\t400\t.\tC\tT\t.\tPASS\t.\tGT\t0/0\t./.",
    "2\t100\t.\tG\t<DEL>\t.\tlow\t.\tGT\t1\t./1",
    "2\t100\t.\tG\t<DEL>\t.\tlow\t.\tGT\t0/1\t0/1",
]


def write(path: Path, *records: str) -> Path:
    path.write_text(HEADER + "\n".join(records) + "\n")
    return path


def check(workspace: Path, run):
    return run(ToolContext(workspace, []), "check_stores")


@pytest.fixture
def two(tmp_path: Path, workspace: Path) -> Path:
    """A workspace with two files that share variants."""
    ingest(write(tmp_path / "a.vcf", *RECORDS), workspace)
    ingest(write(tmp_path / "b.vcf", *RECORDS[:2]), workspace)
    return workspace


def test_the_stores_agree_after_an_ingest(two: Path, run) -> None:
    result = check(two, run)
    assert result.value is True
    assert [row[:3] for row in result.tables[0].rows] == [
        ["file and table", "a", True], ["file and table", "b", True], ["tables and graph", "all", True],
    ]  # fmt: skip


def test_an_empty_workspace_agrees(workspace: Path, run) -> None:
    assert check(workspace, run).value is True


def test_what_the_graph_leaves_out_is_told(two: Path) -> None:
    left_out = Catalog(two).by_name("a").summary["graph"]["left_out"]
    assert left_out.startswith("1 of 6 ALT alleles are not in the graph")
    assert "no sample carries" in left_out


def test_a_changed_row_of_the_table_is_found(two: Path, run) -> None:
    import lancedb

    dataset = Catalog(two).by_name("a")
    table = lancedb.connect(two / "tables").open_table(table_name("variants", dataset.sha256))
    table.update(where="pos = 400", values={"ref": "G"})
    import sqlite3

    with sqlite3.connect(two / "catalog.sqlite") as connection:
        connection.execute("UPDATE datasets SET table_version = ? WHERE name = 'a'", (table.version,))
    result = check(two, run)
    assert result.value is False
    assert "record 4 differs" in result.text


def test_a_graph_that_lacks_an_edge_is_found_and_mended(two: Path, run) -> None:
    import kuzu

    path = graph_path(two, Catalog(two).by_name("a").graph_generation)
    database = kuzu.Database(path, max_db_size=1 << 30)
    connection = kuzu.Connection(database)
    connection.execute("MATCH (:Sample {name: 'two'})-[c:CARRIES]->(v) WHERE v.pos = 100 DELETE c").close()
    connection.close()
    database.close()
    result = check(two, run)
    assert result.value is False
    assert "CARRIES: 2 missing" in result.text
    rebuild_graph(two)
    assert check(two, run).value is True


def test_a_file_that_is_gone_or_changed_is_no_disagreement(two: Path, tmp_path: Path, run) -> None:
    (tmp_path / "a.vcf").unlink()
    write(tmp_path / "b.vcf", RECORDS[0])
    result = check(two, run)
    assert result.value is True
    assert [row[2] for row in result.tables[0].rows] == [None, None, True]


def test_one_variant_of_two_files_is_one_node(two: Path) -> None:
    with read_graph(graph_path(two, Catalog(two).by_name("b").graph_generation)) as graph:
        carriers = "MATCH (s:Sample {name: 'one'})-[:CARRIES]->(v:Variant) WITH v, count(s) AS n WHERE n = 2"
        shared = graph.query(f"{carriers} RETURN v.id AS id")
        samples = graph.query("MATCH (s:Sample) RETURN s.name AS name")["name"].to_pylist()
    assert sorted(shared["id"].to_pylist()) == [
        "1:100:A:G",
        "1:200:AT:A",
        "1:200:AT:ATT",
        "2:100:G:<DEL>",
    ]  # the last stands twice in one file
    assert sorted(samples) == ["one", "one", "two", "two"]


def test_a_removed_dataset_leaves_the_other_as_it_was(two: Path, tmp_path: Path, run) -> None:
    remove_dataset(two, Catalog(two).by_name("a").sha256)
    assert [d.name for d in Catalog(two).datasets()] == ["b"]
    assert check(two, run).value is True
    assert len(list((two / "tables").iterdir())) == len({p for p in (two / "tables").iterdir() if "-" in p.name})
    assert (tmp_path / "a.vcf").exists()
    remove_dataset(two, Catalog(two).by_name("b").sha256)
    assert Catalog(two).datasets() == []
    assert list((two / "graph").iterdir()) == []
    assert ingest(tmp_path / "a.vcf", two).summary["records"] == 6


def test_a_dataset_is_found_by_name_path_or_digest(two: Path, tmp_path: Path) -> None:
    a = Catalog(two).by_name("a")
    for name in ("a", str(tmp_path / "a.vcf"), a.sha256[:12]):
        assert find_dataset(two, name).sha256 == a.sha256
    other = tmp_path / "elsewhere"
    other.mkdir()
    ingest(write(other / "a.vcf", RECORDS[0]), two)
    with pytest.raises(ToolError, match="2 datasets are called 'a'"):
        find_dataset(two, "a")
    with pytest.raises(ToolError, match="has no dataset 'c'"):
        find_dataset(two, "c")


def test_a_changed_file_takes_the_place_of_what_it_was(two: Path, tmp_path: Path, run) -> None:
    before = Catalog(two).by_name("a")
    reader = OpenDataset(before, two)
    assert reader.table.count("") == 7
    file = write(tmp_path / "a.vcf", *RECORDS[:3])
    after = ingest(file, two)
    assert {d.sha256 for d in Catalog(two).datasets()} == {after.sha256, Catalog(two).by_name("b").sha256}
    assert check(two, run).value is True
    assert reader.table.count("type = 'snp'") == 2  # whoever has the old one open reads on
    context = ToolContext(two, [OpenDataset(after, two)], tmp_path, 60)
    assert run(context, "count_variants").evidence[0].sha256 == after.sha256 != before.sha256


def test_content_that_another_file_holds_still_is_kept(two: Path, tmp_path: Path) -> None:
    shutil.copy(tmp_path / "a.vcf", tmp_path / "copy.vcf")
    ingest(tmp_path / "copy.vcf", two)
    write(tmp_path / "a.vcf", RECORDS[0])
    ingest(tmp_path / "a.vcf", two)
    assert len(Catalog(two).datasets()) == 3


def test_the_command_line_removes_checks_and_rebuilds(two: Path, capsys) -> None:
    def call(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as stopped:
            main([*arguments, "--workspace", str(two)])
        return int(stopped.value.code or 0), capsys.readouterr().out

    code, out = call("doctor", "--deep", "--json")
    assert code == 0
    assert {c["check"] for c in json.loads(out)} >= {"file and table (a)", "tables and graph (all)"}
    assert call("datasets", "--remove", "a", "--yes")[0] == 0
    assert call("datasets", "--remove", "a", "--yes")[0] == 2
    assert call("doctor", "--deep", "--rebuild-graph")[0] == 0


def test_samples_are_one_person_where_that_is_said(two: Path, tmp_path: Path, run) -> None:
    def shared(*samples: str):
        held = [OpenDataset(d, two) for d in Catalog(two).datasets()]
        return run(ToolContext(two, held, tmp_path, 60), "explore_graph", ask="shared_variants", samples=list(samples))

    with pytest.raises(ToolError, match="Several samples are called 'one'"):
        shared("one", "b/two")
    assert shared("a/one", "b/one").value == ["1:100:A:G", "1:200:AT:A", "1:200:AT:ATT"]
    say_same_person(two, "a/two", "b/one")
    result = shared("a/one", "b/one")
    assert result.evidence[0].verified is not False
    assert set(result.value) == {"1:100:A:G", "1:200:AT:A", "1:200:AT:ATT", "2:100:G:<DEL>"}  # the last by a/two
    say_same_person(two, "a/one", "b/one")
    with pytest.raises(ToolError, match="at least two samples"):
        shared("a/one", "a/two")
    with pytest.raises(ToolError, match="no sample 'c/one'"):
        say_same_person(two, "c/one", "a/one")


@pytest.mark.slow
def test_the_stores_agree_on_real_files(data_folder: Path, readable: str, truth, workspace: Path, run) -> None:
    if os.stat(data_folder / readable).st_size > 20 << 20:
        pytest.skip("larger than the machines of the tests have time for")
    from vcf_agent.memory.errors import InputError

    try:
        ingest(data_folder / readable, workspace)
    except InputError as error:
        assert "plain gzip" in str(error) or "no records" in str(error) or "cannot be read" in str(error)
        return
    assert check(workspace, run).value is True

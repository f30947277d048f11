"""From a file to a dataset: once for the same content, whole or not at all."""

import hashlib
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from make_vcf import bgzip, record, vcf_text, write_vcf
from vcf_agent.memory.catalog import Catalog
from vcf_agent.memory.errors import InputError
from vcf_agent.memory.variant_table import VariantTable
from vcf_agent.tools.dataset import OpenDataset
from vcf_agent.tools.ingest import ingest

SAMPLES = ["A", "B"]


def lines(n, alt="C"):
    return [record(i + 1, alt=alt, samples=["0/1", "1/1"]) for i in range(n)]


def rows_in(workspace, dataset):
    return VariantTable(workspace, dataset.sha256, dataset.table_version).count("")


@pytest.fixture
def with_graph():
    """A test that takes this one writes the graph as well, which takes half a second for each ingest."""


@pytest.fixture(autouse=True)
def _without_graph(request, monkeypatch):
    if "with_graph" not in request.fixturenames:
        monkeypatch.setattr("vcf_agent.tools.graph_load.write_graph", lambda *_: None)


@pytest.fixture
def small(tmp_path):
    return write_vcf(tmp_path / "small.vcf", lines(3), SAMPLES)


def test_what_is_learnt_of_a_file(with_graph, small, workspace):
    dataset = ingest(small, workspace)
    assert dataset.sha256 == hashlib.sha256(small.read_bytes()).hexdigest()
    assert (dataset.name, dataset.path, dataset.samples) == ("small", small, SAMPLES)
    assert (dataset.summary["records"], dataset.summary["contigs"]) == (3, {"chr1": 3})
    assert Catalog(workspace).datasets() == [dataset]
    assert rows_in(workspace, dataset) == 3


@pytest.mark.parametrize(
    ("file", "name"),
    [("a.vcf", "a"), ("a.b.vcf.gz", "a.b"), ("a.vcf.bgz", "a"), (".vcf", ".vcf"), ("trio", "trio")],
)
def test_a_dataset_is_called_like_its_file(tmp_path, workspace, file, name):
    plain = write_vcf(tmp_path / "plain", lines(1), SAMPLES)
    path = plain if "z" not in file else bgzip(plain)
    assert ingest(path.rename(tmp_path / file), workspace).name == name


def test_the_same_file_twice_is_read_once(small, workspace):
    calls = []
    first = ingest(small, workspace, calls.append)
    assert calls
    calls.clear()
    assert ingest(small, workspace, calls.append) == first
    assert calls == []


def test_touching_a_file_reads_nothing_anew(small, workspace):
    first = ingest(small, workspace)
    os.utime(small, (1, 1))
    assert ingest(small, workspace, pytest.fail) == first


def test_the_same_content_under_another_name(small, tmp_path, workspace):
    first = ingest(small, workspace)
    (tmp_path / "other").mkdir()
    copy = tmp_path / "other" / "copy.vcf"
    copy.write_bytes(small.read_bytes())
    second = ingest(copy, workspace, pytest.fail)
    assert (second.name, second.path) == ("copy", copy)
    assert (second.sha256, second.table_version, second.ingested_at) == (
        first.sha256, first.table_version, first.ingested_at)  # fmt: skip
    assert len(Catalog(workspace).datasets()) == 1


def test_a_link_is_the_file_that_it_points_to(small, tmp_path, workspace):
    first = ingest(small, workspace)
    (tmp_path / "link.vcf").symlink_to(small)
    assert ingest(tmp_path / "link.vcf", workspace, pytest.fail).sha256 == first.sha256


def test_compressed_and_plain_are_two_datasets_with_the_same_records(small, workspace):
    plain, compressed = ingest(small, workspace), ingest(bgzip(small), workspace)
    assert plain.sha256 != compressed.sha256
    assert plain.summary["contigs"] == compressed.summary["contigs"]


def test_changed_content_takes_the_place_of_the_old_which_stays_for_its_readers(small, workspace):
    old = ingest(small, workspace)
    write_vcf(small, lines(5), SAMPLES)
    new = ingest(small, workspace)
    assert new.sha256 != old.sha256
    assert (rows_in(workspace, old), rows_in(workspace, new)) == (3, 5)
    assert [d.sha256 for d in Catalog(workspace).datasets()] == [new.sha256]
    catalog = Catalog(workspace).by_name("small")
    assert catalog is not None
    assert catalog.sha256 == new.sha256


def test_changed_content_of_the_same_size_and_time_is_noticed(small, workspace):
    """A copy that keeps its times (cp -p, rsync -t) still changes the inode's own time."""
    old, status = ingest(small, workspace), small.stat()
    write_vcf(small, lines(3, alt="G"), SAMPLES)
    os.utime(small, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (small.stat().st_size, small.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    assert ingest(small, workspace).sha256 != old.sha256


def test_content_that_comes_back_is_read_again(small, workspace):
    first, text = ingest(small, workspace), small.read_text()
    write_vcf(small, lines(5), SAMPLES)
    ingest(small, workspace)
    small.write_text(text)
    assert ingest(small, workspace).sha256 == first.sha256
    assert rows_in(workspace, first) == 3


def test_content_that_another_file_still_holds_is_known(small, workspace):
    first, copy = ingest(small, workspace), small.with_name("copy.vcf")
    copy.write_bytes(small.read_bytes())
    assert ingest(copy, workspace, lambda _: pytest.fail("read again")).ingested_at == first.ingested_at


def test_again_reads_it_again(with_graph, small, workspace):
    first = ingest(small, workspace)
    calls = []
    second = ingest(small, workspace, calls.append, again=True)
    assert calls
    assert second.ingested_at > first.ingested_at
    assert rows_in(workspace, second) == rows_in(workspace, first) == 3
    assert Catalog(workspace).datasets() == [second]


def test_an_open_dataset_survives_reading_again(small, workspace, run, opened):
    context = opened(small)
    ingest(small, workspace, again=True)
    assert run(context, "count_variants", types=["snp"]).value == 3


def test_a_failed_reading_again_leaves_the_old_one(small, workspace):
    first = ingest(small, workspace)

    def grow(_):
        with small.open("a") as file:
            file.write(lines(4)[-1] + "\n")

    with pytest.raises(InputError, match="changed"):
        ingest(small, workspace, grow, again=True)
    assert Catalog(workspace).datasets() == [first]
    assert rows_in(workspace, first) == 3


def test_every_bug_in_a_progress_callback_is_seen(small, workspace):
    """An exception that is none of ours comes through as itself, and the workspace is as it was."""

    def broken(_):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ingest(small, workspace, broken)
    assert not workspace.exists()


def test_an_empty_workspace_folder_is_not_taken_away(tmp_path, workspace):
    workspace.mkdir()
    bad = tmp_path / "bad.vcf"
    bad.write_text(vcf_text([*lines(2), ""], SAMPLES))
    with pytest.raises(InputError):
        ingest(bad, workspace)
    assert list(workspace.iterdir()) == []


def test_records_in_any_order_and_twice(tmp_path, workspace):
    same = lines(2)
    dataset = ingest(write_vcf(tmp_path / "unsorted.vcf", [*reversed(same), *same], SAMPLES), workspace)
    table = VariantTable(workspace, dataset.sha256, dataset.table_version)
    assert table.columns(["record", "pos"]).to_pylist() == [
        {"record": 0, "pos": 2}, {"record": 1, "pos": 1}, {"record": 2, "pos": 1}, {"record": 3, "pos": 2},
    ]  # fmt: skip


def test_two_at_once_wait_for_each_other(with_graph, tmp_path, workspace):
    """Both are there afterwards, under different versions of the graph."""
    paths = [write_vcf(tmp_path / f"{n}.vcf", lines(n), SAMPLES) for n in (3, 4)]
    threads = [threading.Thread(target=ingest, args=(path, workspace)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = {d.name: rows_in(workspace, d) for d in Catalog(workspace).datasets()}
    assert found == {"3": 3, "4": 4}


def test_one_that_fails_does_not_take_away_what_another_wrote(with_graph, tmp_path, workspace):
    """The second starts while the first reads, in a folder that the first made; then the first fails."""
    bad = write_vcf(tmp_path / "bad.vcf", lines(3), SAMPLES)
    good = write_vcf(tmp_path / "good.vcf", lines(4), SAMPLES)
    other = threading.Thread(target=ingest, args=(good, workspace))

    def start_the_other_and_change(_):
        other.start()
        time.sleep(0.5)  # until it waits
        with bad.open("a") as file:
            file.write("\n")

    with pytest.raises(InputError, match="changed"):
        ingest(bad, workspace, start_the_other_and_change)
    other.join()
    assert [(d.name, rows_in(workspace, d)) for d in Catalog(workspace).datasets()] == [("good", 4)]
    assert ingest(good, workspace, pytest.fail).name == "good"


KILLED = """
import sys
from pathlib import Path
import lancedb, pysam
from vcf_agent.tools.ingest import ingest
print("ready", flush=True)
ingest(Path(sys.argv[1]), Path(sys.argv[2]), again=sys.argv[3] == "again")
print("done", flush=True)
"""


class Ingesting:
    """An ingest in a process of its own, which has imported all and starts when it is made."""

    def __init__(self, path: Path, workspace: Path, again: bool = False) -> None:
        arguments = [sys.executable, "-c", KILLED, str(path), str(workspace), "again" if again else ""]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        assert self.process.stdout.readline() == "ready\n"
        self.start = time.monotonic()

    def finish(self) -> float:
        """How long it took, in seconds."""
        assert self.process.communicate()[0] == "done\n"
        return time.monotonic() - self.start

    def kill(self, after: float) -> None:
        time.sleep(after)
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    return write_vcf(tmp_path_factory.mktemp("large") / "large.vcf", lines(5_000), SAMPLES)


@pytest.fixture(scope="module")
def duration(large, tmp_path_factory):
    """How long an undisturbed ingest takes, in seconds."""
    return Ingesting(large, tmp_path_factory.mktemp("timed") / "workspace").finish()


@pytest.mark.slow
@pytest.mark.parametrize("part", [0.2, 0.5, 0.8])
def test_killed_at_any_moment(large, small, workspace, duration, part):
    """What was there is there, what was not finished is not, and the next ingest works."""
    held = ingest(small, workspace)
    Ingesting(large, workspace).kill(duration * (part + random.uniform(-0.2, 0.2)))
    found = Catalog(workspace).datasets()
    assert (found[0].sha256, found[0].ingested_at) == (held.sha256, held.ingested_at)
    assert [d.name for d in found] in (["small"], ["small", "large"])
    assert [rows_in(workspace, d) for d in found] == [3, 5_000][: len(found)]
    dataset = ingest(large, workspace)
    assert rows_in(workspace, dataset) == 5_000
    assert [d.name for d in Catalog(workspace).datasets()] == ["small", "large"]
    assert OpenDataset(dataset, workspace).profiles.num_rows == 1


@pytest.mark.slow
def test_killed_while_it_reads_again(large, workspace, duration):
    """The table is written in place of the old one, which must stay readable at its version."""
    first = ingest(large, workspace)
    Ingesting(large, workspace, again=True).kill(duration * random.uniform(0.2, 0.9))
    (found,) = Catalog(workspace).datasets()
    assert rows_in(workspace, found) == 5_000
    assert found.sha256 == first.sha256
    assert rows_in(workspace, ingest(large, workspace, again=True)) == 5_000


REAL = [
    "bcsq/brentp__slivar__with-bcsq.vcf", "clinvar/brentp__slivar__clinvar_20191007.vcf.gz",
    "gvcf/broadinstitute__gatk__NA12878.AS.chr20snippet.g.vcf", "ploidy_organism/samtools__bcftools__norm.vcf",
    "sv/jamescasbon__PyVCF__example-4.1-sv.vcf", "vep_csq/Clinical-Genomics__scout__clinvar.vcf",
]  # fmt: skip


@pytest.mark.slow
def test_real_files_with_their_graph(with_graph, data_folder, workspace):
    """The other tests leave the graph out; here every kind of file goes the whole way, into one workspace."""
    for name in REAL:
        ingest(data_folder / "annotated" / name, workspace)
    assert len(Catalog(workspace).datasets()) == len(REAL)
    generations = {d.graph_generation for d in Catalog(workspace).datasets()}
    assert len(generations) == 1
    assert [p.name for p in (workspace / "graph").glob("*.kuzu")] == [f"{generations.pop()}.kuzu"]

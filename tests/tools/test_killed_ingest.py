"""An ingest that is killed, or finds no room: a reader sees the state before, and the next run completes."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from vcf_agent.memory.catalog import Catalog
from vcf_agent.memory.errors import InputError
from vcf_agent.memory.variant_table import VariantTable
from vcf_agent.tools.apart import worker
from vcf_agent.tools.context import ToolContext
from vcf_agent.tools.dataset import OpenDataset
from vcf_agent.tools.ingest import LARGE, ingest
from vcf_agent.tools.whole_datasets import remove_dataset

RECORDS = 60_000
HEADER = (
    "##fileformat=VCFv4.2\n##contig=<ID=1>\n"
    '##INFO=<ID=ANN,Number=.,Type=String,Description="a">\n##FORMAT=<ID=GT,Number=1,Type=String,Description="g">\n'
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tone\ttwo\n"
)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Large enough that its ingest gets a process of its own."""
    path = tmp_path_factory.mktemp("large") / "large.vcf"
    lines = (
        f"1\t{100 + i}\trs{i}\tA\tG\t50\tPASS\tANN=G|missense_variant|MODERATE|GENE{i % 50}|E{i}|transcript|T{i}\t"
        f"GT\t0/1\t{'1/1' if i % 3 else './.'}\n"
        for i in range(RECORDS)
    )
    path.write_text(HEADER + "".join(lines))
    assert path.stat().st_size > LARGE
    return path


@pytest.fixture(scope="module")
def small(large: Path) -> Path:
    path = large.with_name("small.vcf")
    path.write_text(HEADER + "1\t5\t.\tA\tG\t50\tPASS\t.\tGT\t0/1\t./.\n")
    return path


def start(path: Path, workspace: Path) -> "subprocess.Popen[bytes]":
    code = "import sys; from vcf_agent.ui.cli import main; main()"
    command = [sys.executable, "-c", code, "ingest", str(path), "--workspace", str(workspace)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def end_of(process: "subprocess.Popen[bytes]") -> int:
    process.communicate()
    return process.returncode


def children_of(pid: int) -> list[int]:
    """The processes below one, as far as Linux tells."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            child = int(stat.parent.name)
            found += [child, *children_of(child)]
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + 10
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < deadline, "a process of a killed ingest lives on"
        time.sleep(0.02)


def rows_of(workspace: Path, name: str) -> int:
    dataset = Catalog(workspace).by_name(name)
    return VariantTable(workspace, dataset.sha256, dataset.table_version).count("")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for child processes in /proc")
@pytest.mark.parametrize("kills", [5, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_at_random_moments(kills: int, large: Path, small: Path, workspace: Path, run) -> None:
    ingest(small, workspace)
    moments = random.Random(kills)
    began = time.monotonic()
    whole = start(large, workspace.with_name("measured"))
    assert end_of(whole) == 0
    duration = time.monotonic() - began
    for _ in range(kills):
        process = start(large, workspace)
        time.sleep(moments.uniform(0.0, 1.1) * duration)
        below = children_of(process.pid)
        victim = moments.choice([process.pid, process.pid, *below[:1]])
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
        process.communicate()
        assert rows_of(workspace, "small") == 1
        if Catalog(workspace).by_name("large"):  # it was done before
            assert rows_of(workspace, "large") == RECORDS
            remove_dataset(workspace, Catalog(workspace).by_name("large").sha256)
        wait_until_gone(below)
    assert end_of(start(large, workspace)) == 0
    assert rows_of(workspace, "large") == RECORDS
    data = OpenDataset(Catalog(workspace).by_name("large"), workspace)
    assert len(set(data.table.columns(["pos"])["pos"].to_pylist())) == RECORDS
    assert run(ToolContext(workspace, []), "check_stores").value is True
    assert not list((workspace / "graph").glob(".writing-*"))
    assert len(list((workspace / "graph").iterdir())) == 1


def test_two_ingests_of_one_file_at_once(large: Path, workspace: Path) -> None:
    both = [start(large, workspace), start(large, workspace)]
    assert [end_of(process) for process in both] == [0, 0]
    assert rows_of(workspace, "large") == RECORDS
    assert len(Catalog(workspace).datasets()) == 1
    before = Catalog(workspace).datasets()
    assert end_of(start(large, workspace)) == 0  # a third time changes nothing
    assert Catalog(workspace).datasets() == before


def test_a_child_that_dies_is_told_and_leaves_nothing(large: Path, workspace: Path) -> None:
    process = start(large, workspace)
    deadline = time.monotonic() + 30
    while not (below := children_of(process.pid)) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(below[0], signal.SIGKILL)
    _, said = process.communicate()
    assert process.returncode == 2
    assert b"ended with SIGKILL" in said
    assert b"Traceback" not in said
    assert Catalog(workspace).datasets() == []


def test_an_error_of_the_child_is_the_parents_error(tmp_path: Path, workspace: Path) -> None:
    bad = tmp_path / "bad.vcf"
    bad.write_text(HEADER + "1\t5\t.\tA\tG\t50\tPASS\t.\tGT\t0/1\t./.\n1\tx\t.\tA\tG\t.\t.\t.\tGT\t0/1\t0/1\n")
    read, write = os.pipe()
    with pytest.raises(InputError, match="line 7"), worker(read, None, apart=True) as do:
        do("tables", path=str(bad), sha256="0" * 64, workspace=str(workspace), tables=None)
    os.close(read)
    os.close(write)

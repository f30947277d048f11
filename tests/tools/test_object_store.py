"""Tables on an object store: a local S3 server, with the same answers as the tables of a folder."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from vcf_agent.agent.settings import load_settings
from vcf_agent.memory.catalog import Catalog
from vcf_agent.memory.errors import InputError, StorageError
from vcf_agent.tools.context import ToolContext
from vcf_agent.tools.dataset import OpenDataset
from vcf_agent.tools.ingest import ingest
from vcf_agent.tools.whole_datasets import remove_dataset

BUCKET = "genomes"
URI = f"s3://{BUCKET}/lab-one"
CALLS: list[tuple[str, dict[str, object]]] = [
    ("count_variants", {"filters": ["PASS"]}),
    ("list_variants", {"types": ["indel"], "limit": 20}),
    ("group_variants", {"by": "gene"}),
    ("sample_statistics", {}),
    ("query_table", {"sql": "SELECT change, count(*) AS n FROM variants GROUP BY change ORDER BY change"}),
    ("find_similar", {"variant": "LIKE"}),
]


class Server:
    """A moto server on a free port, which can be ended."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        code = "import sys; from moto.server import main; sys.exit(main(['-H', '127.0.0.1', '-p', sys.argv[1]]))"
        self.port = _free_port()
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, str(self.port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.url = f"http://127.0.0.1:{self.port}"
        given = {"AWS_ENDPOINT": self.url, "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1",
                 "AWS_ACCESS_KEY_ID": "AKIASECRETID", "AWS_SECRET_ACCESS_KEY": "s3cr3t"}  # fmt: skip
        for name, value in given.items():
            patch.setenv(name, value)
        self.client = self._wait()
        self.client.create_bucket(Bucket=BUCKET)

    def _wait(self):
        import boto3
        from botocore.exceptions import BotoCoreError

        client = boto3.client("s3", endpoint_url=self.url, region_name="us-east-1")
        for _ in range(100):
            try:
                client.list_buckets()
                return client
            except BotoCoreError:
                time.sleep(0.2)
        raise AssertionError("moto did not start")

    def stored(self) -> list[str]:
        found = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        return [each["Key"] for page in found for each in page.get("Contents", [])]

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def _free_port() -> int:
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait_for(port: int) -> None:
    """Until something listens there."""
    import socket

    for _ in range(100):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
    raise AssertionError("nothing listens")


@pytest.fixture
def server() -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as patch:
        started = Server(patch)
        yield started
        started.end()
        started.client.close()


def opened(dataset, workspace: Path) -> ToolContext:
    return ToolContext(workspace, [OpenDataset(dataset, workspace)], dataset.path.parent, 0)


def answers(context: ToolContext, run) -> list[object]:
    first = context.dataset(None).table.columns(["chrom", "pos", "ref", "alt"], "key = 65537").to_pylist()[0]
    variant = ":".join(str(v) for v in first.values())
    found = []
    for name, arguments in CALLS:
        given = {k: variant if v == "LIKE" else v for k, v in arguments.items()}
        result = run(context, name, **given)
        found.append((name, result.text, result.value, [t.rows for t in result.tables]))
    return found


def test_the_same_answers_as_from_a_folder(server, example, tmp_path, run):
    local = ingest(example, tmp_path / "local")
    remote = ingest(example, tmp_path / "remote", tables=URI)
    assert remote.tables
    assert remote.tables.startswith(URI + "/")
    assert not (tmp_path / "remote" / "tables").exists()
    assert {k: v for k, v in remote.summary.items() if k != "tables"} == local.summary
    assert answers(opened(remote, tmp_path / "remote"), run) == answers(opened(local, tmp_path / "local"), run)


def test_again_and_indexes_and_removing(server, example, tmp_path, monkeypatch, run):
    monkeypatch.setattr("vcf_agent.memory.variant_table.INDEXED_FROM", 100)
    workspace = tmp_path / "workspace"
    first = ingest(example, workspace)
    assert first.tables is None
    moved = ingest(example, workspace, again=True, tables=URI)
    again = ingest(example, workspace, again=True, tables=URI)
    assert again.tables == moved.tables
    assert again.table_version > moved.table_version
    for dataset in (first, moved, again):  # an open dataset reads on
        assert run(opened(dataset, workspace), "count_variants").value == 2000
    assert any("_indices" in key for key in server.stored())
    remove_dataset(workspace, again.sha256)
    assert server.stored() == []
    assert Catalog(workspace).datasets() == []


def test_nothing_of_the_credentials_is_kept(server, example, tmp_path):
    ingest(example, tmp_path / "workspace", tables=URI)
    for path in (tmp_path / "workspace").rglob("*"):
        if path.is_file():
            assert b"s3cr3t" not in path.read_bytes()
            assert b"AKIASECRETID" not in path.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("uri", "change", "said"),
    [
        ("s3://no-such-bucket/x", {}, "no such bucket"),
        (URI, {"AWS_ENDPOINT": "http://127.0.0.1:9"}, "cannot be reached"),
        (URI, {"AWS_ALLOW_HTTP": "false"}, "AWS_ALLOW_HTTP"),
    ],
)
def test_a_store_that_cannot_be_used(server, example, tmp_path, monkeypatch, uri, change, said):
    for name, value in change.items():
        monkeypatch.setenv(name, value)
    start = time.monotonic()
    with pytest.raises(StorageError, match=said) as told:
        ingest(example, tmp_path / "workspace", tables=uri)
    assert "AWS_ENDPOINT" in told.value.way_out
    assert "SECRET" not in str(told.value)
    assert time.monotonic() - start < 30
    assert Catalog(tmp_path / "workspace").datasets() == []


@pytest.mark.slow
def test_denied(server, example, tmp_path, monkeypatch):
    ingest(example, tmp_path / "workspace", tables=URI)
    server.client.close()
    server.end()
    monkeypatch.setenv("INITIAL_NO_AUTH_ACTION_COUNT", "0")  # moto then checks keys, and knows none
    with pytest.MonkeyPatch.context() as patch:
        locked = Server.__new__(Server)
        locked.port = server.port
        code = f"from moto.server import main; main(['-H', '127.0.0.1', '-p', '{server.port}'])"
        locked.process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL,
                                          stderr=subprocess.DEVNULL)  # fmt: skip
        locked.url = server.url
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        _wait_for(server.port)
        with pytest.raises(StorageError, match="denies access") as told:
            ingest(example, tmp_path / "other", tables=URI)
        assert "AKIASECRETID" not in str(told.value)
        locked.end()


@pytest.mark.slow
def test_gone_in_mid_read(server, example, tmp_path, run):
    workspace = tmp_path / "workspace"
    context = opened(ingest(example, workspace, tables=URI), workspace)
    assert run(context, "count_variants").value == 2000
    server.end()
    start = time.monotonic()
    for name, arguments in (("list_variants", {}), ("sample_statistics", {}), ("group_variants", {"by": "gene"})):
        with pytest.raises(StorageError, match="cannot be reached"):
            run(context, name, **arguments)
    assert time.monotonic() - start < 60


READ = """
import sys, time
from pathlib import Path
from vcf_agent.memory.catalog import Catalog
from vcf_agent.tools.dataset import OpenDataset
workspace, n = Path(sys.argv[1]), 0
end = time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    for dataset in Catalog(workspace).datasets():
        table = OpenDataset(dataset, workspace).table
        assert table.count("") == dataset.summary["rows"], dataset.name
        assert table.columns(["record"])["record"].to_pylist()[-1] == dataset.summary["records"] - 1
        n += dataset.name == "cohort"
print(n)
"""


def read_while_written(workspace: Path, example: Path, other: Path, tables: str | None) -> None:
    ingest(example, workspace, tables=tables)
    readers = [
        subprocess.Popen([sys.executable, "-c", READ, str(workspace), "8"], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for _ in range(2):
        ingest(example, workspace, again=True, tables=tables)
        ingest(other, workspace, again=True, tables=tables)
    for reader in readers:
        assert int(reader.communicate()[0]) > 0
        assert reader.returncode == 0
    assert {d.name for d in Catalog(workspace).datasets()} == {"cohort", "other"}


@pytest.fixture
def other(tmp_path) -> Path:
    path = tmp_path / "other.vcf"
    rows = "".join(f"1\t{i + 1}\t.\tA\t{random.choice('CGT')}\t.\tPASS\t.\n" for i in range(30_000))
    path.write_text("##fileformat=VCFv4.2\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n" + rows)
    return path


@pytest.mark.slow
def test_two_read_while_one_writes_to_the_store(server, example, other, tmp_path):
    read_while_written(tmp_path / "workspace", example, other, URI)


@pytest.mark.slow
def test_two_read_while_one_writes_to_a_folder(example, other, tmp_path):
    read_while_written(tmp_path / "workspace", example, other, None)


@pytest.mark.slow
def test_killed_in_mid_write(server, other, example, tmp_path):
    """Nothing is seen of it, and the next run completes."""
    workspace = tmp_path / "workspace"
    kept = ingest(example, workspace, tables=URI)
    for part in (0.3, 0.6, 0.9, 1.2):
        code = "from vcf_agent.ui.cli import main; main()"
        command = [sys.executable, "-c", code, "ingest", str(other), "--workspace", str(workspace)]
        child = subprocess.Popen(command, env=os.environ | {"VCF_AGENT_TABLES": URI}, stdout=subprocess.DEVNULL)
        time.sleep(1.0 + part)
        child.kill()
        child.wait()
        if len(found := Catalog(workspace).datasets()) > 1:
            break
        assert [d.sha256 for d in found] == [kept.sha256]
        assert OpenDataset(found[0], workspace).table.count("") == kept.summary["rows"]
    dataset = ingest(other, workspace, tables=URI)
    assert OpenDataset(dataset, workspace).table.count("") == 30_000


def test_the_setting(tmp_path):
    given = {"VCF_AGENT_TABLES": "s3://bucket/pre/fix/", "VCF_AGENT_SETTINGS": str(tmp_path / "settings.toml")}
    (tmp_path / "settings.toml").write_text('tables = "s3://from-file"\n')
    assert load_settings(environ=given).tables == "s3://bucket/pre/fix"
    assert load_settings(environ=given, tables="s3://argument").tables == "s3://argument"
    assert load_settings(environ=given | {"VCF_AGENT_TABLES": ""}).tables == "s3://from-file"
    with pytest.raises(InputError, match="local_only"):
        load_settings(environ=given | {"VCF_AGENT_LOCAL_ONLY": "1"})


@pytest.mark.parametrize(
    "uri",
    ["/folder", "s3://", "s3://key:secret@bucket/x", "http://bucket/x", "s3://bucket/x?key=secret", "s3://b ucket"],
)
def test_what_is_no_uri(uri):
    with pytest.raises(InputError, match="object store") as told:
        load_settings(environ={}, tables=uri)
    assert "secret" not in str(told.value)

"""The primary key: without it, rows that several processes merge into a table at once are there several times."""

import subprocess
import sys

import pyarrow as pa
from vcf_agent.memory.variant_table import open_table, write_table
from vcf_agent.tools.ingest import ingest

PROCESSES, ROUNDS = 3, 8
SCHEMA = pa.schema([("key", pa.int64()), ("writer", pa.string())])
POSITION = b"lance-schema:unenforced-primary-key:position"


MERGE = """
import sys
import pyarrow as pa
from pathlib import Path
from vcf_agent.memory.variant_table import open_table
table = open_table(Path(sys.argv[1]), "variants-x")
print("ready", flush=True)
sys.stdin.readline()
for i in range(int(sys.argv[2])):
    new = pa.table({"key": [i * 2, i * 2 + 1], "writer": ["later"] * 2}, schema=table.schema)
    table.merge_insert("key").when_matched_update_all().when_not_matched_insert_all().execute(new)
"""


def test_processes_that_merge_the_same_rows_leave_no_duplicate(tmp_path):
    write_table(
        tmp_path,
        "variants-x",
        SCHEMA,
        "key",
        pa.table({"key": [198, 199], "writer": ["first"] * 2}, schema=SCHEMA).to_batches(),
    )
    command = [sys.executable, "-c", MERGE, str(tmp_path), str(ROUNDS)]
    writers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(PROCESSES)]
    assert [writer.stdout.readline() for writer in writers if writer.stdout] == [b"ready\n"] * PROCESSES
    for writer in writers:
        assert writer.stdin
        writer.stdin.write(b"go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate()
    assert [writer.returncode for writer in writers] == [0] * PROCESSES
    keys = open_table(tmp_path, "variants-x").to_arrow()["key"].to_pylist()
    assert sorted(keys) == [*range(2 * ROUNDS), 198, 199]


def test_every_table_of_a_dataset_declares_its_key(example, tmp_path):
    dataset = ingest(example, tmp_path)
    for kind, key in (("variants", "key"), ("profiles", "profile"), ("signatures", "signature")):
        table = open_table(tmp_path, f"{kind}-{dataset.sha256[:16]}")
        declared = {f.name: f.nullable for f in table.schema if f.metadata and POSITION in f.metadata}
        assert declared == {key: False}
    found = open_table(tmp_path, f"variants-{dataset.sha256[:16]}").to_arrow()
    expected = [r << 16 | a for r, a in zip(found["record"].to_pylist(), found["allele"].to_pylist(), strict=True)]
    assert found["key"].to_pylist() == expected
    assert len(set(expected)) == len(expected)

import os
import sqlite3
import subprocess
import sys
import threading

import pytest
from vcf_agent.memory.catalog import Catalog, Dataset, stamp_of
from vcf_agent.memory.errors import StorageError


def dataset(letter="a", name="trio", generation=1, at="2026-01-01", **summary):
    return Dataset(letter * 64, name, f"/data/{name}.vcf", 1, generation, at, {"samples": ["A"]} | summary)


@pytest.fixture
def catalog(tmp_path):
    return Catalog(tmp_path / "workspace")


def names(catalog):
    return [(d.sha256[0], d.name) for d in catalog.datasets()]


def test_looking_makes_nothing(catalog, tmp_path):
    (tmp_path / "some.vcf").touch()
    assert catalog.datasets() == []
    assert catalog.by_digest("a" * 64) is None
    assert catalog.by_name("trio") is None
    assert catalog.known_digest(tmp_path / "some.vcf") is None
    assert not catalog.workspace.exists()


def test_what_is_committed_comes_back(catalog):
    made = dataset(info=[{"id": "DP"}], filters={"é": 1, "'; DROP TABLE datasets; --": 2}, build=None)
    catalog.commit(made, "stamp")
    (found,) = Catalog(catalog.workspace).datasets()
    assert (found.sha256, found.name, str(found.path)) == (made.sha256, made.name, made.path)
    assert found.summary == made.summary
    assert found.samples == ["A"]
    assert catalog.by_digest(made.sha256) == found
    assert catalog.by_digest("b" * 64) is None


def test_the_newest_of_a_name_and_the_order_of_all(catalog):
    for letter, at in (("a", "2026-01-02"), ("b", "2026-01-03"), ("c", "2026-01-01")):
        catalog.commit(dataset(letter, "trio", at=at), "stamp")
    assert names(catalog) == [("c", "trio"), ("a", "trio"), ("b", "trio")]
    assert catalog.by_name("trio").sha256 == "b" * 64
    assert catalog.by_name("TRIO") is None


def test_one_generation_of_the_graph_holds_for_all(catalog):
    catalog.commit(dataset("a", generation=1), "stamp")
    catalog.commit(dataset("b", generation=2), "stamp")
    assert {d.graph_generation for d in catalog.datasets()} == {2}


def test_the_same_digest_again_replaces(catalog):
    catalog.commit(dataset("a", "old"), "stamp")
    catalog.commit(dataset("a", "new"), "stamp")
    assert names(catalog) == [("a", "new")]


def test_generations_are_never_given_twice(catalog):
    given = [catalog.next_generation() for _ in range(3)]
    given.append(Catalog(catalog.workspace).next_generation())
    assert given == [1, 2, 3, 4]


def test_generations_asked_for_at_once_differ(catalog):
    given = []
    threads = [threading.Thread(target=lambda: given.append(catalog.next_generation())) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(given) == list(range(1, 13))


def test_a_digest_is_known_while_the_file_stays(catalog, tmp_path):
    path = tmp_path / "some.vcf"
    path.write_text("one")
    catalog.remember_digest(path, stamp_of(path), "a" * 64)
    assert catalog.known_digest(path) == "a" * 64
    assert catalog.known_digest(tmp_path) is None
    path.write_text("two")
    assert catalog.known_digest(path) is None
    catalog.remember_digest(path, stamp_of(path), "b" * 64)
    assert catalog.known_digest(path) == "b" * 64


def test_a_stamp_tells_another_file_of_the_same_size_and_time(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    for path in (first, second):
        path.write_text("same")
        os.utime(path, (1, 1))
    assert stamp_of(first) != stamp_of(second)
    with pytest.raises(FileNotFoundError):
        stamp_of(tmp_path / "none")


def test_a_transaction_that_fails_leaves_nothing(catalog):
    catalog.commit(dataset("a"), "stamp")
    with pytest.raises(ZeroDivisionError), catalog.write() as connection:
        connection.execute("DELETE FROM datasets")
        raise ZeroDivisionError
    assert names(catalog) == [("a", "trio")]


def test_a_transaction_cut_short_by_a_kill_leaves_nothing(catalog):
    catalog.commit(dataset("a"), "stamp")
    killed = (
        "import os, sys; from pathlib import Path; from vcf_agent.memory.catalog import Catalog\n"
        "with Catalog(Path(sys.argv[1])).write() as c:\n"
        "    c.execute('DELETE FROM datasets')\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", killed, str(catalog.workspace)])
    assert done.returncode == -9
    assert names(catalog) == [("a", "trio")]
    assert catalog.next_generation() == 1


@pytest.mark.parametrize("name", ["with space", "per%20cent", "que?ry=1", "ha#sh", "ünï", "semi;colon", "-dash"])
def test_any_folder_name_will_do(tmp_path, name):
    catalog = Catalog(tmp_path / name / "deeper")
    catalog.commit(dataset(), "stamp")
    assert names(catalog) == [("a", "trio")]


def test_reading_does_not_write(catalog):
    """Also a workspace on a read-only disk can be asked."""
    catalog.commit(dataset(), "stamp")
    before = {p: p.stat().st_mtime_ns for p in catalog.workspace.iterdir()}
    assert names(catalog) == [("a", "trio")]
    assert catalog.known_digest(catalog.file) is None
    assert {p: p.stat().st_mtime_ns for p in catalog.workspace.iterdir()} == before


def complaint(action, catalog):
    with pytest.raises(StorageError) as raised:
        action()
    message = str(raised.value)
    assert "\n" not in message
    assert str(catalog.workspace) in message
    assert "--workspace" in raised.value.way_out
    return message


def test_a_file_in_place_of_the_folder(tmp_path):
    taken = tmp_path / "taken"
    taken.touch()
    for folder in (taken, taken / "below"):
        catalog = Catalog(folder)
        assert "cannot be written" in complaint(catalog.next_generation, catalog)


def test_what_is_no_database(catalog):
    catalog.workspace.mkdir()
    catalog.file.write_bytes(b"this is no database, but longer than a header of one would be" * 20)
    assert "cannot be read" in complaint(catalog.datasets, catalog)
    assert "cannot be written" in complaint(catalog.next_generation, catalog)


def test_a_database_without_its_tables(catalog):
    """As a kill between making the file and its first table leaves it."""
    catalog.workspace.mkdir()
    catalog.file.touch()
    assert catalog.datasets() == []
    assert catalog.by_name("trio") is None
    assert catalog.next_generation() == 1


def test_a_database_locked_for_good_is_told(catalog, monkeypatch):
    catalog.commit(dataset(), "stamp")
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: connect(*a, **k | {"timeout": 0.05}))
    holder = connect(catalog.file, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    assert "locked" in complaint(catalog.next_generation, catalog)
    holder.close()
    assert catalog.next_generation() == 1


def test_an_older_format_is_read_again(catalog):
    """`FORMAT` promises it: datasets that were stored in another format are not used."""
    catalog.commit(dataset(), "stamp")
    with sqlite3.connect(catalog.file) as connection:
        connection.execute("UPDATE state SET value = 0 WHERE key = 'format'")
    connection.close()
    assert catalog.by_digest("a" * 64) is None

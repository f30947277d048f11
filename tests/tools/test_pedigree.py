"""PED files, good and hostile."""

import re
from pathlib import Path

import pytest
from vcf_agent.memory.errors import InputError
from vcf_agent.tools.pedigree import Pedigree, read_pedigree


def test_the_example(example: Path) -> None:
    people = read_pedigree(example.with_name("family.ped"))
    assert people.affected() == ["DEV"]
    assert people.parents_of("LILA") == ["ARUN", "MIRA"]
    assert people.parents_of("OTTO") == people.parents_of("nobody") == []
    assert (people.sex("MIRA"), people.status("DEV"), people.status("MIRA")) == ("female", "affected", "unaffected")
    again = Pedigree.from_rows(people.to_rows())
    assert again.people == people.people


@pytest.mark.parametrize("text", [
    "#fam\tid\tdad\tmum\tsex\tphen\nF\tA B\tD\t0\t1\t2\textra\n\n",
    "\ufeffF\tA B\tD\t0\t1\t2\r\n",
])  # fmt: skip
def test_forms(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.ped"
    path.write_text(text, newline="")
    people = read_pedigree(path)
    assert people.affected() == ["A B"]
    assert people.parents_of("A B") == ["D"]


def test_blanks_and_unknowns(tmp_path: Path) -> None:
    path = tmp_path / "a.ped"
    path.write_text("F  A  0 0   -1 -9\nF B A 0 other 0\n")
    people = read_pedigree(path)
    assert (people.affected(), people.sex("A"), people.status("A")) == ([], None, None)


@pytest.mark.parametrize(("text", "said"), [
    ("", "names nobody"),
    ("# only a comment\n", "names nobody"),
    ("F A 0 0 1 2\nF B 0 0 1\n", "line 2: 5 columns"),
    ("F A 0 0 3 2\n", "line 1: the sex '3'"),
    ("F A 0 0 1 1.5\n", "line 1: the phenotype '1.5'"),
    ("F A 0 0 1 2\nG A 0 0 1 2\n", "line 2: A stands twice"),
    ("F A A 0 1 2\n", "line 1: A has impossible parents"),
    ("F C A A 1 2\n", "line 1: C has impossible parents"),
    ("F 0 0 0 1 2\n", "line 1: no name"),
    ("F A 0 0 2 1\nF C A 0 1 1\n", "A, a parent of C, is female"),
    ("F A B 0 1 1\nF B A 0 1 1\n", "A is an own ancestor"),
    ("F A\0 0 0 1 1\n", "not text"),
    ("F \x1b[31mA 0 0 9 1\n", "line 1: the sex '9'"),
])  # fmt: skip
def test_hostile(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "a.ped"
    path.write_text(text)
    with pytest.raises(InputError, match=re.escape(said)) as error:
        read_pedigree(path)
    assert "\x1b" not in str(error.value)


def test_not_utf8_and_not_there(tmp_path: Path) -> None:
    path = tmp_path / "a.ped"
    path.write_bytes(b"F \xff 0 0 1 2\n")
    with pytest.raises(InputError, match="UTF-8"):
        read_pedigree(path)
    for missing in (tmp_path / "none.ped", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            read_pedigree(missing)

"""Every question that a command answers is asked of the tools, and the answers are the same.

The commands run where a bcftools with its plugins is on PATH; elsewhere what bcftools 1.16 gave stands for them.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pysam
import pysam.bcftools
import pytest
from question_table import NOT_ANSWERED, QUESTIONS, Question
from vcf_agent.tools.context import ToolContext
from vcf_agent.tools.pedigree import read_pedigree

HERE = Path(__file__).resolve().parents[2].parent / "shared" / "questions"
QUESTION_FILE = HERE / "questions.jsonl"
BED_HEADER = '##INFO=<ID=GENE,Number=1,Type=String,Description="Gene">\n'


@cache
def asked() -> dict[str, dict[str, str]]:
    """The questions with a command, by their names."""
    lines = QUESTION_FILE.read_text().splitlines() if QUESTION_FILE.is_file() else []
    found = [json.loads(line) for line in lines]
    return {q["id"]: q for q in found if q["kind"] == "exact"}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the questions, compressed and indexed as the commands want them."""
    if not asked():
        pytest.skip(f"{QUESTION_FILE} is not here")
    folder = tmp_path_factory.mktemp("questions")
    subprocess.run([sys.executable, str(HERE / "make_fixture.py"), str(folder)], check=True, capture_output=True)
    for path in folder.glob("*.vcf"):
        if path.stem not in ("unsorted", "nodef"):
            _compress(path, "vcf")
    _compress(folder / "genes.bed", "bed")
    (folder / "gene.hdr").write_text(BED_HEADER)
    child = pysam.bcftools.view("-s", "CHILD", str(folder / "cohort.vcf.gz"))
    (folder / "a.vcf").write_text(child)
    _compress(folder / "a.vcf", "vcf")
    return folder


def _compress(path: Path, preset: str) -> None:
    pysam.tabix_compress(str(path), f"{path}.gz", force=True)
    pysam.tabix_index(f"{path}.gz", preset=preset, force=True)


@pytest.fixture(scope="module")
def truth(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """What a question's command prints."""
    folder = tmp_path_factory.mktemp("commands")
    shutil.copytree(files, folder, dirs_exist_ok=True)

    def ask(name: str) -> str:
        question = asked()[name]
        if not has_plugins():
            return question["answer_bcftools_1_16"]
        done = subprocess.run(["bash", "-c", question["command"]], cwd=folder, capture_output=True, text=True)
        return done.stdout

    return ask


@cache
def has_plugins() -> bool:
    program = shutil.which("bcftools")
    if not program:
        return False
    done = subprocess.run([program, "plugin", "-l"], capture_output=True, text=True)
    return "split-vep" in done.stdout


def tidy(text: str, in_order: bool, head: int | None) -> list[str]:
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    return (lines if in_order else sorted(lines))[:head]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.id)
def test_the_tool_gives_what_the_command_gives(library, run, files, truth, monkeypatch, question: Question):
    monkeypatch.chdir(files)
    opened = [library(files / name) for name in question.files]
    context = ToolContext(opened[0].workspace, [d for o in opened for d in o.datasets], files, 60)
    context.pedigree = read_pedigree(files / "trio.ped")
    context.reference = files / "ref.fa"
    result = run(context, question.tool, **question.arguments)
    expected = tidy(question.prints(truth(question.id)), question.in_order, question.head)
    assert tidy(question.write(result), question.in_order, question.head) == expected
    assert {e.verified for e in result.evidence} <= {True, None}, [e.note for e in result.evidence]


def test_every_question_with_a_command_is_in_the_table():
    if not asked():
        pytest.skip(f"{QUESTION_FILE} is not here")
    assert sorted([*(q.id for q in QUESTIONS), *NOT_ANSWERED]) == sorted(asked())


def test_hemizygous_calls_are_told_where_homozygous_ones_are_counted(library, run, files):
    homozygous = {"genotype": "hom_alt", "how_many": "exactly", "n": 1}
    result = run(library(files / "cohort.vcf.gz"), "count_variants", genotypes=[homozygous])
    assert result.value == 44
    assert "with hemizygous calls counted as homozygous it would be 49" in result.reading
    either = {**homozygous, "genotype": "hom_or_hemizygous_alt"}
    assert run(library(files / "cohort.vcf.gz"), "count_variants", genotypes=[either]).value == 49

"""The conformance corpus: the confusion matrix by class of error, and what users are promised of it.

The files tell their verdict in folder, name and a ##CauseOfFailure line: they are judged as copies with neutral names
in which that line says something else.
"""

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from vcf_agent.tools.validation.findings import Verdict
from vcf_agent.tools.validation.validate import validate

SUFFIXES = (".vcf", ".gz", ".bcf", ".bgz", ".xz", ".bz2", ".zip", ".z")
CORE, OTHER = 0.99, 0.95


@dataclass(frozen=True, slots=True)
class Judged:
    """A file of the manifest and our verdict on its copy."""

    path: str
    scored: str
    expected: str
    error_class: str
    verdict: Verdict

    @property
    def right(self) -> bool:
        return self.verdict.valid == (self.expected == "valid")


def neutral_copy(path: Path, folder: Path, number: int) -> Path:
    suffix = "".join(s for s in path.suffixes if s in SUFFIXES)
    copy = folder / f"file{number}{suffix}"
    text = path.read_bytes()
    copy.write_bytes(re.sub(rb"##CauseOfFailure=[^\r\n]*", b"##note=none", text))
    return copy


@pytest.fixture(scope="module")
def judged(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Judged]:
    folder = tmp_path_factory.mktemp("corpus")
    with (data_folder / "manifest.tsv").open() as manifest:
        rows = [r for r in csv.DictReader(manifest, delimiter="\t") if r["path"].startswith("conformance/")]
    return [
        Judged(r["path"], r["scored"], r["expected_verdict"], r["error_class"],
               validate(neutral_copy(data_folder / r["path"], folder, i)))
        for i, r in enumerate(rows)
    ]  # fmt: skip


def share_right(judged: list[Judged], scored: str, expected: str) -> float:
    these = [j for j in judged if (j.scored, j.expected) == (scored, expected)]
    return sum(j.right for j in these) / len(these)


def test_confusion_matrix(judged: list[Judged], record_property: Callable[[str, str], None]) -> None:
    record_property("printed", matrix(judged))
    assert share_right(judged, "core", "invalid") >= CORE  # sensitivity
    assert share_right(judged, "core", "valid") >= CORE  # specificity
    assert share_right(judged, "other", "invalid") >= OTHER
    assert share_right(judged, "other", "valid") >= OTHER
    assert all(j.right for j in judged if j.scored == "container")


def matrix(judged: list[Judged]) -> str:
    """One line for each kind of files and class of error: how many are judged invalid and valid."""
    table: dict[tuple[str, str, str], Counter[bool]] = defaultdict(Counter)
    for j in judged:
        table[j.scored, j.expected, j.error_class.partition(":")[0]][j.verdict.valid] += 1
    head = f"{'scored':10} {'expected':9} {'class of error':28} {'judged invalid':>14} {'judged valid':>12}"
    lines = [
        f"{scored:10} {expected:9} {name or '-':28} {found[False]:14} {found[True]:12}"
        for (scored, expected, name), found in sorted(table.items())
    ]
    shares = [
        f"{scored}: sensitivity {share_right(judged, scored, 'invalid'):.3f}, "
        f"specificity {share_right(judged, scored, 'valid'):.3f}"
        for scored in ("core", "other", "container")
    ]
    return "\n".join([head, *lines, *shares])


def test_meaning_is_warned_of(judged: list[Judged]) -> None:
    """Files whose form is right and whose content is odd give a warning that names it, and stay valid by that."""
    wanted = {"gvcf": {"GVCF_NON_REF", "GVCF_GAP"}, "gvcf-overlap": {"GVCF_OVERLAP"},
              "AC/AN-vs-GT": {"AC_GENOTYPES", "AN_GENOTYPES"}, "unused-ALT-allele": {"ALT_UNUSED"}}  # fmt: skip
    for j in judged:
        if j.scored == "semantic":
            assert wanted[j.error_class.removeprefix("semantic:")] & set(j.verdict.codes), j.path


def test_every_finding_can_be_acted_on(judged: list[Judged]) -> None:
    for j in judged:
        for finding in j.verdict.findings:
            assert finding.message and finding.fix and finding.code, j.path
            assert finding.line is None or finding.line >= 1
        if not j.verdict.valid:
            assert any(f.severity == "error" for f in j.verdict.findings), j.path


def test_annotated_files_do_not_stop_it(data_folder: Path) -> None:
    for path in sorted((data_folder / "annotated").glob("*/*")):
        verdict = validate(path)
        assert sum(verdict.codes.values()) == sum(verdict.counts.values())

"""One fault in a valid file gives one finding: its code, its line, its field, and no other."""

from collections import Counter
from pathlib import Path

import faults
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from valid_vcf import VERSIONS, Vcf, make
from vcf_agent.tools.validation.findings import Finding
from vcf_agent.tools.validation.rules import rules
from vcf_agent.tools.validation.validate import validate

FEW = settings(
    max_examples=3, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
SEEDS = st.integers(0, 40)


def findings_of(text: str, folder: Path) -> list[Finding]:
    path = folder / "file.vcf"
    path.write_bytes(text.encode())
    return validate(path, keep=None).findings


def assert_one(found: list[Finding], code: str, line: int | None, field: str) -> None:
    assert [(f.code, f.line, f.field or "") for f in found] == [(code, line, field)]
    assert found[0].message and found[0].fix


@pytest.mark.parametrize("version", VERSIONS)
def test_a_valid_file_has_no_finding(version: str, tmp_path: Path) -> None:
    for seed in range(20):
        assert findings_of(make(version, seed).text(), tmp_path) == []


def plain_records(vcf: Vcf) -> list[int]:
    """Records with one ALT allele of bases, on chr2, not the first there."""
    number = len(vcf.records)
    return [i for i in range(number // 2 + 1, number) if vcf.records[i][4].isalpha()]


def names(table: list[faults.Fault]) -> list[str]:
    return [f"{i}-{fault.code}" for i, fault in enumerate(table)]


SMALL = faults.SITE + faults.INFO + faults.GENOTYPE


@pytest.mark.parametrize("fault", SMALL, ids=names(SMALL))
@FEW
@given(seed=SEEDS, data=st.data())
def test_a_fault_in_a_record(fault: faults.Fault, seed: int, data: st.DataObject, tmp_path: Path) -> None:
    vcf = make(data.draw(st.sampled_from(fault.versions.split())), seed)
    at = data.draw(st.sampled_from(plain_records(vcf)))
    if fault.code == "FIRST_BASE":
        vcf.records[at][3] = "A"
    if fault.code in ("ALT_SYNTAX", "ALT_SYMBOL", "ALT_UNDECLARED"):
        vcf.records[at][7] = "END=199000"
    fault.change(vcf.records[at])
    assert_one(findings_of(vcf.text(), tmp_path), fault.code, vcf.line_of(at), fault.field)


@pytest.mark.parametrize("fault", faults.STRUCTURAL, ids=names(faults.STRUCTURAL))
@FEW
@given(seed=SEEDS, data=st.data())
def test_a_fault_in_a_structural_variant(fault: faults.Fault, seed: int, data: st.DataObject, tmp_path: Path) -> None:
    vcf = make(data.draw(st.sampled_from(fault.versions.split())), seed)
    at = data.draw(st.sampled_from([i for i, r in enumerate(vcf.records) if r[4] == "<DEL>"]))
    fault.change(vcf.records[at])
    assert_one(findings_of(vcf.text(), tmp_path), fault.code, vcf.line_of(at), fault.field)


@pytest.mark.parametrize("fault", faults.HEADER, ids=[f"{i}-{fault.code}" for i, fault in enumerate(faults.HEADER)])
@FEW
@given(seed=SEEDS, data=st.data())
def test_a_fault_in_the_header(fault: faults.HeaderFault, seed: int, data: st.DataObject, tmp_path: Path) -> None:
    vcf = make(data.draw(st.sampled_from(fault.versions.split())), seed)
    line = faults.apply_to_header(vcf, fault)
    if fault.code in ("FILEFORMAT_MISSING", "FILEFORMAT_VERSION"):
        vcf = make("4.3", seed)  # without a version the rules of 4.3 hold
        line = faults.apply_to_header(vcf, fault)
    assert_one(findings_of(vcf.text(), tmp_path), fault.code, line, fault.field)


def test_each_rule_is_tried_three_ways() -> None:
    from test_faults_together import TOGETHER

    tried = Counter(f.code for f in [*SMALL, *faults.STRUCTURAL, *faults.HEADER]) + Counter(c for c, *_ in TOGETHER)
    elsewhere = {c for c, r in rules().items() if r.group in ("reference", "file") or c.startswith("GVCF")}
    assert {code: tried[code] for code in rules() if tried[code] < 3 and code not in elsewhere} == {}

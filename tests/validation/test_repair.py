"""A repair mends what its rules claim, tells what it left, and changes nothing else."""

import bz2
import gzip
import json
import lzma
import os
import random
import resource
import signal
import subprocess
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import faults
import pysam
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from valid_vcf import VERSIONS, Vcf, make
from vcf_agent.memory.errors import InputError
from vcf_agent.tools import bcftools
from vcf_agent.tools.validation import mend_records
from vcf_agent.tools.validation.repair import Repair, repair
from vcf_agent.tools.validation.rules import rules

FEW = settings(
    max_examples=2, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
SEEDS = st.integers(0, 40)


def mend(text: str | bytes, folder: Path, out: str = "out.vcf") -> tuple[Repair, str]:
    """The repair of a text, and the text of the result; the input is compared before and after."""
    data = text.encode() if isinstance(text, str) else text
    path = folder / "in.vcf"
    path.write_bytes(data)
    (folder / out).unlink(missing_ok=True)
    done = repair(path, folder / out)
    assert path.read_bytes() == data
    assert sorted(p.name for p in folder.iterdir()) == sorted(["in.vcf", out])
    return done, (folder / out).read_bytes().decode()


def without_note(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("##vcf_agent_repair=")]


def assert_mended(text: str, code: str, folder: Path, changed_lines: int = 1, number: int = 1) -> None:
    """The rule is kept now, nothing else is wrong, one line at most differs, and a second repair does nothing."""
    done, new = mend(text, folder)
    assert [(c.code, c.number) for c in done.changes] == [(code, number)]
    assert code in done.before.codes and done.after.codes == {}
    old_lines, new_lines = Counter(without_note(text)), Counter(without_note(new))
    assert (old_lines - new_lines).total() <= changed_lines and (new_lines - old_lines).total() <= changed_lines
    common = old_lines & new_lines
    assert in_common(without_note(text), common) == in_common(without_note(new), common)
    assert f'Rules="{code}"' in new
    again, same = mend(new, folder)
    assert again.changes == [] and same == new


def in_common(lines: list[str], common: Counter[str]) -> list[str]:
    return [line for line in dict.fromkeys(lines) if common[line]]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_valid_file_stays_as_it_is(version: str, tmp_path: Path) -> None:
    for seed in range(5):
        text = make(version, seed).text()
        done, new = mend(text, tmp_path)
        assert done.changes == [] and new == text and done.after.codes == {}


CLAIMED = {code for code, rule in rules().items() if rule.repaired}
SMALL = [f for f in faults.SITE + faults.INFO + faults.GENOTYPE if f.code in CLAIMED]
HEADER = [f for f in faults.HEADER if f.code in CLAIMED]


def ids(table: list) -> list[str]:
    return [f"{i}-{fault.code}" for i, fault in enumerate(table)]


@pytest.mark.parametrize("fault", SMALL, ids=ids(SMALL))
@FEW
@given(seed=SEEDS, data=st.data())
def test_a_fault_in_a_record(fault: faults.Fault, seed: int, data: st.DataObject, tmp_path: Path) -> None:
    versions = [v for v in fault.versions.split() if fault.code != "ALT_UNDECLARED" or v >= "4.3"]
    if not versions or fault.code in ("CONTIG_AGAIN", "POS_UNSORTED", "RECORD_REPEATED"):
        return
    vcf = make(data.draw(st.sampled_from(versions)), seed)
    at = data.draw(st.sampled_from([i for i in range(31, 59) if vcf.records[i][4].isalpha()]))
    if fault.code == "ALT_UNDECLARED":
        vcf.records[at][7] = "END=199000"
    fault.change(vcf.records[at])
    assert_mended(vcf.text(), fault.code, tmp_path)


@pytest.mark.parametrize("fault", HEADER, ids=ids(HEADER))
@FEW
@given(seed=SEEDS, data=st.data())
def test_a_fault_in_the_header(fault: faults.HeaderFault, seed: int, data: st.DataObject, tmp_path: Path) -> None:
    versions = ["4.2"] if fault.code == "FILEFORMAT_REPEATED" else fault.versions.split()
    vcf = make(data.draw(st.sampled_from(versions)), seed)
    faults.apply_to_header(vcf, fault)
    assert_mended(vcf.text(), fault.code, tmp_path)


def blank_line(vcf: Vcf) -> str:
    return vcf.text().replace("\nchr2\t", "\n\nchr2\t", 1)


def two_contigs_again(vcf: Vcf) -> str:
    vcf.records = [*vcf.records[:40], *vcf.records[-1:], *vcf.records[40:-1]]
    vcf.records[0], vcf.records[-1] = vcf.records[-1], vcf.records[0]
    return vcf.text()


def undeclared_contigs(vcf: Vcf) -> str:
    for record in vcf.records[30:]:
        record[0] = "chr3"
    return vcf.text()


def repeated_record(vcf: Vcf) -> str:
    at = next(i for i in range(31, 59) if vcf.records[i][4].isalpha())
    vcf.records.insert(at, list(vcf.records[at]))
    return vcf.text()


def later_column_line(vcf: Vcf) -> str:
    lines = vcf.text().split("\n")
    return "\n".join([*lines[: len(vcf.meta) + 11], *lines[: len(vcf.meta) + 1], *lines[len(vcf.meta) + 11 :]])


TEXTS: list[tuple[str, Callable[[Vcf], str], int]] = [
    ("NO_FINAL_NEWLINE", lambda vcf: vcf.text().rstrip("\n"), 1),
    ("CRLF", lambda vcf: vcf.text().replace("\n", "\r\n"), 0),
    ("CRLF", lambda vcf: vcf.text().replace("\n", "\r\n", 3), 3),
    ("BLANK_LINE", blank_line, 1),
    ("BLANK_LINE_AT_END", lambda vcf: vcf.text() + "\n", 1),
    ("BLANK_LINE_AT_END", lambda vcf: vcf.text() + "\n\n\n", 3),
    ("CONTIG_UNDECLARED", undeclared_contigs, 1),
    ("RECORD_REPEATED", repeated_record, 1),
    ("COLUMNS_REPEATED", later_column_line, 0),
]


@pytest.mark.parametrize(("code", "fault", "number"), TEXTS, ids=[f"{i}-{t[0]}" for i, t in enumerate(TEXTS)])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_fault_in_the_text(code: str, fault: Callable[[Vcf], str], number: int, version: str, tmp_path: Path) -> None:
    vcf = make(version, 3)
    text = fault(vcf)
    number = number or (text.count("\r\n") if code == "CRLF" else len(vcf.meta) + 1)
    changed = number if code in ("BLANK_LINE_AT_END", "COLUMNS_REPEATED") else 1
    if code == "COLUMNS_REPEATED":
        changed = len(vcf.meta) + 1
    assert_mended(text, code, tmp_path, changed, number)


ELSEWHERE = {"PLAIN_GZIP", "POS_UNSORTED", "CONTIG_AGAIN"}


def test_each_rule_that_claims_a_repair_has_a_fault_here() -> None:
    assert {f.code for f in [*SMALL, *HEADER]} | {t[0] for t in TEXTS} | ELSEWHERE == CLAIMED


@FEW
@given(seed=SEEDS, order=st.randoms(use_true_random=False))
def test_a_shuffled_file_is_sorted_as_bcftools_does(seed: int, order: random.Random, tmp_path: Path) -> None:
    vcf = make("4.3", seed)
    text = vcf.text()
    order.shuffle(vcf.records)
    done, new = mend(vcf.text(), tmp_path)
    assert {c.code for c in done.changes} <= {"POS_UNSORTED", "CONTIG_AGAIN"} and done.after.codes == {}
    assert without_note(new) == text.splitlines()
    sorted_by_it = bcftools.run(["sort", str(tmp_path / "in.vcf")], tmp_path).split("\n")
    ours = [tuple(line.split("\t")[:5]) for line in new.split("\n") if line and line[0] != "#"]
    assert ours == [tuple(line.split("\t")[:5]) for line in sorted_by_it if line and line[0] != "#"]


def test_sorting_on_disk_in_many_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mend_records, "RUN", 2000)
    monkeypatch.setattr(mend_records, "OPEN_RUNS", 3)
    vcf = make("4.2", 5, 400)
    text = vcf.text()
    random.Random(2).shuffle(vcf.records)
    assert without_note(mend(vcf.text(), tmp_path)[1]) == text.splitlines()


def test_records_of_one_position_stay_in_their_order(tmp_path: Path) -> None:
    lines = ["1\t9\t.\tA\tC\t.\t.\t.", "1\t5\tb\tA\tT\t.\t.\t.", "1\t5\ta\tA\tC\t.\t.\t."]
    assert mend(vcf_of(*lines), tmp_path)[1].split("\n")[-4:-1] == [lines[1], lines[2], lines[0]]


def vcf_of(*records: str, header: str = "") -> str:
    columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
    return "\n".join(["##fileformat=VCFv4.3", "##reference=r.fa", *header.split(), columns, *records]) + "\n"


def test_duplicates_that_sorting_brings_together(tmp_path: Path) -> None:
    same, other = "1\t5\t.\tA\tC\t.\tPASS\t.", "1\t5\trs1\tA\tC\t.\tPASS\t."
    done, new = mend(vcf_of(same, "1\t9\t.\tA\tC\t.\t.\t.", same, other), tmp_path)
    assert [(c.code, c.number) for c in done.changes] == [("POS_UNSORTED", 1), ("RECORD_REPEATED", 1)]
    assert new.split("\n")[-4:-1] == [same, other, "1\t9\t.\tA\tC\t.\t.\t."]
    assert done.after.codes == {"RECORD_REPEATED": 1}  # another ID: which is right, nobody knows


def test_the_same_variant_with_other_data_is_left_and_told(tmp_path: Path) -> None:
    text = vcf_of("1\t5\t.\tA\tC\t1\t.\t.", "1\t5\t.\tA\tC\t2\t.\t.")
    done, new = mend(text, tmp_path)
    assert done.changes == [] and new == text
    assert [(c.code, c.number) for c in done.left()] == [("RECORD_REPEATED", 1)]


def test_a_line_without_a_position_cannot_be_sorted(tmp_path: Path) -> None:
    text = vcf_of("1\t9\t.\tA\tC\t.\t.\t.", "1\t5\t.\tA\tC\t.\t.\t.", "1\tx\t.\tA\tC\t.\t.\t.")
    done, new = mend(text, tmp_path)
    assert done.changes == [] and new == text
    assert "cannot be sorted" in next(c.what for c in done.left() if c.code == "POS_UNSORTED")


def test_a_last_line_that_was_cut_off_is_left_and_told(tmp_path: Path) -> None:
    text = make("4.3", 1).text()[:-30]
    done, new = mend(text, tmp_path)
    assert done.changes == [] and new == text and "cut off" in done.to_text()


@pytest.mark.parametrize(
    ("records", "declared"),
    [
        (["NEW=3", "NEW=x,y"], "Number=.,Type=String"),
        (["NEW", "NEW"], "Number=0,Type=Flag"),
        (["NEW", "NEW=3"], None),
        (["SVLEN=-5", "SVLEN=-5,7"], "Number=.,Type=Integer"),
        (["MQ=50.5", "MQ=50"], "Number=1,Type=Float"),
    ],
)
def test_what_a_key_is_declared_as(records: list[str], declared: str | None, tmp_path: Path) -> None:
    lines = [f"1\t{n}\t.\tA\tC\t.\t.\t{info}" for n, info in enumerate(records, 5)]
    done, new = mend(vcf_of(*lines), tmp_path)
    key = records[0].split("=")[0]
    assert (f"##INFO=<ID={key},{declared}," in new) if declared else "##INFO" not in new
    assert ("INFO_UNDECLARED" in done.after.codes) == (declared is None)
    assert not done.after.counts["error"]


@pytest.mark.parametrize("info", ["DP=many", "DP=3.5", "DP=1,2"])
def test_a_definition_that_values_do_not_fit_is_left_and_told(info: str, tmp_path: Path) -> None:
    text = vcf_of(f"1\t5\t.\tA\tC\t.\t.\t{info}", header='##INFO=<ID=DP,Number=2,Type=String,Description="x">')
    done, new = mend(text, tmp_path)
    assert done.changes == [] and new == text
    assert done.after.codes == {"PREDEFINED_NUMBER": 1, "PREDEFINED_TYPE": 1}


def test_many_faults_at_once(tmp_path: Path) -> None:
    vcf = make("4.3", 4)
    vcf.records[3][6], vcf.records[4][6] = "PASS;new", "q10;q10"
    vcf.records[5][7] += ";EXTRA"
    random.Random(1).shuffle(vcf.records)
    vcf.meta.remove("##contig=<ID=chr2,length=200000>")
    text = "\n" + vcf.text().replace("\n", "\r\n") + "\r\n"
    done, _ = mend("\ufeff" + text, tmp_path)
    assert done.after.codes == {} and done.after.valid
    assert {c.code for c in done.changes} >= {"NOT_TEXT", "CRLF", "FILTER_PASS_BESIDE", "FILTER_REPEATED"}
    assert {c.code for c in done.changes} >= {"INFO_UNDECLARED", "CONTIG_UNDECLARED", "FILTER_UNDECLARED"}
    json.dumps(done.to_json())


def test_joined_files_that_differ_are_left(tmp_path: Path) -> None:
    first = vcf_of("1\t5\t.\tA\tC\t.\t.\tX=1", header='##INFO=<ID=X,Number=1,Type=Integer,Description="x">')
    second = vcf_of("2\t5\t.\tA\tC\t.\t.\tX=a", header='##INFO=<ID=X,Number=1,Type=String,Description="x">')
    done, new = mend(first + second, tmp_path)
    assert done.changes == [] and new == first + second and "COLUMNS_REPEATED" in done.reasons


def test_a_joined_file_whose_header_breaks_rules_is_left(tmp_path: Path) -> None:
    first = vcf_of("1\t5\t.\tA\tC\t.\t.\t.")
    second = vcf_of("2\t5\t.\tA\tC\t.\t.\t.", header="##INFO=<Number=1,Type=String>")
    done, new = mend(first + second, tmp_path)
    assert done.changes == [] and new == first + second


def test_a_wrong_column_line_stays_the_last_of_the_header(tmp_path: Path) -> None:
    text = vcf_of("1\t5\t.\tA\tC\t.\t.\t.").replace("#CHROM", "#CHR").replace("##ref", "\n##ref")
    done, new = mend(text, tmp_path)
    assert [c.code for c in done.changes] == ["BLANK_LINE"] and done.after.codes == {"COLUMN_NAMES": 1}
    assert new.split("\n")[2:4] == ['##vcf_agent_repair=<ID=repair1,Rules="BLANK_LINE">', text.split("\n")[3]]


def test_joined_files_keep_the_header_lines_of_both(tmp_path: Path) -> None:
    first = vcf_of("1\t5\t.\tA\tC\t.\t.\t.")
    second = vcf_of("2\t5\t.\tA\tC\t.\tq1\t.", header='##FILTER=<ID=q1,Description="x"> ##source=x')
    done, new = mend(first + second, tmp_path)
    assert done.after.codes == {} and '##FILTER=<ID=q1,Description="x">\n' in new and "##source=x\n" in new


def test_compressed_output_has_an_index(tmp_path: Path) -> None:
    vcf = make("4.3", 1)
    (tmp_path / "in.vcf").write_text(vcf.text())
    for name in ("out.vcf.gz", "out.vcf.bgz"):
        done = repair(tmp_path / "in.vcf", tmp_path / name)
        assert done.index == tmp_path / f"{name}.tbi"
        assert gzip.decompress((tmp_path / name).read_bytes()).decode() == vcf.text()
        with pysam.VariantFile(str(tmp_path / name)) as file:
            assert len(list(file.fetch("chr2"))) == 30


def test_a_long_contig_has_another_index(tmp_path: Path) -> None:
    (tmp_path / "in.vcf").write_text(vcf_of("1\t700000000\t.\tA\tC\t.\t.\t."))
    assert repair(tmp_path / "in.vcf", tmp_path / "out.vcf.gz").index == tmp_path / "out.vcf.gz.csi"


def test_what_cannot_be_sorted_has_no_index(tmp_path: Path) -> None:
    (tmp_path / "in.vcf").write_text(vcf_of("1\tx\t.\tA\tC\t.\t.\t.", "1\t5\t.\tA\tC\t.\t.\t."))
    done = repair(tmp_path / "in.vcf", tmp_path / "out.vcf.gz")
    assert done.index is None and "no index" in done.to_text()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.vcf", "out.vcf.gz"]


def test_every_packing_is_read(tmp_path: Path) -> None:
    text = make("4.2", 1).text()
    packed = {"a.gz": gzip.compress, "a.bz2": bz2.compress, "a.xz": lzma.compress}
    for name, compress in packed.items():
        (tmp_path / name).write_bytes(compress(text.encode()))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.vcf", text)
    for name in [*packed, "a.zip"]:
        done = repair(tmp_path / name, tmp_path / f"{name}.vcf.gz")
        assert [c.code for c in done.changes] == (["PLAIN_GZIP"] if name == "a.gz" else [])
        assert done.after.codes == {}
        assert gzip.decompress((tmp_path / f"{name}.vcf.gz").read_bytes()).decode() == text


def refusal(path: Path, out: Path) -> str:
    before = {p: p.read_bytes() for p in out.parent.iterdir() if p.is_file()} if out.parent.is_dir() else {}
    with pytest.raises(InputError) as caught:
        repair(path, out)
    assert caught.value.way_out
    assert not before or before == {p: p.read_bytes() for p in out.parent.iterdir() if p.is_file()}
    return str(caught.value)


def test_names_that_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "in.vcf"
    path.write_text(make("4.2", 1).text())
    os.link(path, tmp_path / "hard.vcf")
    (tmp_path / "soft.vcf").symlink_to(path)
    (tmp_path / "dangling.vcf").symlink_to(tmp_path / "nowhere")
    (tmp_path / "new.vcf.gz.tbi").write_text("old")
    for name in ("in.vcf", "hard.vcf", "soft.vcf", "../" + tmp_path.name + "/in.vcf"):
        assert "does not touch" in refusal(path, tmp_path / name)
    (tmp_path / "dangling.vcf").unlink()
    (tmp_path / "other.vcf").write_text("mine")
    assert "is there already" in refusal(path, tmp_path / "other.vcf")
    assert "tbi is there already" in refusal(path, tmp_path / "new.vcf.gz")
    assert "bcftools view -Ob" in refusal(path, tmp_path / "new.bcf")
    assert ".vcf.gz" in refusal(path, tmp_path / "new.txt")
    assert "no folder" in refusal(path, tmp_path / "none" / "new.vcf")
    assert "no file" in refusal(tmp_path / "missing.vcf", tmp_path / "new.vcf")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        make("4.2", 1).text().encode("utf-16"),
        gzip.compress(make("4.2", 1, 600).text().encode())[:-400],
        b"\x7fELF" + b"\0" * 99,
    ],
    ids=["empty", "utf-16", "truncated", "binary"],
)
def test_what_cannot_be_read_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "in.vcf").write_bytes(content)
    assert "cannot be repaired" in refusal(tmp_path / "in.vcf", tmp_path / "out.vcf")
    assert os.listdir(tmp_path) == ["in.vcf"]


@pytest.mark.parametrize("name", ["out.vcf", "out.vcf.gz"])
def test_a_full_disk_leaves_nothing(name: str, tmp_path: Path) -> None:
    pick = random.Random(1)
    lines = [f"1\t{n}\t{pick.getrandbits(200):x}\tA\tC\t.\t.\t." for n in range(5, 9000)]
    (tmp_path / "in.vcf").write_text(vcf_of(*lines))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        assert "could not be written" in refusal(tmp_path / "in.vcf", tmp_path / name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert os.listdir(tmp_path) == ["in.vcf"]


def test_a_killed_repair_leaves_no_output(tmp_path: Path) -> None:
    vcf = make("4.2", 1, 3000)
    random.Random(1).shuffle(vcf.records)
    (tmp_path / "in.vcf").write_text(vcf.text())
    code = "import sys; from pathlib import Path; from vcf_agent.tools.validation.repair import repair; "
    code += "repair(Path(sys.argv[1]), Path(sys.argv[2]), progress=lambda *a: print(a, flush=True))"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "in.vcf"), str(tmp_path / "out.vcf.gz")], stdout=subprocess.PIPE
    )
    assert process.stdout
    while b"writing" not in process.stdout.readline():
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    time.sleep(0.1)
    assert not list(tmp_path.glob("out*"))


def test_an_input_that_changes_meanwhile_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "in.vcf"
    path.write_text(make("4.2", 1).text())

    def grow(what: str, records: int) -> None:
        if what == "writing":
            path.write_text(path.read_text() + "\n")

    with pytest.raises(InputError, match="written to"):
        repair(path, tmp_path / "out.vcf", progress=grow)
    assert os.listdir(tmp_path) == ["in.vcf"]

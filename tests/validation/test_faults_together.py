"""Faults that lie between records, or in the file as a whole: one finding, with its line."""

from collections.abc import Callable
from pathlib import Path

import pytest
from test_single_faults import assert_one, findings_of
from valid_vcf import SAMPLES, Vcf, make
from vcf_agent.tools.validation.validate import validate

Change = Callable[[Vcf], int | None]
"""Changes a file; the line of the finding, null where the whole file is meant."""


def plain(vcf: Vcf, place: int) -> int:
    """The `place`-th record with one ALT of bases, on chr2."""
    half = len(vcf.records) // 2
    return [i for i in range(half + 1, len(vcf.records)) if vcf.records[i][4].isalpha()][place]


def again(place: int, alt: str = "") -> Change:
    """The same variant in a second record behind the first, alone or beside another ALT."""

    def change(vcf: Vcf) -> int:
        at = plain(vcf, place)
        record = list(vcf.records[at])
        if alt:
            record[4] += f",{record[3]}{alt}"
            record[7], record[8], record[9:] = ".", "GT", ["1/2", "0/1", "0/2"]
        vcf.records.insert(at + 1, record)
        return vcf.line_of(at + 1)

    return change


def longer(place: int) -> Change:
    """The same substitution, written with the base before it."""

    def change(vcf: Vcf) -> int:
        at = next(
            i for i in range(plain(vcf, place), len(vcf.records)) if len(vcf.records[i][3] + vcf.records[i][4]) == 2
        )
        record = list(vcf.records[at])
        record[1], record[3], record[4] = str(int(record[1]) - 1), "G" + record[3], "G" + record[4]
        vcf.records.insert(at, record)
        return vcf.line_of(at + 1)

    return change


def swap(place: int) -> Change:
    def change(vcf: Vcf) -> int:
        at = plain(vcf, place)
        vcf.records[at], vcf.records[at + 1] = vcf.records[at + 1], vcf.records[at]
        return vcf.line_of(at + 1)

    return change


def earlier(place: int) -> Change:
    def change(vcf: Vcf) -> int:
        at = plain(vcf, place)
        vcf.records[at][1] = "7"
        return vcf.line_of(at)

    return change


def back_to_chr1(number: int) -> Change:
    """The last records lie on chr1 again."""

    def change(vcf: Vcf) -> int:
        for record in vcf.records[-number:]:
            record[0], record[7] = "chr1", record[7].replace("END=", "END=9")
        return vcf.line_of(len(vcf.records) - number)

    return change


def strayed(place: int, number: int) -> Change:
    """Records of chr1 among those of chr2, which go on behind them."""

    def change(vcf: Vcf) -> int:
        at = plain(vcf, place)
        for i in range(number):
            record = list(vcf.records[0])
            record[1] = str(int(record[1]) + 50_000 + i)
            vcf.records.insert(at, record)
        return vcf.line_of(at)

    return change


def undeclare(contig: str) -> Change:
    """The header has no line for a contig; its first record tells."""

    def change(vcf: Vcf) -> int:
        vcf.meta.pop(vcf.meta_line(f"##contig=<ID={contig},"))
        return vcf.line_of(next(i for i, r in enumerate(vcf.records) if r[0] == contig))

    return change


def rename_last(number: int, name: str = "chrUn") -> Change:
    def change(vcf: Vcf) -> int:
        for record in vcf.records[-number:]:
            record[0] = name
        return vcf.line_of(len(vcf.records) - number)

    return change


def count(key: str, value: str, place: int = 2) -> Change:
    """A number in INFO that is not that of the genotypes."""

    def change(vcf: Vcf) -> int:
        at = plain(vcf, place)
        entries = vcf.records[at][7].split(";")
        assert f"{key}={value}" not in entries
        vcf.records[at][7] = ";".join(f"{key}={value}" if e.startswith(f"{key}=") else e for e in entries)
        return vcf.line_of(at)

    return change


def idle(calls: str, alts: str = "CT,CA") -> Change:
    """A record with several ALTs, one of which nobody carries."""

    def change(vcf: Vcf) -> int:
        at = plain(vcf, 3)
        record = vcf.records[at]
        record[3], record[4], record[7], record[8], record[9:] = "C", alts, ".", "GT", calls.split()
        return vcf.line_of(at)

    return change


def twice_symbolic(place: int) -> Change:
    def change(vcf: Vcf) -> int:
        at = [i for i, r in enumerate(vcf.records) if r[4] == "<DEL>"][place]
        vcf.records.insert(at, list(vcf.records[at]))
        return vcf.line_of(at + 1)

    return change


def columns(old: str, new: str) -> Change:
    """The column line is changed; records keep their number of columns."""

    def change(vcf: Vcf) -> int:
        vcf.columns = "\t".join(vcf.columns).replace(old, new, 1).split("\t")
        return len(vcf.meta) + 1

    return change


def no_columns(vcf: Vcf) -> int:
    vcf.columns = ["##note=instead"]
    return len(vcf.meta) + 2


def headless(vcf: Vcf) -> int:
    vcf.columns, vcf.records = ["##note=the end"], []
    return len(vcf.meta) + 1


def cut_in_header(vcf: Vcf) -> int:
    vcf.meta, vcf.columns, vcf.records = vcf.meta[:3], ["##x=1"], []
    return 4


def late(line: str) -> Change:
    def change(vcf: Vcf) -> int:
        vcf.records.insert(5, [line])
        return vcf.line_of(5)

    return change


def late_columns(vcf: Vcf) -> int:
    vcf.records.insert(20, list(vcf.columns))
    return vcf.line_of(20)


def version_twice(line: str) -> Change:
    def change(vcf: Vcf) -> int:
        vcf.meta.insert(3, line)
        return 4

    return change


TOGETHER: list[tuple[str, str, Change]] = [
    ("RECORD_REPEATED", "ALT", again(1)),
    ("RECORD_REPEATED", "ALT", again(2, "TTGTT")),
    ("RECORD_REPEATED", "ALT", longer(3)),
    ("SYMBOLIC_REPEATED", "ALT", twice_symbolic(0)),
    ("SYMBOLIC_REPEATED", "ALT", twice_symbolic(1)),
    ("SYMBOLIC_REPEATED", "ALT", twice_symbolic(2)),
    ("POS_UNSORTED", "POS", swap(1)),
    ("POS_UNSORTED", "POS", swap(4)),
    ("POS_UNSORTED", "POS", earlier(3)),
    ("CONTIG_AGAIN", "CHROM", back_to_chr1(1)),
    ("CONTIG_AGAIN", "CHROM", back_to_chr1(2)),
    ("CONTIG_AGAIN", "CHROM", back_to_chr1(5)),
    ("CONTIG_AGAIN", "CHROM", strayed(3, 1)),
    ("CONTIG_AGAIN", "CHROM", strayed(5, 4)),
    ("CONTIG_UNDECLARED", "CHROM", undeclare("chr1")),
    ("CONTIG_UNDECLARED", "CHROM", undeclare("chr2")),
    ("CONTIG_UNDECLARED", "CHROM", rename_last(3)),
    ("CHROM_COLON", "CHROM", rename_last(1, "HLA:1")),
    ("CHROM_COLON", "CHROM", rename_last(2, "chr1:1-2")),
    ("CHROM_COLON", "CHROM", rename_last(3, "a:b:c")),
    ("AN_GENOTYPES", "INFO/AN", count("AN", "7")),
    ("AN_GENOTYPES", "INFO/AN", count("AN", "0")),
    ("AN_GENOTYPES", "INFO/AN", count("AN", "600000")),
    ("AC_GENOTYPES", "INFO/AC", count("AC", "7")),
    ("AC_GENOTYPES", "INFO/AC", count("AC", "12345678")),
    ("AC_GENOTYPES", "INFO/AC", count("AC", "9", 5)),
    ("ALT_UNUSED", "ALT", idle("0/1 0/0 1|1")),
    ("ALT_UNUSED", "ALT", idle("./. 2/2 0/.")),
    ("ALT_UNUSED", "ALT", idle("1 0 3", "CT,CA,G")),
    ("COLUMN_NAMES", "#CHROM", columns("POS", "POSITION")),
    ("COLUMN_NAMES", "#CHROM", columns("ID\tREF", "REF\tID")),
    ("COLUMN_NAMES", "#CHROM", columns("FORMAT", "format")),
    ("SAMPLE_NAME", "#CHROM", columns("S1", "")),
    ("SAMPLE_NAME", "#CHROM", columns("S2", "")),
    ("SAMPLE_NAME", "#CHROM", columns("S3", "")),
    ("SAMPLE_REPEATED", "#CHROM", columns("S1", "S2")),
    ("SAMPLE_REPEATED", "#CHROM", columns("S3", "S1")),
    ("SAMPLE_REPEATED", "#CHROM", columns("S2", "S3")),
    ("COLUMNS_MISSING", "#CHROM", no_columns),
    ("COLUMNS_MISSING", "#CHROM", headless),
    ("COLUMNS_MISSING", "#CHROM", cut_in_header),
    ("COLUMNS_REPEATED", "", late_columns),
    ("COLUMNS_REPEATED", "", late("##late=1")),
    ("COLUMNS_REPEATED", "", late("#a comment")),
    ("FILEFORMAT_REPEATED", "##fileformat", version_twice("##fileformat=VCFv4.1")),
    ("FILEFORMAT_REPEATED", "##fileformat", version_twice("##fileformat=VCFv4.2")),
    ("NO_REFERENCE", "##reference", lambda vcf: vcf.meta.pop(1) and None),
    ("NO_REFERENCE", "##reference", lambda vcf: vcf.meta.__setitem__(1, "##Reference=x")),
]


@pytest.mark.parametrize("case", range(len(TOGETHER)), ids=[f"{i}-{c}" for i, (c, *_) in enumerate(TOGETHER)])
@pytest.mark.parametrize("version", ["4.2", "4.4"])
def test_a_fault_between_records(case: int, version: str, tmp_path: Path) -> None:
    code, where, change = TOGETHER[case]
    for seed in (3, 4):
        vcf = make(version, seed)
        line = change(vcf)
        assert_one(findings_of(vcf.text(), tmp_path), code, line, where)


def ended(vcf: Vcf, ending: str) -> str:
    return vcf.text() + ending


@pytest.mark.parametrize("number", [1, 2, 30])
def test_empty_lines(number: int, tmp_path: Path) -> None:
    vcf = make("4.3", 1)
    last = vcf.line_of(len(vcf.records))
    found = findings_of(vcf.text() + "\n" * number, tmp_path)
    assert_one(found, "BLANK_LINE_AT_END", last, "")
    vcf.records.insert(9, [""])
    assert_one(findings_of(vcf.text(), tmp_path), "BLANK_LINE", vcf.line_of(9), "")


@pytest.mark.parametrize("version", ["4.1", "4.3", "4.5"])
def test_the_last_line_end(version: str, tmp_path: Path) -> None:
    vcf = make(version, 2)
    found = findings_of(vcf.text().removesuffix("\n"), tmp_path)
    assert_one(found, "NO_FINAL_NEWLINE", vcf.line_of(len(vcf.records) - 1), "")
    assert found[0].severity == ("error" if version == "4.3" else "warning")


@pytest.mark.parametrize("version", ["4.1", "4.3", "4.5"])
@pytest.mark.parametrize("columns", [1, 2, 8, 11])
def test_a_file_that_was_cut_off(version: str, columns: int, tmp_path: Path) -> None:
    vcf = make(version, 2)
    vcf.records[-1] = vcf.records[-1][:columns]
    found = findings_of(vcf.text().removesuffix("\n"), tmp_path)
    assert_one(found, "CUT_OFF", vcf.line_of(len(vcf.records) - 1), "")
    assert found[0].severity == "error"


def test_carriage_returns(tmp_path: Path) -> None:
    vcf = make("4.3", 2)
    assert_one(findings_of(vcf.text().replace("\n", "\r\n"), tmp_path), "CRLF", 1, "")
    mixed = vcf.text().splitlines(keepends=True)
    mixed[40] = mixed[40].replace("\n", "\r\n")
    assert_one(findings_of("".join(mixed), tmp_path), "CRLF", 41, "")


@pytest.mark.parametrize("character", ["\x00", "\x01", "\x1b", "\x0b", "\r"])
def test_characters_that_text_does_not_have(character: str, tmp_path: Path) -> None:
    vcf = make("4.3", 5)
    at = plain(vcf, 3)
    vcf.records[at][7] += f";WORDS2=a{character}b"
    code = "NOT_TEXT" if character == "\x00" else "CONTROL_CHARACTER"
    assert_one(findings_of(vcf.text(), tmp_path), code, vcf.line_of(at), "")


def test_other_encodings(tmp_path: Path) -> None:
    vcf = make("4.3", 5)
    vcf.meta.append("##note=na\u00efve")
    assert findings_of(vcf.text(), tmp_path) == []
    path = tmp_path / "latin.vcf"
    path.write_bytes(vcf.text().encode("latin-1"))
    assert_one(validate(path).findings, "NOT_UTF8", len(vcf.meta), "")


def gvcf(blocks: list[tuple[int, int]], alt: str = "<NON_REF>") -> str:
    head = ["##fileformat=VCFv4.2", "##reference=r", "##contig=<ID=1,length=300>", '##ALT=<ID=NON_REF,Description="x">']
    head += ['##INFO=<ID=END,Number=1,Type=Integer,Description="x">']
    head += ['##FORMAT=<ID=GT,Number=1,Type=String,Description="x">']
    records = [
        f"1\t{a}\t.\tA\t{alt if i == 2 else '<NON_REF>'}\t.\t.\tEND={b}\tGT\t0/0" for i, (a, b) in enumerate(blocks)
    ]
    return "\n".join([*head, "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS", *records]) + "\n"


WHOLE = [(1, 50), (51, 100), (101, 101), (102, 300)]


def test_blocks_of_a_gvcf(tmp_path: Path) -> None:
    assert findings_of(gvcf(WHOLE), tmp_path) == []
    for i, block, code, line in [
        (1, (60, 100), "GVCF_GAP", 10),
        (1, (51, 90), "GVCF_GAP", 11),
        (0, (5, 50), "GVCF_GAP", 9),
        (3, (102, 299), "GVCF_GAP", 12),
        (1, (50, 100), "GVCF_OVERLAP", 10),
        (1, (51, 101), "GVCF_OVERLAP", 11),
        (2, (100, 101), "GVCF_OVERLAP", 11),
    ]:
        found = findings_of(gvcf([*WHOLE[:i], block, *WHOLE[i + 1 :]]), tmp_path)
        assert_one(found, code, line - 1, "POS")


@pytest.mark.parametrize("alt", ["C", "C,T", "."])
def test_a_record_of_a_gvcf_without_its_allele(alt: str, tmp_path: Path) -> None:
    text = gvcf(WHOLE, alt).replace("0/0\n1\t102", ("1/2" if "," in alt else "0/0") + "\n1\t102")
    assert_one(findings_of(text, tmp_path), "GVCF_NON_REF", 10, "ALT")


def test_samples_are_named_in_messages(tmp_path: Path) -> None:
    vcf = make("4.3", 6)
    at = plain(vcf, 2)
    vcf.records[at][10] = "0/7"
    assert SAMPLES[1] in findings_of(vcf.text(), tmp_path)[0].message

"""Files that are extreme in one thing: the right finding, soon, in bounded memory; each in a process of its own."""

import bz2
import gzip
import io
import itertools
import json
import lzma
import os
import random
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from vcf_agent.tools.validation.validate import validate

MB = 1 << 20
MEMORY = 300 * MB
CHILD = """
import sys
from vcf_agent.ui.cli import main
try:
    main(["validate", "--json", sys.argv[1]])
finally:
    with open("/proc/self/status") as status:
        print(next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM")), file=sys.stderr)
"""

META = b"""##fileformat=VCFv4.3
##reference=x
##contig=<ID=1,length=2000000000>
##INFO=<ID=AF,Number=A,Type=Float,Description="d">
##INFO=<ID=XS,Number=.,Type=String,Description="d">
##INFO=<ID=XI,Number=.,Type=Integer,Description="d">
##INFO=<ID=DP,Number=1,Type=Integer,Description="d">
##FORMAT=<ID=GT,Number=1,Type=String,Description="d">
##FORMAT=<ID=PL,Number=G,Type=Integer,Description="d">
"""
SITES = b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
EIGHT = META + SITES + b"\n"
ONE = META + SITES + b"\tFORMAT\tS1\n"


def record(
    pos: int | bytes, info: bytes = b".", alt: bytes = b"C", rest: bytes = b"", filters: bytes = b"PASS"
) -> bytes:
    pos = b"%d" % pos if isinstance(pos, int) else pos
    return b"1\t%b\t.\tA\t%b\t.\t%b\t%b%b\n" % (pos, alt, filters, info, rest)


LAST = record(1_000_000_000, b"DP=x")
"""A faulty record behind the extreme one: it must be found too."""
LAST_ONE = record(1_000_000_000, b".", rest=b"\tGT\t0/7")


def numbered(word: bytes, number: int) -> list[bytes]:
    return [word % i for i in range(number)]


def cohort(number: int, cell: bytes, keys: bytes = b"GT", records: int = 2, lacking: int = 0) -> bytes:
    names = b"\t".join(numbered(b"S%d", number))
    rows = [record(i + 1, rest=b"\t" + keys + (b"\t" + cell) * (number - lacking)) for i in range(records)]
    return META + SITES + b"\tFORMAT\t" + names + b"\n" + b"".join(rows)


def alleles(number: int) -> bytes:
    return b",".join(b"A" + "".join(t).encode() for t in itertools.islice(itertools.product("ACGT", repeat=9), number))


def shuffled(number: int) -> bytes:
    pick, lines = random.Random(1), []
    for i in range(number):
        keys = numbered(b"K%d=1", 12)
        pick.shuffle(keys)
        lines.append(record(i + 1, b";".join(keys)))
    return b"".join(lines)


def info_line(inside: bytes) -> bytes:
    return META + b'##INFO=<ID=Q,Number=1,Type=Integer,Description="' + inside + b'">\n' + SITES + b"\n" + LAST


def declared(line: bytes, number: int) -> bytes:
    return META + b"".join(numbered(line, number)) + SITES + b"\n" + LAST


Make = Callable[[int], bytes]
"""Makes a file of a size that grows with the number."""

K = 1000
BAD = {"INFO_TYPE"}
CASES: dict[str, tuple[int, int, Make, set[str]]] = {
    # name: the number in the normal run, that in the slow one, the file, codes that must be found
    "a long line": (40 * MB, 100 * MB, lambda n: EIGHT + b"x" * n + b"\n" + LAST, {"LINE_TOO_LONG"} | BAD),
    "a long INFO": (3 * MB, 100 * MB, lambda n: EIGHT + record(1, b"XS=" + b"a," * (n // 2) + b"a") + LAST,
                    {"LINE_TOO_LONG"} | BAD),
    "an INFO below the limit": (MB, 2 * MB - 99, lambda n: EIGHT + record(1,
        b"XI=" + b"12," * (n // 3) + b"1") + LAST, BAD),
    "a long sample": (3 * MB, 100 * MB, lambda n: ONE + record(1, rest=b"\tGT\t0" + b"/0" * (n // 2)) + LAST_ONE,
                      {"LINE_TOO_LONG", "GT_ALLELE_RANGE"}),
    "a long genotype": (MB // 2, 2 * MB - 99, lambda n: ONE + record(1, rest=b"\tGT\t0" + b"/0" * (n // 2)) + LAST_ONE,
                        {"GT_ALLELE_RANGE"}),
    "long alleles": (3 * MB, 100 * MB, lambda n: EIGHT + record(1, alt=b"AC," * (n // 3) + b"C") + LAST,
                     {"LINE_TOO_LONG"} | BAD),
    "a line of tabs": (2 * MB, 100 * MB, lambda n: EIGHT + b"1" + b"\t" * n + b"\n" + LAST, {"LINE_TOO_LONG"} | BAD),
    "a header line": (3 * MB, 60 * MB, lambda n: info_line(b"\\\\" * (n // 2)), {"LINE_TOO_LONG"} | BAD),
    "a version": (MB, 60 * MB, lambda n: b"##fileformat=" + b"x" * n + b"\n" + EIGHT.partition(b"\n")[2] + LAST, BAD),
    "a million columns": (50 * K, 1000 * K, lambda n: cohort(n, b"0/1"), set()),
    "a million wrong samples": (50 * K, 1000 * K, lambda n: cohort(n, b"0/7"), {"GT_ALLELE_RANGE"}),
    "a million samples of more": (20 * K, 1000 * K, lambda n: cohort(n, b"0/1:10,20,30", b"GT:PL"), set()),
    "columns that disagree": (50 * K, 1000 * K, lambda n: cohort(n, b"0/1", lacking=1), {"COLUMN_COUNT"}),
    "more columns than the limit": (1100 * K, 3000 * K, lambda n: cohort(n, b".", records=1), {"LINE_TOO_LONG"}),
    "names that are equal": (50 * K, 1000 * K,
                             lambda n: META + SITES + b"\tFORMAT" + b"\tS" * n + b"\n" + record(1,
        rest=b"\tGT" + b"\t0/1" * n),
                             {"SAMPLE_REPEATED"}),
    "contigs in the header": (20 * K, 300 * K, lambda n: declared(b"##contig=<ID=c%d,length=9>\n", n), BAD),
    "a million contigs": (0, 1000 * K, lambda n: declared(b"##contig=<ID=c%d,length=9>\n", n),
                          {"HEADER_TOO_LONG"}),
    "a million other lines": (20 * K, 1000 * K, lambda n: declared(b"##x%d=y\n", n), BAD),
    "symbolic alleles": (10 * K, 100 * K, lambda n: ONE + record(1, alt=b",".join(numbered(b"<A%d>", n)),
                         rest=b"\tGT:PL\t0/1:" + b"1," * n + b"1") + LAST_ONE, {"FORMAT_COUNT", "ALT_UNDECLARED",
        "GT_ALLELE_RANGE"}),
    "alleles and ploidy": (10 * K, 100 * K, lambda n: ONE + record(1, alt=alleles(n),
        rest=b"\tGT:PL\t0" + b"/0" * n + b":1,2")
                           + LAST_ONE, {"FORMAT_COUNT", "GT_ALLELE_RANGE"}),
    "INFO keys": (30 * K, 100 * K, lambda n: EIGHT + record(1, b";".join(numbered(b"K%d=1", n))) + LAST,
        {"INFO_UNDECLARED"} | BAD),
    "an INFO key twice": (30 * K, 100 * K, lambda n: EIGHT + record(1, b";".join(numbered(b"K%d=1",
        n)) + b";K%d" % (n - 1)),
                          {"INFO_REPEATED"}),
    "an ID twice": (30 * K, 100 * K, lambda n: EIGHT + record(1).replace(b"\t.\tA",
        b"\t" + b";".join(numbered(b"r%d", n)) + b";r9\tA"),
                    {"ID_REPEATED"}),
    "a filter twice": (30 * K, 100 * K, lambda n: EIGHT + record(1, filters=b";".join(numbered(b"f%d", n)) + b";f9"),
        {"FILTER_REPEATED"}),
    "a FORMAT key twice": (30 * K, 100 * K, lambda n: ONE + record(1, rest=b"\t" + b":".join(numbered(b"F%d",
        n)) + b":F9\t1"),
                           {"FORMAT_REPEATED"}),
    "an allele twice": (30 * K, 100 * K, lambda n: EIGHT + record(1, alt=alleles(n) + b",AAAAAAAAAC"),
        {"ALT_REPEATED"}),
    "no order of INFO": (5 * K, 200 * K, lambda n: EIGHT + shuffled(n) + LAST, {"INFO_UNDECLARED"} | BAD),
    "INFO keys of each record": (5 * K, 200 * K, lambda n: EIGHT + b"".join(record(i + 1,
        b"K%d=1" % i) for i in range(n)) + LAST, BAD),
    "FORMAT of each record": (5 * K, 200 * K, lambda n: ONE + b"".join(record(i + 1,
        rest=b"\tGT:F%d\t0/1:3" % i) for i in range(n)),
                              {"FORMAT_UNDECLARED"}),
    "FILTER of each record": (5 * K, 200 * K, lambda n: EIGHT + b"".join(record(i + 1,
        filters=b"F%d" % i) for i in range(n)) + LAST, BAD),
    "contig of each record": (5 * K, 700 * K,
        lambda n: EIGHT + b"".join(b"c%d" % i + record(1)[1:] for i in range(n)) + LAST, BAD),
    "every line broken": (5 * K, 300 * K, lambda n: EIGHT + b"".join(record(i + 1, b"DP=x") for i in range(n)), BAD),
    "lines of one byte": (100 * K, 1000 * K, lambda n: EIGHT + b"x\n" * n + LAST, {"COLUMN_COUNT"} | BAD),
    "blank lines": (500 * K, 20_000 * K, lambda n: EIGHT + b"\n" * n + LAST, {"BLANK_LINE"} | BAD),
    "one position": (5 * K, 700 * K, lambda n: EIGHT + b"".join(record(9,
        alt=a) for a in alleles(n).split(b",")) + LAST, BAD),
    "reversed": (10 * K, 2000 * K, lambda n: EIGHT + b"".join(record(i) for i in range(n, 0, -1)) + LAST,
        {"POS_UNSORTED"} | BAD),
    "long REF and ALT": (20, 100, lambda n: EIGHT + b"".join(
        b"1\t%d\t.\t%b\t%b\t.\tPASS\t.\n" % (i + 1, b"A" * MB, b"A" * (MB // 2)) for i in range(n)) + LAST, BAD),
    "digits of QUAL": (300 * K, 2000 * K, lambda n: EIGHT + record(1).replace(b"\t.\tPASS",
        b"\t" + b"1" * n + b"x\tPASS") + LAST,
                       {"QUAL_SYNTAX"} | BAD),
    "digits of POS": (300 * K, 2000 * K, lambda n: EIGHT + record(b"0" * n) + record(b"0" * n + b"7") + LAST,
        {"POS_ZERO"} | BAD),
    "CRLF": (20 * K, 1000 * K, lambda n: (EIGHT + b"".join(record(i + 1) for i in range(n)) + LAST).replace(b"\n",
        b"\r\n"), {"CRLF"} | BAD),
    "CR": (20 * K, 2000 * K, lambda n: (EIGHT + record(1) * n).replace(b"\n", b"\r"), {"CONTROL_CHARACTER"}),
    "NUL": (MB, 60 * MB, lambda n: EIGHT + record(1) * 200 + b"\0" * n + b"\n" + LAST, {"NOT_TEXT"} ),
    "text beyond ASCII": (5 * K, 300 * K, lambda n: EIGHT + "".join(
        f"1\t{i + 1}\t.\tA\tC\t.\tPASS\tXS=é\n" for i in range(n)).encode() + LAST, BAD),
    "expressions too large for RE2": (60, 3 * K, lambda n: ONE.replace(b"##FORMAT", b"""\
##INFO=<ID=N,Number=899,Type=Float,Description="d">
##FORMAT=<ID=G2,Number=899,Type=Float,Description="d">
##FORMAT""", 1) + b"".join(record(
            i + 1, b"N=" + b",".join([b"1.5"] * 899), b",".join(b"A" * k for k in range(2, 32)),
            b"\tGT:PL:G2\t0/1:" + b",".join([b"1"] * 496) + b":" + b",".join([b"1.5"] * 899)) for i in range(n))
        + LAST_ONE,
        {"GT_ALLELE_RANGE"}),
    **{f"{word} in a Description": (300 * K, 1000 * K, lambda n, word=word: info_line(word.encode() * n), BAD)
       for word in ("\\\\", "\\", "<", ",", '"', "=", " ", "[", "a=1,", "é")},
    **{f"{word} in a header line": (300 * K, 1000 * K, lambda n,
        word=word: META + b"##INFO=<" + word.encode() * n + b">\n"
       + SITES + b"\n" + LAST, BAD | {"META_VALUE"})
       for word in ("\\", "<", ",", '"', "=", " ", "[")},
}  # fmt: skip


def judge(path: Path, limit: float) -> tuple[dict[str, Any], float, int]:
    """The verdict of the command line, the seconds it took and the most memory it had."""
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", CHILD, path], capture_output=True, text=True, timeout=limit)
    seconds = time.monotonic() - started
    assert done.returncode in (0, 1, 2), done.stderr[-2000:]
    assert "Traceback" not in done.stderr
    return json.loads(done.stdout), seconds, int(done.stderr.split()[-1])


def codes_of(data: bytes, path: Path) -> dict[str, int]:
    """Codes of a small file, in this process."""
    path.write_bytes(data)
    return validate(path).codes


@pytest.mark.parametrize("name", [name for name, (small, *_) in CASES.items() if small])
def test_smaller(name: str, tmp_path: Path) -> None:
    small, _, make, codes = CASES[name]
    started = time.monotonic()
    assert codes <= set(codes_of(make(small), tmp_path / "file.vcf"))
    assert time.monotonic() - started < 10


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_extreme(name: str, tmp_path: Path) -> None:
    _, large, make, codes = CASES[name]
    path = tmp_path / "file.vcf"
    path.write_bytes(make(large))
    verdict, seconds, memory = judge(path, 180)
    print(f"{name}: {path.stat().st_size / MB:.0f} MB, {seconds:.1f} s, {memory / MB:.0f} MB of memory")
    assert codes <= set(verdict["codes"])
    assert memory < MEMORY


@pytest.mark.parametrize("name", ["a million columns", "a long line"])
def test_memory_of_some(name: str, tmp_path: Path) -> None:
    small, _, make, _ = CASES[name]
    path = tmp_path / "file.vcf"
    path.write_bytes(make(small))
    assert judge(path, 60)[2] < MEMORY


NUMBERS = {
    "\u0661": {"POS_SYNTAX"}, "1_000": {"POS_SYNTAX"}, "+5": {"POS_SYNTAX"}, " 5": {"POS_SYNTAX"},
        "1e3": {"POS_SYNTAX"},
    "\u00b2": {"POS_SYNTAX"}, "nan": {"POS_SYNTAX"}, "": {"POS_SYNTAX"}, "1" * 5000: {"POS_RANGE"},
        "0" * 5000: {"POS_ZERO"},
    "0" * 5000 + "7": set(),
}  # fmt: skip


@pytest.mark.parametrize("pos", NUMBERS, ids=lambda pos: ascii(pos)[:12])
def test_positions(pos: str, tmp_path: Path) -> None:
    found = codes_of(EIGHT + record(pos.encode(), b"END=7;DP=3"), tmp_path / "file.vcf")
    assert set(found) - {"INFO_UNDECLARED", "END_BEFORE_POS"} == NUMBERS[pos]


STRUCTURAL = ["END", "SVLEN", "CIPOS", "RN", "RUS", "RUL", "RUC", "RB", "RUB", "CIRUC"]


@pytest.mark.parametrize(
    "value", ["1e400", "nan", "inf", "-inf", "1_000", "\u0663", "\u00b2", "1" * 5000, "+5", "", "--5"]
)
def test_numbers_anywhere(value: str, tmp_path: Path) -> None:
    """In every place that takes a number, also where the header says it is none: no crash, and a finding for most."""
    wrong = (
        META.replace(b"VCFv4.3", b"VCFv4.5")
        + "".join(
            f'##{kind}=<ID={key},Number={number},Type=String,Description="d">\n'
            for kind, key in [
                *(("INFO", k) for k in STRUCTURAL),
                ("FORMAT", "LAA"),
            ]
            for number in [value or "."]
        ).encode()
        + "##INFO=<ID=ZZ,Number=²,Type=Integer>\n".encode()
    )
    v = value.encode()
    keys = b";".join(key.encode() + b"=" + v for key in [*STRUCTURAL, "ZZ", "DP", "AF"])
    rows = [record(5, keys, b"<CNV:TR>", b"\tGT:LAA:PL\t" + v + b":" + v + b":" + v),
            record(6, b"DP=" + v, b"C", b"\tGT:LAA:PL\t0/1:" + v + b":" + v)]  # fmt: skip
    for head in (wrong, META.replace(b"VCFv4.3", b"VCFv4.5")):
        assert codes_of(head + SITES + b"\tFORMAT\tS1\n" + b"".join(rows), tmp_path / "file.vcf")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (EIGHT.decode().encode("utf-16"), "NOT_TEXT"),
        (bytes(range(256)) * 100, "NOT_TEXT"),
        (EIGHT + record(1).replace(b"PASS", b"\xed\xa0\x80"), "NOT_UTF8"),
        (EIGHT + record(1) + record(2).replace(b"\n", b"\r\n") + record(3).replace(b"\n", b"\r"), "CRLF"),
        (b"\n" * 5, "BLANK_LINE"),
    ],
)
def test_what_is_no_text(data: bytes, code: str, tmp_path: Path) -> None:
    assert code in codes_of(data, tmp_path / "file.vcf")


def zipped(data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.vcf", data)
    return file.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zipped])
@pytest.mark.parametrize("filler", [b"\n", b"x", b"1\t1\n"])
def test_bombs(pack: Callable[[bytes], bytes], filler: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(pack(EIGHT + filler * (100 * MB // len(filler))))
    verdict, seconds, memory = judge(path, 120)
    print(f"{seconds:.1f} s, {memory / MB:.0f} MB")
    assert memory < MEMORY and verdict["codes"]


def write_slowly(path: Path, pieces: Iterable[bytes]) -> None:
    with path.open("wb") as pipe:
        for piece in pieces:
            pipe.write(piece)
            pipe.flush()


def test_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    text = EIGHT + record(1) + LAST
    writer = threading.Thread(target=write_slowly, args=(path, (text[i : i + 50] for i in range(0, len(text), 50))))
    writer.start()
    assert judge(path, 60)[0]["codes"] == {"INFO_TYPE": 1}
    writer.join()


def test_a_file_that_grows(tmp_path: Path) -> None:
    """What was written while it was read is not judged, but told."""
    path = tmp_path / "file.vcf"
    path.write_bytes(EIGHT + b"".join(record(i + 1) for i in range(300 * K)))

    def grow(records: int) -> None:
        with path.open("ab") as file:
            file.write(LAST[:10])

    assert validate(path, progress=grow).codes == {"FILE_CHANGED": 1}

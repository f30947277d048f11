"""Mutated files: whatever the bytes, there is a verdict, soon, and what it calls valid kills no C reader."""

import bz2
import gzip
import io
import json
import lzma
import random
import re
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from xml.etree import ElementTree

import pytest
from c_readers import CHILD, KEEPS_READERS_AWAY
from pysam import BGZFile
from valid_vcf import VERSIONS, make
from vcf_agent.memory.errors import InputError
from vcf_agent.tools.text import plain
from vcf_agent.tools.validation import reports
from vcf_agent.tools.validation.blocks import TextError, open_text
from vcf_agent.tools.validation.findings import Verdict
from vcf_agent.tools.validation.validate import validate
from vcf_agent.ui.verdict_text import print_verdict

SECONDS = 5
BATCHES = 12
UNPACKED_FIRST = ("bz2", "xz", "zip")
"""Packings that htslib does not read; the bcftools of pysam 0.24 aborts on xz."""
ODD = [b"\0", b"\x01", b"\x1b[2J", b"\r", b"\r\n", b"\n", b"\n\n", b"\t", b"\t\t", b"\xff", b"\xc3", b"\xed\xa0\x80",
       "\u202e".encode(), "\u0661\u0662".encode(), "\u00b2".encode(), b'"', b"\\", b"\\\"", b"<", b">", b"[", b"]",
       b",", b";", b"=", b":", b"|", b"/", b".", b"-", b"+", b"#", b"##", b"%", b"%3A", b" ", b"*", b"0" * 5000,
       b"9" * 5000]  # fmt: skip
NUMBERS = [b"0", b"-0", b"-1", b"2147483647", b"2147483648", b"-2147483648", b"-2147483641", b"9223372036854775808",
           b"1e400", b"-1e400", b"nan", b"inf", b"-inf", b"1_000", b"+5", b"0x10", b"1.", b".5", b"1e",
           b"00000000000000000000007", b"1" * 25, b"1" * 5000, "\u0663".encode(), "\u00b9".encode(), b"."]  # fmt: skip


def flip_bytes(data: bytes, pick: random.Random) -> bytes:
    flipped = bytearray(data)
    for _ in range(pick.choice([1, 1, 2, 10])):
        flipped[pick.randrange(len(flipped))] ^= 1 << pick.randrange(8)
    return bytes(flipped)


def truncate(data: bytes, pick: random.Random) -> bytes:
    at = pick.randrange(len(data))
    return data[:at] if pick.random() < 0.7 else data[at:]


def insert_odd(data: bytes, pick: random.Random) -> bytes:
    for _ in range(pick.choice([1, 1, 3])):
        at = pick.randrange(len(data) + 1)
        data = data[:at] + pick.choice(ODD) + data[at:]
    return data


def change_number(data: bytes, pick: random.Random) -> bytes:
    body = max(0, data.find(b"\n#CHROM"))
    numbers = list(re.finditer(rb"-?\d+(?:\.\d+)?", data[body if pick.random() < 0.7 else 0 :])) or [None]
    if (number := pick.choice(numbers)) is None:
        return data + pick.choice(NUMBERS)
    start = len(data) - len(number.string) + number.start()
    return data[:start] + pick.choice(NUMBERS) + data[start + len(number[0]) :]


def change_lines(data: bytes, pick: random.Random) -> bytes:
    lines = data.split(b"\n")
    i, j = pick.randrange(len(lines)), pick.randrange(len(lines))
    kind = pick.randrange(5)
    if kind == 0:
        lines.insert(j, lines[i])
    elif kind == 1:
        del lines[i]
    elif kind == 2:
        lines[i], lines[j] = lines[j], lines[i]
    elif kind == 3:
        lines[i : i + 2] = [b"".join(lines[i : i + 2])]
    else:
        lines[i] = lines[i] * pick.choice([2, 100])
    return b"\n".join(lines)


def change_fields(data: bytes, pick: random.Random) -> bytes:
    """Fields of a line, or the parts of one."""
    lines = data.split(b"\n")
    i = pick.randrange(len(lines))
    mark = pick.choice([m for m in (b"\t", b"\t", b";", b":", b",", b"=") if m in lines[i]] or [b"="])
    fields = lines[i].split(mark)
    a, b = pick.randrange(len(fields)), pick.randrange(len(fields))
    kind = pick.randrange(4)
    if kind == 0:
        fields.insert(b, fields[a])
    elif kind == 1:
        del fields[a]
    elif kind == 2:
        fields[a], fields[b] = fields[b], fields[a]
    else:
        fields[a] = pick.choice([b"", b".", *NUMBERS, *ODD])
    lines[i] = mark.join(fields)
    return b"\n".join(lines)


MUTATIONS = [flip_bytes, truncate, insert_odd, change_number, change_lines, change_lines, change_fields, change_fields]


def mutate(data: bytes, other: bytes, pick: random.Random) -> bytes:
    """One to three mutations, or the beginning of one file with the end of another."""
    if pick.random() < 0.08:
        return data[: pick.randrange(len(data) + 1)] + other[pick.randrange(len(other) + 1) :]
    for _ in range(pick.choice([1, 1, 1, 2, 3])):
        if data:
            data = pick.choice(MUTATIONS)(data, pick)
    return data


def bgzf(data: bytes, folder: Path) -> bytes:
    with BGZFile(str(folder / "packed"), "wb") as file:
        file.write(data)
    return (folder / "packed").read_bytes()


def zipped(data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.vcf", data)
    return file.getvalue()


def pack(data: bytes, kind: str, folder: Path) -> bytes:
    packers: dict[str, Callable[[bytes], bytes]] = {
        "gzip": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zip": zipped,
        "bgzf": lambda text: bgzf(text, folder),
    }  # fmt: skip
    return packers[kind](data) if kind in packers else data


def bcf(text: bytes, folder: Path) -> bytes:
    """A made file as BCF, as the bundled bcftools writes it."""
    import pysam.bcftools

    (folder / "from.vcf").write_bytes(text)
    pysam.bcftools.view("-Ob", "-o", str(folder / "to.bcf"), str(folder / "from.vcf"), catch_stdout=False)
    return (folder / "to.bcf").read_bytes()


@contextmanager
def limit(seconds: int) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TimeoutError(f"no verdict within {seconds} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def text_of(path: Path) -> bytes:
    text = b""
    with suppress(TextError):
        for block in open_text(path).blocks(1 << 20):
            text += block
    return text


def assert_sound(verdict: Verdict, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What must hold for the verdict on any bytes."""
    json.dumps(verdict.to_json(), allow_nan=False).encode()
    assert sum(verdict.codes.values()) == verdict.counts["error"] + verdict.counts["warning"]
    assert len(verdict.findings) <= sum(verdict.codes.values())
    text = text_of(path)
    last = text.count(b"\n") + (not text.endswith(b"\n"))
    assert all(f.line is None or 1 <= f.line <= last for f in verdict.findings), (last, verdict.findings)
    capsys.readouterr()
    print_verdict(verdict, None)
    out = capsys.readouterr().out
    assert out.replace("\n", "") == plain(out).replace("\n", "")


def assert_reported(verdict: Verdict) -> None:
    ElementTree.fromstring(reports.junit([verdict]))
    json.dumps(reports.sarif([verdict], Path.cwd())).encode()


def assert_survived(files: dict[Path, str]) -> None:
    """No C reader of a child process dies of these files; the values name them."""
    left = list(files)
    killers = []
    while left:
        done = subprocess.run([sys.executable, CHILD, *left], capture_output=True, text=True, timeout=300)
        if done.returncode == 0:
            break
        reader, path = done.stdout.rstrip("\n").split("\n")[-1].split("\t")
        killers.append(f"{files[Path(path)]}: {reader} ended with {done.returncode}, {done.stderr[-200:]}")
        left = left[left.index(Path(path)) + 1 :]
    assert not killers, "\n".join(killers)


Case = tuple[str, bytes]
"""A name that tells the seed and the file, and the mutated bytes."""


def try_all(cases: Iterator[Case], folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    valid: dict[Path, str] = {}
    for i, (name, data) in enumerate(cases):
        path = folder / f"{i}.vcf"
        path.write_bytes(data)
        try:
            with limit(SECONDS):
                verdict = validate(path, keep=None if i % 2 else 20)
            assert_sound(verdict, path, capsys)
            if i % 10 == 0:
                assert_reported(verdict)
        except InputError:
            continue
        except BaseException as error:
            error.add_note(f"the file: {name}")
            raise
        if verdict.valid and verdict.readable and not KEEPS_READERS_AWAY & set(verdict.codes):
            if open_text(path).packing in UNPACKED_FIRST:
                path.write_bytes(text_of(path))
            valid[path] = f"{name} ({', '.join(verdict.codes)})"
        else:
            path.unlink()
    assert_survived(valid)


def made_cases(seed: int, number: int, folder: Path) -> Iterator[Case]:
    pick = random.Random(seed)
    for i in range(number):
        version = pick.choice(VERSIONS)
        data, other = (make(version, pick.randrange(40), pick.randrange(1, 30)).text().encode() for _ in range(2))
        kind = pick.choice(["plain"] * 6 + ["gzip", "bgzf", "bz2", "xz", "zip"])
        packed = pack(mutate(data, other, pick), kind, folder)
        if kind != "plain" and pick.random() < 0.5:
            packed = mutate(packed, packed, pick)
        yield f"made, seed {seed}, number {i}, {version}, {kind}", packed


def bcf_cases(seed: int, number: int, folder: Path) -> Iterator[Case]:
    pick = random.Random(seed)
    data = bcf(make("4.2", seed, 20).text().encode(), folder)
    for i in range(number):
        inside = gzip.decompress(data)
        mutated = bgzf(mutate(inside, inside, pick), folder) if pick.random() < 0.5 else mutate(data, data, pick)
        yield f"bcf, seed {seed}, number {i}", mutated


def corpus_cases(files: list[Path], seed: int, folder: Path) -> Iterator[Case]:
    pick = random.Random(seed)
    for path in files:
        data, other = path.read_bytes(), pick.choice(files).read_bytes()
        packed = data[:2] in (b"\x1f\x8b", b"BZ", b"PK", b"\xfd7")
        text = data if packed or not data else mutate(data, other, pick)
        kind = pick.choice(["plain"] * 8 + ["gzip", "bgzf"])
        mutated = mutate(text, other, pick) if packed and text else pack(text, kind, folder)
        yield f"{path.name}, seed {seed}, {kind}", mutated


def corpus(data_folder: Path) -> list[Path]:
    files = sorted(p for p in (data_folder / "conformance").rglob("*") if p.is_file())
    if not files:
        pytest.skip(f"no conformance corpus in {data_folder}")
    return files


@pytest.mark.parametrize("seed", range(6))
def test_made_files(seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    try_all(made_cases(seed, 40, tmp_path), tmp_path, capsys)


def test_bcf(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    try_all(bcf_cases(1, 12, tmp_path), tmp_path, capsys)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_corpus(batch: int, data_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every third file of the corpus, in batches."""
    try_all(corpus_cases(corpus(data_folder)[batch :: 3 * BATCHES], batch, tmp_path), tmp_path, capsys)


def test_unchanged_corpus(data_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The corpus as it is: it holds files that kill cyvcf2, some of them valid."""
    try_all(((p.name, p.read_bytes()) for p in corpus(data_folder)), tmp_path, capsys)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 114))
def test_10_000_files(seed: int, data_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """14 x (720 of the corpus + 120 made here)."""
    try_all(corpus_cases(corpus(data_folder), seed, tmp_path), tmp_path, capsys)
    try_all(made_cases(seed, 110, tmp_path), tmp_path, capsys)
    try_all(bcf_cases(seed, 10, tmp_path), tmp_path, capsys)

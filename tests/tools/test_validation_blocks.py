"""The text of a file as the validator reads it: every packing, damaged at every kind of place, bombs, pipes."""

import bz2
import csv
import gzip
import io
import lzma
import os
import random
import subprocess
import sys
import tarfile
import threading
import tracemalloc
import zipfile
import zlib

import pysam.bcftools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make_vcf import record, vcf_text
from vcf_agent.memory.errors import InputError
from vcf_agent.tools import bcftools
from vcf_agent.tools.validation.blocks import TextError, _Feed, _output, open_text, within_limit
from vcf_agent.tools.validation.recognition import UNSUPPORTED
from vcf_agent.tools.validation.rules import rules
from vcf_agent.tools.validation.source import Source
from vcf_agent.tools.validation.unpacking import PIECE, UNPACK
from vcf_agent.tools.vcf_file import BGZF_END

TEXT = vcf_text(record(i, info=f"DP={i * 7919 % 10007}") for i in range(1, 2001)).encode()


def bgzf_block(content):
    squeeze = zlib.compressobj(wbits=-15)
    data = squeeze.compress(content) + squeeze.flush()
    header = b"\x1f\x8b\x08\x04" + bytes(5) + b"\xff\x06\0BC\x02\0" + (len(data) + 25).to_bytes(2, "little")
    return header + data + zlib.crc32(content).to_bytes(4, "little") + len(content).to_bytes(4, "little")


def bgzf(text, block=20_000):
    return b"".join(bgzf_block(text[i : i + block]) for i in range(0, len(text), block)) + BGZF_END


def zipped(*texts, method=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for i, text in enumerate(texts):
            archive.writestr(f"{i}\x1b[2J.vcf", text)
    return file.getvalue()


def in_parts(pack):
    """The text as two streams, one after the other."""
    return lambda text: pack(text[: len(text) // 2]) + pack(text[len(text) // 2 :])


PACKINGS = {
    "plain": ("plain", bytes),
    "bgzf": ("bgzf", bgzf),
    "bgzf-joined": ("bgzf", in_parts(bgzf)),
    "gzip": ("gzip", gzip.compress),
    "gzip-members": ("gzip", in_parts(gzip.compress)),
    "gzip-padded": ("gzip", lambda text: gzip.compress(text) + bytes(70_000)),
    "bz2": ("bz2", bz2.compress),
    "bz2-streams": ("bz2", in_parts(bz2.compress)),
    "xz": ("xz", lzma.compress),
    "xz-streams": ("xz", lambda text: lzma.compress(text[:99]) + bytes(8) + lzma.compress(text[99:])),
    "zip": ("zip", zipped),
    "zip-stored": ("zip", lambda text: zipped(text, method=zipfile.ZIP_STORED)),
}


def read(path, size=1 << 20):
    """The text, and the error at its end or null."""
    blocks = []
    try:
        text = open_text(path)
        for block in text.blocks(size):
            blocks.append(block)
    except TextError as error:
        assert rules()[error.code].group == "file"
        assert error.message == str(error)
        assert error.message.isprintable()
        return b"".join(blocks), error
    assert all(len(block) == size for block in blocks[:-1])
    return b"".join(blocks), None


@pytest.fixture
def written(tmp_path):
    def write(data, name="no-name-tells"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def code(path):
    return read(path)[1].code


@pytest.mark.parametrize("name", PACKINGS)
@pytest.mark.parametrize("size", [7, 4096, 1 << 20])
def test_a_packed_text_is_the_text(name, size, written):
    packing, pack = PACKINGS[name]
    path = written(pack(TEXT))
    assert open_text(path).packing == packing
    assert read(path, size) == (TEXT, None)


@settings(max_examples=40, deadline=None)
@given(st.binary(min_size=1), st.sampled_from([*PACKINGS]), st.integers(1, 300))
def test_any_bytes_after_a_header(tmp_path_factory, tail, name, size):
    path = tmp_path_factory.mktemp("any") / "file"
    text = TEXT[:5000] + tail
    path.write_bytes(PACKINGS[name][1](text))
    assert read(path, size) == (text, None)


@pytest.mark.parametrize("name", ["bgzf", "bgzf-joined", "gzip", "gzip-members", "bz2", "bz2-streams", "xz", "zip"])
def test_a_file_that_is_cut_off_anywhere(name, written):
    """The text up to the cut comes first, then the error; only between two streams a cut cannot be told."""
    data = PACKINGS[name][1](TEXT)
    half = TEXT[: len(TEXT) // 2]
    whole_stream = {"gzip-members": len(gzip.compress(half)), "bz2-streams": len(bz2.compress(half))}.get(name)
    for cut in sorted({*range(19, len(data), len(data) // 40), *range(len(data) - 30, len(data))}):
        text, error = read(written(data[:cut]))
        assert TEXT.startswith(text)
        assert error.code == "DAMAGED_COMPRESSION" if cut != whole_stream else not error, cut
    text, error = read(written(data[: len(data) * 3 // 4]))
    assert error.code == "DAMAGED_COMPRESSION"
    assert error.readable
    if name.startswith(("bgzf", "gzip")):
        assert len(text) > len(TEXT) // 2
        assert f"byte {len(data) * 3 // 4:,}" in error.message


def test_bgzf_without_its_end_marker(written):
    text, error = read(written(bgzf(TEXT).removesuffix(BGZF_END)))
    assert text == TEXT
    assert "end marker is missing" in error.message


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_changed_byte_is_an_error_or_harmless(tmp_path_factory, data):
    name = data.draw(st.sampled_from(["bgzf", "gzip", "gzip-members", "bz2", "xz", "zip"]))
    packed = bytearray(PACKINGS[name][1](TEXT))
    place = data.draw(st.integers(0, len(packed) - 1))
    packed[place] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.mktemp("changed") / "file"
    path.write_bytes(packed)
    text, error = read(path)
    assert error or text == TEXT or place < 4, (name, place)


def test_damage_leaves_what_precedes_it(written):
    blocks = [bgzf_block(TEXT[i : i + 20_000]) for i in range(0, len(TEXT), 20_000)]
    blocks[2] = blocks[2][:200] + b"\xff" * 20 + blocks[2][220:]
    text, error = read(written(b"".join(blocks) + BGZF_END))
    assert text == TEXT[:40_000]
    assert f"byte {sum(map(len, blocks[:2])):,}" in error.message

    packed = gzip.compress(TEXT)
    text, error = read(written(packed[:-8] + bytes(4) + packed[-4:]))
    assert (text, error.code) == (TEXT, "DAMAGED_COMPRESSION")  # the checksum alone is wrong

    packed = zipped(TEXT).replace(zlib.crc32(TEXT).to_bytes(4, "little"), b"abcd")
    text, error = read(written(packed))
    assert (text, error.code) == (TEXT, "DAMAGED_COMPRESSION")


def test_what_follows_the_compressed_data(written):
    for pack in (bgzf, gzip.compress, bz2.compress, lzma.compress):
        text, error = read(written(pack(TEXT) + b"and something else of some length"))
        assert text == TEXT
        assert error.code == "DAMAGED_COMPRESSION"


def test_a_bgzf_whose_blocks_say_a_wrong_length(written):
    block = bgzf_block(TEXT[:20_000])
    for wrong in (len(block), 17, 0, 65535):
        path = written(block[:16] + wrong.to_bytes(2, "little") + block[18:] + BGZF_END)
        assert code(path) == "DAMAGED_COMPRESSION"


def test_an_archive_is_not_a_vcf(written):
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        member = tarfile.TarInfo("a.vcf")
        member.size = len(TEXT)
        tar.addfile(member, io.BytesIO(TEXT))
    for pack in (bytes, gzip.compress, bgzf, bz2.compress, lzma.compress, zipped):
        assert code(written(pack(archive.getvalue()))) == "NOT_VCF"


def test_zips_that_are_not_one_vcf(written):
    _, error = read(written(zipped(TEXT, TEXT, b"more", b"most")))
    assert error.code == "NOT_VCF"
    assert "holds 4 files" in error.message
    assert code(written(zipped())) == "NOT_VCF"
    assert code(written(zipped(zipped(TEXT)))) == "NOT_VCF"
    encrypted = zipped(TEXT).replace(b"PK\x01\x02\x14\x03\x14\0\0", b"PK\x01\x02\x14\x03\x14\0\1")
    assert "is encrypted" in read(written(encrypted))[1].message
    assert code(written(zipped(TEXT, method=zipfile.ZIP_LZMA))) == "UNSUPPORTED_COMPRESSION"


def test_a_zip_with_a_folder_and_what_macos_adds(written):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/", b"")
        archive.writestr("folder/a.vcf", TEXT)
        archive.writestr("__MACOSX/folder/._a.vcf", b"\0\5\x16\7")
    assert read(written(file.getvalue())) == (TEXT, None)


def test_what_is_not_supported_is_named(written):
    for mark, name in UNSUPPORTED:
        _, error = read(written(mark + bytes(100)))
        assert error.code == "UNSUPPORTED_COMPRESSION"
        assert not error.readable
        assert name in error.message
    assert "zlib" in read(written(zlib.compress(TEXT)))[1].message


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_other_encodings(encoding, written):
    for pack in (bytes, gzip.compress):
        _, error = read(written(pack(TEXT.decode().encode(encoding))))
        assert error.code == "NOT_TEXT"
        assert encoding[:6].upper() in error.message


def test_a_byte_order_mark_does_not_hide_the_rest(written):
    text, error = read(written(b"\xef\xbb\xbf" + TEXT))
    assert text == TEXT
    assert error.code == "NOT_TEXT"


@pytest.mark.parametrize(
    ("start", "named"),
    [
        (b"%PDF-1.7\n%\xe2\xe3", "PDF"), (b"\n <!DOCTYPE html><html>", "web page"), (b"<HTML>", "web page"),
        (b"BAM\x01" + bytes(30), "BAM"), (b"TBI\x01" + bytes(30), "tabix index"), (bytes(range(256)) * 9, "binary"),
    ],
)  # fmt: skip
def test_documents(start, named, written):
    for pack, expected in ((bytes, "NOT_TEXT"), (gzip.compress, "NOT_VCF"), (bz2.compress, "NOT_VCF")):
        _, error = read(written(pack(start)))
        assert error.code == expected
        assert named in error.message


def test_compressed_twice(written):
    assert code(written(gzip.compress(gzip.compress(TEXT)))) == "NOT_VCF"
    assert code(written(bgzf(bz2.compress(TEXT)))) == "NOT_VCF"


def test_nothing_in_it(written):
    for pack in (bytes, bgzf, gzip.compress, bz2.compress, lzma.compress, zipped):
        assert code(written(pack(b""))) == "FILE_EMPTY"


def test_text_that_is_no_vcf_is_left_to_the_rules(written):
    for text in (b"\n", b"x", b"x^y", b"chr1\t5\n", "Größe\n".encode("latin-1"), TEXT + b"\0" * 99):
        assert read(written(text)) == (text, None)


def test_compressed_data_that_was_sent_as_text(written):
    spoilt = bgzf(TEXT).decode(errors="replace").encode()
    _, error = read(written(spoilt))
    assert error.code == "DAMAGED_COMPRESSION"
    assert "as if it were text" in error.message


REFUSED = {
    "compressed.vcf.z": "UNSUPPORTED_COMPRESSION", "compressed.vcf.tar.xz": "NOT_VCF",
    "malformed.bcf": "DAMAGED_COMPRESSION",
}  # fmt: skip


def test_containers_of_the_corpus(data_folder, written):
    with (data_folder / "manifest.tsv").open() as table:
        rows = [row for row in csv.DictReader(table, delimiter="\t") if row["scored"] == "container"]
    assert rows
    for row in rows:
        original = data_folder / row["path"]
        text, error = read(written(original.read_bytes()))
        if expected := REFUSED.get(original.name):
            assert (text, error.code) == (b"", expected)
        else:
            assert (text, error) == (gzip.decompress(original.read_bytes()), None)


def bomb(packing, size):
    line = record(5).encode() + b"\n"
    return PACKINGS[packing][1](TEXT[:3000] + line * (size // len(line)))


@pytest.mark.parametrize("packing", ["bgzf", "gzip", "bz2", "xz", "zip"])
def test_a_bomb_ends_at_the_limit(packing, written):
    path = written(bomb(packing, 3 << 20))
    total = 0
    with path.open("rb") as file, pytest.raises(TextError, match="limit of 1 MB and 20 times") as caught:
        source = Source(path, file)
        for piece in within_limit(UNPACK[packing](source), source, free=1 << 20, expansion=20):
            assert len(piece) <= PIECE
            total += len(piece)
    assert (caught.value.code, caught.value.readable) == ("EXPANSION_LIMIT", False)
    assert total <= 1 << 20


def test_what_expands_far_is_no_bomb_while_it_is_small(written):
    path = written(bomb("xz", 20 << 20))
    text, error = read(path)
    assert error is None
    assert len(text) > 1000 * path.stat().st_size


@pytest.mark.parametrize("packing", ["gzip", "xz"])
def test_memory_does_not_grow_with_the_text(packing, written):
    path = written(bomb(packing, 30 << 20))
    tracemalloc.start()
    try:
        total = sum(map(len, open_text(path).blocks(1 << 20)))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert total > 29 << 20
    assert most < 24 << 20  # xz alone takes 9 MB for its dictionary


def test_xz_that_wants_too_much_memory(written):
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 28}]
    packed = bytearray(lzma.compress(TEXT, filters=[{**filters[0], "dict_size": 1 << 20}]))
    properties = packed.index(b"\x21\x01", 12) + 2  # the size of the dictionary, as liblzma writes it
    packed[properties] = 32  # 256 MB
    end = 12 + (packed[12] + 1) * 4
    packed[end - 4 : end] = zlib.crc32(packed[12 : end - 4]).to_bytes(4, "little")
    _, error = read(written(bytes(packed)))
    assert (error.code, error.readable) == ("EXPANSION_LIMIT", False)
    assert "128 MB of memory" in error.message


@pytest.fixture
def bcf(written, tmp_path):
    def convert(text, output="-Ob"):
        path = tmp_path / "converted"
        pysam.bcftools.view("--no-version", output, "-o", str(path), str(written(text)), catch_stdout=False)
        return path.read_bytes()

    return convert


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress], ids=["as-it-is", "gzip", "xz"])
@pytest.mark.parametrize("output", ["-Ob", "-Ou"])
def test_bcf_is_read_as_bcftools_writes_it(pack, output, bcf, written):
    data = gzip.decompress(bcf(TEXT, output))
    raw = written(data, "raw")
    text = bcftools.run(["view", "--no-version", str(raw)], raw).encode()
    for content in (pack(data), bgzf(data)):
        path = written(content)
        assert open_text(path).packing == "bcf"
        assert read(path) == (text, None)


def test_bcf_that_is_cut_off_or_wrong(bcf, written):
    packed = bcf(TEXT)
    text, error = read(written(packed[: len(packed) * 3 // 4]))
    assert error.code == "DAMAGED_COMPRESSION"
    assert text.startswith(b"##fileformat=VCFv4.2\n")
    assert text.count(b"\n") > 500
    data = gzip.decompress(packed)
    for broken in (data[: len(data) * 3 // 4], data[:-20] + b"\xff" * 20, data[:9] + b"\xff" * 200, data[:40]):
        _, error = read(written(broken))
        assert error.code == "UNREADABLE_RECORD", broken[:20]
        assert "/dev/" not in error.message


def test_bcf_with_a_byte_changed_does_not_crash_or_hang(bcf, written):
    content = gzip.decompress(bcf(TEXT[:5000].rpartition(b"\n")[0] + b"\n"))
    chance = random.Random(1)
    for _ in range(8):
        place = chance.randrange(5, len(content))
        _, error = read(written(content[:place] + bytes([chance.randrange(256)]) + content[place + 1 :]))
        assert error is None or error.code == "UNREADABLE_RECORD"


def test_bcf_that_claims_a_record_of_2_gb(bcf, written):
    data = gzip.decompress(bcf(TEXT))
    header = data[: 9 + int.from_bytes(data[5:9], "little")]
    claim = (0x7FFFFFF0).to_bytes(4, "little") + (100).to_bytes(4, "little")
    _, error = read(written(gzip.compress(header + claim + bytes(20 << 20))))
    assert error.code == "UNREADABLE_RECORD"


def test_bcftools_that_hangs_is_given_up():
    """A child that neither reads nor writes, in place of bcftools."""
    with subprocess.Popen(["sleep", "60"], stdout=subprocess.PIPE) as child:
        with pytest.raises(bcftools.BcftoolsTimeout, match="did nothing"):
            list(_output(child.stdout, _Feed(x for x in []), patience=0.1))
        child.kill()


def feed(path, data):
    """Write to a pipe, a few bytes first."""
    with open(path, "wb", buffering=0) as pipe:
        pipe.write(data[:3])
        pipe.write(data[3:])


@pytest.mark.parametrize("name", ["plain", "bgzf", "gzip-members", "bz2", "xz"])
def test_a_named_pipe(name, tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=feed, args=(path, PACKINGS[name][1](TEXT)))
    writer.start()
    assert read(path) == (TEXT, None)
    writer.join()


def test_a_bcf_in_a_pipe(bcf, tmp_path):
    data = bcf(TEXT)
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=feed, args=(path, data))
    writer.start()
    text, error = read(path)
    writer.join()
    assert error is None
    assert text.endswith(TEXT[-10_000:])


def test_a_zip_in_a_pipe_is_refused(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=feed, args=(path, zipped(TEXT[:100])))
    writer.start()
    _, error = read(path)
    writer.join()
    assert (error.code, error.readable) == ("UNSUPPORTED_COMPRESSION", False)


READ_ARGUMENT = (
    "import pathlib, sys; from vcf_agent.tools.validation.blocks import open_text\n"
    "for block in open_text(pathlib.Path(sys.argv[1])).blocks(1000): sys.stdout.buffer.write(block)"
)


@pytest.mark.parametrize("path", ["-", "/dev/fd/0"])
def test_standard_input(path):
    run = subprocess.run([sys.executable, "-c", READ_ARGUMENT, path], input=bgzf(TEXT), capture_output=True, check=True)
    assert run.stdout == TEXT


def test_standard_input_from_a_file(written):
    with written(TEXT).open("rb") as file:
        run = subprocess.run([sys.executable, "-c", READ_ARGUMENT, "-"], stdin=file, capture_output=True, check=True)
    assert run.stdout == TEXT


def test_what_is_no_file(tmp_path, written):
    written(TEXT, "sample1.vcf")
    for path, expected in [
        ("/dev/zero", "not a regular file"), (tmp_path, "is a directory"), (tmp_path / "\0", "cannot be read"),
        (tmp_path / "sample.vcf", "Did you mean .*sample1.vcf"), (tmp_path / ("a" * 300), "cannot be read"),
        (tmp_path / "sample1.vcf" / "x", "cannot be read"),
    ]:  # fmt: skip
        with pytest.raises(InputError, match=expected):
            open_text(type(tmp_path)(path))


@pytest.mark.parametrize("name", ["plain", "bgzf", "gzip", "bz2"])
def test_a_file_that_grows(name, written):
    """It is read up to the size that it had."""
    path = written(PACKINGS[name][1](TEXT))
    blocks = open_text(path).blocks(1000)
    first = next(blocks)
    with path.open("ab") as file:
        file.write(b"more\n" * 100)
    text = [first]
    with pytest.raises(TextError) as caught:
        text.extend(blocks)
    assert caught.value.code == "FILE_CHANGED"
    assert b"".join(text) == TEXT


def test_a_file_that_shrinks(written):
    path = written(bgzf(TEXT * 20))
    blocks = open_text(path).blocks(1000)
    next(blocks)
    os.truncate(path, 300_000)
    with pytest.raises(TextError) as caught:
        list(blocks)
    assert caught.value.code == "FILE_CHANGED"


def test_a_text_that_is_not_read_leaves_nothing_open(written, bcf):
    before = len(os.listdir("/dev/fd"))
    for data in (TEXT * 10, bgzf(TEXT), zipped(TEXT), zlib.compress(TEXT), bcf(TEXT)):
        path = written(data)
        try:
            next(open_text(path).blocks(100))
        except TextError:
            continue
    assert len(os.listdir("/dev/fd")) <= before + 1

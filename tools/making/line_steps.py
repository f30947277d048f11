"""The process in which the steps run that the bundled bcftools lacks: VCF text in, VCF text out, line by line.

One command as a JSON list on standard input, as for `bcftools_child`: a limit that is not used here, the name of
the step, its own argument, the file to read and the file to write.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

AF_LINE = b'##INFO=<ID=AF,Number=A,Type=Float,Description="AC divided by AN">\n'


def set_frequency(lines: Iterable[bytes], _: str) -> Iterator[bytes]:
    """INFO/AF from the AC and AN that stand in the line; no AF where no allele is called."""
    for line in lines:
        if line.startswith(b"#"):
            if line.startswith(b"#CHROM"):
                yield AF_LINE
            if not line.startswith(b"##INFO=<ID=AF,"):
                yield line
            continue
        columns = line.rstrip(b"\n").split(b"\t", 8)
        columns[7] = _with_frequency(columns[7])
        yield b"\t".join(columns) + b"\n"


_COUNTS = re.compile(rb"(?:^|;)AC=([\d,]+)(?:;|$)")
_TOTAL = re.compile(rb"(?:^|;)AN=(\d+)(?:;|$)")


def _with_frequency(info: bytes) -> bytes:
    parts = [p for p in info.split(b";") if not p.startswith(b"AF=") and p != b"AF"]
    counts, total = _COUNTS.search(info), _TOTAL.search(info)
    if counts and total and int(total[1]):
        called = int(total[1])
        parts.append(b"AF=" + b",".join(b"%.6g" % (int(c) / called) for c in counts[1].split(b",")))
    return b";".join(parts) or b"."


def thin(lines: Iterable[bytes], window: str) -> Iterator[bytes]:
    """The first record of each contig, then the first that starts at least `window` bases after the last kept."""
    contig, last, bases = b"", 0, int(window)
    for line in lines:
        if not line.startswith(b"#"):
            chrom, pos, _ = line.split(b"\t", 2)
            if chrom == contig and int(pos) < last + bases:
                continue
            contig, last = chrom, int(pos)
        yield line


def keep_records(lines: Iterable[bytes], numbers: str) -> Iterator[bytes]:
    """The records whose 0-based numbers stand in a file, one a line."""
    wanted = {int(n) for n in Path(numbers).read_text().split()}
    number = 0
    for line in lines:
        if line.startswith(b"#"):
            yield line
        else:
            if number in wanted:
                yield line
            number += 1


def add_contigs(lines: IO[bytes], listed: str) -> Iterator[bytes]:
    """A length for each contig line that has none, and lines for the contigs without one.

    `listed` is a file with a name and a length, parted by a tab, on each line.
    """
    lengths = dict(line.split(b"\t") for line in Path(listed).read_bytes().splitlines())
    for line in lines:
        known = _CONTIG_LINE.match(line)
        if known:
            length = lengths.pop(known[1], None)
            if length and b"length=" not in line:
                line = b"%s,length=%s%s" % (known[0], length, line[known.end() :])
        if line.startswith(b"#CHROM"):
            yield from (b"##contig=<ID=%s,length=%s>\n" % pair for pair in lengths.items())
            yield line
            break
        yield line
    yield from iter(lambda: lines.read(1 << 20), b"")


_CONTIG_LINE = re.compile(rb"##contig=<ID=([^,>]+)")
VAF_LINE = (
    b'##FORMAT=<ID=VAF,Number=A,Type=Float,Description="The fraction of reads with alternate allele (nALT/nSumAll)">\n'
)


def add_vaf(lines: IO[bytes], _: str) -> Iterator[bytes]:
    """FORMAT/VAF at the end of each record with AD; every cell has all of the fields, as bcftools writes them."""
    shares = [_Shares(n) for n in range(2)]
    for line in lines:
        if line.startswith(b"#"):
            if line.startswith(b"#CHROM"):
                yield VAF_LINE
            yield line
            continue
        columns = line.rstrip(b"\n").split(b"\t")
        names = columns[8].split(b":") if len(columns) > 9 else []
        if b"AD" in names and columns[4] != b".":
            alleles = columns[4].count(b",") + 1
            shares += [_Shares(n) for n in range(len(shares), alleles + 1)]
            _append_shares(columns, names.index(b"AD"), shares[alleles])
            line = b"\t".join(columns) + b"\n"
        yield line


def _append_shares(columns: list[bytes], at: int, share: "_Shares") -> None:
    columns[8] += b":VAF"
    columns[9:] = [cell + share[cell.split(b":", at + 1)[at]] for cell in columns[9:]]


class _Shares(dict[bytes, bytes]):
    """`:VAF` by the text of AD, for one number of ALT alleles; kept, since few texts come often."""

    def __init__(self, alleles: int) -> None:
        self._alleles = alleles

    def __missing__(self, reads: bytes) -> bytes:
        text = b":" + _share(reads, self._alleles)
        if len(self) < 1 << 20:
            self[reads] = text
        return text


def _share(reads: bytes, alleles: int) -> bytes:
    numbers = reads.split(b",")
    if len(numbers) != alleles + 1 or not all(n.isdigit() for n in numbers):
        return b"."
    counts = [int(n) for n in numbers]
    total = sum(counts) or 1  # no read is no share, as bcftools +fill-tags has it
    return b",".join(b"%.9g" % (n / total) for n in counts[1:])


STEPS: dict[str, Callable[..., Iterator[bytes]]] = {
    "set_frequency": set_frequency, "thin": thin, "keep_records": keep_records, "add_contigs": add_contigs,
    "add_vaf": add_vaf,
}  # fmt: skip


def main() -> int:
    _, name, argument, source, target = json.loads(sys.stdin.buffer.readline())
    with Path(source).open("rb", 1 << 20) as lines, Path(target).open("wb", 1 << 20) as out:
        out.writelines(STEPS[name](lines, argument))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The process in which the steps run that the bundled bcftools lacks: VCF text in, VCF text out, line by line.

One command as a JSON list on standard input, as for `bcftools_child`: a limit that is not used here, the name of
the step, its own argument, the file to read and the file to write.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

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


STEPS = {"set_frequency": set_frequency, "thin": thin, "keep_records": keep_records}


def main() -> int:
    _, name, argument, source, target = json.loads(sys.stdin.buffer.readline())
    with Path(source).open("rb", 1 << 20) as lines, Path(target).open("wb", 1 << 20) as out:
        out.writelines(STEPS[name](lines, argument))
    return 0


if __name__ == "__main__":
    sys.exit(main())

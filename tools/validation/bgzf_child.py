"""The process that compresses: standard input into the file it is told, in blocks (BGZF)."""

import sys

import pysam


def main() -> int:
    try:
        with pysam.BGZFile(sys.argv[1], "wb") as file:
            while block := sys.stdin.buffer.read(1 << 20):
                file.write(block)
    except OSError as error:
        sys.stderr.write(error.strerror or str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The lines of a file in blocks: positions of line ends and tabs, found for a whole block at once."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

LINE_LIMIT = 32 << 20
"""Bytes. A record of half a million samples has some 15 MB; longer lines are files without line ends."""

COLUMN_LIMIT = 1 << 20
FIELD_LIMIT = 2 << 20
"""Bytes of one column, and of what a header line has between angle brackets.

Both limits are those of memory: what is taken apart needs some twenty times its size.
"""

Positions = NDArray[np.int64]


@dataclass(slots=True)
class Chunk:
    """Whole lines, each with its line feed; `complete` is false where the file's last line had none.

    `cut` marks a line of which only the beginning is here, since it is longer than `LINE_LIMIT` or has too many tabs.
    """

    text: bytes
    complete: bool = True
    cut: bool = False


def chunks(blocks: Iterator[bytes]) -> Generator[Chunk, None, None]:
    """Blocks that end with a line."""
    rest = b""
    skipping = False
    for block in blocks:
        if skipping:
            _, end, block = block.partition(b"\n")
            if not end:
                continue
            skipping = False
        at = block.rfind(b"\n") + 1
        if at:
            text, rest, block = rest + block[:at], block[at:], b""
            yield Chunk(text)
            del text
        else:
            rest += block
        if len(rest) > LINE_LIMIT or rest.count(b"\t") > COLUMN_LIMIT:
            yield Chunk(rest[:1000] + b"\n", cut=True)
            rest, skipping = b"", True
    if rest:
        yield Chunk(rest + b"\n", complete=False)


@dataclass(slots=True)
class Block:
    """Record lines of one chunk. `starts[i]` is where line i begins in `data`, `starts[-1]` the end of all.

    `first` is the number of the first line in the file, 1-based.
    """

    data: NDArray[np.uint8]
    starts: Positions
    first: int
    tabs: Positions
    first_tab: Positions

    @property
    def count(self) -> int:
        return len(self.starts) - 1

    def line(self, i: int) -> str:
        """A line without its line feed."""
        return self.text(self.starts[i], self.starts[i + 1] - 1)

    def site(self, i: int) -> list[str]:
        """The columns of a line up to FORMAT."""
        tabs = self.tabs[self.first_tab[i] : self.first_tab[i + 1]][:9]
        end = tabs[8] if len(tabs) > 8 else self.starts[i + 1] - 1
        return self.text(self.starts[i], end).split("\t")

    def samples(self, i: int) -> Positions:
        """Where the samples of a line begin, and the end of the last."""
        tabs = self.tabs[self.first_tab[i] : self.first_tab[i + 1]]
        return np.append(tabs[8:] + 1, self.starts[i + 1])

    def text(self, begin: int, end: int) -> str:
        """A span of the block; what is no UTF-8 is replaced."""
        return bytes(self.data[begin:end]).decode("utf-8", errors="replace")

    def numbers(self, rows: Positions) -> Positions:
        """The numbers of lines in the file."""
        return rows + self.first

    def columns(self) -> Positions:
        """How many columns each line has."""
        return np.diff(self.first_tab) + 1

    def tabs_of(self, rows: Positions, number: int) -> NDArray[np.int64]:
        """Where the first `number` tabs of each of `rows` are, one row for each."""
        found: NDArray[np.int64] = self.tabs[self.first_tab[rows][:, None] + np.arange(number)]
        return found


def to_block(text: bytes, first: int) -> Block:
    data = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(data == 10) + 1
    starts = np.concatenate([[0], ends])
    tabs = np.flatnonzero(data == 9)
    return Block(data, starts, first, tabs, np.searchsorted(tabs, starts))


def gather(data: NDArray[np.uint8], begins: Positions, ends: Positions) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Spans of `data` joined into one buffer, and the offsets of each in it."""
    sizes = ends - begins
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    where = np.repeat(begins - offsets[:-1], sizes) + np.arange(offsets[-1])
    return data[where], offsets.astype(np.int32)


def column(data: NDArray[np.uint8], begins: Positions, ends: Positions) -> pa.StringArray:
    """Spans of `data` as strings. They are not looked at: what is no UTF-8 stays so."""
    text, offsets = gather(data, begins, ends)
    return pa.StringArray.from_buffers(len(begins), pa.py_buffer(offsets), pa.py_buffer(text))

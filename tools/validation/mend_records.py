"""What can be mended in the records: blocks that need nothing pass as they are."""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from hashlib import blake2b
from pathlib import Path

import numpy as np

from .header import Header
from .lines import Chunk, column, to_block
from .site import check_filters

RUN = 16 << 20
"""Bytes of text that are sorted in memory at once."""
OPEN_RUNS = 64
"""Sorted runs that are merged at once; fewer where lines are long, since one line of each is held."""


class CannotSort(Exception):
    """A line has no position to sort by."""


class RecordMender:
    """Mends the lines of a file from chunk to chunk. `counts` has by rule how many lines were changed or left out.

    `codes` are the rules whose breaches are looked for; `joined` says whether header lines among the records go.
    """

    def __init__(self, header: Header, codes: set[str], joined: bool, counts: Counter[str]) -> None:
        self.header = header
        self.counts = counts
        self._joined = joined
        self._blanks = bool(codes & {"BLANK_LINE", "BLANK_LINE_AT_END"})
        self._filters = bool(codes & {"FILTER_PASS_BESIDE", "FILTER_REPEATED"})
        self._pending = 0

    def mend(self, chunks: Iterable[Chunk]) -> Iterator[bytes]:
        """Whole lines; the last one has no line end where it may have been cut off."""
        for chunk in chunks:
            text = self._drop(chunk.text) if self._blanks or self._joined else chunk.text
            if self._filters:
                text = self._mend_filters(text)
            yield text if chunk.complete else self._end(text)
        self.counts["BLANK_LINE_AT_END"] += self._pending

    def _drop(self, text: bytes) -> bytes:
        has_blank = text.startswith(b"\n") or b"\n\n" in text
        has_header = self._joined and (text.startswith(b"#") or b"\n#" in text)
        if not (has_blank or has_header):
            self._end_blanks(bool(text))
            return text
        return b"".join(line + b"\n" for line in text.split(b"\n")[:-1] if self._keep(line))

    def _keep(self, line: bytes) -> bool:
        if self._blanks and not line:
            self._pending += 1
            return False
        self._end_blanks(True)
        if self._joined and line.startswith(b"#"):
            self.counts["COLUMNS_REPEATED"] += 1
            return False
        return True

    def _end_blanks(self, something_follows: bool) -> None:
        if something_follows:
            self.counts["BLANK_LINE"] += self._pending
            self._pending = 0

    def _mend_filters(self, text: bytes) -> bytes:
        block = to_block(text, 1)
        rows = np.flatnonzero(block.columns() >= 8)
        if not len(rows):
            return text
        tabs = block.tabs_of(rows, 7)
        coded = column(block.data, tabs[:, 5] + 1, tabs[:, 6]).cast("binary").dictionary_encode()
        pieces, at = [], 0
        mended = [mend_filters(value) for value in coded.dictionary.to_pylist()]
        changed = np.array([new is not None for new, _ in mended], bool)
        indices = coded.indices.to_numpy()
        for i in np.flatnonzero(changed[indices]).tolist():
            new, code = mended[indices[i]]
            begin, end = int(tabs[i, 5]) + 1, int(tabs[i, 6])
            pieces += [text[at:begin], new or b""]
            self.counts[code] += 1
            at = end
        return b"".join([*pieces, text[at:]])

    def _end(self, text: bytes) -> bytes:
        """The last line, which has no line end: it gets one where all its columns are there."""
        last = text[:-1].rpartition(b"\n")[2]
        whole = last.count(b"\t") + 1 == self.header.columns if text else self.header.columns > 0
        if whole:
            self.counts["NO_FINAL_NEWLINE"] += 1
            return text
        return text[:-1]


def mend_filters(value: bytes) -> tuple[bytes | None, str]:
    """FILTER without what is repeated, and without PASS or '.' beside others; and the rule. Null where it stays."""
    filters = value.decode("utf-8", errors="surrogateescape")
    code = next((breach.code for breach in check_filters(filters)), "")
    if code not in ("FILTER_PASS_BESIDE", "FILTER_REPEATED"):
        return None, code
    names = list(dict.fromkeys(filters.split(";")))
    failed = [name for name in names if name not in ("PASS", ".")]
    new = ";".join(failed or names)
    if any(check_filters(new)):
        return None, code
    return new.encode("utf-8", errors="surrogateescape"), code


def lines_of(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines with their line ends, the last one perhaps without."""
    for block in blocks:
        lines = block.split(b"\n")
        yield from (line + b"\n" for line in lines[:-1])
        if lines[-1]:
            yield lines[-1]


def without_repeats(lines: Iterable[bytes], counts: Counter[str]) -> Iterator[bytes]:
    """Leave out each line that is the same in every column as one before it at its position."""
    place, first, seen = [b""], b"", set[bytes]()
    for line in lines:
        here = line.split(b"\t", 2)[:2]
        if here != place:
            place, first, seen = here, line, set()
        else:
            seen = seen or {_digest(first)}
            digest = _digest(line)
            if digest in seen:
                counts["RECORD_REPEATED"] += 1
                continue
            seen.add(digest)
        yield line


def _digest(line: bytes) -> bytes:
    return blake2b(line, digest_size=16).digest()


class Sorter:
    """Sorts lines by contig and position on disk; lines of one position stay in their order.

    Contigs come in the order of the header, those it lacks behind them as they are met.
    """

    def __init__(self, header: Header, folder: Path) -> None:
        self._folder = folder
        self._ranks = {name.encode("utf-8", errors="surrogateescape"): i for i, name in enumerate(header.contigs)}
        self._longest = 1
        self._number = 0

    def sort(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """The sorted lines. Raises `CannotSort`."""
        runs = [self._write(sorted(run, key=self._key)) for run in self._runs(lines)]
        while len(runs) > (together := max(2, min(OPEN_RUNS, RUN * 4 // self._longest))):
            runs = [self._write(self._merge(runs[i : i + together])) for i in range(0, len(runs), together)]
        yield from self._merge(runs)

    def _runs(self, lines: Iterable[bytes]) -> Iterator[list[bytes]]:
        held: list[bytes] = []
        size = 0
        for line in lines:
            if not line.endswith(b"\n"):
                raise CannotSort("the last line may be cut off")
            held.append(line)
            size += len(line)
            self._longest = max(self._longest, len(line))
            if size >= RUN:
                yield held
                held, size = [], 0
        yield held

    def _key(self, line: bytes) -> tuple[int, int]:
        columns = line.split(b"\t", 2)
        if len(columns) < 3 or not columns[1].isdigit() or len(columns[1]) > 100 or line.startswith(b"#"):
            raise CannotSort("a line has no position")
        return self._ranks.setdefault(columns[0], len(self._ranks)), int(columns[1])

    def _write(self, lines: Iterable[bytes]) -> Path:
        run = self._folder / f"run{self._number}"
        self._number += 1
        with run.open("xb", buffering=1 << 20) as file:
            file.writelines(lines)
        return run

    def _merge(self, runs: list[Path]) -> Iterator[bytes]:
        with ExitStack() as stack:
            files = [stack.enter_context(run.open("rb", buffering=1 << 18)) for run in runs]
            yield from heapq.merge(*files, key=self._key)
        for run in runs:
            run.unlink()

"""Characters that a text does not have."""

import re
from collections.abc import Iterator

import numpy as np

from .lines import Block, Positions

_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f]")


def text_problem(line: bytes) -> tuple[str, str] | None:
    """What makes a line no text: the rule and the words."""
    if b"\0" in line:
        return "NOT_TEXT", "the line has NUL bytes"
    if control := _CONTROL.search(line):
        return "CONTROL_CHARACTER", f"the line has the control character 0x{control[0][0]:02x}"
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        return "NOT_UTF8", f"the line has the byte 0x{line[error.start]:02x}, which is not UTF-8 here"
    return None


def text_problems(block: Block) -> Iterator[tuple[int, tuple[str, str]]]:
    """The lines of a block with characters that text does not have; the whole block is looked at once first."""
    places = [i + np.flatnonzero(_IS_ODD[block.data[i : i + SLICE]]) for i in range(0, len(block.data), SLICE)]
    odd = np.concatenate([_line_numbers(block, place) for place in places])
    if not len(odd):
        return
    for row in np.unique(odd).tolist():
        problem = text_problem(bytes(block.data[block.starts[row] : block.starts[row + 1] - 1]))
        if problem:
            yield row, problem


_IS_ODD = np.array([c != 9 and c != 10 and not 32 <= c < 128 for c in range(256)])
SLICE = 1 << 18
"""Bytes that are looked at together for odd characters: what is in the processor's cache anyway."""


def _line_numbers(block: Block, places: Positions) -> Positions:
    """The lines (0-based in the block) in which `places` of the text are, each once."""
    return np.unique(np.searchsorted(block.starts, places, side="right") - 1)

"""The text of a file, whatever it is packed in, as blocks of bytes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Packing = Literal["plain", "bgzf", "gzip", "bz2", "xz", "zip", "bcf"]


class TextError(Exception):
    """The text ends here: `code` is that of a rule of the group `file`.

    `readable` is false where no verdict on the content is possible.
    """

    def __init__(self, code: str, message: str, readable: bool = True) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.readable = readable


@dataclass(frozen=True, slots=True)
class Text:
    """A file and what it is packed in."""

    path: Path
    packing: Packing

    def blocks(self, size: int) -> Iterator[bytes]:
        """The text in blocks of about `size` bytes that need not end with a line. Raises `TextError`."""
        with self.path.open("rb") as file:
            while block := file.read(size):
                yield block


def open_text(path: Path) -> Text:
    """Look at the first bytes of a file. Raises `InputError` where there is no file, `TextError` for what is no text."""
    return Text(path, "plain")

"""What a run of the command line came to."""

from typing import NamedTuple


class Done(NamedTuple):
    code: int
    out: str
    err: str

"""Questions with the command that answers them, as data."""

from functools import cache
from importlib.resources import files
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field


class Case(BaseModel):
    """One question. `command` is bcftools' arguments without the file; `reduce` makes the value of its output."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    question: str
    command: list[str] = Field(default_factory=list)
    reduce: Literal["lines", "text", "tally"] | None = None
    clarification: bool = Field(False, description="the right answer is a question back")


@cache
def load_cases(suite: str) -> list[Case]:
    """The cases of a suite that ships with the package, such as `example_cohort`."""
    text = files(__package__).joinpath(f"{suite}.yaml").read_text(encoding="utf-8")
    return [Case.model_validate(entry) for entry in yaml.safe_load(text)]

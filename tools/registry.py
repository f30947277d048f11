"""The tools by name: one list for the language models, the offline model, the command line and every front."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from typing import Any

from pydantic import ValidationError

from ..memory.errors import ToolError
from ..memory.progress import ends_as_stopped
from .context import ToolContext
from .filters import Arguments
from .result import Json, ToolResult


@dataclass(frozen=True, slots=True)
class Tool:
    """`description` speaks to a model: what comes back, and when to use it. `run` is for code.

    `example` are arguments for a call on the files of `examples/cohort` that `example_files` names, with its pedigree;
    without files it is not run.
    """

    name: str
    description: str
    arguments: type[Arguments]
    run: Callable[[ToolContext, Any], ToolResult]
    example: dict[str, Json] = field(default_factory=dict)
    example_files: tuple[str, ...] = ("cohort.vcf.gz",)

    @property
    def summary(self) -> str:
        """What the description says first, in one line."""
        return re.split(r"[.:;] ", self.description, maxsplit=1)[0].removesuffix(".") + "."

    def schema(self) -> dict[str, Json]:
        """The tool as OpenAI's function format has it, which LiteLLM translates for every provider."""
        parameters = self.arguments.model_json_schema()
        parameters.pop("title", None)
        parameters.pop("description", None)
        return {
            "type": "function",
            "function": {"name": self.name, "description": self.description, "parameters": parameters},
        }

    def call(self, context: ToolContext, arguments: dict[str, Json]) -> ToolResult:
        """Run with arguments from outside. Raises `ToolError` for arguments that are wrong, and
        `Stopped` where the watch ended it (see `memory/progress.py`).
        """
        try:
            checked = self.arguments.model_validate(arguments)
        except ValidationError as error:
            raise ToolError(f"{self.name}: {_first_problem(error)}", f"See `vcf-agent tools {self.name}`") from error
        with ends_as_stopped():
            result = self.run(context, checked)
            self._add_whole_tables(context, checked, result)
        return result

    def _add_whole_tables(self, context: ToolContext, wanted: Arguments, result: ToolResult) -> None:
        """Put what the default limit cut off into files; a limit that was asked for is what was wanted."""
        from .long_tables import MOST_ROWS, add_file, rows_as_blocks

        cut = {t.name: t for t in result.tables if t.truncated and t.total <= MOST_ROWS}
        if result.files or not cut or "limit" not in type(wanted).model_fields or "limit" in wanted.model_fields_set:
            return
        if not result.whole:
            longest = wanted.model_copy(update={"limit": max(t.total for t in cut.values())})
            result.whole = self.run(replace(context, verify_seconds=0), longest).tables
        for table in result.whole:
            if table.name in cut and len(table.rows) == cut[table.name].total:
                add_file(context, result, self.name, table, rows_as_blocks(table))
        result.whole = []


def _first_problem(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else str(first["msg"])


_MODULES = [
    "describe_file", "site_statistics", "sample_statistics", "count_variants", "list_variants", "group_variants",
    "most_severe", "loss_of_function", "clinical_significance", "candidates",
    "genotypes_at", "distinct_values", "find_similar", "explore_graph", "query_table", "query_graph",
    "inheritance", "relatedness", "sex_check", "missingness", "compare_samples", "principal_components",
    "runs_of_homozygosity", "allele_fractions", "compare_files", "structural_variants", "somatic", "make_file",
    "make_consensus", "draw",
    "allele_frequencies", "compare_groups", "hardy_weinberg", "frequency_spectrum", "check_info_counts",
    "filter_funnel", "why_dropped", "acmg_worksheet",
    "validate_file", "explain_finding", "check_stores",
]  # fmt: skip


@cache
def tools() -> dict[str, Tool]:
    """Every tool by its name; its module is called the same."""
    return {name: import_module(f".{name}", __package__).TOOL for name in _MODULES}


def tool(name: str) -> Tool:
    """A tool by its name. Raises `ToolError` with the nearest one."""
    if name in tools():
        return tools()[name]
    from .dataset import nearest

    raise ToolError(f"There is no tool {name!r}", nearest(name, list(tools()), "There are"))

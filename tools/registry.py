"""The tools by name: one list for the language models, the offline model, the command line and every front."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pydantic import ValidationError

from ..memory.errors import ToolError
from .context import ToolContext
from .filters import Arguments
from .result import Json, ToolResult


@dataclass(frozen=True, slots=True)
class Tool:
    """`description` speaks to a model: what comes back, and when to use it. `run` is for code.

    `example` are arguments for a call on the files of `examples/cohort` that `example_files` names, with its pedigree.
    """

    name: str
    description: str
    arguments: type[Arguments]
    run: Callable[[ToolContext, Any], ToolResult]
    example: dict[str, Json] = field(default_factory=dict)
    example_files: tuple[str, ...] = ("cohort.vcf.gz",)

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
        """Run with arguments from outside. Raises `ToolError` for arguments that are wrong."""
        try:
            checked = self.arguments.model_validate(arguments)
        except ValidationError as error:
            raise ToolError(f"{self.name}: {_first_problem(error)}", f"See `vcf-agent tools {self.name}`") from error
        return self.run(context, checked)


def _first_problem(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else str(first["msg"])


@cache
def tools() -> dict[str, Tool]:
    """Every tool by its name."""
    from . import (
        candidates,
        check_stores,
        clinical_significance,
        compare_files,
        compare_samples,
        count_variants,
        describe_file,
        distinct_values,
        explain_finding,
        explore_graph,
        find_similar,
        genotypes_at,
        group_variants,
        inheritance,
        list_variants,
        loss_of_function,
        make_consensus,
        make_file,
        missingness,
        most_severe,
        principal_components,
        query_graph,
        query_table,
        relatedness,
        runs_of_homozygosity,
        sample_statistics,
        sex_check,
        site_statistics,
        validate_file,
    )

    modules = [describe_file, site_statistics, sample_statistics, count_variants, list_variants, group_variants,
               most_severe, loss_of_function, clinical_significance, candidates, genotypes_at,
               distinct_values, find_similar, explore_graph, query_table, query_graph,
               inheritance, relatedness, sex_check, missingness, compare_samples, principal_components,
               runs_of_homozygosity, compare_files, make_file, make_consensus,
               validate_file, explain_finding, check_stores]  # fmt: skip
    return {m.TOOL.name: m.TOOL for m in modules}


def tool(name: str) -> Tool:
    """A tool by its name. Raises `ToolError` with the nearest one."""
    if name in tools():
        return tools()[name]
    from .dataset import nearest

    raise ToolError(f"There is no tool {name!r}", nearest(name, list(tools()), "There are"))

"""Writes tools.md from the tools themselves: `make docs`. Every example is run on the cohort of `examples/`."""

import json
import tempfile
from pathlib import Path
from typing import Any

from vcf_agent.agent import VariantAgent
from vcf_agent.agent.answer import mark
from vcf_agent.tools.filters import VariantFilter
from vcf_agent.tools.registry import Tool, tools
from vcf_agent.tools.result import Table, ToolResult
from vcf_agent.tools.text import plain

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples" / "cohort"
PEDIGREE = EXAMPLES / "family.ped"
SHOWN_ROWS, SHOWN_CHARS = 5, 600
SHARED = set(VariantFilter.model_fields)
HEAD = """\
# The tools

Made from the tools by `make docs`; correct the code, not this page. A tool is called with `vcf-agent tool NAME FILE
--args JSON`, without any model, and in the same way by every model. Positions are 1-based. Each example was run on
`examples/cohort/cohort.vcf.gz` with `--ped examples/cohort/family.ped`; what follows it is what came back. Unless a
`limit` is given, a table that is longer than what is shown is also written as TSV below the workspace.

"""
FILTER_HEAD = """\
## Conditions on variants

Tools that say "all conditions on variants" take these arguments too. All that are given must hold.

"""


def page() -> str:
    """The whole page."""
    every = tools()
    index = "\n".join(f"- [{name}](#{name}): {each.summary}" for name, each in every.items())
    shared = FILTER_HEAD + _arguments(VariantFilter.model_json_schema(), SHARED)
    return "\n".join([HEAD + index + "\n", shared, *(_entry(each, result) for each, result in _examples())])


def _examples() -> list[tuple[Tool, ToolResult | None]]:
    """Every tool with what its example gives; nothing where `examples/` has no file for it."""
    done: list[tuple[Tool, ToolResult | None]] = []
    with tempfile.TemporaryDirectory() as scratch:
        workspace = Path(scratch).resolve() / "workspace"
        for each in tools().values():
            if not each.example_files:
                done.append((each, None))
                continue
            files = [EXAMPLES / name for name in each.example_files]
            with VariantAgent(*files, model="offline", workspace=workspace, pedigree=PEDIGREE) as agent:
                agent.context.folder, agent.context.verify_seconds = ROOT, 60
                done.append((each, each.call(agent.context, each.example)))
        return [(each, result and _anywhere(result, workspace)) for each, result in done]


def _anywhere(result: ToolResult, workspace: Path) -> ToolResult:
    """The result without the place of this run's workspace."""
    result.text = result.text.replace(str(workspace), "WORKSPACE")
    result.reading = [r.replace(str(workspace), "WORKSPACE") for r in result.reading]
    for evidence in result.evidence:
        evidence.command = evidence.command and evidence.command.replace(str(workspace), "WORKSPACE")
    for table in result.tables:
        table.rows = [[str(v).replace(str(workspace), "WORKSPACE") if isinstance(v, str) else v for v in r]
                      for r in table.rows]  # fmt: skip
    return result


def _entry(each: Tool, result: ToolResult | None) -> str:
    schema = each.arguments.model_json_schema()
    filters = issubclass(each.arguments, VariantFilter)
    own = [n for n in schema.get("properties", {}) if not (filters and n in SHARED)]
    takes = _arguments(schema, own) if own else ""
    takes += "It takes all [conditions on variants](#conditions-on-variants).\n" if filters else ""
    return f"## {each.name}\n\n{each.description}\n\n{takes}\n{_example(each, result)}"


def _example(each: Tool, result: ToolResult | None) -> str:
    files = " ".join(f"examples/cohort/{name}" for name in each.example_files) or "FILE --reference FASTA"
    arguments = json.dumps(each.example).replace("'", "'\\''")
    command = f"vcf-agent tool {each.name} {files} --ped examples/cohort/family.ped --args '{arguments}'"
    if result is None:
        return f"```console\n$ {command}\n```\n"
    told = [plain(result.text[:SHOWN_CHARS] + ("…" if len(result.text) > SHOWN_CHARS else ""))]
    told += [f"  read as: {plain(r)}" for r in result.reading]
    for table in result.tables:
        told += _rows(table)
    for evidence in result.evidence:
        told += [f"  $ {plain(evidence.command)}"] if evidence.command else []
        told += [f"    {mark(evidence)}"]
    return f"```console\n$ {command}\n" + "\n".join(told) + "\n```\n"


def _rows(table: Table) -> list[str]:
    shown = [table.columns, *([_cell(v) for v in row] for row in table.rows[:SHOWN_ROWS])]
    widths = [max(len(row[i]) for row in shown) for i in range(len(table.columns))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in shown]
    more = table.total - len(shown) + 1
    return [*lines, f"  … {more:,} more"] if more > 0 else lines


def _cell(value: Any) -> str:
    text = "." if value is None else f"{value:,}" if type(value) is int else plain(str(value))
    return text if len(text) <= 40 else f"{text[:31]}…{text[-8:]}"


def _arguments(schema: dict[str, Any], names: Any) -> str:
    """A table of arguments, and one for each model that stands in them."""
    rows = ["| argument | | default | |", "|---|---|---|---|"]
    held = {n: p for n, p in schema.get("properties", {}).items() if n in names and n != "dataset"}
    needed = schema.get("required", [])
    for name, part in held.items():
        default = "needed" if name in needed else _default(part)
        rows.append(f"| `{name}` | {_kind(part)} | {default} | {_cells(part.get('description', ''))} |")
    parts = ["\n".join(rows) + "\n"] if held else []
    for name in _models_in(held):
        model = schema["$defs"][name]
        if model.get("properties"):
            inner = _arguments(model | {"$defs": schema["$defs"]}, _new(model))
            more = " It takes all [conditions on variants](#conditions-on-variants)." * _is_filter(model)
            parts.append(f"**{name.strip('_')}**: {_cells(model.get('description', ''))}{more}\n\n{inner}")
    return "\n".join(parts) + ("\n" if parts else "")


def _new(model: dict[str, Any]) -> list[str]:
    return [n for n in model["properties"] if not _is_filter(model) or n not in SHARED]


def _is_filter(model: dict[str, Any]) -> bool:
    return set(model["properties"]) >= SHARED - {"dataset"}


def _models_in(parts: dict[str, Any]) -> list[str]:
    found: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if "$ref" in value:
                found.append(value["$ref"].rsplit("/", 1)[1])
            for each in value.values():
                walk(each)
        elif isinstance(value, list):
            for each in value:
                walk(each)

    walk({n: {k: v for k, v in p.items() if k != "discriminator"} for n, p in parts.items()})
    return list(dict.fromkeys(found))


def _kind(part: dict[str, Any]) -> str:
    if "$ref" in part:
        return str(part["$ref"].rsplit("/", 1)[1]).strip("_")
    if "enum" in part:
        return ", ".join(f"`{v}`" for v in part["enum"])
    if "const" in part:
        return f"`{part['const']}`"
    if "anyOf" in part or "oneOf" in part:
        kinds = [_kind(p) for p in part.get("anyOf", part.get("oneOf", [])) if p.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if part.get("type") == "array":
        return f"list of {_kind(part.get('items', {}))}"
    if part.get("type") == "object":
        return f"{_kind(part['additionalProperties'])} by name" if part.get("additionalProperties") else "object"
    return {"integer": "whole number", "string": "text", "boolean": "true or false"}.get(part.get("type", ""), "number")


def _default(part: dict[str, Any]) -> str:
    value = part.get("default")
    return "" if value in (None, [], {}) else f"`{json.dumps(value)}`"


def _cells(text: str) -> str:
    text = " ".join(text.split())
    for sign in "\\`*_<[|":
        text = text.replace(sign, f"\\{sign}")
    return text


if __name__ == "__main__":
    Path(__file__).with_name("tools.md").write_text(page(), encoding="utf-8")

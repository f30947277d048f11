"""Which tools a model is offered with their arguments: a few always, any other once the model has asked for it.

All schemas together are over 200,000 characters, and each model call would carry them.
"""

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage
from pydantic import BaseModel, ConfigDict, Field

from ..tools.registry import tool, tools
from . import replies

ALWAYS = ("describe_file", "count_variants", "list_variants", "genotypes_at")
MOST_AT_ONCE = 4
"""Tools beside those that are always offered: the last ones that were asked for or called."""

USE_TOOLS = "use_tools"


class UseTools(BaseModel):
    """Get the arguments of other tools from the list, to call them next."""

    model_config = ConfigDict(extra="forbid")
    names: list[str] = Field(min_length=1, max_length=MOST_AT_ONCE)


def schemas(messages: Sequence[BaseMessage]) -> list[dict[str, Any]]:
    """The tools offered at this point of a conversation, as OpenAI's function format has them."""
    asked = [name for m in messages if isinstance(m, AIMessage) for c in m.tool_calls for name in _names(c)]
    others = [n for n in dict.fromkeys(reversed(asked)) if n in tools() and n not in ALWAYS][:MOST_AT_ONCE]
    chosen = [compact(tool(name).schema()) for name in (*ALWAYS, *others)]
    return [*chosen, _use_tools(), *(compact(s) for s in replies.schemas())]


def names() -> list[str]:
    """Every name that a model may call: a tool whose arguments it guesses right needs no asking."""
    return [*tools(), USE_TOOLS, *replies.NAMES]


def catalogue() -> str:
    """The tools that have to be asked for, one line each."""
    return "\n".join(f"{name}: {each.summary}" for name, each in tools().items() if name not in ALWAYS)


def told(arguments: dict[str, Any]) -> str:
    """The answer to a `use_tools` call. Raises `ToolError` with the nearest name for one that is not there."""
    wanted = UseTools.model_validate(arguments).names
    for name in wanted:
        tool(name)
    return f"You can call {', '.join(wanted)} now; their arguments are given."


def _names(call: Any) -> list[str]:
    if call["name"] != USE_TOOLS:
        return [call["name"]]
    listed = call["args"].get("names", [])
    return [n for n in listed if isinstance(n, str)] if isinstance(listed, list) else []


def _use_tools() -> dict[str, Any]:
    parameters = {k: v for k, v in UseTools.model_json_schema().items() if k not in ("title", "description")}
    function = {"name": USE_TOOLS, "description": UseTools.__doc__, "parameters": compact(parameters)}
    return {"type": "function", "function": function}


def compact(schema: Any) -> Any:
    """The same schema without what says nothing: titles, defaults of nothing, `or null` of what may be left out."""
    if isinstance(schema, list):
        return [compact(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kinds = schema.get("anyOf")
    if isinstance(kinds, list) and {"type": "null"} in kinds and len(kinds) == 2:
        schema = {k: v for k, v in schema.items() if k != "anyOf"} | next(k for k in kinds if k != {"type": "null"})
    return {k: _properties(v) if k in ("properties", "$defs") else compact(v) for k, v in schema.items() if _says(k, v)}


def _properties(named: dict[str, Any]) -> dict[str, Any]:
    """What stands under a name is a schema, also where the name is `title` or `default`."""
    return {name: compact(each) for name, each in named.items()}


def _says(key: str, value: Any) -> bool:
    nothing = key == "default" and value in (None, [], {})
    return not (key in ("title", "discriminator") or nothing or (key == "additionalProperties" and value is False))

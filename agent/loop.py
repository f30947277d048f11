"""The loop: resolve -> model <-> tools -> ground -> answer."""

import json
import os
from dataclasses import dataclass, field
from typing import Annotated, Any, TypedDict

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage, ToolMessage
from pydantic import ValidationError

from ..memory.errors import ToolError, VcfAgentError
from ..prompts.contract import load_prompt
from ..tools.context import ToolContext
from ..tools.registry import tool, tools
from ..tools.result import ToolResult
from ..tools.text import plain
from . import offered, replies
from .answer import Answer, render, results_as_answer
from .grounding import ungrounded
from .models import Fallback, ModelChain, Reply, TokenListener
from .telemetry import Telemetry

CONTENT_CHARS = 4_000
"""What a model gets to see of one tool result, in characters of JSON."""

SHOWN = "The rows are shown to the person; genotypes of single samples are not given to models."

FROM_LOOP = {"from": "loop"}
"""Marks a message that the loop and not a person wrote."""

HISTORY_MESSAGES = 40
"""How many of the last messages a model gets to see."""


@dataclass
class Turn:
    """What one question uses and gathers; none of it is kept in the checkpoint."""

    context: ToolContext
    chain: ModelChain
    telemetry: Telemetry
    max_turns: int
    question: str
    listener: TokenListener | None = None
    results: list[ToolResult] = field(default_factory=list)
    sources: list[Any] = field(default_factory=list)
    reading: list[str] = field(default_factory=list)
    fallbacks: list[Fallback] = field(default_factory=list)
    usage: dict[str, int] = field(default_factory=dict)
    cost_usd: float = 0.0
    model: str = "offline"
    calls: int = 0
    asked_to_ground: bool = False
    failure: str = ""
    answer: Answer | None = None


def _add(held: list[AnyMessage], new: list[AnyMessage]) -> list[AnyMessage]:
    return [*held, *new]


class State(TypedDict):
    """What a session's checkpoint holds: the conversation, without tables."""

    messages: Annotated[list[AnyMessage], _add]


def build_loop(checkpointer: Any) -> Any:
    """The compiled graph. Its context is a `Turn`."""
    # A checkpoint is data: nothing but plain values may be made from it (CVE-2026-28277).
    os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")
    from langgraph.graph import END, START, StateGraph

    graph = StateGraph(State, context_schema=Turn)
    graph.add_node("resolve", _resolve)
    graph.add_node("model", _model)
    graph.add_node("tools", _tools)
    graph.add_node("ground", _ground)
    graph.add_edge(START, "resolve")
    graph.add_edge("resolve", "model")
    graph.add_conditional_edges("model", _after_model, ["tools", "ground"])
    graph.add_conditional_edges("tools", _after_tools, {"model": "model", "ground": "ground", "end": END})
    graph.add_conditional_edges("ground", _after_ground, {"model": "model", "end": END})
    return graph.compile(checkpointer=checkpointer)


def _resolve(state: State) -> dict[str, list[AnyMessage]]:
    """Finish what an interrupted turn left open: providers refuse a tool call without its result."""
    answered = {m.tool_call_id for m in state["messages"] if isinstance(m, ToolMessage)}
    open_calls = [
        c for m in state["messages"] if isinstance(m, AIMessage) for c in m.tool_calls if c["id"] not in answered
    ]
    return {"messages": [ToolMessage("interrupted", tool_call_id=c["id"], status="error") for c in open_calls]}


def _model(state: State, runtime: Any) -> dict[str, list[AnyMessage]]:
    turn: Turn = runtime.context
    window = _window(state["messages"])
    messages = [SystemMessage(_system_text(turn.context)), *window]
    with turn.telemetry.model_call(turn.chain.first, turn.chain.provider) as span:
        reply = turn.chain.reply(messages, offered.schemas(window), turn.listener, offered.names())
        span.used(reply.usage.get("input_tokens", 0), reply.usage.get("output_tokens", 0), reply.model)
    _note(turn, reply)
    return {"messages": [reply.message]}


def _note(turn: Turn, reply: Reply) -> None:
    turn.model, turn.calls = reply.model, turn.calls + 1
    turn.fallbacks += [f for f in reply.fallbacks if f not in turn.fallbacks]
    turn.cost_usd += reply.cost_usd
    turn.reading += reply.message.additional_kwargs.get("reading", [])
    for name, number in reply.usage.items():
        turn.usage[name] = turn.usage.get(name, 0) + number


def _window(messages: list[AnyMessage]) -> list[AnyMessage]:
    """The last messages, from a question on."""
    last = messages[-HISTORY_MESSAGES:]
    start = next((i for i, m in enumerate(last) if isinstance(m, HumanMessage)), 0)
    return last[start:]


def _after_model(state: State) -> str:
    last = state["messages"][-1]
    return "tools" if isinstance(last, AIMessage) and last.tool_calls else "ground"


def _tools(state: State, runtime: Any) -> dict[str, list[AnyMessage]]:
    turn: Turn = runtime.context
    last = state["messages"][-1]
    assert isinstance(last, AIMessage)
    return {"messages": [_run(turn, call["name"], call["args"], str(call["id"])) for call in last.tool_calls]}


def _run(turn: Turn, name: str, arguments: dict[str, Any], call_id: str) -> ToolMessage:
    with turn.telemetry.tool_call(name if name in tools() else "reply", call_id) as span:
        try:
            if name in replies.NAMES:
                turn.answer = _grounded_ending(turn, replies.answer_of(name, arguments))
                return ToolMessage(turn.answer.text, tool_call_id=call_id)
            if name == offered.USE_TOOLS:
                return ToolMessage(offered.told(arguments), tool_call_id=call_id)
            result = tool(name).call(turn.context, arguments)
        except (VcfAgentError, ValidationError) as error:
            span.failed(error)
            turn.failure = "" if name in replies.NAMES else plain(str(error))
            return ToolMessage(plain(str(error)), tool_call_id=call_id, status="error")
    turn.failure = ""
    turn.results.append(result)
    turn.sources += [arguments, {"value": result.value, "tables": [t.rows for t in result.tables]}]
    turn.sources += [[t.total for t in result.tables], *_totals(turn.context)]
    return ToolMessage(_content(result, len(turn.results)), tool_call_id=call_id)


def _totals(context: ToolContext) -> list[Any]:
    """Numbers that the tools' sentences name beside their values. The sentences themselves quote the file."""
    return [
        {"records": d.summary["records"], "rows": d.summary["rows"], "samples": len(d.samples)}
        for d in context.datasets
    ]


def _grounded_ending(turn: Turn, ending: Answer) -> Answer:
    """A question back or a refusal; one whose numbers are a model's own is an error told to it."""
    if turn.model != "offline" and (strange := ungrounded(ending.text, [{"text": turn.question}, *turn.sources])):
        raise ToolError(f"The reply contains {', '.join(strange)}, which neither the question nor a tool gave",
                        "Write it again without")  # fmt: skip
    return ending


def _content(result: ToolResult, handle: int) -> str:
    """What a model sees of a result: no genotypes, a few rows, and how much there is in all."""
    shown: dict[str, Any] = {"result": handle, "reading": result.reading, "unit": result.unit}
    if result.private:
        shown["text"] = SHOWN
        shown["rows"] = [t.total for t in result.tables]
    else:
        shown |= {"text": result.text, "value": result.value}
    shown["evidence"] = [{"command": e.command, "verified": e.verified} for e in result.evidence]
    text = json.dumps(shown, ensure_ascii=False)
    if len(text) > CONTENT_CHARS:
        shown["value"] = (
            f"withheld for its length; {len(result.value)} entries" if hasattr(result.value, "__len__") else None
        )
        shown["text"] = result.text[: CONTENT_CHARS // 2] if not result.private else shown["text"]
        text = json.dumps(shown, ensure_ascii=False)[: 2 * CONTENT_CHARS]
    return plain(text)


def _after_tools(state: State, runtime: Any) -> str:
    turn: Turn = runtime.context
    if turn.answer:
        return "end"
    return "ground" if turn.calls >= turn.max_turns or turn.model == "offline" else "model"


def _ground(state: State, runtime: Any) -> dict[str, list[AnyMessage]]:
    """Let only grounded text through; else once more, then the tools' own words."""
    turn: Turn = runtime.context
    last = state["messages"][-1]
    text = str(last.text) if isinstance(last, AIMessage) else ""
    strange = ungrounded(text, turn.sources) if text else []
    if text and strange and not turn.asked_to_ground and turn.calls < turn.max_turns:
        turn.asked_to_ground = True
        if turn.listener:
            turn.listener.on_restart()
        told = load_prompt("ground_numbers").render(numbers=", ".join(strange))
        return {"messages": [HumanMessage(told, additional_kwargs=FROM_LOOP)]}
    turn.answer = _answer(turn, "" if strange else text)
    if text and not strange:
        return {"messages": []}
    if text and turn.listener:
        turn.listener.on_restart()
    private = any(r.private for r in turn.results)
    return {"messages": [AIMessage(SHOWN if private else turn.answer.text)]}


def _answer(turn: Turn, text: str) -> Answer:
    if turn.results:
        return results_as_answer(turn.results, text or render(turn.results), turn.reading)
    if turn.failure:
        return Answer("error", turn.failure)
    if text:
        return Answer("answer", text)
    return Answer("refusal", "No tool result answers this, and I give no number without one.")


def _after_ground(state: State, runtime: Any) -> str:
    return "end" if runtime.context.answer else "model"


def _system_text(context: ToolContext) -> str:
    blocks = [json.dumps(_schema_of(d), ensure_ascii=False) for d in context.datasets]
    files = plain("\n".join(blocks)).replace("<", "‹").replace(">", "›")
    return load_prompt("answer_question").render(files=files, tools=offered.catalogue())


def _schema_of(data: Any) -> dict[str, Any]:
    """What a model is told of a file: names and shapes, no rows. Long lists are cut, and say so."""
    summary = data.summary
    return {
        "name": data.name, "build": summary["build"], "records": summary["records"],
        "samples": _some(data.samples), "contigs": _some(data.contigs), "filters": _some(list(summary["filters"])),
        "info": _some([f"{c.id} ({c.type}, {c.number})" for c in data.info.values()]),
        "format": summary["sample_fields"], "annotation": summary["annotation"] and summary["annotation"]["tool"],
        "genes": _some(data.genes) if data.annotated else [], "frequencies": list(data.frequency_fields()),
    }  # fmt: skip


def _some(names: list[str], limit: int = 60) -> list[str]:
    return names if len(names) <= limit else [*names[:limit], f"… {len(names) - limit} more"]

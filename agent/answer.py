"""One answer, the same for every front."""

import html
import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ..tools.result import Evidence, Json, Table, ToolResult
from ..tools.text import plain

Kind = Literal["answer", "clarification", "refusal", "error"]
WARNING = "Warning: the command below, run again, gave another result; do not rely on this number."


@dataclass(slots=True)
class Answer:
    """What a question came to. The fields are those of `vcf-agent ask --json` (see docs/answer.md)."""

    kind: Kind
    text: str
    value: Json = None
    unit: str | None = None
    reading: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    figures: list[Json] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    model: str = "offline"
    fallbacks: list[dict[str, str]] = field(default_factory=list)
    usage: dict[str, int] = field(default_factory=dict)
    cost_usd: float = 0.0
    elapsed_s: float = 0.0
    session: str = ""
    trace_id: str = ""

    def to_json(self) -> dict[str, Json]:
        """The object of the contract."""
        return asdict(self)

    def __str__(self) -> str:
        lines = [plain(self.text), *(f"  Read as: {plain(r)}" for r in self.reading)]
        lines += [f"  {plain(e.command)}  [{mark(e)}]" for e in self.evidence if e.command]
        return "\n".join(lines)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """For Jupyter: text, and HTML in which everything from a file is escaped."""
        return {"text/plain": str(self), "text/html": _as_html(self)}


def mark(evidence: Evidence) -> str:
    """How the evidence was checked, in a few words."""
    if evidence.verified is None:
        return evidence.note or "not re-run"
    return "verified" if evidence.verified else "NOT the same when re-run"


def results_as_answer(results: list[ToolResult], text: str, reading: list[str]) -> Answer:
    """An answer whose value, unit, tables and evidence are those of the tools; the last result gives the value."""
    last = results[-1]
    notes = list(dict.fromkeys([*reading, *(r for result in results for r in result.reading)]))
    evidence = [e for result in results for e in result.evidence]
    if any(e.verified is False for e in evidence):
        text = f"{text}\n{WARNING}"
    return Answer(
        "answer",
        text,
        last.value,
        last.unit,
        notes,
        [t for r in results for t in r.tables],
        figures=[f for r in results for f in r.figures],
        files=[f for r in results for f in r.files],
        evidence=evidence,
    )


def render(results: list[ToolResult]) -> str:
    """The answer in the tools' own words."""
    return "\n".join(dict.fromkeys(r.text for r in results))


def _as_html(answer: Answer) -> str:
    parts = [f"<p>{_escape(answer.text)}</p>"]
    parts += [f"<p><small>Read as: {_escape(r)}</small></p>" for r in answer.reading]
    parts += [f"<p>Figure {_escape(f['name'])}: {_escape(f['alt'])}</p>" for f in answer.figures]
    parts += [_table(t) for t in answer.tables]
    parts += [f"<pre>{_escape(e.command)}  # {_escape(mark(e))}</pre>" for e in answer.evidence if e.command]
    return "\n".join(parts)


def _table(table: Table, rows: int = 20) -> str:
    head = "".join(f"<th>{_escape(c)}</th>" for c in table.columns)
    body = "".join("<tr>" + "".join(f"<td>{_escape(v)}</td>" for v in row) + "</tr>" for row in table.rows[:rows])
    shown = min(rows, len(table.rows))
    more = f"<caption>{shown:,} of {table.total:,}</caption>" if shown < table.total else ""
    return f"<table>{more}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _escape(value: Json) -> str:
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return html.escape(plain(text))

"""What a finding or another program's message means, how to mend it, and whether the open file has it."""

from pathlib import Path

from pydantic import Field

from .context import ToolContext
from .filters import OnDataset
from .registry import Tool
from .result import Evidence, Table, ToolResult
from .text import count_of, one_line
from .validate_file import evidence_of, findings_table
from .validation.explanations import rules_meant, section_in_words, severity_in_words, speaks_of_indexing
from .validation.findings import Verdict
from .validation.rules import Rule, rules
from .validation.validate import validate

TOLD = 4
"""Rules that the text tells of in full."""


class ExplainFinding(OnDataset):
    what: str = Field(
        description="a code of the validator, words such as 'why does indexing fail', or a program's error message",
        max_length=2000,
    )


def explain_finding(context: ToolContext, wanted: ExplainFinding) -> ToolResult:
    """The rules that are meant; the value has, by rule, how often the file breaks it, null without one file."""
    if wanted.dataset is None and len(context.datasets) != 1:
        return _explanation(wanted.what, None, "", [])
    data = context.dataset(wanted.dataset)
    return result_of(data.dataset.path, data.dataset.sha256, data.name, context.folder, wanted)


def result_of(path: Path, sha256: str, name: str, folder: Path, wanted: ExplainFinding) -> ToolResult:
    """The same for any file, also one that cannot be ingested. Raises `InputError` where there is none."""
    evidence = evidence_of(path, sha256, folder, "explain_finding", wanted)
    return _explanation(wanted.what, validate(path), name, [evidence])


def _explanation(what: str, verdict: Verdict | None, name: str, evidence: list[Evidence]) -> ToolResult:
    meant = rules_meant(what)
    if not meant:
        return _nothing(what)
    broken = [r for r in meant if verdict and r.code in verdict.codes]
    value = {r.code: verdict.codes.get(r.code, 0) if verdict else None for r in meant}
    tables = [_rules_table(broken or meant)]
    if verdict and broken:
        tables.append(findings_table(verdict, [r.code for r in broken]))
    text = f"{_meaning(what, broken or meant)} {_in_file(verdict, name, broken, what)}".strip()
    return ToolResult(text, value, None, _reading(what, meant), tables, evidence)


def _nothing(what: str) -> ToolResult:
    from .dataset import nearest

    hint = nearest(what.upper(), list(rules()), "Its rules are")
    return ToolResult(f"No rule of the validator speaks of {one_line(what, 100)!r}. {hint}", {})


def _meaning(what: str, told: list[Rule]) -> str:
    """The rules in plain words; a long list by name."""
    if speaks_of_indexing(what) and len(told) > TOLD:
        codes = ", ".join(r.code for r in told)
        return (
            f"An index needs a file that is compressed in blocks, whole, and sorted. These rules stand for it: {codes}."
        )
    parts = [f"{r.code} ({r.severity}): {r.demands}{f' {r.why}' if r.why else ''} Fix: {r.fix}" for r in told[:TOLD]]
    more = f" See also {', '.join(r.code for r in told[TOLD:])}." if len(told) > TOLD else ""
    return " ".join(parts) + more


def _in_file(verdict: Verdict | None, name: str, broken: list[Rule], what: str) -> str:
    if verdict is None:
        return ""
    if not broken:
        unread = "" if verdict.readable else " as far as it could be read"
        return f"{name} breaks none of them{unread}.{_can_be_indexed(verdict) if speaks_of_indexing(what) else ''}"
    return f"In {name}: " + "; ".join(_where(verdict, r.code) for r in broken) + "."


def _where(verdict: Verdict, code: str) -> str:
    lines = [f"{f.line:,}" for f in verdict.findings if f.code == code and f.line][:5]
    number = verdict.codes[code]
    more = " and more" if lines and number > len(lines) else ""
    at = f" (line{'s' * (len(lines) > 1)} {', '.join(lines)}{more})" if lines else ""
    return f"{code} {count_of(number, 'time')}{at}"


def _can_be_indexed(verdict: Verdict) -> str:
    """An index is of blocks: text that is not compressed has none."""
    if not verdict.readable:
        return ""
    with Path(verdict.file).open("rb") as file:
        if file.read(2) == b"\x1f\x8b":
            return " Nothing that the validator knows keeps it from being indexed: bcftools index FILE."
    return " It is not compressed, and only what bgzip has compressed can be indexed: bgzip FILE first."


def _reading(what: str, meant: list[Rule]) -> list[str]:
    codes = ", ".join(r.code for r in meant)
    if speaks_of_indexing(what) and len(meant) > TOLD:
        codes = f"those that an index needs, {codes}"
    return [f"“{one_line(what, 100)}” is read as {count_of(len(meant), 'rule')} of the validator: {codes}"]


def _rules_table(told: list[Rule]) -> Table:
    rows = [[r.code, severity_in_words(r), r.demands, r.why, r.fix, section_in_words(r)] for r in told]
    return Table("rules", ["code", "severity", "rule", "why", "fix", "section"], rows, len(rows))


TOOL = Tool(
    "explain_finding",
    "What a code of the validator, a complaint in words or an error message (of bcftools, tabix, GATK) means, and how "
    "to mend it; also on which lines the open file has it. Use it for: what does this message mean, why does indexing "
    "fail.",
    ExplainFinding,
    explain_finding,
    example={"what": "POS_UNSORTED"},
)

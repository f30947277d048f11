"""Whether a file follows the specification of VCF, and in what it does not."""

import shlex
from pathlib import Path
from typing import Literal

from pydantic import Field

from .context import ToolContext
from .evidence import shown_path
from .filters import OnDataset
from .registry import Tool
from .result import Evidence, Json, Table, ToolResult
from .text import count_of, one_line
from .validation.explanations import rule_named, short_version
from .validation.findings import Finding, Verdict
from .validation.rules import Severity, rules
from .validation.validate import validate

KEPT = 20
"""Findings of each rule that a table has; of one that is asked for by name:"""
KEPT_OF_ONE = 1000
NAMED = 3
"""Problems that the text tells of; the tables have all."""
OWN = "found by vcf-agent's own validator, which no second program checks"


class ValidateFile(OnDataset):
    strict: bool = Field(False, description="warnings make the file invalid too")
    code: str | None = Field(None, description="only findings of this rule, such as POS_UNSORTED")
    part: Literal["file", "header", "site", "info", "genotype", "across"] | None = Field(
        None, description="only findings in this part: site is CHROM to FILTER, across is between records"
    )
    reference: str | None = Field(
        None, description="a FASTA: REF, contigs and left-alignment are compared with it; REF_MISMATCH counts the REFs"
    )
    question: Literal["is_valid", "has_errors"] = Field(
        "is_valid", description="whether true means that the file is valid, or that something was found"
    )


def validate_file(context: ToolContext, wanted: ValidateFile) -> ToolResult:
    """Whether the open file is valid; the value is true or false. Raises `ToolError` for a code that is not there."""
    data = context.dataset(wanted.dataset)
    reference = context.reference_file(wanted.reference)
    return result_of(data.dataset.path, data.dataset.sha256, data.name, context.folder, wanted, reference)


def result_of(
    path: Path, sha256: str, name: str, folder: Path, wanted: ValidateFile, reference: Path | None = None
) -> ToolResult:
    """The same for any file, also one that cannot be ingested. Raises `InputError` where there is none."""
    keep = KEPT_OF_ONE if wanted.code else KEPT
    verdict = validate(path, strict=wanted.strict, keep=keep, reference=reference)
    return result_of_verdict(verdict, path, sha256, name, folder, wanted)


def result_of_verdict(
    verdict: Verdict, path: Path, sha256: str, name: str, folder: Path, wanted: ValidateFile
) -> ToolResult:
    """The same for a file that was validated before. Raises `ToolError` for a code that is not there."""
    only = rule_named(wanted.code).code if wanted.code else None
    codes = [c for c in verdict.codes if only in (None, c) and wanted.part in (None, rules()[c].group)]
    codes.sort(key=lambda c: (_severity(verdict, c) != "error", list(rules()).index(c)))
    value, text = _answer(verdict, name, codes, wanted)
    return ToolResult(
        text,
        value if wanted.question == "is_valid" else not value,
        None,
        _reading(wanted, only),
        [_problems(verdict, codes), findings_table(verdict, codes)],
        [evidence_of(path, sha256, folder, "validate_file", wanted)],
    )


def _answer(verdict: Verdict, name: str, codes: list[str], wanted: ValidateFile) -> tuple[bool, str]:
    """Whether all is well with what was asked for, and the sentences that say so."""
    if not verdict.readable:
        return False, f"{name} could not be read, so it cannot be called valid. {_worst(verdict, codes)}".strip()
    if wanted.code or wanted.part:
        where = f"rule {wanted.code.upper()}" if wanted.code else f"part {wanted.part!r}"
        serious = [c for c in codes if wanted.strict or wanted.code or _severity(verdict, c) == "error"]
        number = count_of(sum(verdict.codes[c] for c in codes), "finding")
        told = (
            f"{name} has {number} for the {where} of the validator."
            if codes
            else f"{name} breaks nothing of the {where}."
        )
        return not serious, f"{told} {_worst(verdict, codes)}".strip()
    version = f"VCF {short_version(verdict.version)}" if verdict.version else "VCF"
    numbers = " and ".join(count_of(n, s) for s, n in verdict.counts.items() if n) or "no finding"
    state = "valid" if verdict.valid else "not valid"
    text = f"{name} is {state} {version}: {numbers} in {count_of(verdict.records, 'record')}."
    return verdict.valid, f"{text} {_worst(verdict, codes)}".strip()


def _worst(verdict: Verdict, codes: list[str]) -> str:
    told = [_told(verdict, code) for code in codes[:NAMED]]
    if len(codes) > NAMED:
        told.append(f"{count_of(len(codes) - NAMED, 'more rule')} broken, see the table of problems.")
    return " ".join(told)


def _told(verdict: Verdict, code: str) -> str:
    """A problem in a sentence or two. What samples have is told by the rule's words alone: models see this text."""
    rule, found = rules()[code], [f for f in verdict.findings if f.code == code]
    line = f"line {found[0].line:,}" if found and found[0].line else "the file"
    more = verdict.codes[code] - 1
    where = f"{line}{f' and {more:,} more' if more else ''}"
    said = rule.demands if rule.group in ("genotype", "across") or not found else _sentence(found[0])
    return f"{_severity(verdict, code).capitalize()} {code} ({where}): {said} Fix: {rule.fix}"


def _sentence(finding: Finding) -> str:
    place = f"{finding.field}: " if finding.field else ""
    return f"{place}{one_line(finding.message, 200).rstrip('.')}."


def _severity(verdict: Verdict, code: str) -> Severity:
    found = {f.severity for f in verdict.findings if f.code == code}
    return "error" if "error" in found else "warning"


def _reading(wanted: ValidateFile, only: str | None) -> list[str]:
    reading = ["valid: no error against the specification of VCF; warnings do not count"]
    if wanted.strict:
        reading = ["valid: neither error nor warning against the specification of VCF"]
    if only:
        reading = [f"only findings of {only} are told"]
    elif wanted.part:
        reading = [
            f"only findings of the part {wanted.part!r} are told"
            + ("" if wanted.strict else "; the answer is about errors")
        ]
    if wanted.question == "has_errors":
        reading.append("true means that some were found")
    return reading


def _problems(verdict: Verdict, codes: list[str]) -> Table:
    rows: list[list[Json]] = [
        [c, _severity(verdict, c), verdict.codes[c], rules()[c].demands, rules()[c].fix] for c in codes
    ]
    return Table("problems", ["code", "severity", "count", "rule", "fix"], rows, len(rows))


def findings_table(verdict: Verdict, codes: list[str]) -> Table:
    """The findings of some rules with their lines; `total` counts also those that were not kept."""
    rows: list[list[Json]] = [
        [f.severity, f.code, f.line, f.field, f.message] for f in verdict.findings if f.code in codes
    ]
    total = sum(verdict.codes[c] for c in codes)
    columns = ["severity", "code", "line", "field", "message"]
    return Table("findings", columns, rows, total, truncated=total > len(rows))


def evidence_of(path: Path, sha256: str, folder: Path, tool: str, wanted: OnDataset) -> Evidence:
    """The command that lists the same findings."""
    strict = ["--strict"] if getattr(wanted, "strict", False) else []
    command = shlex.join(["vcf-agent", "validate", *strict, shown_path(path, folder)])
    arguments = wanted.model_dump(exclude_defaults=True, mode="json")
    return Evidence(shown_path(path, folder), sha256, tool, arguments, command, None, OWN)


TOOL = Tool(
    "validate_file",
    "Whether the file follows the specification of VCF (true or false), and every problem with its line, the rule that "
    "is broken and the fix. Use it for: is this file valid, what is wrong with it, are there errors in the header.",
    ValidateFile,
    validate_file,
)

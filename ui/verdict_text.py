"""What a validation found, and what a rule means, for a person at a terminal."""

import textwrap
from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from ..tools.text import count_of, one_line
from ..tools.validation.explanations import GROUPS, section_in_words, severity_in_words, short_version
from ..tools.validation.findings import Finding, Verdict
from ..tools.validation.rules import Rule, Severity, rules
from .terminal import console

_STYLES = {"error": "bold red", "warning": "yellow", "good": "bold green"}
_ENDLESS = 1_000_000
"""The width where nobody looks: lines stay whole for grep."""


def print_verdict(verdict: Verdict, shown: int | None) -> None:
    """The head line, then what was found by rule, errors first; of each the first `shown` lines, or all kept ones."""
    out = console()
    out.print(_head(verdict))
    for severity, code in sorted(((_severity(verdict, c), c) for c in verdict.codes), key=_order):
        found = [f for f in verdict.findings if f.code == code]
        _print_rule(out, rules()[code], severity, verdict.codes[code], found[:shown])


def _head(verdict: Verdict) -> Text:
    style = "good" if verdict.readable and verdict.valid else "error"
    text = Text(f"{one_line(verdict.file)}: ").append(state_of(verdict), style=_STYLES[style])
    version = f"VCF {short_version(verdict.version)}, " if verdict.version else ""
    told = f" ({version}{count_of(verdict.records, 'record')})" if verdict.readable else ""
    numbers = [count_of(number, severity) for severity, number in verdict.counts.items() if number]
    strict = "; --strict counts warnings" if verdict.strict and not verdict.counts["error"] and numbers else ""
    return text.append(f"{told}: {', '.join(numbers)}{strict}" if numbers else told)


def state_of(verdict: Verdict) -> str:
    if not verdict.readable:
        return "could not be read"
    return "valid" if verdict.valid else "not valid"


def _severity(verdict: Verdict, code: str) -> Severity:
    """The worst that was found of a rule; what a version eases can be both."""
    found = {f.severity for f in verdict.findings if f.code == code} or {
        rules()[code].severity_in(short_version(verdict.version))
    }
    return "error" if "error" in found else "warning"


def _order(rule: tuple[Severity, str]) -> tuple[bool, int]:
    return rule[0] != "error", list(rules()).index(rule[1])


def _print_rule(out: Console, rule: Rule, severity: Severity, number: int, shown: list[Finding]) -> None:
    times = "once" if number == 1 else f"{number:,} times"
    out.print()
    out.print(Text(f"{severity} {rule.code}", style=_STYLES[severity]).append(f", {times}", style="not bold default"))
    _paragraph(out, "  ", rule.demands)
    for finding in shown:
        own_fix = f". {finding.fix}" if finding.fix != rule.fix else ""
        _paragraph(out, "    ", _place(finding) + finding.message + own_fix, hang=8)
    if shown and number > len(shown):
        out.print(Text(f"    … {number - len(shown):,} more", style="dim"))
    if rule.why:
        _paragraph(out, "  why: ", rule.why, style="dim")
    if not shown or any(finding.fix == rule.fix for finding in shown):
        _paragraph(out, "  fix: ", rule.fix, style="cyan")


def _place(finding: Finding) -> str:
    parts = [f"line {finding.line:,}" if finding.line else "", finding.field or ""]
    place = " ".join(p for p in parts if p)
    return f"{place}: " if place else ""


def _paragraph(out: Console, start: str, text: str, hang: int | None = None, style: str = "") -> None:
    """Wrapped with a hanging indent on a terminal, on one line elsewhere."""
    width = _ENDLESS if out.soft_wrap else out.width
    indent = " " * (len(start) if hang is None else hang)
    for line in textwrap.wrap(one_line(text, 1000), width, initial_indent=start, subsequent_indent=indent,
                              break_on_hyphens=False):  # fmt: skip
        out.print(Text(line, style=style), soft_wrap=True)


def print_hints(verdicts: list[Verdict], hidden: bool) -> None:
    """How many files are valid, where there are several, and what can be done next."""
    out = console()
    codes = list(dict.fromkeys(c for v in verdicts for c in v.codes))
    hints = []
    if hidden:
        hints.append("--all shows every line")
    if codes:
        hints.append(f"--explain {codes[0]} tells more of a rule")
    if mended := [c for c in codes if rules()[c].repaired]:
        hints.append(f"--fix OUT writes a mended copy ({_some(mended)})")
    if hints:
        out.print()
        _paragraph(out, "Next: ", "; ".join(hints) + ".", style="dim")


def _some(codes: list[str], limit: int = 4) -> str:
    more = f" and {len(codes) - limit} more" if len(codes) > limit else ""
    return ", ".join(codes[:limit]) + more


def print_total(states: list[str]) -> None:
    """`3 files: 1 valid, 2 not valid`."""
    numbers = {state: states.count(state) for state in ("valid", "not valid", "could not be read")}
    out = console()
    out.print()
    out.print(Text(f"{count_of(len(states), 'file')}: " + ", ".join(f"{n:,} {s}" for s, n in numbers.items() if n)))


def print_explanation(rule: Rule) -> None:
    """One rule in full."""
    out = console()
    out.print(Text(rule.code, style="bold").append(f"  {severity_in_words(rule)}", style="not bold dim"))
    lines = [("rule", rule.demands), ("why", rule.why), ("fix", rule.fix), ("from", section_in_words(rule))]
    if rule.repaired:
        lines.append(("mend", "vcf-agent validate FILE --fix OUT writes a copy without it"))
    if rule.indexing:
        lines.append(("note", "tabix and bcftools index fail on such a file, or make an index that misleads"))
    for label, text in lines:
        if text:
            _paragraph(out, f"  {label + ':':6}", text)


def print_rules(every: Iterable[Rule]) -> None:
    """All rules by group, one line each."""
    out, group = console(), ""
    for rule in every:
        if rule.group != group:
            group = rule.group
            out.print(Text(f"\n{GROUPS[group]}", style="bold"))
        _paragraph(out, f"  {rule.severity:8}{rule.code:24}", rule.demands)

"""Verdicts as other programs read them: SARIF 2.1.0 and JUnit XML."""

import os
import re
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ..text import count_of, plain
from .explanations import short_version
from .findings import Finding, Verdict
from .rules import Rule, rules

Json = dict[str, Any]
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
SUITES = "vcf-agent validate"

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def sarif(verdicts: list[Verdict], folder: Path) -> Json:
    """A SARIF log of one run; files below `folder` are named relative to it, lines are 1-based in the text."""
    ids = list(rules())
    results = [_result(v, f, ids.index(f.code), folder) for v in verdicts for f in v.findings]
    driver = {"name": "vcf-agent", "version": version("vcf-agent"), "rules": [_rule(r) for r in rules().values()]}
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": all(v.readable for v in verdicts)}],
        "artifacts": [{"location": {"uri": _uri(v.file, folder)}} for v in verdicts],
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": {"truncated": any(v.truncated for v in verdicts)},
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule) -> Json:
    why = f" {rule.why}" if rule.why else ""
    return {
        "id": rule.code,
        "shortDescription": {"text": rule.demands},
        "fullDescription": {"text": f"{rule.demands}{why}"},
        "help": {"text": f"{rule.fix} (Section of the specification: {rule.section}.)"},
        "defaultConfiguration": {"level": rule.severity},
        "properties": {"tags": [rule.group]},
    }


def _result(verdict: Verdict, finding: Finding, index: int, folder: Path) -> Json:
    place: Json = {"artifactLocation": {"uri": _uri(verdict.file, folder)}}
    if finding.line:
        place["region"] = {"startLine": finding.line}
    return {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": finding.severity,
        "message": {"text": _text(_told(finding))},
        "locations": [{"physicalLocation": place}],
    }


def _told(finding: Finding) -> str:
    return f"{finding.field}: {finding.message}" if finding.field else finding.message


def _uri(file: str, folder: Path) -> str:
    path = Path(file).absolute()
    if path.is_relative_to(folder):
        return quote(os.fsencode(path.relative_to(folder)))
    return "file://" + quote(os.fsencode(path))


def junit(verdicts: list[Verdict], with_reference: bool = False) -> bytes:
    """JUnit XML: a suite for each file, a case for each rule that was checked.

    Errors are failures, and so are warnings where they count; other warnings are told in a case's output. Of a
    file that could not be read only the rules that it broke are listed, as errors.
    """
    suites = Element("testsuites", name=SUITES)
    for verdict in verdicts:
        suites.append(_suite(verdict, with_reference))
    indent(suites)
    content: bytes = tostring(suites, encoding="utf-8", xml_declaration=True)
    return content + b"\n"


def _suite(verdict: Verdict, with_reference: bool) -> Element:
    suite = Element("testsuite", name=_text(verdict.file))
    for rule in rules().values():
        if rule.code in verdict.codes or (verdict.readable and (with_reference or rule.group != "reference")):
            suite.append(_case(verdict, rule))
    for name, tag in {"failures": "failure", "errors": "error"}.items():
        suite.set(name, str(len(suite.findall(f"testcase/{tag}"))))
    suite.set("tests", str(len(suite)))
    return suite


def _case(verdict: Verdict, rule: Rule) -> Element:
    case = Element("testcase", classname=f"vcf.{rule.group}", name=rule.code)
    if number := verdict.codes.get(rule.code, 0):
        found = [f for f in verdict.findings if f.code == rule.code]
        told = SubElement(case, _outcome(verdict, rule, found))
        if told.tag != "system-out":
            told.set("message", _text(f"{rule.demands} Broken {count_of(number, 'time')}. {rule.fix}"))
            told.set("type", rule.code)
        told.text = _text("\n".join(_lines(found, number)))
    return case


def _outcome(verdict: Verdict, rule: Rule, found: list[Finding]) -> str:
    if not verdict.readable:
        return "error"
    severities = {f.severity for f in found} or {rule.severity_in(short_version(verdict.version))}
    return "failure" if verdict.strict or "error" in severities else "system-out"


def _lines(found: Iterable[Finding], number: int) -> list[str]:
    lines = [f"{f.severity}, line {f.line}: {_told(f)}" if f.line else f"{f.severity}: {_told(f)}" for f in found]
    more = number - len(lines)
    return [*lines, f"and {more:,} more"] if more else lines


def _text(text: str) -> str:
    """Text from a file as XML and UTF-8 can hold it."""
    return _NOT_XML.sub("\ufffd", plain(text))

"""The report of `vcf-agent analyze`: one HTML file that loads nothing from anywhere.

Everything that came from a file is escaped. Scripts run by their digests alone, so that markup which slipped through
could still not run.
"""

import base64
import hashlib
import html
import json
from pathlib import Path
from string import Template
from typing import Any

from ..agent.analysis import Analysis, Outcome, Part
from ..agent.answer import mark
from ..tools.result import Evidence, Json, Table, ToolResult
from ..tools.text import count_of, plain

MARK = '<meta name="generator" content="vcf-agent analyze">'
ROWS, ROWS_OF_FIGURE = 100, 2000
"""Rows of a table that are shown; --json has more."""
LONG = 40
RESTRAINT = (
    "These are candidates for a person to look at, not diagnoses. They rest on this file, on the annotation and "
    "assertions that it carries, and on the pedigree as it was given; what the file does not hold is not known."
)
TITLES: dict[Part, str] = {"file": "The file", "validation": "Validation", "statistics": "Statistics",
                           "pictures": "Pictures", "findings": "Findings"}  # fmt: skip


def render(analysis: Analysis) -> str:
    """The whole page."""
    from plotly.offline import get_plotlyjs

    folder = Path(__file__).parent
    plotly, script = get_plotlyjs(), (folder / "report.js").read_text(encoding="utf-8")
    figures: list[Json] = []
    parts = [_part(analysis, part, figures) for part in TITLES]
    template = Template((folder / "report.html").read_text(encoding="utf-8"))
    names = [
        *((part, title) for part, title in TITLES.items()),
        ("steps", "Steps"),
        ("methods", "Methods and versions"),
    ]
    return template.substitute(
        script_hashes=" ".join(map(_digest, (plotly, script))),
        title=text(f"{analysis.file.name}: report"),
        head=_head(analysis),
        links="".join(f'<li><a href="#{part}">{text(title)}</a></li>' for part, title in names),
        body="\n".join([*parts, _steps(analysis), _methods(analysis)]),
        foot=text(f"Made by vcf-agent {analysis.versions['vcf-agent']} on {_when(analysis)}. Not for diagnosis."),
        figures=as_script_data(figures),
        plotly=plotly,
        script=script,
    )


def text(value: Json) -> str:
    """A value as text of HTML, also inside an attribute in double quotes."""
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return html.escape(plain(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)))


def as_script_data(value: Json) -> str:
    """JSON that nothing in it can end the script element of."""
    dumped = json.dumps(value, allow_nan=False)  # in ASCII
    return dumped.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _digest(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _head(analysis: Analysis) -> str:
    state, kind = _validity(analysis)
    facts = _facts(analysis)
    cells = "".join(f"<div><dt>{text(k)}</dt><dd>{text(v)}</dd></div>" for k, v in facts.items())
    failed = [o.title for o in analysis.outcomes if o.status == "failed"]
    note = (
        f'<p class="note">Not everything could be done: {text(", ".join(failed))}. See <a href="#steps">Steps</a>.</p>'
    )
    return (
        f'<h1>{text(analysis.file.name)}</h1><p class="quiet">Report of {text(_when(analysis))}</p>'
        f'<dl class="facts"><div><dt>VCF</dt><dd class="{kind}">{state}</dd></div>{cells}</dl>'
        f'<p class="sum"><span class="quiet">SHA-256</span> {text(analysis.sha256)}</p>{note if failed else ""}'
    )


def _when(analysis: Analysis) -> str:
    return analysis.started[:16].replace("T", " ") + " UTC"


def _validity(analysis: Analysis) -> tuple[str, str]:
    if analysis.valid is None:
        return "not checked", "warn"
    return ("valid", "good") if analysis.valid else ("not valid", "bad")


def _facts(analysis: Analysis) -> dict[str, Json]:
    """The numbers on top, as far as the file could be read."""
    read = next((o.results for o in analysis.outcomes if o.name == "read"), [])
    if not read:
        return {"Records": "not read"}
    known = read[0].value
    return {"Records": known["records"], "Samples": known["samples"], "Contigs": known["contigs"],
            "Genome build": known["build"] or "not recorded", "Version": known["version"],
            "Annotation": known["annotation"] or "none"}  # fmt: skip


def _part(analysis: Analysis, part: Part, figures: list[Json]) -> str:
    outcomes = [o for o in analysis.outcomes if o.part == part]
    inside = [_outcome(o, figures) for o in outcomes if o.status != "skipped"]
    skipped = [o for o in outcomes if o.status == "skipped"]
    if skipped:
        told = "".join(f"<li>{text(o.title)}: {text(o.reason)}</li>" for o in skipped)
        inside.append(f'<section class="whole"><h3>Left out</h3><ul class="reading">{told}</ul></section>')
    if part == "findings":
        inside.insert(0, f'<p class="note">{text(RESTRAINT)}</p>')
    return f'<section id="{part}"><h2>{text(TITLES[part])}</h2><div class="parts">{"".join(inside)}</div></section>'


def _outcome(outcome: Outcome, figures: list[Json]) -> str:
    body = "".join(_result(outcome, r, figures) for r in outcome.results)
    if outcome.status == "failed":
        body = f'<p class="bad">This step failed: {text(outcome.reason)}</p>'
    wide = ' class="whole"' if outcome.name == "density" else ""
    return f'<section id="step-{text(outcome.name)}"{wide}><h3>{text(outcome.title)}</h3>{body}</section>'


def _result(outcome: Outcome, result: ToolResult, figures: list[Json]) -> str:
    drawn = [_figure(f, figures) for f in result.figures]
    tables = [_table(t, ROWS_OF_FIGURE if drawn else ROWS) for t in result.tables if t.rows]
    numbers = "".join(tables)
    if tables and (drawn or len(result.tables[0].rows) > 12 or outcome.part == "file"):
        rows = count_of(sum(t.total for t in result.tables), "row")
        numbers = f"<details><summary>Numbers ({rows})</summary>{numbers}</details>"
    reading = "".join(f"<li>{text(r)}</li>" for r in result.reading)
    told = "" if drawn else f"<p>{text(result.text)}</p>"
    return (
        told
        + "".join(drawn)
        + (f'<ul class="reading">{reading}</ul>' if reading else "")
        + numbers
        + "".join(_evidence(e) for e in result.evidence if e.command)
    )


def _figure(figure: dict[str, Json], figures: list[Json]) -> str:
    figures.append(figure["figure"])
    alt = text(figure["alt"])
    return (
        f'<figure><div class="plot" role="img" aria-label="{alt}" data-figure="{len(figures) - 1}"></div>'
        f"<figcaption>{alt}</figcaption></figure>"
    )


def _evidence(evidence: Evidence) -> str:
    kind = {True: "good", False: "bad", None: "quiet"}[evidence.verified]
    return (
        f'<details><summary>Command</summary><pre>{text(evidence.command)}</pre>'
        f'<p class="{kind}">{text(mark(evidence))}</p></details>'
    )  # fmt: skip


def _table(table: Table, rows: int = ROWS) -> str:
    shown = table.rows[:rows]
    numeric = [all(r[i] is None or _is_number(r[i]) for r in shown) for i in range(len(table.columns))]
    side = [' class="n"' if n else "" for n in numeric]
    head = "".join(f'<th scope="col"{s}>{text(c)}</th>' for c, s in zip(table.columns, side, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{s}>{_cell(v)}</td>" for v, s in zip(row, side, strict=True)) + "</tr>" for row in shown
    )
    more = f'<p class="quiet">{len(shown):,} of {table.total:,} rows</p>' if len(shown) < table.total else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{text(table.name)}"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{more}"
    )


def _cell(value: Json) -> str:
    """Long ones, such as a deletion of 80 bases, may break anywhere; words of the others stay whole."""
    shown = text(value)
    return f'<span class="long">{shown}</span>' if len(shown) > LONG else shown


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _steps(analysis: Analysis) -> str:
    """What became of each step."""
    kinds = {"completed": "good", "failed": "bad", "skipped": "quiet"}
    rows = "".join(
        f'<tr data-step="{text(o.name)}" data-status="{o.status}"><td>{text(o.title)}</td>'
        f'<td class="{kinds[o.status]}">{o.status}</td><td>{text(o.reason)}</td><td class="n">{o.seconds:.2f}</td></tr>'
        for o in analysis.outcomes
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in ("step", "status", "reason"))
    head += '<th scope="col" class="n">seconds</th>'
    return (
        '<section id="steps"><h2>Steps</h2><div class="scroll" tabindex="0" role="region" aria-label="steps"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></section>"
    )


def _methods(analysis: Analysis) -> str:
    """Each tool call with its arguments and what proves it, and the versions of everything that took part."""
    calls: list[list[Json]] = [
        [o.title, e.tool, json.dumps(e.arguments, ensure_ascii=False), e.command, mark(e)]
        for o in analysis.outcomes
        for r in o.results
        for e in r.evidence
    ]
    table = Table("tool calls", ["step", "tool", "arguments", "command", "checked"], calls, len(calls))
    versions = Table("versions", ["program", "version"], [[k, v] for k, v in analysis.versions.items()], 0)
    inputs = [f"Input: {analysis.file}"]
    inputs += [f"Pedigree: {analysis.pedigree}"] if analysis.pedigree else []
    inputs += [f"Reference: {analysis.reference}"] if analysis.reference else []
    return (
        '<section id="methods"><h2>Methods and versions</h2>'
        + "".join(f"<p>{text(line)}</p>" for line in inputs)
        + "<p>Every number comes from a tool; no model took part and nothing was sent anywhere. A command that is "
        "marked as verified was run again and gave the same.</p>"
        + _table(table, rows=len(calls))
        + "<h3>Versions</h3>"
        + _table(versions)
        + "</section>"
    )

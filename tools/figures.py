"""Plotly figures as plain JSON: few marks, numbers in plain lists, and nothing of a file read as markup."""

import html
import json
from collections.abc import Sequence
from typing import Any

from .result import Json
from .text import one_line

COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#8F8F00", "#767676"]
"""Okabe and Ito's, which colour-blind people tell apart; in this order each of the first shows on white and on black.
"""
SYMBOLS = ["circle", "square", "diamond", "cross", "x", "triangle-up", "star", "hexagon"]
GREY = "#767676"
"""Of text and lines where nobody sets another: readable on white and on black."""
LABEL_CHARS = 60
MAX_TICKS = 12
MAX_NAMES = 60
"""Names written along an axis; with more, they show under the pointer alone."""

Number = int | float
Axis = dict[str, Any]


def label(text: str, limit: int = LABEL_CHARS) -> str:
    """A text of a file as Plotly shows it letter by letter: it reads `<a href=...>` and `<b>` as markup."""
    return html.escape(one_line(text, limit), quote=False)


def bars(
    x: Sequence[Any],
    y: Sequence[Number | None],
    *,
    title: str,
    x_title: str,
    y_title: str,
    colours: Sequence[str] | None = None,
) -> Json:
    """A bar for each of a few things that have names."""
    bar = {"type": "bar", "x": list(x), "y": list(y), "marker": {"color": list(colours) if colours else COLOURS[0]},
           "hovertemplate": "%{x}: %{y:,}<extra></extra>"}  # fmt: skip
    return _figure([bar], title, {"title": {"text": x_title}, "type": "category"}, {"title": {"text": y_title}})


def grouped_bars(
    groups: dict[str, tuple[Sequence[Any], Sequence[Number]]], *, title: str, x_title: str, y_title: str
) -> Json:
    """Bars of several groups, a colour and an entry of the legend for each."""
    traces = [
        {"type": "bar", "name": label(name), "x": list(x), "y": list(y), "marker": {"color": COLOURS[i]},
         "hovertemplate": "%{x}: %{y:,}"}
        for i, (name, (x, y)) in enumerate(groups.items())
    ]  # fmt: skip
    return _figure(traces, title, {"title": {"text": x_title}, "type": "category"}, {"title": {"text": y_title}})


def histogram(
    starts: Sequence[Number],
    width: Number,
    counts: Sequence[int],
    names: Sequence[str],
    *,
    offset: float,
    title: str,
    x_title: str,
    y_title: str,
) -> Json:
    """Bars of bins that were counted before; `names` say what each holds, `offset` where a bar begins by its start."""
    bar = {"type": "bar", "x": list(starts), "y": list(counts), "width": width, "offset": offset,
           "customdata": [label(n) for n in names], "marker": {"color": COLOURS[0]},
           "hovertemplate": "%{customdata}: %{y:,}<extra></extra>"}  # fmt: skip
    figure = _figure([bar], title, {"title": {"text": x_title}}, {"title": {"text": y_title}})
    figure["layout"]["bargap"] = 0
    figure["layout"]["xaxis"]["showgrid"] = False
    if offset and len(starts) * width <= MAX_TICKS:
        figure["layout"]["xaxis"]["dtick"] = 1  # no tick between two whole numbers
    return figure


def of_samples(names: Sequence[str], values: Sequence[Number | None], *, title: str, y_title: str, unit: str) -> Json:
    """A value for each sample in the order given: bars with names for a few, points for many."""
    few = len(names) <= MAX_NAMES
    places = list(range(len(names)))
    shown = [label(n) for n in names]
    kind = {"type": "bar"} if few else {"type": "scatter", "mode": "markers"}
    trace = {**kind, "x": places, "y": list(values), "customdata": shown, "marker": {"color": COLOURS[0]},
             "hovertemplate": "%{customdata}: %{y" + unit + "}<extra></extra>"}  # fmt: skip
    ticks: Axis = {"tickvals": places, "ticktext": shown} if few else {"showticklabels": False}
    x_title = "sample" if few else "samples, the largest first"
    return _figure(
        [trace],
        title,
        {"title": {"text": x_title}, "showgrid": False, "zeroline": False, **ticks},
        {"title": {"text": y_title}},
    )


def heat(rows: Sequence[str], starts: Sequence[int], cells: Sequence[Sequence[int | None]], window: int, *,
         title: str) -> Json:  # fmt: skip
    """One line per contig, one cell per window; a cell without a number stays empty."""
    trace = {"type": "heatmap", "x": list(starts), "y": [label(r) for r in rows], "z": [list(c) for c in cells],
             "colorscale": "Cividis", "zmin": 0, "xgap": 0, "ygap": 2, "hoverongaps": False,
             "colorbar": {"title": {"text": "records"}, "outlinewidth": 0},
             "hovertemplate": "%{y}, from %{x:,}: %{z:,} records<extra></extra>"}  # fmt: skip
    x_axis = {"title": {"text": f"position (bases; windows of {window:,})"}, "showgrid": False, "tickformat": "~s"}
    y_axis = {"type": "category", "autorange": "reversed", "showgrid": False, "tickfont": {"size": 11}}
    figure = _figure([trace], title, x_axis, y_axis)
    figure["layout"]["height"] = 170 + 22 * len(rows)
    return figure


def points(groups: dict[str, list[tuple[str, Number, Number]]], *, title: str, x_title: str, y_title: str) -> Json:
    """Named points, a colour and a symbol for each group; there is a legend where there is more than one."""
    traces = [
        {"type": "scatter", "mode": "markers", "name": label(name), "x": [p[1] for p in of], "y": [p[2] for p in of],
         "customdata": [label(p[0]) for p in of], "hovertemplate": "%{customdata}",
         "marker": {"color": COLOURS[i % 8], "symbol": SYMBOLS[i % 8], "size": 9}}
        for i, (name, of) in enumerate(groups.items())
    ]  # fmt: skip
    return _figure(traces, title, {"title": {"text": x_title}}, {"title": {"text": y_title}})


Node = tuple[str, float, float]


def network(columns: dict[str, list[Node]], lines: dict[str, list[tuple[Node, Node]]], *, title: str) -> Json:
    """Nodes in columns, and lines of several kinds between them; their places are the caller's."""
    traces: list[Json] = []
    for i, (kind, pairs) in enumerate(lines.items()):
        x = [v for a, b in pairs for v in (a[1], b[1], None)]
        y = [v for a, b in pairs for v in (a[2], b[2], None)]
        line = {"color": [GREY, COLOURS[0], COLOURS[1], COLOURS[2]][i % 4], "width": 1 if i == 0 else 1.5 + 0.5 * i}
        traces.append({"type": "scatter", "mode": "lines", "name": label(kind), "x": x, "y": y, "line": line,
                       "hoverinfo": "skip", "opacity": 0.3 if i == 0 else 0.65})  # fmt: skip
    for i, (kind, nodes) in enumerate(columns.items()):
        place = ["middle left", "middle left", "middle right"][i % 3]
        traces.append(
            {"type": "scatter", "mode": "markers+text" if len(nodes) <= MAX_NAMES else "markers", "name": label(kind),
             "x": [n[1] for n in nodes], "y": [n[2] for n in nodes], "text": [label(n[0], 32) for n in nodes],
             "textposition": place, "customdata": [label(n[0]) for n in nodes], "hovertemplate": "%{customdata}",
             "textfont": {"size": 10}, "cliponaxis": False,
             "marker": {"color": COLOURS[i], "symbol": SYMBOLS[i], "size": 11}}
        )  # fmt: skip
    hidden: Axis = {"visible": False}
    figure = _figure(traces, title, {**hidden, "range": [-0.45, 2.45]}, hidden)
    figure["layout"]["legend"] |= {"y": 0, "yanchor": "top"}
    figure["layout"]["height"] = 220 + 24 * max((len(nodes) for nodes in columns.values()), default=0)
    return figure


def _figure(traces: list[Json], title: str, x: Axis, y: Axis) -> Json:
    """Checked by Plotly; see-through, so that it lies on a light page and on a dark one."""
    import plotly.graph_objects as go

    quiet: Axis = {"automargin": True, "gridcolor": "rgba(128,128,128,0.25)", "zerolinecolor": "rgba(128,128,128,0.5)",
                   "tickformat": ",~r", "title": {"standoff": 12}}  # fmt: skip
    layout = {
        "title": {"text": label(title, 120), "x": 0, "xref": "paper", "font": {"size": 15}},
        "font": {"color": GREY, "size": 12}, "showlegend": len(traces) > 1,
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": GREY},
         "hovermode": "closest", "height": 360,
        "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 60, "r": 20, "t": 50, "b": 50}, "xaxis": _axis(quiet, x), "yaxis": _axis(quiet, y),
        "legend": {"orientation": "h", "y": -0.25, "yref": "paper"},
    }  # fmt: skip
    figure = json.loads(go.Figure(traces, layout).to_json())
    figure["layout"].pop("template", None)
    return figure


def _axis(quiet: Axis, own: Axis) -> Axis:
    axis = {**quiet, **own, "title": {**quiet["title"], **own.get("title", {})}}
    if own.get("type") == "category":
        axis.pop("tickformat")
        axis["showgrid"] = False
    return axis

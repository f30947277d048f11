"""What an SQL statement asks for, read from DuckDB's own syntax tree; what is not known here is refused."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Never

from ..memory.errors import ToolError
from .text import one_line

EXPRESSIONS = {
    "BETWEEN", "CASE", "CAST", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION", "LAMBDA", "OPERATOR",
    "SUBQUERY", "TYPE", "WINDOW",
}  # fmt: skip
PARTS = {
    "SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "BASE_TABLE", "JOIN", "SUBQUERY", "EMPTY",
    "TABLE_FUNCTION", "ORDER_MODIFIER", "LIMIT_MODIFIER", "DISTINCT_MODIFIER", "ORDER_DEFAULT", "ASCENDING",
    "DESCENDING",
}  # fmt: skip
JOINS = {"REGULAR", "CROSS"}
FUNCTIONS = {
    name
    for kind in (
        # operators
        "+ - * / // % ** ^ & | << >> ~ || ! ~~ !~~ ~~* !~~* ~~~ like_escape not_like_escape ilike_escape "
        "not_ilike_escape",
        # numbers
        "abs ceil ceiling floor round trunc sign sqrt cbrt exp ln log log2 log10 pow power mod least greatest isnan "
        "isinf isfinite if nullif",
        # texts
        "length len strlen lower upper substr substring left right trim ltrim rtrim replace concat concat_ws contains "
        "starts_with prefix suffix ends_with position instr strpos reverse split string_split str_split split_part "
        "regexp_matches regexp_full_match regexp_extract regexp_extract_all regexp_replace levenshtein hamming",
        # lists
        "list_value row struct_pack struct_extract unnest list_contains array_contains list_has array_has list_has_any "
        "list_has_all list_position list_extract list_element array_extract list_slice array_slice array_length "
        "list_sum list_avg list_min list_max list_count list_sort list_distinct list_unique list_filter "
        "list_transform list_apply list_concat flatten",
        # aggregates
        "count count_star count_if sum avg mean min max median mode stddev stddev_samp stddev_pop variance var_samp "
        "var_pop quantile quantile_cont quantile_disc corr covar_samp covar_pop regr_slope regr_intercept regr_r2 "
        "bool_and bool_or any_value arg_min arg_max min_by max_by string_agg group_concat listagg list array_agg",
        # windows
        "row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value",
    )
    for name in kind.split()
}
"""None of them reads a file, a setting or the clock, throws dice, or makes much out of little, as repeat() does."""

TOO_DEEP = "SQL: the statement is nested too deep"
NAMED = "Name the columns: the tables have more than an answer can hold"


@dataclass(slots=True)
class Statement:
    """The names in one SELECT.

    `tables` and `given` are in lower case: the tables it reads, and the names it gives itself to columns; `rows`
    are the names that stand for a table. `columns` are the references as written, `v.pos` as ["v", "pos"].
    """

    tables: set[str] = field(default_factory=set)
    rows: set[str] = field(default_factory=set)
    given: set[str] = field(default_factory=set)
    columns: list[list[str]] = field(default_factory=list)


def read_statement(tree: dict[str, Any], known: list[str]) -> Statement:
    """The one SELECT of a tree that `json_serialize_sql` gave, over the `known` tables.

    Raises `ToolError` for anything else and for every part of a SELECT that is not allowed.
    """
    if tree["error"]:
        _refuse_unparsed(tree)
    if len(tree["statements"]) != 1:
        raise ToolError("SQL: one SELECT is wanted", "Ask one thing at a time")
    parts = list(_parts(tree["statements"][0]))
    found = Statement()
    for part in parts:
        _check(part)
        _collect(part, found)
    with_names = {entry["key"].lower() for part in parts for entry in part.get("cte_map", {"map": []})["map"]}
    if taken := with_names & set(known):
        raise ToolError(f"SQL: {taken.pop()!r} is the name of a stored table", "Give the WITH another name")
    found.rows |= with_names | found.tables
    found.tables -= with_names
    for name in found.tables - set(known):
        raise ToolError(f"SQL: there is no table {one_line(name, 80)!r}", f"The tables are {', '.join(known)}")
    return found


def _refuse_unparsed(tree: dict[str, Any]) -> Never:
    if tree["error_type"] == "not implemented":
        raise ToolError("SQL: only SELECT is run", "The stored tables are never changed")
    message = one_line(tree["error_message"])
    if "depth" in message:
        raise ToolError(TOO_DEEP, "Ask in smaller steps")
    raise ToolError(f"SQL: {message}", 'A column whose name is a word of SQL stands in quotes: "end"')


def _parts(tree: Any) -> Iterator[dict[str, Any]]:
    waiting = [tree]
    while waiting:  # no recursion: a statement may be nested deeper than Python allows
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _check(part: dict[str, Any]) -> None:
    if part.get("class") == "STAR" or part.get("type") in ("EXPRESSION_LIST", "SHOW_REF"):
        raise ToolError("SQL: * and VALUES are not allowed, nor DESCRIBE, nor FROM without SELECT", NAMED)
    if "class" in part and part["class"] not in EXPRESSIONS:
        _refuse(part["class"])
    if "type" in part and "class" not in part and part["type"] not in PARTS:
        _refuse(part["type"])
    if part.get("type") == "TABLE_FUNCTION" and part["function"]["function_name"].lower() != "unnest":
        raise ToolError(f"SQL: {one_line(part['function']['function_name'], 80)}() is no table", "Only unnest() is one")
    if "function_name" in part and part["function_name"].lower() not in FUNCTIONS:
        raise ToolError(f"SQL: the function {one_line(part['function_name'], 80)}() is not allowed")
    if part.get("sample") or part.get("at_clause"):
        _refuse("a sample or a version of a table")
    if part.get("ref_type", "REGULAR") not in JOINS:
        _refuse(f"{part['ref_type']} JOIN", "Write JOIN ... USING (record) or ON")
    if len(part.get("qualified_name", {"path": [0]})["path"]) != 1:
        _refuse("a name with a schema")


def _refuse(what: str, way_out: str = "Plain SELECT, JOIN, WHERE, GROUP BY and WITH are") -> Never:
    raise ToolError(f"SQL: {one_line(what.replace('_', ' ').lower(), 80)} is not allowed", way_out)


def _collect(part: dict[str, Any], found: Statement) -> None:
    kind = part.get("class", part.get("type"))
    if kind == "BASE_TABLE":
        found.tables.add(part["table_name"].lower())
    if "class" not in part and part.get("alias"):
        found.rows.add(part["alias"].lower())
    elif part.get("alias"):
        found.given.add(part["alias"].lower())
    found.given |= {name.lower() for key in ("column_name_alias", "aliases") for name in part.get(key, [])}
    if kind == "LAMBDA":
        found.given |= {name.lower() for p in _parts(part["lhs"]) for name in p.get("column_names", [])}
    if "column_names" in part:
        found.columns.append(part["column_names"])
    found.columns += [[name] for name in part.get("using_columns", [])]

"""Cypher from a user or a model, made safe: parsed by a list of what is allowed, and written anew.

Kuzu's read-only mode still opens any file that a statement names, so nothing typed reaches it as text. Strings
and numbers become parameters, labels and properties are spelt by the schema, names stand in backticks, and
each keyword, sign and function is one of this file's own. Anything else is refused by name and place.

    statement  := query (UNION [ALL] query)*
    query      := (match | UNWIND list AS name | WITH items [WHERE expression])* RETURN items
    match      := [OPTIONAL] MATCH path (, path)* [WHERE expression]
    items      := [DISTINCT] expression [AS name], … [ORDER BY …] [SKIP n] [LIMIT n]
    expression := operand (operator operand)*       Kuzu's own precedence holds: the order stays as typed
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches

from .cypher_tokens import Cursor, refusal
from .graph_schema import ENDS, PROPERTIES

MAX_DEPTH = 10
"""Brackets, calls, CASE and EXISTS within each other. Kuzu's parser takes seconds for 20 CASE; no limit stops it."""

MAX_HOPS = 4
"""Relations in a path of variable length."""

MAX_RELATIONS = 8
"""Relations in a statement, those of a path of variable length by its upper bound."""

FUNCTIONS = {
    "count": (1, 1), "sum": (1, 1), "avg": (1, 1), "min": (1, 1), "max": (1, 1), "collect": (1, 1),
    "size": (1, 1), "coalesce": (1, 8), "label": (1, 1), "labels": (1, 1),
    "lower": (1, 1), "upper": (1, 1), "tolower": (1, 1), "toupper": (1, 1), "trim": (1, 1), "ltrim": (1, 1),
    "rtrim": (1, 1), "left": (2, 2), "right": (2, 2), "reverse": (1, 1), "concat": (2, 8), "split_part": (3, 3),
    "abs": (1, 1), "ceil": (1, 1), "floor": (1, 1), "round": (2, 2), "sqrt": (1, 1), "sign": (1, 1),
    "ln": (1, 1), "log10": (1, 1),
    "list_contains": (2, 2), "list_sort": (1, 1), "list_distinct": (1, 1), "list_reverse": (1, 1),
}  # fmt: skip
"""Functions that only compute, with their numbers of arguments. Not substring: Kuzu counts from 1, Cypher from 0."""

AGGREGATES = {"count", "sum", "avg", "min", "max", "collect"}
KEYWORDS = {
    "match", "optional", "where", "with", "unwind", "as", "return", "distinct", "order", "by", "skip", "limit",
    "asc", "ascending", "desc", "descending", "union", "all", "case", "when", "then", "else", "end", "and", "or",
    "xor", "not", "in", "is", "null", "true", "false", "starts", "ends", "contains", "exists",
}  # fmt: skip
OPERATORS = {"and", "or", "xor", "in", "contains"}
SIGNS = {"=", "<", ">", "+", "-", "*", "/", "%"}
CLAUSES = "MATCH, OPTIONAL MATCH, WHERE, UNWIND of a list, WITH, RETURN, ORDER BY, SKIP, LIMIT and UNION are allowed"
NODES = frozenset(PROPERTIES.keys() - ENDS.keys())


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that only reads the graph.

    `columns` are the names of what it returns, `tables` the nodes and relations that it may touch, `relations` how
    many its patterns walk at most, `limit` the number of rows that it keeps by its own LIMIT, if it has one.
    """

    text: str
    parameters: dict[str, object]
    columns: list[str]
    tables: frozenset[str]
    relations: int
    limit: int | None


def read_only(cypher: str) -> Statement:
    """The statement rebuilt from what it may hold. Raises `ToolError` that says what is refused, where, and why."""
    return _Parser(cypher).statement()


class _Parser(Cursor):
    """Reads a statement from left to right, and writes it as it goes."""

    def __init__(self, cypher: str) -> None:
        super().__init__(cypher)
        self.names: dict[str, frozenset[str]] = {}  # what each name in scope may be; nothing for a plain value
        self.tables: set[str] = set()
        self.columns: list[str] = []
        self.limit: int | None = None
        self.depth = self.relations = 0

    @contextmanager
    def nested(self) -> Iterator[None]:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.refused(f"At most {MAX_DEPTH} may stand within each other", "too many brackets in brackets")
        yield
        self.depth -= 1

    # Clauses.

    def statement(self) -> Statement:
        union = any(token.kind == "word" and token.text.lower() == "union" for token in self.tokens)
        self.query(union)
        while self.takes("union"):
            self.takes("all")
            self.names = {}
            self.query(union)
        if self.token.kind != "end":
            raise self.refused(CLAUSES)
        text = " ".join(self.written).replace(" ,", ",")  # in ORDER BY, Kuzu takes no space there
        return Statement(text, self.parameters, self.columns, frozenset(self.tables), self.relations, self.limit)

    def query(self, union: bool) -> None:
        while not self.takes("return"):
            if self.takes("match") or self.takes("optional", "match"):
                self.match()
            elif self.takes("unwind"):
                self.unwind()
            elif self.takes("with"):
                self.with_items()
            elif self.token.kind == "end":
                raise self.refused("Say at the end what to RETURN")
            else:
                raise self.refused(CLAUSES)
        self.return_items(union)

    def match(self) -> None:
        self.listed(self.path)
        self.where()

    def where(self) -> None:
        if self.takes("where"):
            self.condition()

    def unwind(self) -> None:
        if not self.sees("["):
            raise self.refused("UNWIND takes a list in square brackets")
        self.operand()
        self.needs("as")
        self.new_name(frozenset())

    def with_items(self) -> None:
        self.takes("distinct")
        kept: dict[str, frozenset[str]] = {}
        self.listed(lambda: kept.update([self.item()[1]]))
        self.names |= kept  # ORDER BY may still speak of what is dropped
        self.ordered()
        self.cut()
        self.names = kept
        self.where()

    def return_items(self, union: bool) -> None:
        self.takes("distinct")
        columns: list[str] = []
        self.listed(lambda: columns.append(self.item(returned=True)[0]))
        self.columns = self.columns or columns
        if union and any(self.sees(word) for word in ("order", "skip", "limit")):
            raise self.refused("Leave it out: in a UNION it would hold for one of the parts alone")
        self.ordered()
        self.limit = self.cut()

    def item(self, returned: bool = False) -> tuple[str, tuple[str, frozenset[str]]]:
        """An expression with its name as a column, and the name and tables that it has from here on."""
        start, first = self.token, self.at
        if self.sees("*"):
            raise self.refused("Name what to return")
        self.expression()
        name = self.cypher[start.start : self.tokens[self.at - 1].stop]
        alone = self.at == first + 1 and start.kind == "word"
        known = self.names.get(start.text.lower(), frozenset()) if alone else frozenset()
        if self.takes("as"):
            name = self.token.text
            self.new_name(known)
        elif not alone and not returned:
            raise self.refused("In WITH, give an expression a name with AS")
        return " ".join(name.split()), (name.lower(), known)

    def ordered(self) -> None:
        if self.takes("order", "by"):
            self.listed(self.order)

    def order(self) -> None:
        self.expression()
        for word in ("asc", "ascending", "desc", "descending"):
            if self.takes(word):
                return

    def cut(self) -> int | None:
        if self.takes("skip"):
            self.written.append(self.bound(self.whole_number()))
        if not self.takes("limit"):
            return None
        number = self.whole_number()
        self.written.append(self.bound(number))
        return number

    # Patterns.

    def path(self) -> None:
        before = set(self.names)
        nodes = [self.node()]
        between: list[frozenset[str]] = []
        while self.sees("-") or self.sees("<"):
            between.append(self.relation())
            nodes.append(self.node())
        for number, (name, tables) in enumerate(nodes):
            for relation in between[max(number - 1, 0) : number + 1]:
                tables = tables & {end for each in relation for end in ENDS[each]} or tables
            self.tables |= tables
            if name and name not in before:
                self.names[name] = tables

    def node(self) -> tuple[str, frozenset[str]]:
        """A node's name, if it has one, and the tables that it may be of."""
        self.needs("(")
        name = self.pattern_name(NODES)
        tables = self.names.get(name, NODES)
        if self.takes(":"):
            tables = self.label(NODES)
            while self.drops("|"):
                self.written.append(":")  # Kuzu writes "or" so
                tables |= self.label(NODES)
            if self.sees(":"):
                raise self.refused("No node has two labels; write (x:Variant|Gene) for either")
        self.names |= {name: tables} if name else {}
        self.properties(tables)
        self.needs(")")
        return name, tables

    def relation(self) -> frozenset[str]:
        """The types that a relation may be of."""
        back = self.drops("<")
        self.dash()
        self.written.append("<-" if back else "-")
        tables = self.in_brackets() if self.takes("[") else self.untyped()
        self.dash()
        onward = self.drops(">")
        if back and onward:
            raise self.refused("Choose one direction, or none", "a relation in both directions")
        self.written.append("->" if onward else "-")
        self.tables |= tables
        return tables

    def dash(self) -> None:
        if not self.drops("-"):
            raise self.refused("A relation is written -[:CARRIES]->, <-[:CARRIES]- or -[:CARRIES]-")

    def untyped(self) -> frozenset[str]:
        self.written.append("[]")
        self.hops(1)
        return frozenset(ENDS)

    def in_brackets(self) -> frozenset[str]:
        name = self.pattern_name(frozenset(ENDS))
        tables = frozenset(ENDS)
        if self.takes(":"):
            tables = self.label(tables)
            while self.takes("|"):
                self.drops(":")
                tables |= self.label(frozenset(ENDS))
        if self.sees("*"):
            self.length(name)
        else:
            self.names |= {name: tables} if name else {}
            self.hops(1)
            self.properties(tables)
        self.needs("]")
        return tables

    def length(self, name: str) -> None:
        """*2, *..3 or *1..3."""
        if name:
            raise self.refused("Leave the relation's name out, and return the nodes at its ends", "a named path")
        self.needs("*")
        lower = 1 if self.sees("..") else self.whole_number()
        upper = self.whole_number() if self.drops("..") else lower
        if not 1 <= lower <= upper <= MAX_HOPS:
            raise self.refused(f"Give bounds from 1 to {MAX_HOPS}, such as *1..{MAX_HOPS}", "a path of this length")
        self.written.append(f"{lower}..{upper}")
        self.hops(upper)

    def hops(self, number: int) -> None:
        self.relations += number
        if self.relations > MAX_RELATIONS:
            raise self.refused(f"At most {MAX_RELATIONS} are allowed in a statement", "too many relations")

    def pattern_name(self, tables: frozenset[str]) -> str:
        """The name at the start of a node or relation, written; empty where there is none."""
        if self.token.kind != "word":
            return ""
        name = self.token.text.lower()
        self.new_name(self.names.get(name, tables))
        return name

    def new_name(self, tables: frozenset[str]) -> None:
        token = self.token
        if token.kind != "word" or token.text.lower() in KEYWORDS or len(token.text) > 64:
            raise self.refused("A name is expected: ASCII letters, digits and _, and no word of Cypher")
        self.at += 1
        self.names[token.text.lower()] = tables
        self.written.append(f"`{token.text.lower()}`")

    def label(self, known: frozenset[str]) -> frozenset[str]:
        name = self.spelt(sorted(known), "The graph has")
        self.written.append(name)
        return frozenset([name])

    def properties(self, tables: frozenset[str]) -> None:
        if self.takes("{"):
            self.listed(lambda: self.property_value(tables))
            self.needs("}")

    def property_value(self, tables: frozenset[str]) -> None:
        self.property_of(tables)
        self.needs(":")
        self.operand()

    def property_of(self, tables: frozenset[str]) -> None:
        known = sorted({column for table in tables for column in PROPERTIES[table]})
        self.written.append(self.spelt(known, f"{' or '.join(sorted(tables))} has"))

    def spelt(self, known: list[str], otherwise: str) -> str:
        """The word that comes, as the schema spells it."""
        token = self.token
        for name in known if token.kind == "word" else ():
            if name.lower() == token.text.lower():
                self.at += 1
                return name
        raise self.refused(f"{_nearest(token.text, known)}{otherwise} {', '.join(known) or 'no properties'}")

    # Expressions.

    def expression(self) -> None:
        self.operand()
        while self.operator():
            self.operand()

    def condition(self) -> None:
        """An expression of which each part between AND, OR and XOR speaks of the graph.

        Kuzu 0.11.3 drops a part of a WHERE that holds parameters and no name: $p0 = $p1 is then always true.
        """
        while True:
            first, bound = self.token, len(self.written)
            self.part()
            written = self.written[bound:]
            if any("$" in word for word in written) and not any("`" in word for word in written):
                raise refusal(
                    "a condition on nothing in the graph", first.start, "Compare a property of a name with it"
                )
            if not any(self.takes(word) for word in ("and", "or", "xor")):
                return

    def part(self) -> None:
        while self.takes("not"):
            pass
        if self.sees("(") and self.is_condition():
            self.bracket(self.condition)
        else:
            self.operand()
        while not any(self.sees(word) for word in ("and", "or", "xor")) and self.operator():
            self.operand()

    def is_condition(self) -> bool:
        """Whether the bracket that comes holds AND, OR or XOR, at any depth."""
        depth = 0
        for token in self.tokens[self.at :]:
            depth += (token.text == "(") - (token.text == ")") if token.kind == "sign" else 0
            if depth == 0:
                return False
            if token.kind == "word" and token.text.lower() in ("and", "or", "xor"):
                return True
        return False

    def operator(self) -> bool:
        """Take an operator if one comes, and any IS NULL before it."""
        while self.takes("is", "not", "null") or self.takes("is", "null"):
            pass
        for words in (("starts", "with"), ("ends", "with"), *((word,) for word in OPERATORS)):
            if self.takes(*words):
                self.listable(words)
                return True
        if self.token.kind != "sign" or self.token.text not in SIGNS:
            return False
        self.written.append(self.sign())
        if self.written[-1] == "-" and self.sees("["):
            raise self.refused("To ask whether a pattern is there, write EXISTS { MATCH … }", "a pattern as a value")
        return True

    def listable(self, words: tuple[str, ...]) -> None:
        """Kuzu crashes on IN NULL."""
        if words == ("in",) and not self.sees("[") and (self.token.kind != "word" or self.sees("null")):
            raise self.refused("IN takes a list in square brackets, or a name")

    def sign(self) -> str:
        """An operator of one or two signs, which stand together."""
        first, second = self.tokens[self.at : self.at + 2]
        pair = self.cypher[first.start : first.stop + 1]
        double = pair in ("<=", ">=", "<>") and second.kind == "sign"
        self.at += 2 if double else 1
        return pair if double else first.text

    def operand(self) -> None:
        while self.takes("not"):
            pass
        token = self.token
        if token.kind in ("string", "integer", "decimal") or self.sees("-"):
            self.literal()
        elif self.sees("(") or self.sees("["):
            self.bracket()
        elif self.sees("case"):
            self.case()
        elif self.sees("exists"):
            self.exists()
        elif any(self.takes(word) for word in ("true", "false", "null")):
            pass
        elif token.kind == "word" and self.sees("(", 1):
            self.call()
        else:
            self.variable()

    def bracket(self, inner: Callable[[], object] | None = None) -> None:
        with self.nested():
            if self.takes("("):
                (inner or self.expression)()
                self.needs(")")
                return
            self.needs("[")
            if not self.sees("]"):
                self.listed(self.expression)
            self.needs("]")

    def case(self) -> None:
        with self.nested():
            self.needs("case")
            if not self.sees("when"):
                self.expression()
            self.branch()
            while self.sees("when"):
                self.branch()
            if self.takes("else"):
                self.expression()
            self.needs("end")

    def branch(self) -> None:
        self.needs("when")
        self.expression()
        self.needs("then")
        self.expression()

    def exists(self) -> None:
        """EXISTS { MATCH … }, whose names hold within it alone."""
        self.needs("exists")
        outside = dict(self.names)
        with self.nested():
            self.needs("{")
            self.needs("match")
            self.match()
            self.needs("}")
        self.names = outside

    def call(self) -> None:
        name = self.token.text.lower()
        if name not in FUNCTIONS:
            way_out = f"{_nearest(name, FUNCTIONS)}The functions are {', '.join(FUNCTIONS)}"
            raise self.refused(way_out, f"the function {self.token.text[:40]}")
        self.at += 1
        self.written.append(name.upper())
        with self.nested():
            self.needs("(")
            if not (name == "count" and self.takes("*")):
                self.arguments(name)
            self.needs(")")

    def arguments(self, name: str) -> None:
        if name in AGGREGATES:
            self.takes("distinct")
        first, given = self.token, 1
        self.expression()
        while self.takes(","):
            self.expression()
            given += 1
        least, most = FUNCTIONS[name]
        if not least <= given <= most:
            wanted = f"{least}" if least == most else f"{least} to {most}"
            raise refusal(f"{name} with {given} arguments", first.start, f"It takes {wanted}")

    def variable(self) -> None:
        token = self.token
        name = token.text.lower()
        if token.kind != "word" or name in KEYWORDS:
            raise self.refused("A value is expected: a name, a property, a string, a number, a list or a function")
        if name not in self.names:
            known = ", ".join(sorted(self.names)[:20])
            raise self.refused(f"Nothing is called so here; there is {known}" if known else CLAUSES)
        self.at += 1
        self.written.append(f"`{name}`")
        if self.drops("."):
            self.written.append(".")
            self.property_of(self.names[name])


def _nearest(word: str, known: Iterable[str]) -> str:
    """The offer of the known name that is most like a word; empty where none is."""
    lowered = {name.lower(): name for name in known}
    close = get_close_matches(word[:64].lower(), lowered, n=1, cutoff=0.5)
    return f"Did you mean {lowered[close[0]]}? " if close else ""

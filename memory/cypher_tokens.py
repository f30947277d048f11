"""The words of a Cypher statement. What is no word of the small language that is allowed is refused here."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from .errors import ToolError

MAX_CHARACTERS = 8_000
MAX_TOKENS = 1_000

Kind = Literal["word", "string", "integer", "decimal", "sign", "end"]

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
      | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<decimal>[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+)
      | (?P<integer>[0-9]+)
      | (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
      | (?P<sign>\.\.|[()\[\]{}.,:|=<>+*%/-])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "t": "\t", "r": "\r"}
_NAMED = {
    ";": "';' (there is one statement, and no end mark)",
    "`": "a name in backticks",
    "$": "a parameter",
    "'": "a string without an end",
    '"': "a string without an end",
    "\\": "a backslash outside a string",
    "~": "a regular expression",
    "^": "'^'",
    "!": "'!' (not equal is <>)",
}


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is the word as typed, the value of a string, or the digits; `start` and `stop` count from 0."""

    kind: Kind
    text: str
    start: int
    stop: int


def tokens_of(cypher: str) -> list[Token]:
    """The tokens with an end mark. Raises `ToolError` for what no allowed statement holds."""
    if len(cypher) > MAX_CHARACTERS:
        raise refusal(f"{len(cypher):,} characters", None, f"At most {MAX_CHARACTERS:,} are read")
    found: list[Token] = []
    at = 0
    while at < len(cypher):
        token = _next_token(cypher, at)
        at = token.stop if token else _TOKEN.match(cypher, at).end()  # type: ignore[union-attr]
        found += [token] if token else []
    if len(found) > MAX_TOKENS:
        raise refusal(f"{len(found):,} words and signs", None, f"At most {MAX_TOKENS:,} are read")
    return [*found, Token("end", "the end", at, at)]


def refusal(what: str, at: int | None, way_out: str) -> ToolError:
    """The error for `what`, at a place that counts from 0."""
    place = "" if at is None else f" at character {at + 1}"
    return ToolError(f"The Cypher statement is refused: {what}{place}", way_out)


def _next_token(cypher: str, at: int) -> Token | None:
    """The token at a place; null for space."""
    match = _TOKEN.match(cypher, at)
    if match is None or cypher.startswith(("//", "/*"), at):
        raise refusal(_stranger(cypher, at), at, "Write it with ASCII words, signs, numbers and quoted strings only")
    kind, text, stop = str(match.lastgroup), match.group(), match.end()
    if kind == "space":
        return None
    if kind == "string":
        text = _value(text, at)
    elif kind in ("integer", "decimal") and re.match(r"[A-Za-z0-9_]", cypher[stop : stop + 1]):
        raise refusal(f"the number {cypher[at : stop + 1]}…", at, "Numbers are written 12, 1.5 or 1e-5")
    return Token(kind, text, at, stop)  # type: ignore[arg-type]


def _stranger(cypher: str, at: int) -> str:
    if cypher.startswith(("//", "/*"), at):
        return "a comment"
    return _NAMED.get(cypher[at]) or f"the character U+{ord(cypher[at]):04X}"


def _value(quoted: str, at: int) -> str:
    """What a quoted string stands for."""

    def decoded(match: re.Match[str]) -> str:
        if match[1] not in _ESCAPES:
            raise refusal(f"the escape {match[0]!a}", at + 1 + match.start(), r"Escapes are \\ \' \" \n \t \r")
        return _ESCAPES[match[1]]

    if any("\ud800" <= character <= "\udfff" for character in quoted):
        raise refusal("half a character (a lone surrogate)", at, "Write the whole character")
    return re.sub(r"\\(.)", decoded, quoted[1:-1], flags=re.DOTALL)


class Cursor:
    """A place among the tokens of a statement, and what has been written of the new one so far."""

    def __init__(self, cypher: str) -> None:
        self.cypher = cypher
        self.tokens = tokens_of(cypher)
        self.at = 0
        self.written: list[str] = []
        self.parameters: dict[str, object] = {}

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def sees(self, text: str, ahead: int = 0) -> bool:
        """Whether a sign or keyword comes, in any case."""
        token = self.tokens[min(self.at + ahead, len(self.tokens) - 1)]
        return token.kind in ("word", "sign") and token.text.lower() == text

    def takes(self, *words: str) -> bool:
        """Take these words if they come, and write them."""
        if not all(self.sees(word, ahead) for ahead, word in enumerate(words)):
            return False
        self.at += len(words)
        self.written += [word.upper() for word in words]
        return True

    def needs(self, *words: str) -> None:
        if not self.takes(*words):
            raise self.refused(f"{' '.join(words).upper()} is expected here")

    def drops(self, sign: str) -> bool:
        """Take a sign if it comes, without writing it."""
        found = self.sees(sign)
        self.at += found
        return found

    def refused(self, way_out: str, what: str = "") -> Exception:
        token = self.token
        shown = token.text if token.kind in ("word", "sign", "end") else f"this {token.kind}"
        return refusal(what or shown[:40], token.start, way_out)

    def listed(self, part: Callable[[], object]) -> None:
        """Parts with commas between them."""
        part()
        while self.takes(","):
            part()

    def literal(self) -> None:
        negative = self.drops("-")
        token = self.token
        if token.kind == "string" and not negative:
            self.at += 1
            self.written.append(self.bound(token.text))
        elif token.kind == "decimal":
            self.at += 1
            self.written.append(self.bound(self.finite(token) * (-1 if negative else 1)))
        elif token.kind == "integer":
            number = self.whole_number() * (-1 if negative else 1)
            # Kuzu takes a small number for one of 8 bits, which then overflows.
            self.written.append(f"CAST({self.bound(number)} AS INT64)")
        else:
            raise self.refused("A minus sign stands before a number or between two values")

    def finite(self, token: Token) -> float:
        number = float(token.text)
        if math.isinf(number):
            raise refusal(f"the number {token.text[:40]}", token.start, "It must be below 1.8e308")
        return number

    def whole_number(self) -> int:
        token = self.token
        if token.kind != "integer":
            raise self.refused("A whole number is expected here")
        if len(token.text.lstrip("0")) > 18:
            raise self.refused("A whole number has at most 18 digits", "the number")
        self.at += 1
        return int(token.text)

    def bound(self, value: object) -> str:
        """The parameter for a value; one for equal values, so that what is grouped by is what is returned."""
        for name, there in self.parameters.items():
            if type(there) is type(value) and repr(there) == repr(value):
                return f"${name}"
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f"${name}"

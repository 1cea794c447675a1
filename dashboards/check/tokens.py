"""The words of LogQL and TraceQL, each with its position, for parsers that read the structure of a query."""

from __future__ import annotations

import re
from dataclasses import dataclass


class Malformed(ValueError):
    """A query whose structure is broken; the message says where, counted in characters from 1."""

    def __init__(self, text: str, position: int, what: str) -> None:
        super().__init__(f"{what} at character {position + 1}: ...{text[position : position + 24]}")
        self.position = position


@dataclass(frozen=True, slots=True)
class Token:
    """One word. kind: string, number, name, sign or end."""

    kind: str
    text: str
    position: int


_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
    |(?P<string>"(?:\\.|[^"\\\n])*"|`[^`]*`)
    |(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+|(?:[a-zA-Zµ]+(?:\d+[a-zA-Zµ]+)*))?)
    |(?P<name>[A-Za-z_][\w]*)
    |(?P<sign>&>>|&<<|!>>|!<<|\|=|\|~|\|>|!=|!~|!>|!<|=~|==|>=|<=|>>|<<|&&|\|\||&>|&<|&~|[{}()\[\],|=<>+\-*/%^~.:!])
    """,
    re.VERBOSE,
)


_LONGEST, _DEEPEST = 10_000, 100


class Reader:
    """Goes through the words of a query, one after the other."""

    def __init__(self, text: str) -> None:
        if len(text) > _LONGEST or text.count("(") > _DEEPEST:
            raise Malformed(text, 0, "a query too long or too deep for anybody to have written")
        self.text = text
        self._tokens = tuple(_split(text))
        self._next = 0

    @property
    def ahead(self) -> Token:
        """The word that comes next."""
        return self._tokens[self._next]

    def sees(self, *texts: str) -> bool:
        """Whether one of these comes next, as a sign or a name."""
        return self.ahead.kind in {"sign", "name"} and self.ahead.text in texts

    def take(self) -> Token:
        """The next word, which is then behind."""
        token = self.ahead
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def takes(self, *texts: str) -> bool:
        """Whether one of these came next; it is then behind."""
        if not self.sees(*texts):
            return False
        self.take()
        return True

    def expect(self, what: str, *, kind: str = "", text: str = "") -> Token:
        """The next word, which must be of the kind or read so.   Raises: Malformed."""
        if (kind and self.ahead.kind != kind) or (text and not self.sees(text)):
            raise self.wrong(f"expected {what}")
        return self.take()

    def wrong(self, what: str) -> Malformed:
        """The error for what comes next."""
        return Malformed(self.text, self.ahead.position, f"{what}, found {self.ahead.text or 'the end'}")

    def end(self) -> None:
        """Nothing may be left.   Raises: Malformed."""
        if self.ahead.kind != "end":
            raise self.wrong("expected the end of the query")


def _split(text: str) -> list[Token]:
    tokens, position = list[Token](), 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            what = "a quote that does not end" if text[position] in "\"`'" else "a character that does not belong here"
            raise Malformed(text, position, what)
        if match.lastgroup and match.lastgroup != "space":
            tokens.append(Token(match.lastgroup, match.group(), position))
        position = match.end()
    return [*tokens, Token("end", "", len(text))]

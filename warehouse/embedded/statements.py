"""What a statement is, from its text alone: verb, output format, where an INSERT's data begin."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

_TOKEN = re.compile(
    rb"""
      (?P<comment>--[^\n]*|\#[!\ ][^\n]*|/\*.*?(?:\*/|\Z))
    | (?P<string>'(?:[^'\\]++|\\.|'')*+')
    | (?P<quoted>"(?:[^"\\]++|\\.|"")*+"|`(?:[^`\\]++|\\.|``)*+`)
    | (?P<heredoc>\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
    | (?P<word>[A-Za-z_]\w*)
    | (?P<number>\d\w*)
    | (?P<space>\s+)
    | (?P<sign>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_INVISIBLE = frozenset({"comment", "space"})
_OPENING, _CLOSING = (b"(", b"[", b"{"), (b")", b"]", b"}")
_DATA_GAP = re.compile(rb"[ \t\f]*\r?\n?")
_QUERY_VERBS = (b"SELECT", b"WITH", b"FROM")


@dataclass(frozen=True, slots=True)
class Token:
    """A visible piece of a statement; `depth` counts the brackets around it."""

    kind: str
    text: bytes
    start: int
    end: int
    depth: int

    def is_word(self, *words: bytes) -> bool:
        """True for one of these keywords, in any case."""
        return self.kind == "word" and self.text.upper() in words


def tokens(sql: bytes) -> Iterator[Token]:
    """The visible tokens of a statement, as ClickHouse's lexer cuts them."""
    depth = 0
    for found in _TOKEN.finditer(sql):
        kind = found.lastgroup or "sign"
        if kind in _INVISIBLE:
            continue
        text = found[0]
        if kind == "sign" and text in _CLOSING:
            depth -= 1
        yield Token(kind, text, found.start(), found.end(), depth)
        if kind == "sign" and text in _OPENING:
            depth += 1


@dataclass(frozen=True, slots=True)
class InsertText:
    """An INSERT whose data follow: the statement without FORMAT, the format, and where the data begin."""

    head: bytes
    data_format: str
    data_start: int


def split_insert(sql: bytes, default_format: str) -> InsertText | None:
    """The parts of an INSERT that brings data; None for anything else, INSERT … SELECT included.

    `default_format` is for an INSERT that names neither FORMAT nor VALUES.
    """
    visible = tokens(sql)
    first = next(visible, None)
    if first is None or not first.is_word(b"INSERT"):
        return None
    before = _target_name(visible)
    for token in visible:
        if token.is_word(*_QUERY_VERBS) and (token.depth == 0 or before.text == b"("):
            return None
        if token.depth == 0 and before.text != b".":
            if token.is_word(b"VALUES"):
                return InsertText(sql[: token.start], "Values", token.end)
            if token.is_word(b"FORMAT"):
                name = next(visible, token)
                return InsertText(sql[: token.start], name.text.decode("utf-8", "replace"), _data_start(sql, name.end))
        before = token
    return InsertText(sql.rstrip(b"; \t\r\n"), default_format, len(sql))


def _target_name(visible: Iterator[Token]) -> Token:
    """Passes over INTO and the first word of the table's name, which may be a keyword; returns that word."""
    token = Token("sign", b"", 0, 0, 0)
    for token in visible:
        if not token.is_word(b"INTO", b"TABLE", b"FUNCTION"):
            break
    return token


def _data_start(sql: bytes, end: int) -> int:
    gap = _DATA_GAP.match(sql, end)
    return gap.end() if gap else end


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement without data. `output_format` is None when the text names none."""

    sql: bytes
    verb: str
    output_format: str | None
    touches_files: bool
    calls_input: bool
    _output_at: int
    _end: int

    def into(self, path: str, default_format: str) -> bytes:
        """The same statement writing its answer to `path` instead of handing it back whole."""
        target = f"\nINTO OUTFILE '{path}' TRUNCATE ".encode()
        if self.output_format is None:
            return self.sql[: self._end] + target + b"FORMAT " + default_format.encode()
        return self.sql[: self._output_at] + target + self.sql[self._output_at : self._end]


def read_statement(sql: bytes) -> Statement:
    """Reads a statement's text. Never raises: what is no SQL, the engine says."""
    visible = list(tokens(sql))
    while visible and visible[-1].text == b";":
        visible.pop()
    verb = next((t.text.decode().upper() for t in visible if t.kind == "word"), "")
    output_format, output_at = _output_format(visible)
    files = any(
        (one.is_word(b"INTO") and two.is_word(b"OUTFILE")) or (one.is_word(b"FROM") and two.is_word(b"INFILE"))
        for one, two in pairwise(visible)
    )
    # INSERT … SELECT … FROM input() takes its data from the body, which the engine does not do here.
    calls_input = verb in ("INSERT", "WITH") and any(
        one.is_word(b"INPUT") and two.text == b"(" for one, two in pairwise(visible)
    )
    end = visible[-1].end if visible else 0
    return Statement(sql, verb, output_format, files, calls_input, output_at, end)


def _output_format(visible: list[Token]) -> tuple[str | None, int]:
    for at in range(len(visible) - 2, 0, -1):
        token, name = visible[at], visible[at + 1]
        if token.depth == 0 and token.is_word(b"FORMAT") and name.kind == "word":
            after = visible[at + 2] if at + 2 < len(visible) else None
            if after is None or after.is_word(b"SETTINGS"):
                return name.text.decode(), token.start
    return None, 0


def by_query_id(sql: bytes, expression: str) -> bytes:
    """A KILL statement with its `query_id` replaced by the expression under which this front knows queries."""
    pieces, done = [], 0
    for token in tokens(sql):
        if token.kind in ("word", "quoted") and token.text.strip(b'`"').lower() == b"query_id":
            pieces += [sql[done : token.start], expression.encode()]
            done = token.end
    return b"".join([*pieces, sql[done:]])

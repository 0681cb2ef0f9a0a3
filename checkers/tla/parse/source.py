"""Turns text into concrete syntax: the tree-sitter grammar, positions in characters, a clear first syntax error."""

import functools
import warnings

import tree_sitter_tlaplus
from tree_sitter import Language, Node, Parser

from checkers.tla.errors import Position, TlaSyntaxError

_COMMENTS = frozenset({"comment", "block_comment", "extramodular_text"})


@functools.cache
def _parser() -> Parser:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the grammar passes its address as a number
        return Parser(Language(tree_sitter_tlaplus.language()))


def children(node: Node) -> list[Node]:
    """Return a node's children without comments."""
    return [child for child in node.children if child.type not in _COMMENTS]


def fields(node: Node, name: str) -> list[Node]:
    """Return the children of a field without punctuation and comments."""
    return [c for c in node.children_by_field_name(name) if c.is_named and c.type not in _COMMENTS]


def field(node: Node, name: str) -> Node:
    """Return the one child that a field of the grammar names."""
    child = node.child_by_field_name(name)
    assert child is not None, (node.type, name)
    return child


def _last_leaf(node: Node) -> Node:
    """Return the last token of a node, without the tokens of no width that end a bulleted list on a later line."""
    while True:
        inner = [child for child in node.children if child.end_byte > child.start_byte and child.type not in _COMMENTS]
        if not inner:
            return node
        node = inner[-1]


class Source:
    """The text of one file with its syntax tree; gives the position of a node.

    Attributes:
        name: the module's name, used in positions.
        root: the root of the concrete syntax tree.
    """

    def __init__(self, text: bytes, name: str) -> None:
        self.name = name
        self.text = text
        self._lines = text.split(b"\n")
        self._ascii = text.isascii()
        self.root = _parser().parse(text).root_node

    def _column(self, row: int, column: int) -> int:
        if self._ascii:
            return column
        return len(self._lines[row][:column].decode("utf-8", "replace"))

    def position(self, node: Node, last: Node | None = None) -> Position:
        """Return the position of a node (or of the text from it to `last`)."""
        row, column = node.start_point
        end_row, end_column = _last_leaf(last or node).end_point
        return Position(
            self.name, row + 1, self._column(row, column) + 1, end_row + 1, max(self._column(end_row, end_column), 1)
        )

    def first_token(self, row: int) -> Node:
        """Return the first token on or after a line, counted from 0."""
        node = self.root
        while inner := next((c for c in node.children if c.end_point[0] >= row and c.end_byte > c.start_byte), None):
            node = inner
        return node

    def words(self, node: Node) -> str:
        """Return the text of a node."""
        return self.text[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def check(self) -> None:
        """Refuse a text that the grammar does not accept.

        Raises:
            TlaSyntaxError: with the first offending text.
        """
        if not self.root.has_error:
            return
        node = self._first_error(self.root)
        text = self.words(node).strip().split("\n")[0][:40]
        if node.is_missing:
            expected = node.type.replace("_", " ") if node.is_named else f"'{node.type}'"
            raise TlaSyntaxError("syntax", f"syntax error: {expected} is missing", self.position(node))
        raise TlaSyntaxError("syntax", f"syntax error at '{text}'" if text else "syntax error", self.position(node))

    def _first_error(self, node: Node) -> Node:
        while True:
            if node.is_missing:
                return node
            inner = next((c for c in node.children if c.has_error or c.is_missing or c.is_error), None)
            if inner is None:
                return node
            if node.is_error and inner.start_byte > node.start_byte and not inner.has_error:
                return node
            node = inner


def read(path: str) -> bytes:
    """Read the bytes of a specification's file.

    Raises:
        TlaSyntaxError: when it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return file.read().replace(b"\r\n", b"\n")
    except OSError as error:
        raise TlaSyntaxError("file", f"cannot read {path}: {error.strerror}") from error

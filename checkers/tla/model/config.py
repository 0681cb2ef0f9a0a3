"""Reads TLC's configuration files.

Source: Specifying Systems, section 14.7.1, and TLC's ModelConfig for the statements added since.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Any

from checkers.tla.errors import Position, TlaConfigError
from checkers.tla.values.values import ModelValue, Value

_TOKEN = re.compile(
    r"""(?P<space>\s+|\\\*[^\n]*)|(?P<comment>\(\*)|(?P<string>"(?:\\.|[^"\\])*")|(?P<number>-?\d+(?![A-Za-z_]))"""
    r"""|(?P<name>[A-Za-z0-9_]*[A-Za-z_][A-Za-z0-9_]*(?:![A-Za-z0-9_]+)*)|(?P<sign><-|[-{}(),=\[\]]|[^\s])"""
)
_KEYWORDS = {
    "CONSTANT": "constant", "CONSTANTS": "constant", "INVARIANT": "invariants", "INVARIANTS": "invariants",
    "PROPERTY": "properties", "PROPERTIES": "properties", "CONSTRAINT": "constraints", "CONSTRAINTS": "constraints",
    "ACTION_CONSTRAINT": "action_constraints", "ACTION_CONSTRAINTS": "action_constraints", "INIT": "init",
    "NEXT": "next", "SPECIFICATION": "specification", "SYMMETRY": "symmetry", "VIEW": "view", "ALIAS": "alias",
    "POSTCONDITION": "postcondition", "CHECK_DEADLOCK": "check_deadlock",
}  # fmt: skip


@dataclass(slots=True)
class Replacement:
    """A replacement `x <- y`, for all modules or for one."""

    name: str
    by: str
    module: str | None = None


@dataclass(slots=True)
class Config:
    """The content of a configuration.

    Attributes:
        values: constants and definitions, and the values they are given.
        of_modules: the same for definitions of one module, by the module's and their own name.
        tables: constant operators, given as tables of arguments to results.
        replacements: constants and definitions, and what replaces each.
        words: the words of the file in order; TLC reads them before those of the modules.
    """

    values: dict[str, Value] = field(default_factory=dict)
    of_modules: dict[tuple[str, str], Value] = field(default_factory=dict)
    tables: dict[str, dict[tuple[Value, ...], Value]] = field(default_factory=dict)
    replacements: list[Replacement] = field(default_factory=list)
    specification: str | None = None
    init: str | None = None
    next: str | None = None
    invariants: list[str] = field(default_factory=list)
    properties: list[str] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)
    action_constraints: list[str] = field(default_factory=list)
    symmetry: str | None = None
    view: str | None = None
    alias: str | None = None
    postcondition: str | None = None
    check_deadlock: bool = True
    words: list[str] = field(default_factory=list)


class _Reader:
    """Reads the tokens of one file."""

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self.tokens: list[tuple[str, str, Position]] = []
        self.at = 0
        self._tokenize(text)

    def _tokenize(self, text: str) -> None:
        place, line, start = 0, 1, 0
        while place < len(text):
            match = _TOKEN.match(text, place)
            assert match is not None
            kind, word, end = match.lastgroup or "", match.group(), match.end()
            if kind == "comment":
                end = self._comment_end(text, place)
                word = text[place:end]
            elif kind != "space":
                column = place - start + 1
                where = Position(self.name, line, column, line, column + len(word) - 1)
                self.tokens.append((kind, word, where))
            if "\n" in word:
                line += word.count("\n")
                start = place + word.rindex("\n") + 1
            place = end

    @staticmethod
    def _comment_end(text: str, place: int) -> int:
        depth = 0
        for match in re.compile(r"\(\*|\*\)").finditer(text, place):
            depth += 1 if match.group() == "(*" else -1
            if depth == 0:
                return match.end()
        return len(text)

    def peek(self, ahead: int = 0) -> str:
        at = self.at + ahead
        return self.tokens[at][1] if at < len(self.tokens) else ""

    def take(self) -> tuple[str, str, Position]:
        if self.at >= len(self.tokens):
            raise TlaConfigError(f"{self.name} ends too early")
        self.at += 1
        return self.tokens[self.at - 1]

    def fail(self, detail: str) -> TlaConfigError:
        where = self.tokens[min(self.at, len(self.tokens) - 1)][2] if self.tokens else None
        return TlaConfigError(detail, where)

    def expect(self, sign: str) -> None:
        if self.peek() != sign:
            raise self.fail(f"expected '{sign}', not '{self.peek()}'")
        self.at += 1

    def identifier(self, what: str) -> str:
        kind, word, where = self.take()
        if kind != "name" or word in _KEYWORDS:
            raise TlaConfigError(f"expected the name of {what}, not '{word}'", where)
        return word

    def value(self) -> Value:
        kind, word, where = self.take()
        if kind == "number":
            return int(word)
        if kind == "string":
            return re.sub(r"\\(.)", r"\1", word[1:-1])
        if word in {"TRUE", "FALSE"}:
            return word == "TRUE"
        if kind == "name" and word not in _KEYWORDS:
            return ModelValue.named(word)
        if word == "{":
            items: list[Value] = []
            while self.peek() != "}":
                items.append(self.value())
                if self.peek() != "}":
                    self.expect(",")
            self.expect("}")
            return frozenset(items)
        raise TlaConfigError(f"'{word}' is no value", where)


def parse_config(text: str, name: str = "configuration") -> Config:
    """Read a configuration.

    Raises:
        TlaConfigError: with line and column.
    """
    reader, config = _Reader(text, name), Config()
    config.words = [word.strip('"') for kind, word, _ in reader.tokens if kind in {"name", "string"}]
    while reader.at < len(reader.tokens):
        _, word, where = reader.take()
        section = _KEYWORDS.get(word)
        if section is None:
            raise TlaConfigError(f"'{word}' starts no statement of a configuration", where)
        if section == "constant":
            while reader.peek() and reader.peek() not in _KEYWORDS:
                _constant(reader, config)
        elif section == "check_deadlock":
            if reader.peek() not in {"TRUE", "FALSE"}:
                raise reader.fail("CHECK_DEADLOCK takes TRUE or FALSE")
            config.check_deadlock = reader.take()[1] == "TRUE"
        elif isinstance(getattr(config, section), list):
            while reader.peek() and reader.peek() not in _KEYWORDS:
                getattr(config, section).append(reader.identifier("a definition"))
                if reader.peek() == ",":
                    reader.take()
        else:
            if getattr(config, section) is not None:
                raise TlaConfigError(f"{word} is given twice", where)
            setattr(config, section, reader.identifier("a definition"))
    return config


def _constant(reader: _Reader, config: Config) -> None:
    if reader.peek() == ",":
        reader.take()
    kind, name, where = reader.take()
    if kind not in {"name", "sign"}:
        raise TlaConfigError(f"expected the name of a constant, not '{name}'", where)
    arguments: list[Value] | None = None
    if reader.peek() == "(":
        reader.take()
        arguments = []
        while reader.peek() != ")":
            arguments.append(reader.value())
            if reader.peek() == ",":
                reader.take()
        reader.take()
    if reader.peek() == "<-":
        reader.take()
        module = None
        if reader.peek() == "[":
            reader.take()
            module = reader.identifier("a module")
            reader.expect("]")
        config.replacements.append(Replacement(name, reader.take()[1], module))
        return
    reader.expect("=")
    module = None
    if reader.peek() == "[":
        reader.take()
        module = reader.identifier("a module")
        reader.expect("]")
    value = reader.value()
    if module is not None:
        config.of_modules[module, name] = value
    elif arguments is None:
        config.values[name] = value
    else:
        config.tables.setdefault(name, {})[tuple(arguments)] = value


def read_config(path: str) -> Config:
    """Read a configuration file.

    Raises:
        TlaConfigError: when it cannot be read or is malformed.
    """
    try:
        with open(path, encoding="utf-8") as file:
            return parse_config(file.read(), os.path.basename(path))
    except OSError as error:
        raise TlaConfigError(f"cannot read {path}: {error.strerror}") from error


_ = Any

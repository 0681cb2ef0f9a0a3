"""The generated program: its text, its namespace, and how an error in it is mapped to a TLA+ position."""

from __future__ import annotations

import itertools
import traceback
from collections.abc import Callable
from types import CodeType, TracebackType
from typing import Any

from checkers.tla.codegen.frames import Mark
from checkers.tla.errors import Position, TlaEvalError
from checkers.tla.values import arithmetic, constructors, equality, helpers, sets, standard_modules
from checkers.tla.values.identity import SEEN
from checkers.tla.values.values import Domain, LazyFunction, Thunk, normal, ordered

_FILES = itertools.count()


class Program:
    """Generated functions, compiled at first use.

    Attributes:
        names: the namespace of the functions.
        marks: pieces of generated text and their source positions.
        recursive: functions of recursive operators, by the bindings they depend on.
        truths: whether states may contain booleans, so that these must be distinguished from 0 and 1.
    """

    def __init__(self) -> None:
        self.truths = False
        self.names: dict[str, Any] = {}
        for module in (equality, helpers, constructors, arithmetic):
            self.names.update((n, item) for n, item in vars(module).items() if not n.startswith("_"))
        self.names.update(
            (f"lib_{name}", item) for name, item in vars(standard_modules).items() if not name.startswith("_")
        )
        for name in ("NAT", "INT", "REAL", "STRING", "ANY", "contains", "is_listed"):
            self.names[name] = getattr(sets, name)
        self.names.update(
            UNSET=_UNSET, EMPTY=frozenset(), BOOLEAN=frozenset({False, True}), Thunk=Thunk, Domain=Domain,
            LazyFunction=LazyFunction,
            normal=normal, ordered=ordered,
        )  # fmt: skip
        self.marks: dict[str, Mark] = {}
        self.recursive: dict[Any, str] = {}
        self._waiting: list[str] = []
        self._sources: dict[str, list[str]] = {}
        self._positions: dict[str, Position] = {}

    @property
    def truths(self) -> bool:
        """Whether states may contain booleans."""
        return self._truths

    @truths.setter
    def truths(self, seen: bool) -> None:
        self._truths = seen
        SEEN.truths |= seen

    def add(self, name: str, params: list[str], lines: list[str], position: Position) -> None:
        """Add a function."""
        self._positions[name] = position
        self._waiting.append("\n".join((f"def {name}({', '.join(params)}):", *(lines or ["    pass"]))))

    def text(self) -> str:
        """Return the whole program so far."""
        self.compile()
        return "\n".join(line for lines in self._sources.values() for line in lines)

    def compile(self) -> None:
        """Compile the functions added since the last call."""
        if not self._waiting:
            return
        text = "\n".join(self._waiting)
        self._waiting.clear()
        file = f"<tla {next(_FILES)}>"
        self._sources[file] = text.split("\n")
        exec(compile(text, file, "exec"), self.names)  # noqa: S102 - the program was generated here

    def function(self, name: str) -> Callable[..., Any]:
        """Return a compiled function of the program."""
        self.compile()
        found: Callable[..., Any] = self.names[name]
        return found

    def run(self, name: str, *args: Any) -> Any:
        """Call a function; its errors get positions in TLA+."""
        function = self.function(name)
        try:
            return function(*args)
        except Exception as error:
            raise self.explain(error) from error

    def explain(self, error: Exception) -> TlaEvalError:
        """Return the error with its position in the specification; other exceptions become evaluation errors."""
        places, clear = self._trace(error.__traceback__)
        if not isinstance(error, TlaEvalError):
            if isinstance(error, RecursionError):
                error = TlaEvalError("stack", "the recursion is too deep")
            elif isinstance(clear, TlaEvalError):
                error = clear
            elif isinstance(error, MemoryError):
                error = TlaEvalError("memory", "there is not enough memory")
            else:
                text = "".join(traceback.format_exception_only(error)).strip()
                error = TlaEvalError("type", f"the expression has no value ({text})")
        if error.position is None and places:
            error.position = places[-1]
            error.stack = list(dict.fromkeys(reversed(places)))[:40]
        return error

    def _trace(self, trace: TracebackType | None) -> tuple[list[Position], Exception | None]:
        places: list[Position] = []
        clear: Exception | None = None
        while trace is not None:
            code = trace.tb_frame.f_code
            lines = self._sources.get(code.co_filename)
            if lines is not None:
                mark = self.marks.get(_fragment(code, trace.tb_lasti, lines))
                if mark is not None:
                    places.append(mark.position)
                    if mark.clear is not None:
                        clear = self._clearer(mark.clear, trace)
                elif code.co_name in self._positions:
                    places.append(self._positions[code.co_name])
            trace = trace.tb_next
        return places, clear

    def _clearer(self, text: str, trace: TracebackType) -> Exception | None:
        try:
            eval(text, self.names, trace.tb_frame.f_locals)  # noqa: S307 - generated text
        except Exception as error:
            return error
        return None


def _fragment(code: CodeType, instruction: int, lines: list[str]) -> str:
    """Return the piece of generated text that was being executed."""
    for number, (line, end_line, column, end_column) in enumerate(code.co_positions()):
        if number * 2 == instruction:
            if line is None or line != end_line:
                return ""
            return lines[line - 1][column:end_column]
    return ""


class _Unset:
    """Marks a cached value that has not been computed."""

    def __repr__(self) -> str:
        return "UNSET"


_UNSET = _Unset()

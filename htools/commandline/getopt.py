"""Read command lines as GNU getopt and Ganeti's tools do: with abbreviations and permuted arguments.

Pure: `parse` takes words and returns settings or raises; printing and exiting are up to
`htools.commandline.tool.run_tool`.

Rules:
* a long option may be cut to a prefix that only one option has; an exact name wins over longer ones;
* options of ours that Ganeti's tool does not have (`extension=True`) never make a prefix of Ganeti's ambiguous;
* an optional argument must be attached (`-pFIELDS`, `--print-nodes=FIELDS`), a required one may be the next word,
  whatever it looks like;
* `--` ends the options; other words are arguments wherever they stand;
* all mistakes in the words are reported together (exit code 2); values are read only if there is none, and the first
  bad value ends the program (exit code 1).

Source: the observed behaviour of Ganeti's htools 3.0.2 (and GNU getopt's manual).
"""

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from spec.errors import GantryError

Settings = TypeVar("Settings")

_WIDTH = 79
_COLUMN = 30


class CommandLineError(GantryError):
    """The words of a command line are wrong; `code` is the exit code (2: unknown or misused option, 1: bad value)."""

    def __init__(self, text: str, code: int) -> None:
        self.text = text
        self.code = code
        super().__init__(text)


class Option(NamedTuple, Generic[Settings]):
    """One option.

    Attributes:
        short: its letter, or an empty string.
        long: its long name without dashes.
        value: the metavariable of its argument; empty when it takes none.
        optional: whether the argument may be left out.
        help: one line for `--help`.
        apply: stores the argument (None when absent) in the settings; raises ValueError for a bad one.
        completion: what a shell may complete for the argument.
        extension: whether Ganeti's own tool lacks it.
    """

    short: str
    long: str
    value: str
    help: str
    apply: Callable[[Settings, str | None], None]
    optional: bool = False
    completion: str = "none"
    extension: bool = False

    @property
    def spelled(self) -> str:
        """The option as `--help` writes it."""
        if not self.value:
            return f"-{self.short}, --{self.long}" if self.short else f"    --{self.long}"
        long = f"--{self.long}[={self.value}]" if self.optional else f"--{self.long}={self.value}"
        return f"-{self.short}, {long}" if self.short else f"    {long}"


def _named(name: str, options: Sequence[Option[Settings]]) -> list[Option[Settings]]:
    exact = [option for option in options if option.long == name]
    if exact:
        return exact
    cut = [option for option in options if option.long.startswith(name)]
    return [option for option in cut if not option.extension] or cut


class _Reader(Generic[Settings]):
    """One pass over the words; the results are in `chosen`, `arguments`, `mistakes` and `unknown`."""

    def __init__(self, words: Sequence[str], options: Sequence[Option[Settings]]) -> None:
        self._words = list(words)
        self._options = options
        self.chosen: list[tuple[Option[Settings], str | None]] = []
        self.arguments: list[str] = []
        self.mistakes: list[str] = []
        self.unknown: list[str] = []

    def read(self) -> None:
        while self._words:
            word = self._words.pop(0)
            if word == "--":
                self.arguments.extend(self._words)
                return
            if word.startswith("--"):
                self._long(word[2:])
            elif word.startswith("-") and len(word) > 1:
                self._short(word[1], word[2:])
            else:
                self.arguments.append(word)

    def _long(self, text: str) -> None:
        name, equals, attached = text.partition("=")
        found = _named(name, self._options)
        if not found:
            self.unknown.append(f"unrecognized option `--{text}'")
        elif len(found) > 1:
            choices = "\n".join(f"  {option.spelled}" for option in found)
            self.mistakes.append(f"option `--{name}' is ambiguous; could be one of:\n{choices}")
        elif equals and not found[0].value:
            self.mistakes.append(f"option `--{name}' doesn't allow an argument")
        else:
            self._take(found[0], f"--{name}", attached if equals else None)

    def _short(self, letter: str, rest: str) -> None:
        option = next((option for option in self._options if option.short == letter), None)
        if option is not None and option.value:
            self._take(option, f"-{letter}", rest or None)
            return
        if option is None:
            self.unknown.append(f"unrecognized option `-{letter}'")
        else:
            self.chosen.append((option, None))
        if rest:
            self._words.insert(0, f"-{rest}")

    def _take(self, option: Option[Settings], written: str, attached: str | None) -> None:
        if attached is None and option.value and not option.optional:
            if not self._words:
                self.mistakes.append(f"option `{written}' requires an argument {option.value}")
                return
            attached = self._words.pop(0)
        self.chosen.append((option, attached))


def parse(words: Sequence[str], options: Sequence[Option[Settings]], settings: Settings) -> list[str]:
    """Read `words` into `settings`, in order, and return the arguments that are no options.

    Raises:
        CommandLineError: with every unknown or misused option (code 2), or the first bad value (code 1).
    """
    reader = _Reader(words, options)
    reader.read()
    if reader.mistakes or reader.unknown:
        raise CommandLineError("Command line error: " + "\n".join([*reader.mistakes, *reader.unknown]), 2)
    for option, argument in reader.chosen:
        try:
            option.apply(settings, argument)
        except ValueError as error:
            raise CommandLineError(f"Error while parsing command line arguments:\n{error}", 1) from None
    return reader.arguments


def help_text(options: Sequence[Option[Settings]]) -> str:
    """Return the options one below the other, wrapped to 79 columns."""
    import textwrap

    lines = []
    for option in options:
        head = f"  {option.spelled}"
        body = textwrap.wrap(option.help, _WIDTH - _COLUMN)
        if len(head) > _COLUMN - 2:
            lines.append(head)
        else:
            lines.append(head.ljust(_COLUMN) + body.pop(0))
        lines.extend(" " * _COLUMN + line for line in body)
    return "\n".join(lines) + "\n"


def completion_text(options: Sequence[Option[Settings]], arguments: str) -> str:
    """Return the output of `--help-completion`: a line for each option, then the kind and numbers of arguments."""
    lines = []
    for option in options:
        names = ([f"-{option.short}"] if option.short else []) + [f"--{option.long}"]
        lines.append(f"{','.join(names)} {option.completion}\n")
    return "".join(lines) + (f"{arguments}\n" if arguments else "")

"""Words as GNU getopt reads them: clusters of letters, attached and following arguments, prefixes, and mistakes."""

from collections.abc import Callable

import pytest

from htools.commandline.getopt import CommandLineError, Option, completion_text, help_text, parse

Said = list[tuple[str, str | None]]


def into(name: str) -> Callable[[Said, str | None], None]:
    def apply(said: Said, value: str | None) -> None:
        if value == "bad":
            raise ValueError("no such value")
        said.append((name, value))

    return apply


OPTIONS: list[Option[Said]] = [
    Option("v", "verbose", "", "more", into("verbose")),
    Option("", "version", "", "print it", into("version")),
    Option("l", "length", "N", "how many", into("length")),
    Option("p", "print", "FIELDS", "which", into("print"), optional=True),
    Option("", "lengthen", "", "ours", into("lengthen"), extension=True),
]


def read(*words: str) -> tuple[Said, list[str]]:
    said: Said = []
    return said, list(parse(words, OPTIONS, said))


@pytest.mark.parametrize(
    ("words", "said", "arguments"),
    [
        (["-vv", "x", "-v"], [("verbose", None)] * 3, ["x"]),
        (["-vl3"], [("verbose", None), ("length", "3")], []),
        (["-l", "-v"], [("length", "-v")], []),
        (["--length", "--verbose"], [("length", "--verbose")], []),
        (["--length=3", "-l", ""], [("length", "3"), ("length", "")], []),
        (["-p", "x"], [("print", None)], ["x"]),
        (["-px", "--print=y", "--print"], [("print", "x"), ("print", "y"), ("print", None)], []),
        (["--verb"], [("verbose", None)], []),
        (["--len=2"], [("length", "2")], []),  # an extension never makes a prefix ambiguous
        (["--lengthen"], [("lengthen", None)], []),  # an exact name wins
        (["--lengthe"], [("lengthen", None)], []),
        (["a", "--", "-v", "--", "b"], [], ["a", "-v", "--", "b"]),
        (["-"], [], ["-"]),
    ],
)
def test_words(words: list[str], said: Said, arguments: list[str]) -> None:
    assert read(*words) == (said, arguments)


@pytest.mark.parametrize(
    ("words", "code", "parts"),
    [
        (["--ver"], 2, ["ambiguous"]),
        (["--none"], 2, ["unrecognized option `--none'"]),
        (["-x"], 2, ["unrecognized option `-x'"]),
        (["-l"], 2, ["requires an argument N"]),
        (["--verbose=1"], 2, ["doesn't allow an argument"]),
        (["-x", "-l"], 2, ["unrecognized option `-x'", "requires an argument N"]),
        (["-l", "bad"], 1, ["no such value"]),
        (["-l", "bad", "-x"], 2, ["unrecognized option `-x'"]),  # values are read only where the words are right
    ],
)
def test_mistakes(words: list[str], code: int, parts: list[str]) -> None:
    with pytest.raises(CommandLineError) as caught:
        read(*words)
    assert caught.value.code == code
    assert all(part in caught.value.text for part in parts)


def test_how_help_writes_an_option() -> None:
    assert [option.spelled for option in OPTIONS] == [
        "-v, --verbose", "    --version", "-l, --length=N", "-p, --print[=FIELDS]", "    --lengthen"
    ]  # fmt: skip


def test_help_is_wrapped_beside_or_below_the_option() -> None:
    long = Option[Said]("l", "a-very-long-name", "ARGUMENT", "word " * 20, into("long"))
    lines = help_text([OPTIONS[0], long]).splitlines()
    assert lines[0] == "  -v, --verbose" + " " * 15 + "more"
    assert lines[1] == "  -l, --a-very-long-name=ARGUMENT"
    assert [len(line) <= 79 and line.startswith(" " * 30 + "word") for line in lines[2:]] == [True] * 2


def test_completion_names_kinds_and_arguments() -> None:
    text = completion_text([OPTIONS[0], OPTIONS[1]._replace(completion="file")], "host 0 1")
    assert text == "-v,--verbose none\n--version file\nhost 0 1\n"
    assert completion_text([], "") == ""

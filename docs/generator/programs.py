"""The reference of every program, from the tables and parsers that the programs themselves read."""

import argparse
import importlib
from collections.abc import Iterator
from unittest import mock

from docs.generator import markdown, parsers
from docs.generator.pages import Page, Section, link

_NOTE = (
    "Options marked *(ours)* are not in Ganeti. A long option may be cut to a prefix that only one option has. "
    "Exit codes: 0 done, 1 an error that is explained, or a bad value; 2 a wrong command line."
)


def _parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield a parser and those of its subcommands."""
    yield parser
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to list them
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for sub in dict.fromkeys(action.choices.values()):
                yield from _parsers(sub)


def _spelled(action: argparse.Action) -> str:
    if not action.option_strings:
        name = action.metavar or action.dest
        return f"`{name if isinstance(name, str) else ' '.join(name)}`"
    if action.nargs == 0:
        return "`" + ", ".join(action.option_strings) + "`"
    shown = action.metavar or (",".join(map(str, action.choices)) if action.choices else action.dest.upper())
    shown = shown if isinstance(shown, str) else " ".join(shown)
    return "`" + ", ".join(action.option_strings) + f" {shown}`"


def _help(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    if not action.help:
        return ""
    return markdown.plain(action.help % {**vars(action), "prog": parser.prog})


def _argparse_part(parser: argparse.ArgumentParser, level: str) -> str:
    with mock.patch.dict("os.environ", COLUMNS="76"):  # a page shows so many
        usage = parser.format_usage().removeprefix("usage: ")
    parts = [f"{level} {parser.prog}"] if level else []
    if parser.description:
        parts.append(markdown.plain(parser.description[:1].upper() + parser.description[1:]))
    parts.append(markdown.code(usage))
    listed = [
        action
        for action in parser._actions  # noqa: SLF001
        if action.help != argparse.SUPPRESS and not isinstance(action, argparse._SubParsersAction)  # noqa: SLF001
    ]
    rows = [(_spelled(action), _help(parser, action)) for action in listed]
    if rows:
        parts.append(markdown.table(("argument or option", "meaning"), rows))
    if parser.epilog:
        epilog = parser.epilog % {"prog": parser.prog}
        parts.append(markdown.code(epilog) if "\n" in epilog else markdown.plain(epilog[:1].upper() + epilog[1:]))
    return "\n\n".join(parts)


def argparse_page(parser: argparse.ArgumentParser, path: str) -> Page:
    """Return the page of a program that reads its command line with argparse."""
    parts = [f"# {parser.prog}"]
    for number, one in enumerate(_parsers(parser)):
        parts.append(_argparse_part(one, "##" if number else ""))
    return Page(path, parser.prog, "\n\n".join(parts) + "\n")


def _gantry_parser(name: str, summary: str) -> argparse.ArgumentParser:
    module = importlib.import_module(f"gantry.options.{name}")
    parser = argparse.ArgumentParser(prog=f"gantry {name}", description=summary[:1].upper() + summary[1:] + ".")
    module.add_arguments(parser)
    return parser


def section() -> Section:
    """Return the pages of all programs."""
    tools: list[Page | Section] = []
    rows: list[tuple[str, str]] = []
    first = "reference/programs.md"
    for tool in parsers.TOOLS.values():
        path = f"reference/programs/{tool.name}.md"
        options = [
            (f"`{option.spelled.strip()}`", markdown.plain(option.help) + (" *(ours)*" if option.extension else ""))
            for option in tool.table()
        ]
        usage = f"{tool.name} [OPTION...] {tool.arguments}".strip()
        text = "\n\n".join(
            [
                f"# {tool.name}",
                markdown.plain(tool.summary),
                markdown.code(usage),
                markdown.table(("option", "meaning"), options),
                _NOTE,
            ]
        )
        tools.append(Page(path, tool.name, text.rstrip() + "\n"))
        rows.append((f"[`{tool.name}`]({link(first, path)})", markdown.plain(tool.summary)))
    commands: list[Page | Section] = []
    for name, summary in parsers.COMMANDS.items():
        page = argparse_page(_gantry_parser(name, summary), f"reference/programs/gantry-{name}.md")
        commands.append(page)
        rows.append((f"[`gantry {name}`]({link(first, page.path)})", markdown.plain(summary)))
    daemons: list[Page | Section] = []
    for parser in parsers.daemon_parsers():
        page = argparse_page(parser, f"reference/programs/{parser.prog}.md")
        daemons.append(page)
        rows.append((f"[`{parser.prog}`]({link(first, page.path)})", markdown.plain(parser.description or "")))
    overview = "\n\n".join(
        [
            "# Programs",
            "These pages are made from the tables and parsers that the programs read their command lines with.",
            markdown.table(("program", "what it does"), rows),
        ]
    )
    return Section(
        "Programs",
        [
            Page(first, "Overview", overview + "\n"),
            Section("Allocator", tools),
            Section("gantry", commands),
            Section("Daemons", daemons),
        ],
    )

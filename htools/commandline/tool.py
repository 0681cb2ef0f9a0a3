"""The tools and their options, and the frame of their programs: command line, help, errors, exit code.

A tool's options are in Ganeti's order, so that an ambiguous abbreviation lists them as Ganeti's does.
"""

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple, NoReturn

from htools.commandline.getopt import CommandLineError, completion_text, help_text, parse
from htools.commandline.option_table import OPTIONS, ToolOption
from htools.commandline.options import Options
from htools.commandline.streams import is_full, open_missing
from spec.errors import GantryError
from spec.version import VERSION

__all__ = ["TOOLS", "Options", "Tool", "parse_command_line", "run_tool", "stop", "usage"]


_BY_NAME = {option.long: option for option in OPTIONS}
_COMMON = ("version", "help", "help-completion")


class Tool(NamedTuple):
    """A program: its `name`, one line of `summary`, the name of its `arguments`, its options in Ganeti's order.

    `texts` replaces an option's metavariable and help where they differ for this tool.
    """

    name: str
    summary: str
    options: tuple[str, ...]
    extensions: tuple[str, ...] = ()
    arguments: str = ""
    completion: str = ""
    texts: tuple[tuple[str, str, str], ...] = ()

    def table(self) -> list[ToolOption]:
        """Return its options, the common ones last."""
        chosen = [_BY_NAME[name] for name in (*self.options, *self.extensions, *_COMMON)]
        texts = {name: (value, text) for name, value, text in self.texts}
        for position, option in enumerate(chosen):
            if option.long in texts:
                value, text = texts[option.long]
                chosen[position] = option._replace(value=value, help=text, optional=False)
        return chosen


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_TOOLS = (
    Tool(
        "hbal",
        "Balance the cluster: find moves of instances that lower its score.",
        _names(
            "print-nodes print-instances print-commands text-data evac-mode restricted-migration master luxi "
            "ialloc-src exec first-job-group reason group max-length verbose quiet offline "
            "static-kvm-node-memory min-score max-cpu min-disk min-gain min-gain-limit no-disk-moves "
            "select-instances no-instance-moves ignore-soft-errors dynu-file ignore-dynu mond mond-data "
            "exit-on-missing-mond-data mond-xen exclusion-tags exclude-instances save priority"
        ),
        ("root", "json", "explain", "plot", "look-ahead"),
        texts=(("explain", "INSTANCE", "explain why INSTANCE does not move: for each target what stands in the way"),),
    ),
    Tool(
        "hail",
        "Answer one request of the iallocator protocol: where instances shall go.",
        _names(
            "print-nodes save text-data simulate verbose ignore-dynu ignore-soft-errors no-capacity-checks "
            "restrict-allocation-to mond mond-xen static-kvm-node-memory"
        ),
        ("explain", "json"),
        "REQUEST",
        "file 1 1",
        (
            ("explain", "", "explain for every group which limits bound, on standard error"),
            ("json", "", "with --explain: explain in the answer's key 'gantry' instead"),
        ),
    ),
    Tool(
        "hspace",
        "Count how many more instances fit on the cluster.",
        _names(
            "print-nodes text-data disk-template spindle-use simulate master luxi ialloc-src verbose quiet "
            "independent-groups accept-existing-errors offline no-capacity-checks machine-readable max-cpu "
            "max-length min-disk standard-alloc tiered-alloc save static-kvm-node-memory"
        ),
        ("root", "explain"),
        texts=(("explain", "", "compare the three ways to judge redundancy when they differ"),),
    ),
    Tool(
        "hsqueeze",
        "Power off nodes that are not needed, or power on standby nodes that are.",
        _names(
            "luxi text-data exec minimal-resources target-resources save print-commands verbose no-headers "
            "static-kvm-node-memory"
        ),
        ("root", "quiet", "allow-drbd", "dry-run", "json"),
    ),
    Tool(
        "hinfo",
        "Show the cluster's nodes, instances and score.",
        _names(
            "print-nodes print-instances text-data master luxi ialloc-src verbose quiet offline ignore-dynu mond "
            "mond-data static-kvm-node-memory"
        ),
        ("root",),
    ),
    Tool(
        "hcheck",
        "Check the cluster's health, and whether balancing would mend it.",
        _names(
            "text-data no-disk-moves dynu-file ignore-dynu evac-mode exclude-instances exclusion-tags ialloc-src "
            "no-instance-moves luxi machine-readable max-cpu max-length min-disk min-gain min-gain-limit "
            "min-score ignore-soft-errors no-simulation offline quiet master select-instances "
            "no-capacity-checks verbose"
        ),
        ("root",),
    ),
    Tool(
        "hscan",
        "Collect clusters through the remote API or the query socket into text files.",
        _names("print-nodes output-dir luxi verbose no-headers static-kvm-node-memory"),
        ("root",),
        "CLUSTER...",
        "host 0 none",
    ),
    Tool(
        "hroller",
        "Plan the reboot of all nodes in groups that may be down together.",
        _names(
            "luxi master text-data ialloc-src offline offline-maintenance verbose quiet no-headers node-tags save "
            "group print-moves full-evacuation skip-non-redundant ignore-non-redundant force one-step-only "
            "static-kvm-node-memory"
        ),
        ("root",),
    ),
)
TOOLS = {tool.name: tool for tool in _TOOLS}
"""Every tool by its name."""


def parse_command_line(tool: Tool, words: Sequence[str]) -> tuple[Options, list[str]]:
    """Read a tool's command line into options and arguments.

    Raises:
        CommandLineError: as `getopt.parse` does.
    """
    options = Options()
    arguments = parse(words, tool.table(), options)
    return options, arguments


def usage(tool: Tool) -> str:
    """Return the output of `--help`."""
    arguments = f" {tool.arguments}" if tool.arguments else ""
    return f"{tool.name} (gantry) {VERSION}\nUsage: {tool.name} [OPTION...]{arguments}\n{tool.summary}\n\n" + help_text(
        tool.table()
    )


class Stopped(SystemExit):
    """The program must end; its message was printed already."""

    def __init__(self, message: str, code: int) -> None:
        self.message = message
        super().__init__(code)


def stop(message: str, code: int = 1) -> NoReturn:
    """End the program with a message on standard error."""
    sys.stdout.flush()
    print(f"Error: {message}", file=sys.stderr)
    raise Stopped(message, code)


def _run(tool: Tool, body: Callable[[Options, list[str]], int], options: Options, arguments: list[str]) -> int:
    """Answer `--help` and the like, or run `body`; return the exit code."""
    if options.show_help:
        print(usage(tool), end="")
    elif options.show_version:
        print(f"{tool.name} (gantry) {VERSION}")
    elif options.show_completion:
        print(completion_text(tool.table(), tool.completion), end="")
    else:
        return body(options, arguments)
    return 0


def run_tool(name: str, body: Callable[[Options, list[str]], int], words: Sequence[str] | None = None) -> int:
    """Read the command line, answer `--help` and the like, run `body`, and print errors, which begin as Ganeti's.

    Returns:
        The exit code: what `body` returned, 1 after an error that was explained, 2 for a wrong command line.
    """
    open_missing()
    tool = TOOLS[name]
    try:
        options, arguments = parse_command_line(tool, sys.argv[1:] if words is None else words)
    except CommandLineError as error:
        hint = f"\n\nUsage: {name} [OPTION...]\n'{name} --help' lists the options." if error.code == 2 else ""
        print(f"{error.text}{hint}", file=sys.stderr)
        return error.code
    try:
        code = _run(tool, body, options, arguments)
        sys.stdout.flush()
    except GantryError as error:
        from htools.errors import AccessError

        sys.stdout.flush()
        print(f"{name if isinstance(error, AccessError) else 'Error'}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except OSError as error:
        if not is_full(error):
            raise
        from htools.errors import refusal

        print(f"{name}: <stdout>: hFlush: {refusal(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        import signal

        with suppress(OSError):
            sys.stdout.flush()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)  # so that a shell sees what ended the program
        raise
    else:
        return code

"""The console scripts: a program is imported only after its command line was read.

Everything before that, `--help`, `--version` and usage errors, needs `htools.commandline.tool` and `usage` alone, which
import little. `gantry.cli` and the daemons' `__main__` start the same way.
"""

import importlib
from collections.abc import Sequence
from functools import partial

from htools.commandline.options import Options
from htools.commandline.tool import run_tool
from htools.commandline.usage import check


def run(name: str, words: Sequence[str] | None = None) -> int:
    """Run the program `htools.NAME` and return its exit code."""

    def body(options: Options, arguments: list[str]) -> int:
        if not options.json:  # where the program itself reports errors as JSON
            check(name, options, arguments)
        code: int = importlib.import_module(f"htools.{name}").body(options, arguments)
        return code

    return run_tool(name, body, words)


hail = partial(run, "hail")
hbal = partial(run, "hbal")
hcheck = partial(run, "hcheck")
hinfo = partial(run, "hinfo")
hroller = partial(run, "hroller")
hscan = partial(run, "hscan")
hspace = partial(run, "hspace")
hsqueeze = partial(run, "hsqueeze")

"""Checks of a tool's command line beside its options: the number of arguments, and one source of the cluster.

It imports little: `htools.commandline.start` calls it before it imports a program.
"""

from htools.commandline.options import Options
from htools.commandline.tool import stop
from spec.errors import GantryError

WITHOUT_SOURCE = frozenset({"hail", "hscan"})
"""Tools that need no option for the source of the cluster."""


class NoSourceError(GantryError):
    """No option gives the source of the cluster."""

    def __init__(self) -> None:
        super().__init__(
            "failed to load data, aborting: No backend selected! Exiting.\n"
            "give the cluster with -t FILE, -L, or another option that --help lists"
        )


def check_arguments(name: str, arguments: list[str]) -> None:
    """End the program `name` with an error if it takes another number of arguments."""
    if name == "hscan":
        return
    if name == "hail":
        if not arguments:
            stop("This program needs an input file.\ngive the file of an iallocator request: hail [OPTION...] REQUEST")
        if len(arguments) > 1:
            stop("Only one argument is accepted (the input file)")
    elif arguments:
        stop("This program doesn't take any arguments.")


def check_sources(options: Options) -> None:
    """Check that the options name one cluster.

    Raises:
        NoSourceError: they name none; not if there is a utilisation file, whose errors come first.
        GantryError: they name more than one.
    """
    sources = [source for source in (options.rapi, options.luxi is not None, options.data_file is not None) if source]
    if len(sources) > 1:
        raise GantryError("Only one of the rapi, luxi, and data files options should be given.")
    if not sources and not options.simulate and options.ialloc_source is None and options.dynu_file is None:
        raise NoSourceError


def check(name: str, options: Options, arguments: list[str]) -> None:
    """Check the arguments and the sources of the tool `name`.

    Raises:
        GantryError: as `check_sources` does.
    """
    check_arguments(name, arguments)
    if name not in WITHOUT_SOURCE:
        check_sources(options)

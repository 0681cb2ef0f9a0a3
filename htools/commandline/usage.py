"""Checks of a tool's command line beside its options: the number of arguments, and one source of the cluster.

It needs little to be imported, so that `htools.commandline.start` refuses these before it imports a program.
"""

from htools.commandline.options import Options
from htools.commandline.tool import stop
from spec.errors import GantryError

WITHOUT_SOURCE = frozenset({"hail", "hscan"})
"""The tools that find their clusters without one of the options for that."""


class NoSourceError(GantryError):
    """No option says where the cluster is to be read from."""

    def __init__(self) -> None:
        super().__init__("failed to load data, aborting: No backend selected! Exiting.")


def check_arguments(name: str, arguments: list[str]) -> None:
    """End the program `name` when it takes fewer or more arguments than these."""
    if name == "hscan":
        return
    if name == "hail":
        if not arguments:
            stop("This program needs an input file.")
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
    """Refuse the command line of the tool `name` if that takes no other module of ours.

    Raises:
        GantryError: as `check_sources` does.
    """
    check_arguments(name, arguments)
    if name not in WITHOUT_SOURCE:
        check_sources(options)

"""`python -m impl.wconfd --root DIR`, and the console script `wconfd`."""

import sys
from collections.abc import Sequence

from impl.wconfd.options import read_options


def main(argv: Sequence[str] | None = None) -> int:
    """Read the command line, then import the daemon and run it until SIGTERM; returns the exit code."""
    options = read_options(argv)
    from impl.wconfd.run import run

    return run(options)


if __name__ == "__main__":
    sys.exit(main())

"""`python -m impl.luxid --root DIR`, and the console script `luxid`."""

import sys
from collections.abc import Sequence

from impl.luxid.options import read_options


def main(argv: Sequence[str] | None = None) -> int:
    """Read the command line, then import the daemon and run it until SIGTERM; returns the exit code."""
    options = read_options(argv)
    from impl.luxid.run import run

    return run(options)


if __name__ == "__main__":
    sys.exit(main())

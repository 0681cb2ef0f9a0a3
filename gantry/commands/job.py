"""`gantry job …`: submit, show, follow, cancel and re-prioritise jobs, and manage the queue.

Errors in the arguments are reported before the modules that talk to luxid are imported.
"""

import argparse
import sys

from gantry.jobs.arguments import UsageError, read_arguments


def run(options: argparse.Namespace) -> int:
    """Run the subcommand."""
    try:
        read_arguments(options)
    except UsageError as error:
        print(f"gantry job {options.action}: {error}", file=sys.stderr)
        return 2
    from gantry.jobs.actions import perform

    return perform(options)

"""The command line of `gantry job`."""

import argparse

from gantry.options.values import job_id
from impl.paths import DEFAULT_ROOT

EXIT_CODES = """exit codes: 0 done; 1 a job failed, or the request was refused; 2 wrong usage;
3 a job was canceled; 4 there is no such job"""

PRIORITIES = ("low", "normal", "high")

STATUSES = ("queued", "waiting", "canceling", "running", "canceled", "success", "error")
"""The values of `spec.jobs.model.Status`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands and their options."""
    parser.epilog = EXIT_CODES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--root", metavar="DIR", help=f"the cluster's directory (default: $GANTRY_ROOT, else {DEFAULT_ROOT})"
    )
    common.add_argument("--json", action="store_true", help="answer in JSON, for programs")
    commands = parser.add_subparsers(dest="action", required=True, metavar="COMMAND")

    def command(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name, parents=[common], help=text, description=text, epilog=EXIT_CODES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip

    submit = command("submit", "submit a job of one opcode, or jobs from a file")
    submit.add_argument(
        "what", metavar="OPCODE|FILE|-", help="an opcode such as OP_TEST_DELAY, or JSON: opcode, job, jobs"
    )
    submit.add_argument(
        "parameters",
        nargs="*",
        default=[],
        metavar="NAME=VALUE",
        help="the opcode's parameters, values as JSON or text",
    )
    submit.add_argument("--priority", choices=PRIORITIES, default="normal", help="(default: %(default)s)")
    submit.add_argument(
        "--after",
        metavar="ID",
        type=job_id,
        action="append",
        default=[],
        help="start when that job has succeeded",
    )
    submit.add_argument("--reason", metavar="TEXT", default="", help="why, for the reason trail")
    submit.add_argument("--watch", action="store_true", help="follow the jobs to their end")
    listing = command("list", "list jobs")
    listing.add_argument("ids", nargs="*", type=job_id, metavar="ID")
    listing.add_argument(
        "--status",
        action="append",
        metavar="STATUS",
        choices=STATUSES,
        help="only jobs of this status (may be repeated)",
    )
    listing.add_argument("--live", action="store_true", help="only jobs that have not ended")
    listing.add_argument("--archived", action="store_true", help="archived jobs too")
    command("info", "show all about some jobs").add_argument("ids", nargs="+", type=job_id, metavar="ID")
    command("watch", "follow the logs of jobs until they end").add_argument("ids", nargs="+", type=job_id, metavar="ID")
    cancel = command("cancel", "cancel jobs that wait or are queued")
    cancel.add_argument("ids", nargs="+", type=job_id, metavar="ID")
    cancel.add_argument("--kill", action="store_true", help="kill the process of a job that runs already")
    priority = command("priority", "change the priority of jobs that have not begun to run")
    priority.add_argument("priority", metavar="PRIORITY", help="low, normal, high, or -20 (most urgent) to 19")
    priority.add_argument("ids", nargs="+", type=job_id, metavar="ID")
    archive = command("archive", "archive jobs that have ended")
    archive.add_argument("ids", nargs="*", type=job_id, metavar="ID")
    archive.add_argument(
        "--older", metavar="AGE", help="all that ended longer ago, such as 90m, 12h, 7d; 'all' for all"
    )
    drain = command("drain", "stop or start taking new jobs, or say which")
    drain.add_argument("state", nargs="?", choices=["on", "off"], help="nothing: say how it is")

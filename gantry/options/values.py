"""Readers of command line values that several commands take; invalid ones are refused."""

import argparse


def seconds(text: str) -> float:
    """Read seconds, as `type` of an option."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"expected seconds from 0 to 3600, not '{text}'")
    return value


def positive(text: str) -> int:
    """Read a number of at least one, as `type` of an option."""
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"expected a number of at least 1, not '{text}'")
    return int(text)


def job_id(text: str) -> int:
    """Read a job's id, as `type` of an argument."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"a job's id is a number, not '{text}'; 'gantry job list' shows them")
    return int(text)

"""The command line of `gantry job` repeats the statuses and priorities of jobs: they agree."""

from gantry.jobs import arguments
from gantry.options import job
from spec.jobs.model import Status


def test_the_statuses_are_the_specification_s() -> None:
    assert list(job.STATUSES) == [status.value for status in Status]


def test_the_priorities_are_those_that_can_be_read() -> None:
    assert list(job.PRIORITIES) == list(arguments.PRIORITIES)

"""The control that times are measured against measures time, and less of it where the machine has other work."""

import time

from tests.control import Control


def test_rounds_measure_the_time() -> None:
    with Control() as control:
        time.sleep(0.5)
    assert 0.05 < control.seconds < 0.6


def test_what_takes_longer_is_measured_as_longer() -> None:
    with Control() as short:
        time.sleep(0.2)
    with Control() as long:
        time.sleep(2)
    assert long.seconds > 2 * short.seconds

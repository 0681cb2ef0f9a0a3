"""Time measured against a control in the same run, so that no promise depends on the clock of a loaded machine.

The control is a process beside the test that sleeps, computes and writes a little again and again, and does nothing
else. Where the machine is busy its rounds take longer, as everything does: what took so many rounds is said in the
time that they take when nothing is in their way, which is the time of the shortest one.
"""

import os
import subprocess
import sys
import tempfile
from types import TracebackType
from typing import Self

ROUNDS = """
import os, sys, time
descriptor = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
while True:
    began = time.monotonic()
    time.sleep(0.01)
    enough = time.process_time() + 0.002
    while time.process_time() < enough:
        pass
    os.pwrite(descriptor, b"x", 0)
    os.fsync(descriptor)
    sys.stdout.write(f"{time.monotonic() - began}\\n")
    sys.stdout.flush()
"""


class Control:
    """Runs beside what is measured; `seconds` is the time it took, by the control's rounds.

    >>> with Control() as control:  # doctest: +SKIP
    ...     what_is_promised_within_a_second()
    >>> control.seconds < 1  # doctest: +SKIP
    """

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="gc")
        command = [sys.executable, "-S", "-c", ROUNDS, os.path.join(self._folder.name, "written")]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self._first = [float(self._process.stdout.readline()) for _ in range(5)]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        output, _ = self._process.communicate()
        lines = output[: output.rfind("\n") + 1].split()  # the last one may be cut short
        rounds = [float(line) for line in lines]
        self.seconds = len(rounds) * min(self._first + rounds)
        self._folder.cleanup()

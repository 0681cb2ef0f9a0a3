"""Starting and stopping the daemons of a root from outside, by their sockets, pid files and processes.

A daemon runs when the process that its pid file names exists and is that daemon of that root; anything else that has
got the number since is never signalled. Starting waits for the socket to accept, and notices at once if the process
dies instead.
"""

import contextlib
import os
import select
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from itertools import pairwise

from impl.paths import Root
from impl.process.environment import DIRECTORY, UMASK, module_command, open_output, small_environment
from spec.errors import GantryError

START_TIMEOUT = 30.0
"""Seconds until a started daemon must accept."""
STOP_TIMEOUT = 30.0
"""Seconds until a daemon that was asked to stop must be gone."""
_GLANCE = 0.02
"""Seconds between two looks at a socket that does not accept yet."""


class DaemonError(GantryError):
    """A daemon did not start or stop.

    Attributes:
        daemon: its name.
        reason: what happened.
        log: its log file.
    """

    def __init__(self, daemon: str, reason: str, log: str) -> None:
        self.daemon = daemon
        self.reason = reason
        self.log = log
        super().__init__(f"{daemon} {reason}; see {log}")


@dataclass(frozen=True, slots=True)
class Daemon:
    """One daemon of one root."""

    name: str
    root: Root

    @property
    def socket(self) -> str:
        """The socket that it serves."""
        return self.root.wconfd_socket if self.name == "wconfd" else self.root.luxi_socket

    @property
    def pid_file(self) -> str:
        """Where it writes its process id."""
        return self.root.pid_file(self.name)

    @property
    def log(self) -> str:
        """Its log."""
        return self.root.log_file(self.name)

    @property
    def output(self) -> str:
        """What it wrote on standard output and error: empty unless something went wrong early."""
        return os.path.join(self.root.log, f"{self.name}.out")

    def pid(self) -> int | None:
        """Return the id of its running process; None if it does not run."""
        try:
            with open(self.pid_file, encoding="ascii") as file:
                pid = int(file.read())
        except (OSError, ValueError):
            return None
        return pid if self._is_mine(pid) else None

    def _is_mine(self, pid: int) -> bool:
        """Return whether a process is this daemon of this root, judged by its command line and working directory."""
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = [os.fsdecode(word) for word in file.read().split(b"\0")]
            home = os.readlink(f"/proc/{pid}/cwd")
        except OSError:
            return False
        if not any(self.name in os.path.basename(word) for word in words[:5]):
            return False
        roots = [word.removeprefix("--root=") for word in words if word.startswith("--root=")]
        roots += [word for option, word in pairwise(words) if option == "--root"]
        return not roots or os.path.abspath(os.path.join(home, roots[-1])) == self.root.directory

    def accepts(self) -> bool:
        """Return whether its socket takes connections."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(1.0)
            try:
                probe.connect(self.socket)
            except OSError:
                return False
            return True

    def start(self, timeout: float = START_TIMEOUT) -> int:
        """Start it and wait until it accepts; one that runs already is left alone.

        Returns:
            Its process id.

        Raises:
            DaemonError: it died, or did not accept in time (it is then stopped again).
        """
        running = self.pid()
        if running is not None:
            return running
        self.root.make_directories()
        command = module_command(f"impl.{self.name}", "--root", self.root.directory)
        with open_output(self.output) as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env=small_environment(),
                cwd=DIRECTORY,
                umask=UMASK,
            )
        deadline = time.monotonic() + timeout
        while self.pid() != process.pid or not self.accepts():
            # Waiting for the process's end is the pause between two looks at the socket.
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = process.wait(_GLANCE)
                raise DaemonError(self.name, f"ended with code {code} instead of starting", self.output)
            if time.monotonic() > deadline:
                process.kill()
                process.wait()
                raise DaemonError(self.name, f"did not accept connections within {timeout:g} s", self.log)
        # The process outlives this object, whose destructor would warn that nobody waited for it.
        process.returncode = 0
        return process.pid

    def stop(self, timeout: float = STOP_TIMEOUT, number: int = signal.SIGTERM) -> bool:
        """Stop it and wait until its process is gone.

        Args:
            timeout: seconds to wait.
            number: the signal.

        Returns:
            Whether it ran.

        Raises:
            DaemonError: it is still there.
        """
        pid = self.pid()
        if pid is None:
            return False
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return False
        try:
            if not self._is_mine(pid):
                return False
            signal.pidfd_send_signal(descriptor, number)
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            if not poll.poll(1000 * timeout):
                raise DaemonError(self.name, f"(process {pid}) did not stop within {timeout:g} s", self.log)
        finally:
            os.close(descriptor)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)
        return True


def daemons(root: Root) -> tuple[Daemon, ...]:
    """Return the daemons of a root, in the order in which they are started."""
    return tuple(Daemon(name, root) for name in ("wconfd", "luxid"))


def start_all(root: Root) -> None:
    """Start every daemon that does not run; if one fails, those started here are stopped again."""
    started: list[Daemon] = []
    try:
        for daemon in daemons(root):
            if daemon.pid() is None:
                daemon.start()
                started.append(daemon)
    except BaseException:
        for daemon in reversed(started):
            daemon.stop()
        raise


def stop_all(root: Root) -> list[str]:
    """Stop every daemon that runs, the last one started first; returns their names."""
    return [daemon.name for daemon in reversed(daemons(root)) if daemon.stop()]

"""Starting and stopping the daemons of a root from outside, by their sockets, pid files and processes.

A daemon runs when the process that its pid file names exists and is that daemon of that root; anything else that has
got the number since is never signalled. Processes of the same daemon and root that no pid file names are found by their
command lines: their root was removed, and perhaps made again. Starting waits for the socket to accept, and notices at
once if the process dies instead.
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

from impl.paths import DEFAULT_ROOT, Root
from impl.process.environment import DIRECTORY, UMASK, module_command, open_output, small_environment
from spec.errors import GantryError

START_TIMEOUT = 30.0
"""Seconds until a started daemon must accept."""
STOP_TIMEOUT = 30.0
"""Seconds until a daemon that was asked to stop must be gone."""
UNNAMED_TIMEOUT = 5.0
"""Seconds that a process without a pid file gets to write one or to end."""
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

    def unnamed(self) -> list[int]:
        """Find processes of this daemon and root that the pid file does not name: they start, or lost their root."""
        named = self.pid()
        found = [int(name) for name in os.listdir("/proc") if name.isdigit()]
        return sorted(pid for pid in found if pid != named and self._claims(pid))

    def _is_mine(self, pid: int) -> bool:
        """Return whether a process is this daemon of this root, judged by its command line and working directory."""
        words = _words(pid)
        if not any(self.name in os.path.basename(word) for word in words[:5]):
            return False
        root = _root_in(pid, words)
        return root is None or root == self.root.directory

    def _claims(self, pid: int) -> bool:
        """Return whether a process that nothing points to is this daemon of this root, in our own file systems."""
        words = _words(pid)
        if not _runs(words, self.name):
            return False
        root = _root_in(pid, words)
        if root is None:
            given = dict(part.partition("=")[::2] for part in _read_words(f"/proc/{pid}/environ"))
            root = os.path.join(_home(pid), given.get("GANTRY_ROOT") or DEFAULT_ROOT)
        return root == self.root.directory and _link(f"/proc/{pid}/ns/mnt") == _link("/proc/self/ns/mnt")

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
        running = self._wait_for_unnamed()
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

    def _wait_for_unnamed(self) -> int | None:
        """Wait for processes without a pid file to write one or to end; returns the one that runs then.

        Raises:
            DaemonError: they do neither.
        """
        deadline = time.monotonic() + UNNAMED_TIMEOUT
        while (running := self.pid()) is None and (others := self.unnamed()):
            with contextlib.suppress(ProcessLookupError):
                descriptor = os.pidfd_open(others[0])
                _has_ended(descriptor, _GLANCE)
                os.close(descriptor)
            if time.monotonic() > deadline:
                text = f"is not started: process {others[0]} serves what was {self.root.directory} before;"
                raise DaemonError(self.name, f"{text} 'gantry cluster stop' ends it", self.log)
        return running

    def stop_unnamed(self, timeout: float = UNNAMED_TIMEOUT) -> list[int]:
        """End the processes that the pid file does not name, by force if they take long; returns their ids."""
        found = self.unnamed()
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                descriptor = os.pidfd_open(pid)
                try:
                    for number in (signal.SIGTERM, signal.SIGKILL):
                        if self._claims(pid):
                            signal.pidfd_send_signal(descriptor, number)
                            _has_ended(descriptor, timeout)
                finally:
                    os.close(descriptor)
        return found

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
            if not _has_ended(descriptor, timeout):
                raise DaemonError(self.name, f"(process {pid}) did not stop within {timeout:g} s", self.log)
        finally:
            os.close(descriptor)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)
        return True


def _read_words(path: str) -> list[str]:
    try:
        with open(path, "rb") as file:
            return [os.fsdecode(word) for word in file.read().split(b"\0")]
    except OSError:
        return []


def _words(pid: int) -> list[str]:
    return _read_words(f"/proc/{pid}/cmdline")


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _home(pid: int) -> str:
    return _link(f"/proc/{pid}/cwd").removesuffix(" (deleted)")


def _root_in(pid: int, words: list[str]) -> str | None:
    """Return the root that a command line names, None if it names none."""
    roots = [word.removeprefix("--root=") for word in words if word.startswith("--root=")]
    roots += [word for option, word in pairwise(words) if option == "--root"]
    return os.path.abspath(os.path.join(_home(pid), roots[-1])) if roots else None


def _runs(words: list[str], name: str) -> bool:
    """Return whether a command line runs one of our daemons: as a module of Python, or as a program of its name."""
    if not os.path.basename(words[0] if words else "").startswith("python"):
        return bool(words) and os.path.basename(words[0]) == name
    for option, word in pairwise(words):
        if option in {"-X", "-W"}:
            continue
        if option == "-m":
            return word == f"impl.{name}"
        if not word.startswith("-"):
            return os.path.basename(word) == name
    return False


def _has_ended(descriptor: int, seconds: float) -> bool:
    """Wait for the end of the process of a pidfd; return whether it has ended."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(1000 * seconds))


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
    """Stop every daemon that runs, the last one started first, and what no pid file names; returns their names."""
    stopped = []
    for daemon in reversed(daemons(root)):
        if daemon.stop():
            stopped.append(daemon.name)
        stopped += [f"{daemon.name} (process {pid}, which no pid file names)" for pid in daemon.stop_unnamed()]
    return stopped

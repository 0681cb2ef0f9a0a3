"""The layout of a root directory. It is Ganeti's own, so that its clients find our daemons by GANETI_ROOTDIR."""

import contextlib
import os
import stat
from typing import NamedTuple

from spec.errors import GantryError

DEFAULT_ROOT = ".gantry"

LONGEST_SOCKET = 107
"""Bytes of a unix socket's path."""


class RootTooLongError(GantryError):
    """The sockets below a root would have longer paths than sockets can have; `path` is the longest."""

    def __init__(self, path: str) -> None:
        self.path = path
        over = len(os.fsencode(path)) - LONGEST_SOCKET
        super().__init__(
            f"the path of a socket would be too long ({path}): choose a --root that is {over} bytes shorter"
        )


class RootNotUtf8Error(GantryError):
    """A root's path is no UTF-8, which messages and files must hold; `path` is its bytes."""

    def __init__(self, path: bytes) -> None:
        self.path = path
        super().__init__(f"the root's path is not UTF-8 ({path!r}): rename it, or choose another --root")


class NoClusterError(GantryError):
    """A root holds no cluster; `path` is the configuration that is missing."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"no cluster here ({path} is missing): make one with 'gantry cluster init --from FILE'")


class Root(NamedTuple):
    """The directory tree of one cluster; every path is absolute and derived from `directory`."""

    directory: str

    @staticmethod
    def of(directory: str | None) -> "Root":
        """Return the root that `--root` names, else `$GANTRY_ROOT`, else `./.gantry`.

        Raises:
            RootNotUtf8Error: job files and messages could not name what lies in it.
        """
        path = os.path.abspath(directory or os.environ.get("GANTRY_ROOT") or DEFAULT_ROOT)
        try:
            path.encode()
        except UnicodeEncodeError:
            raise RootNotUtf8Error(os.fsencode(path)) from None
        return Root(path)

    def _at(self, *parts: str) -> str:
        return os.path.join(self.directory, *parts)

    @property
    def state(self) -> str:
        """Durable state: configuration, locks, queue."""
        return self._at("var", "lib", "ganeti")

    @property
    def config(self) -> str:
        """The cluster's configuration, one JSON object."""
        return os.path.join(self.state, "config.data")

    @property
    def locks(self) -> str:
        """Snapshot of the lock state, as Ganeti writes it."""
        return os.path.join(self.state, "locks.data")

    @property
    def reservations(self) -> str:
        """Snapshot of the temporary reservations, as Ganeti writes it."""
        return os.path.join(self.state, "tempres.data")

    @property
    def store(self) -> str:
        """Wconfd's durable state."""
        return os.path.join(self.state, "wconfd.db")

    @property
    def queue(self) -> str:
        """The job queue: serial, version, drain and one file a job."""
        return os.path.join(self.state, "queue")

    @property
    def run(self) -> str:
        """State that ends with the machine's uptime."""
        return self._at("var", "run", "ganeti")

    @property
    def sockets(self) -> str:
        """Directory of the daemons' sockets."""
        return os.path.join(self.run, "socket")

    @property
    def wconfd_socket(self) -> str:
        """Wconfd's socket (mode 0600)."""
        return os.path.join(self.sockets, "ganeti-wconfd")

    @property
    def luxi_socket(self) -> str:
        """Luxid's socket (mode 0660)."""
        return os.path.join(self.sockets, "ganeti-query")

    @property
    def livelocks(self) -> str:
        """Directory of the live-lock files."""
        return os.path.join(self.run, "livelocks")

    @property
    def luxid_messages(self) -> str:
        """Directory of messages from luxid to running jobs (`<id>.prio`)."""
        return os.path.join(self.run, "luxidmessages")

    @property
    def log(self) -> str:
        """Directory of the daemons' logs."""
        return self._at("var", "log", "ganeti")

    def pid_file(self, daemon: str) -> str:
        """Return the path of a daemon's pid file, locked for as long as it runs."""
        return os.path.join(self.run, f"{daemon}.pid")

    def log_file(self, daemon: str) -> str:
        """Return the path of a daemon's log."""
        return os.path.join(self.log, f"{daemon}.log")

    def require_cluster(self) -> None:
        """Check that there is a configuration: Ganeti's file, or the store of a wconfd that ran here.

        Raises:
            NoClusterError: there is neither.
            OSError: nobody can tell, for want of rights.
        """
        for path in (self.config, self.store):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                os.stat(path)
                return
        raise NoClusterError(self.config)

    def check_sockets(self) -> None:
        """Check that sockets can be made below it.

        Raises:
            RootTooLongError: their paths would be too long.
        """
        socket = max(self.wconfd_socket, self.luxi_socket, key=len)
        if len(os.fsencode(socket)) > LONGEST_SOCKET:
            raise RootTooLongError(socket)

    def make_directories(self) -> None:
        """Create every directory that is missing, whatever the umask is: mode 0750, those above them 0755.

        Others lose the right to write in those that are there.

        Raises:
            RootTooLongError: sockets could not be made below it; nothing is created.
        """
        self.check_sockets()
        above = (
            self.directory,
            self._at("var"),
            self._at("var", "lib"),
            self._at("var", "run"),
            self._at("var", "log"),
        )
        for path in above:
            _make_directory(path, 0o755)
        archive = os.path.join(self.queue, "archive")
        ours = (self.state, self.queue, archive, self.run, self.sockets, self.livelocks, self.luxid_messages, self.log)
        for path in ours:
            _make_directory(path, 0o750)


def _make_directory(path: str, mode: int) -> None:
    try:
        os.mkdir(path, 0o700)
    except FileNotFoundError:
        _make_directory(os.path.dirname(path), 0o755)
        os.mkdir(path, 0o700)
    except FileExistsError:
        found = os.stat(path).st_mode
        if not stat.S_ISDIR(found):
            raise
        if found & stat.S_IWOTH and not found & stat.S_ISVTX:
            os.chmod(path, stat.S_IMODE(found) & ~stat.S_IWOTH)
        return
    os.chmod(path, mode)

"""The cluster of the demonstration: a new root, the daemons, and hbal as a separate process.

Everything that is started here is stopped here, even after an error.
"""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from impl.paths import Root
from impl.process.environment import module_command
from impl.setup.config import Setup, initial_config
from impl.setup.daemons import start_all, stop_all
from impl.setup.root import create_root
from impl.wire.client import Client
from spec.allocator.cluster import Cluster
from spec.errors import GantryError

EXAMPLE = "office-20.txt"
NAME = "office.example"


class NoExampleError(GantryError):
    """The example cluster was not found; `looked` are the paths that were tried."""

    def __init__(self, looked: tuple[str, ...]) -> None:
        self.looked = looked
        super().__init__(
            f"the example cluster is missing (looked at {' and '.join(looked)}): name one with --from FILE"
        )


class BalancerError(GantryError):
    """Hbal failed; `code` is its exit code, `output` the end of its output."""

    def __init__(self, code: int, output: str) -> None:
        self.code = code
        self.output = output
        super().__init__(f"hbal ended with code {code}: {output}")


class NothingToDoError(GantryError):
    """The cluster is balanced already, so there is nothing to show; `output` is the end of hbal's output."""

    def __init__(self, output: str) -> None:
        self.output = output
        super().__init__(
            f"hbal finds nothing to improve, so there is nothing to show ({output}): take another --from FILE"
        )


def example_path() -> str:
    """Return the path of the example cluster: beside the packages in a clone, in the shared data of an installation.

    Raises:
        NoExampleError: both paths are missing.
    """
    clone = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    places = tuple(
        os.path.join(folder, "examples", EXAMPLE) for folder in (clone, os.path.join(sys.prefix, "share", "gantry"))
    )
    for place in places:
        if os.path.isfile(place):
            return place
    raise NoExampleError(places)


@dataclass(frozen=True, slots=True)
class Stage:
    """A running cluster in a directory that will be removed."""

    root: Root

    def hbal(self, *options: str, output: IO[str] | int = subprocess.PIPE) -> subprocess.Popen[str]:
        """Start hbal on the cluster; standard error goes to the same place as its output."""
        return subprocess.Popen(
            module_command("htools.hbal", "-L", "--root", self.root.directory, *options),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def config(self) -> Any:
        """Return wconfd's current configuration."""
        with Client(self.root.wconfd_socket) as wconfd:
            return wconfd.call("readConfig")

    def processes(self) -> list[int]:
        """Return the ids of processes with the root on their command lines: daemons, and the jobs that they fork."""
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit() and int(entry) != os.getpid() and _mentions(int(entry), self.root.directory):
                found.append(int(entry))
        return sorted(found)


def _mentions(pid: int, directory: str) -> bool:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().split(b"\0")
    except OSError:
        return False
    return any(os.fsdecode(word).startswith(directory) for word in words)


def setup_of(seconds_per_gib: float, max_running_jobs: int = 20) -> Setup:
    """Return the settings of the demonstration's configuration that are not facts of the cluster."""
    return Setup(NAME, time.time(), lambda: secrets.token_hex(20), seconds_per_gib, max_running_jobs)


def make_stage(cluster: Cluster, directory: str, seconds_per_gib: float) -> Stage:
    """Make a cluster in a directory and start its daemons."""
    root = Root.of(directory)
    create_root(root, initial_config(cluster, setup_of(seconds_per_gib)))
    start_all(root)
    return Stage(root)


@contextmanager
def stage(cluster: Cluster, seconds_per_gib: float, *, keep: bool) -> Iterator[Stage]:
    """Run a cluster in a new directory; stop it at the end, and remove it unless `keep` is set or something failed."""
    directory = tempfile.mkdtemp(prefix="gantry-demo-")
    root = Root.of(directory)
    try:
        yield make_stage(cluster, directory, seconds_per_gib)
    except KeyboardInterrupt:
        raise
    except BaseException:
        keep = True
        print(f"\nkept for a look at the logs: {root.directory}", file=sys.stderr)
        raise
    finally:
        try:
            stop_all(root)
        finally:
            for pid in Stage(root).processes():
                # Jobs continue when luxid stops; these belong to a cluster that ends here.
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        if not keep:
            shutil.rmtree(directory, ignore_errors=True)

"""Starts a wconfd: ours, or Ganeti's where it is installed, each in its own root."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from impl.paths import Root
from spec.errors import GantryError

GANETI_WCONFD = "/usr/lib/ganeti/3.0/usr/sbin/ganeti-wconfd"


class StartError(GantryError):
    """A daemon did not start; `output` is its output."""

    def __init__(self, program: str, output: str) -> None:
        self.program = program
        self.output = output
        super().__init__(f"{program} did not start: {output.strip()[-500:] or 'it said nothing'}")


def ganeti_configuration(shared: Path | None) -> dict[str, Any] | None:
    """Read a configuration that Ganeti's daemon accepts, from the shared inputs; None without them."""
    if shared is None or not (shared / "peer" / "mkconfig.py").exists():
        return None
    with tempfile.TemporaryDirectory() as directory:
        made = os.path.join(directory, "config.data")
        source = shared / "peer" / "cluster_config_3.0.json"
        subprocess.run([sys.executable, str(shared / "peer" / "mkconfig.py"), str(source), made], check=True)
        with open(made, encoding="utf-8") as file:
            value: dict[str, Any] = json.load(file)
            return value


def ganeti_is_installed() -> bool:
    """Return whether Ganeti's wconfd can be started here."""
    return os.access(GANETI_WCONFD, os.X_OK)


@contextlib.contextmanager
def running(
    kind: str,
    config: Mapping[str, Any] | None,
    *,
    options: tuple[str, ...] = (),
    environment: Mapping[str, str] | None = None,
    parent: str = "/tmp",  # noqa: S108 - a short path: sockets' names are bounded
) -> Iterator[tuple[Root, int]]:
    """Run a wconfd, "ours" or "ganeti"; yield its root and process id, and stop it afterwards.

    Args:
        kind: which one.
        config: its configuration.
        options: further options for ours.
        environment: further environment variables.
        parent: the directory to make its root in.

    Raises:
        StartError: it did not start.
    """
    directory = tempfile.mkdtemp(prefix="gp", dir=parent)
    root = Root(os.path.join(directory, "vm"))
    root.make_directories()
    if config is not None:
        with open(root.config, "w", encoding="utf-8") as file:
            json.dump(config, file)
        os.chmod(root.config, 0o640)
    if kind == "ganeti":
        for name, text in (
            ("ssconf_master_node", "vm"),
            ("ssconf_primary_ip_family", "2"),
            ("ssconf_cluster_name", "cluster.localdomain"),
        ):
            with open(os.path.join(root.state, name), "w", encoding="utf-8") as file:
                file.write(text + "\n")
        command = [GANETI_WCONFD, "-f", "--no-user-checks", "--no-voting", "--yes-do-it"]
    else:
        command = [sys.executable, "-m", "impl.wconfd", "--root", root.directory, *options]
    variables = {**os.environ, "GANETI_ROOTDIR": root.directory, "GANETI_HOSTNAME": "vm", **(environment or {})}
    output = os.path.join(directory, "output")
    with open(output, "wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=variables, start_new_session=True
        )
    try:
        _await_socket(process, root.wconfd_socket, command[0], output)
        yield root, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(directory, ignore_errors=True)


def _await_socket(process: "subprocess.Popen[bytes]", path: str, program: str, output: str) -> None:
    deadline = time.monotonic() + 20
    while True:
        with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
            probe.connect(path)
            return
        if process.poll() is not None or time.monotonic() > deadline:
            with open(output, encoding="utf-8", errors="replace") as file:
                raise StartError(program, file.read())
        time.sleep(0.02)

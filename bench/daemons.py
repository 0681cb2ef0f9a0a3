"""Roots with running daemons for side-by-side measurements: ours, and Ganeti's where they are installed.

Ganeti's daemons need a configuration that `mkconfig.py` of the shared inputs makes; without them only ours is measured.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from impl.paths import Root
from impl.wire.client import Client, UnreachableError

SBIN = Path("/usr/lib/ganeti/3.0/usr/sbin")
HERE = Path(__file__).resolve().parent


def _shared_ganeti() -> Path | None:
    for candidate in (os.environ.get("GANTRY_SHARED"), HERE.parents[1] / "shared"):
        if candidate and (Path(candidate) / "peer" / "mkconfig.py").exists():
            return Path(candidate) / "peer"
    return None


def ganeti_missing() -> str | None:
    """Return why Ganeti's daemons cannot be measured here; None if they can."""
    if not (SBIN / "ganeti-luxid").exists():
        return "Ganeti's daemons are not installed"
    return None if _shared_ganeti() is not None else "no shared inputs to make Ganeti's daemons' configuration from"


def configuration() -> dict[str, Any]:
    """Return a configuration of one node, the same for both; one that Ganeti accepts, if it can be made."""
    inputs = _shared_ganeti()
    if inputs is None:
        node = {"uuid": "u1", "name": "vm", "group": "g1", "offline": False, "primary_ip": "127.0.0.1"}
        group = {"uuid": "g1", "name": "default"}
        cluster = {"cluster_name": "c", "master_node": "u1", "max_running_jobs": 20, "max_tracked_jobs": 25}
        return {"version": 3000000, "cluster": cluster, "nodes": {"u1": node}, "nodegroups": {"g1": group},
                "instances": {}, "disks": {}, "networks": {}, "filters": {}, "serial_no": 1}  # fmt: skip
    with tempfile.TemporaryDirectory() as directory:
        made = f"{directory}/config.data"
        command = [sys.executable, str(inputs / "mkconfig.py"), str(inputs / "cluster_config_3.0.json"), made]
        subprocess.run(command, check=True, capture_output=True)
        found: dict[str, Any] = json.loads(Path(made).read_text(encoding="utf-8"))
        return found


def _await(path: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 30
    while True:
        with contextlib.suppress(UnreachableError):
            Client(path).close()
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"a daemon did not come up: see the logs beside {path}")
        time.sleep(0.02)


@contextlib.contextmanager
def daemons(*, ganeti: bool) -> Iterator[Root]:
    """Run wconfd and luxid in a root, and stop them at the end."""
    # jobs outlive the daemons and may still write while the directory is removed
    with tempfile.TemporaryDirectory(prefix="gb", ignore_cleanup_errors=True) as directory:
        root = Root(f"{directory}/vm")
        root.make_directories()
        Path(root.config).write_text(json.dumps(configuration()), encoding="utf-8")
        for name, text in (("queue/serial", "0"), ("queue/version", "1"), ("ssconf_master_node", "vm"),
                           ("ssconf_primary_ip_family", "2"), ("ssconf_cluster_name", "c")):  # fmt: skip
            Path(root.state, name).write_text(f"{text}\n", encoding="ascii")
        environment = {**os.environ, "GANETI_ROOTDIR": root.directory, "GANETI_HOSTNAME": "vm"}
        started = []
        try:
            for name, socket in (("wconfd", root.wconfd_socket), ("luxid", root.luxi_socket)):
                flags = ["-f", "--no-user-checks", "--no-voting", "--yes-do-it"]
                ganeti_command = [str(SBIN / f"ganeti-{name}"), *flags]
                command = ganeti_command if ganeti else [sys.executable, "-m", f"impl.{name}", "--root", root.directory]
                with open(f"{root.log}/{name}.out", "ab") as output:
                    process = subprocess.Popen(
                        command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                        cwd=root.directory if ganeti else None, start_new_session=True,
                    )  # fmt: skip
                started.append(process)
                _await(socket, process)
            yield root
        finally:
            for process in reversed(started):
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

"""Ganeti's own Python client of wconfd against ours."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from checkers.conformance.daemons import ganeti_configuration
from tests.conftest import shared_directory
from tests.impl.wconfd.conftest import Daemon, new_daemon

__all__ = ["new_daemon"]
LIBRARY = "/usr/share/ganeti/3.0"
SCRIPT = """
import json, os, sys, time
from ganeti import wconfd, locking, utils
from ganeti.utils import livelock
client = wconfd.Client()
lock = livelock.LiveLock("job_000001")
me = (1, lock.GetPath(), os.getpid())
out = {"echo": client.Echo("x")}
out["try"] = client.TryUpdateLocks(me, [["cluster/BGL", "shared"], ["node/n1", "exclusive"]])
out["list"] = client.ListLocks(me)
out["all"] = client.ListAllLocksOwners()
config = client.LockConfig(me, False)
out["serial"] = config["serial_no"]
out["write"] = client.WriteConfigAndUnlock(me, config)
out["read"] = client.ReadConfig()["serial_no"]
out["mac"] = client.GenerateMAC(me, None)
out["map"] = client.ComputeDRBDMap()
instance = [i for i in config["instances"].values()][:1]
out["opportunistic"] = client.OpportunisticLockUnion(me, [["node/n2", "shared"]])
out["free"] = client.FreeLocksLevel(me, "node")
out["down"] = client.DownGradeLocksLevel(me, "cluster")
out["drop"] = client.DropAllReservations(me)
client.FreeLocks(me)
out["none"] = client.ListAllLocks()
print(json.dumps(out))
"""


@pytest.mark.ganeti
@pytest.mark.shared
def test_ganetis_python_client_works_against_ours(new_daemon: Callable[..., Daemon], tmp_path: Path) -> None:
    config = ganeti_configuration(shared_directory())
    if not os.path.isdir(LIBRARY) or config is None:
        pytest.skip("needs Ganeti's Python library and the shared inputs")
    daemon = new_daemon(config=config)
    for name, text in (("master_node", "vm"), ("primary_ip_family", "2"), ("cluster_name", "cluster.localdomain")):
        with open(os.path.join(daemon.root.state, f"ssconf_{name}"), "w", encoding="utf-8") as file:
            file.write(text + "\n")
    environment = {
        **os.environ,
        "GANETI_ROOTDIR": daemon.root.directory,
        "GANETI_HOSTNAME": os.path.basename(daemon.root.directory),
        "PYTHONPATH": LIBRARY,
        "PYTHONWARNINGS": "ignore",
    }
    done = subprocess.run(
        ["/usr/bin/python3", "-c", SCRIPT], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    out = json.loads(done.stdout)
    assert out["echo"] == "x"
    assert out["try"] == []
    assert out["list"] == [["cluster/BGL", "shared"], ["node/n1", "exclusive"]]
    assert [lock for lock, _ in out["all"]] == ["cluster/[lockset]", "cluster/BGL", "node/[lockset]", "node/n1"]
    assert out["write"] is True
    assert out["read"] == out["serial"] + 1
    assert out["mac"].startswith("aa:bb:cc")
    assert out["opportunistic"] == ["node/n2"]
    assert out["none"] == []

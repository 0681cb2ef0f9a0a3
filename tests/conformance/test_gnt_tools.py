"""Ganeti's own command-line tools, through its Python LUXI client, against both of our daemons and our jobs."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gantry.cli import main
from htools.backends import text
from impl.paths import Root
from impl.setup.root import create_root
from tests.conftest import ganeti_program
from tests.e2e.conftest import EXAMPLES, Chain, chain_of
from tests.impl.setup.test_config import verify_with_ganetis_wconfd

SHARE = Path("/usr/share/ganeti/3.0")

pytestmark = [
    pytest.mark.ganeti,
    pytest.mark.skipif(not (SHARE / "gnt-job").exists(), reason="Ganeti's own clients are not installed"),
    pytest.mark.xdist_group("gnt-tools"),
]


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    with chain_of(text.load(str(EXAMPLES / "branch-4.txt")), 0.0) as it:
        yield it


def gnt(chain: Chain, *words: str, code: int = 0) -> str:
    environment = {
        **os.environ,
        "GANETI_ROOTDIR": chain.root.directory,
        "GANETI_HOSTNAME": os.path.basename(chain.root.directory),
        "PYTHONPATH": str(SHARE),
    }
    command = ["/usr/bin/python3", str(SHARE / words[0]), *words[1:]]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def places(chain: Chain) -> dict[str, list[str]]:
    lines = gnt(chain, "gnt-instance", "list", "--no-headers", "-o", "name,pnode,snodes").splitlines()
    return {name: nodes for name, *nodes in map(str.split, lines)}


def test_a_day_at_the_branch_office(chain: Chain) -> None:
    assert places(chain)["stock"] == ["east", "west"]
    nodes = gnt(chain, "gnt-node", "list", "--no-headers", "-o", "name,mtotal,mfree,pinst_cnt").splitlines()
    assert nodes[0].split() == ["east", "16.0G", "5.0G", "2"]
    assert "Migrating instance stock from east to west" in gnt(chain, "gnt-instance", "migrate", "-f", "stock")
    assert "becomes south" in gnt(chain, "gnt-instance", "replace-disks", "-n", "south", "stock")
    assert places(chain)["stock"] == ["west", "south"]
    gnt(chain, "gnt-instance", "failover", "-f", "till")
    assert places(chain)["till"] == ["east", "north"]
    gnt(chain, "gnt-node", "modify", "-D", "yes", "west")
    assert gnt(chain, "gnt-node", "list", "--no-headers", "-o", "name,role", "west").split() == ["west", "D"]
    assert "drained" in gnt(chain, "gnt-instance", "replace-disks", "-n", "west", "till", code=1)
    assert places(chain)["till"] == ["east", "north"]
    gnt(chain, "gnt-debug", "delay", "--no-master", "-n", "east", "0.05")
    statuses = [line.split()[1] for line in gnt(chain, "gnt-job", "list", "--no-headers").splitlines()]
    assert statuses == ["success"] * 4 + ["error", "success"]
    assert len(gnt(chain, "gnt-debug", "locks").splitlines()) == 1
    assert gnt(chain, "gnt-cluster", "getmaster").strip() == "north"
    assert "Cluster name: office.example" in gnt(chain, "gnt-cluster", "info")


def test_ganetis_wconfd_takes_the_configuration_over(chain: Chain, capsys: pytest.CaptureFixture[str]) -> None:
    """After jobs have changed it; the addresses are made ones that Ganeti's daemon accepts as its own."""
    program = ganeti_program("ganeti-wconfd")
    if program is None:
        pytest.skip("Ganeti's wconfd is not installed")
    gnt(chain, "gnt-instance", "replace-disks", "-n", "south", "phone")
    assert main(["cluster", "export", "--root", chain.root.directory]) == 0
    config = json.loads(capsys.readouterr().out)
    master = config["nodes"][config["cluster"]["master_node"]]
    master.update(name="vm", primary_ip="127.0.0.1", secondary_ip="127.0.0.1")
    with tempfile.TemporaryDirectory(prefix="gx") as directory:
        root = Root.of(directory)
        create_root(root, config)
        assert verify_with_ganetis_wconfd(program, root) == []

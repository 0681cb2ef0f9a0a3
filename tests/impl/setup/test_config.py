"""The first configuration: what is in it, and that Ganeti's daemons accept it."""

import json
import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from htools.backends import text
from impl.cluster.view import ClusterView
from impl.job.units.verification import configuration_findings, group_findings
from impl.paths import Root, RootTooLongError
from impl.setup.config import Setup, initial_config
from impl.setup.export import for_ganeti
from impl.setup.root import RootInUseError, create_root
from spec.allocator.cluster import Cluster
from tests.conftest import ganeti_program

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


def numbered() -> Callable[[], str]:
    numbers = count()
    return lambda: f"{next(numbers):040x}"


@pytest.fixture
def office() -> Cluster:
    return text.load(str(EXAMPLES / "office-20.txt"))


@pytest.fixture
def config(office: Cluster) -> dict[str, Any]:
    return initial_config(office, Setup("office.example", 1e9, numbered()))


def test_the_view_of_the_configuration_agrees_with_the_text(office: Cluster, config: dict[str, Any]) -> None:
    view = ClusterView(config)
    for instance in office.instances:
        made = view.find("instance", instance.name)
        places = [view.nodes[uuid]["name"] for uuid in view.nodes_of(made)]
        assert places == [office.nodes[index].name for index in instance.nodes]
        assert view.memory(made) == instance.memory
        assert view.disk_usage(made) == instance.disk
        assert view.disk_template(made) == instance.disk_template.value
        assert made["admin_state"] == "up"


def test_cluster_verify_finds_nothing(config: dict[str, Any]) -> None:
    view = ClusterView(config)
    assert list(configuration_findings(view)) == []
    assert [finding for group in view.groups.values() for finding in group_findings(view, group)] == []


def test_instances_have_as_many_interfaces_as_the_policy_wants(office: Cluster) -> None:
    (bounds,) = office.policy.bounds
    wanted = replace(bounds, minimum=replace(bounds.minimum, nic_count=2))
    policy = replace(office.policy, bounds=(wanted,))
    changed = replace(office, groups=tuple(replace(group, policy=policy) for group in office.groups))
    made = initial_config(changed, Setup("office.example", 1e9, numbered()))
    nics = [nic for instance in made["instances"].values() for nic in instance["nics"]]
    assert len(nics) == 2 * len(office.instances)
    assert len({nic["mac"] for nic in nics}) == len({nic["uuid"] for nic in nics}) == len(nics)


def test_ports_minors_secrets_and_uuids_are_unique(config: dict[str, Any]) -> None:
    ids = [disk["logical_id"] for disk in config["disks"].values()]
    minors = Counter((node, minor) for one in ids for node, minor in ((one[0], one[3]), (one[1], one[4])))
    assert set(minors.values()) == {1}
    assert len({one[2] for one in ids}) == len({one[5] for one in ids}) == len(ids) == 100
    assert max(one[2] for one in ids) == config["cluster"]["highest_used_port"]
    identities = [it["uuid"] for part in ("nodes", "instances", "disks", "nodegroups") for it in config[part].values()]
    assert len(set(identities)) == len(identities)


def test_uuids_follow_from_names(office: Cluster, config: dict[str, Any]) -> None:
    again = initial_config(office, Setup("office.example", 2e9, numbered()))
    other = initial_config(office, Setup("other.example", 1e9, numbered()))
    assert again["nodes"].keys() == config["nodes"].keys()
    assert other["nodes"].keys().isdisjoint(config["nodes"])


@pytest.mark.shared
@pytest.mark.parametrize(
    "name", ["generated/m20.data", "peer/hbal-excl-tags.data", "peer/hsqueeze-mixed-instances.data"]
)
def test_every_kind_of_disk_and_tag_has_its_place(shared: Path, name: str) -> None:
    cluster = text.load(str(shared / "clusters" / name))
    config = initial_config(cluster, Setup("mixed.example", 1e9, numbered()))
    view = ClusterView(config)
    assert config["cluster"]["tags"] == list(cluster.tags)
    for instance in cluster.instances:
        made = view.find("instance", instance.name)
        assert view.disk_template(made) == instance.disk_template.value
        assert made["tags"] == list(instance.tags)
    for node in cluster.nodes:
        assert view.find("node", node.name)["offline"] == node.offline


@pytest.fixture
def short() -> Iterator[str]:
    """A directory with a short name, for sockets."""
    with tempfile.TemporaryDirectory(prefix="gs") as directory:
        yield directory


def test_a_root_is_made_once(short: str, config: dict[str, Any]) -> None:
    root = Root.of(short)
    create_root(root, config)
    with open(root.config, "rb") as file:
        first = file.read()
    assert json.loads(first) == config
    with pytest.raises(RootInUseError):
        create_root(root, {**config, "serial_no": 2})
    with open(root.config, "rb") as file:
        assert file.read() == first
    assert sorted(os.listdir(root.queue)) == ["archive", "serial", "version"]
    assert not [name for name in os.listdir(root.state) if name.startswith("config.data.")]


def test_a_root_whose_sockets_would_have_too_long_names_is_refused(tmp_path: Path, config: dict[str, Any]) -> None:
    root = Root.of(str(tmp_path / ("x" * 100)))
    with pytest.raises(RootTooLongError, match="bytes shorter"):
        create_root(root, config)
    assert os.listdir(tmp_path) == []


@pytest.mark.ganeti
def test_ganetis_wconfd_accepts_the_configuration(short: str, config: dict[str, Any]) -> None:
    """Without our own additions, which Ganeti's daemons refuse to read."""
    wconfd = ganeti_program("ganeti-wconfd")
    if wconfd is None:
        pytest.skip("Ganeti's wconfd is not installed")
    config = for_ganeti(config)
    assert "gantry" not in json.dumps(config)
    master = config["nodes"][config["cluster"]["master_node"]]
    master.update(name="vm", primary_ip="127.0.0.1", secondary_ip="127.0.0.1")
    root = Root.of(short)
    create_root(root, config)
    assert verify_with_ganetis_wconfd(wconfd, root) == []


def verify_with_ganetis_wconfd(program: str, root: Root) -> Any:
    """What verifyConfig of Ganeti's wconfd answers about a root's configuration."""
    environment = {**os.environ, "GANETI_ROOTDIR": root.directory, "GANETI_HOSTNAME": "vm"}
    command = [program, "-f", "--no-user-checks", "--no-voting", "--yes-do-it"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            return verified(root, process)
        finally:
            process.kill()
            process.wait()


def verified(root: Root, process: subprocess.Popen[str]) -> Any:
    """What verifyConfig of Ganeti's wconfd answers, once it accepts."""
    from impl.wire.client import Client, UnreachableError

    while True:
        try:
            with Client(root.wconfd_socket) as client:
                return client.call("verifyConfig")
        except UnreachableError:
            try:
                code = process.wait(0.02)
            except subprocess.TimeoutExpired:
                continue
            assert process.stdout is not None
            pytest.fail(f"it ended with code {code}: {process.stdout.read()[-500:]}")

import json
import os
from pathlib import Path

import pytest

from impl.files import write_file
from impl.paths import Root
from impl.setup.root import RootInUseError, create_root
from tests.impl.clusters import make_config


def test_a_root_has_an_empty_queue_a_configuration_and_its_facts(short_path: Path) -> None:
    root = Root(str(short_path / "r"))
    config = make_config()
    create_root(root, config)
    assert json.loads(Path(root.config).read_bytes()) == config
    assert [Path(root.queue, name).read_text() for name in ("serial", "version")] == ["0\n", "1\n"]
    facts = {
        name.removeprefix("ssconf_"): Path(root.state, name).read_text()
        for name in os.listdir(root.state)
        if name.startswith("ssconf_")
    }
    assert facts == {
        "cluster_name": "cluster.example.com\n", "master_node": "node1.example.com\n", "primary_ip_family": "2\n"
    }  # fmt: skip


def test_a_root_in_use_is_left_alone(short_path: Path) -> None:
    root = Root(str(short_path / "r"))
    create_root(root, make_config())
    Path(root.queue, "serial").write_text("7\n")
    with pytest.raises(RootInUseError, match=r"config\.data"):
        create_root(root, make_config(nodes=1))
    assert Path(root.queue, "serial").read_text() == "7\n"
    assert len(json.loads(Path(root.config).read_bytes())["nodes"]) == 4


def test_a_root_that_is_half_made_is_no_cluster(short_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = Root(str(short_path / "r"))

    def fail(path: str, data: bytes) -> None:
        if "ssconf" in path:
            raise OSError(28, "No space left on device")
        write_file(path, data)

    with monkeypatch.context() as patched:
        patched.setattr("impl.setup.root.write_file", fail)
        with pytest.raises(OSError, match="No space"):
            create_root(root, make_config())
    assert not os.path.exists(root.config)
    create_root(root, make_config())
    assert os.path.exists(root.config)

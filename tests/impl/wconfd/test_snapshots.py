"""Somebody else's config.data: never overwritten unread, taken in if it is newer."""

import asyncio
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from impl.config.model import Config, from_value
from impl.paths import Root
from impl.wconfd.core import State
from impl.wconfd.snapshots import Snapshots
from tests.control import Control
from tests.impl.wconfd.conftest import MINIMAL, Daemon
from tests.impl.wconfd.test_daemon import until


def written(root: Root, **changed: Any) -> None:
    """Replace config.data as an administrator's editor does."""
    with open(root.config + ".edited", "w", encoding="utf-8") as file:
        json.dump({**MINIMAL, **changed}, file)
    os.rename(root.config + ".edited", root.config)


@pytest.fixture
def short() -> Iterator[Path]:
    """A directory whose path leaves room for a socket's."""
    path = Path(tempfile.mkdtemp(prefix="gs", dir="/tmp"))
    yield path
    shutil.rmtree(path)


def on_disk(root: Root) -> dict[str, Any]:
    with open(root.config, encoding="utf-8") as file:
        found: dict[str, Any] = json.load(file)
        return found


def after_writing(path: Path, meddle: Callable[[Root], None], *, taken: bool = True) -> tuple[Root, list[Config]]:
    """Write our snapshot (serial number 7), let somebody meddle, write again; answers what was to be taken in."""
    root = Root(str(path))
    root.make_directories()
    offered: list[Config] = []

    def take_in(config: Config) -> bool:
        offered.append(config)
        return taken

    async def run() -> None:
        snapshots = Snapshots(root, lambda: State(config=from_value(MINIMAL)), take_in)
        await snapshots.write_now(force=True)
        meddle(root)
        await snapshots.write_now(force=True)
        await snapshots.close()

    asyncio.run(run())
    return root, offered


def test_our_own_file_is_written_again_without_a_word(short: Path, caplog: pytest.LogCaptureFixture) -> None:
    root, offered = after_writing(short, lambda _root: None)
    assert not offered
    assert not caplog.records
    assert on_disk(root) == MINIMAL


def test_a_newer_file_is_offered_and_left_alone(short: Path) -> None:
    root, offered = after_writing(short, lambda root: written(root, serial_no=8))
    assert offered[0].serial == 8
    assert on_disk(root)["serial_no"] == 8


def test_a_newer_file_that_cannot_be_taken_in_now_is_left_alone_and_offered_again(short: Path) -> None:
    root, offered = after_writing(short, lambda root: written(root, serial_no=8), taken=False)
    assert [config.serial for config in offered] == [8, 8]  # once when it was found, once more at the end
    assert on_disk(root)["serial_no"] == 8


@pytest.mark.parametrize(
    ("meddle", "text"),
    [
        (lambda root: written(root, serial_no=7, ctime=2.0), "serial number 7 is not newer than our 7"),
        (lambda root: Path(root.config).write_text("{", encoding="utf-8"), "cannot be read"),
        (lambda root: os.unlink(root.config), "is gone"),
    ],
    ids=["older", "broken", "gone"],
)
def test_any_other_file_is_replaced_and_that_is_said(
    short: Path, caplog: pytest.LogCaptureFixture, meddle: Callable[[Root], None], text: str
) -> None:
    with caplog.at_level(logging.WARNING, logger="wconfd"):
        root, offered = after_writing(short, meddle)
    assert not offered
    assert [text in record.getMessage() for record in caplog.records] == [True]
    assert on_disk(root) == MINIMAL


def test_a_running_daemon_takes_a_newer_configuration_in_once_nobody_is_at_work_on_it(daemon: Daemon) -> None:
    client, owner = daemon.client(), daemon.owner(1)
    client.call("flushConfig")
    client.call("lockConfig", owner, False)
    written(daemon.root, serial_no=20, cluster={**MINIMAL["cluster"], "mac_prefix": "aa:bb:dd"})
    client.call("flushConfig")
    assert client.call("readConfigSerial") == 7
    assert on_disk(daemon.root)["serial_no"] == 20
    client.call("unlockConfig", owner)
    with Control() as control:
        until(lambda: client.call("readConfigSerial") == 20)
    assert control.seconds < 5
    client.call("updateNode", MINIMAL["nodes"]["n1"])
    client.call("flushConfig")
    found = on_disk(daemon.root)
    assert (found["serial_no"], found["cluster"]["mac_prefix"]) == (21, "aa:bb:dd")
    daemon.end()
    daemon.start()
    assert daemon.client().call("readConfig") == found
    with open(daemon.root.log_file("wconfd"), encoding="utf-8") as file:
        assert "has serial number 20, newer than our 7: taking it in" in file.read()

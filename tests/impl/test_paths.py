import os
import stat
from pathlib import Path

import pytest

from impl.paths import LONGEST_SOCKET, NoClusterError, Root, RootTooLongError


def test_the_root_is_the_named_one_else_the_environment_s_else_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANTRY_ROOT", "from/environment")
    assert Root.of("here") == Root(str(tmp_path / "here"))
    assert Root.of(None) == Root.of("") == Root(str(tmp_path / "from" / "environment"))
    monkeypatch.delenv("GANTRY_ROOT")
    assert Root.of(None) == Root(str(tmp_path / ".gantry"))


def test_the_layout_is_ganetis() -> None:
    root = Root("/r")
    assert [root.config, root.locks, root.reservations, root.queue] == [
        f"/r/var/lib/ganeti/{name}" for name in ("config.data", "locks.data", "tempres.data", "queue")
    ]
    assert [root.wconfd_socket, root.luxi_socket, root.livelocks, root.luxid_messages] == [
        f"/r/var/run/ganeti/{name}"
        for name in ("socket/ganeti-wconfd", "socket/ganeti-query", "livelocks", "luxidmessages")
    ]
    assert root.pid_file("luxid") == "/r/var/run/ganeti/luxid.pid"
    assert root.log_file("wconfd") == "/r/var/log/ganeti/wconfd.log"


def test_directories_are_made_and_may_be_there_already(short_path: Path) -> None:
    root = Root(str(short_path / "root"))
    root.make_directories()
    root.make_directories()
    for path in (root.state, f"{root.queue}/archive", root.sockets, root.livelocks, root.luxid_messages, root.log):
        assert stat.S_ISDIR(os.stat(path).st_mode)
    assert stat.S_IMODE(os.stat(root.livelocks).st_mode) & 0o027 == 0


def test_a_root_whose_sockets_would_be_too_long_is_refused_by_bytes() -> None:
    room = LONGEST_SOCKET - len(Root("/").wconfd_socket)
    fits = "/" + "a" * (room - 1)
    Root(fits).check_sockets()
    with pytest.raises(RootTooLongError, match="1 bytes shorter") as refused:
        Root(fits + "a").check_sockets()
    assert len(refused.value.path) == LONGEST_SOCKET + 1
    umlauts = Root("/" + "ä" * (room // 2 + 1))
    assert len(umlauts.wconfd_socket) < LONGEST_SOCKET
    with pytest.raises(RootTooLongError):
        umlauts.check_sockets()


def test_nothing_is_made_below_a_root_that_is_too_long(tmp_path: Path) -> None:
    root = Root(str(tmp_path / ("x" * 100)))
    with pytest.raises(RootTooLongError):
        root.make_directories()
    assert os.listdir(tmp_path) == []


def test_a_root_holds_a_cluster_when_it_has_a_configuration_or_a_store(short_path: Path) -> None:
    root = Root(str(short_path / "root"))
    with pytest.raises(NoClusterError, match=r"no cluster here \(.*config\.data is missing\): make one with"):
        root.require_cluster()
    root.make_directories()
    with pytest.raises(NoClusterError):
        root.require_cluster()
    for path in (root.config, root.store):
        Path(path).write_bytes(b"")
        root.require_cluster()
        os.unlink(path)
    with pytest.raises(NoClusterError):
        Root(f"{short_path}/root/var/lib/ganeti/queue/serial").require_cluster()

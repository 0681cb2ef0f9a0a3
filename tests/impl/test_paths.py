import os
import stat
from pathlib import Path

import pytest

from impl.paths import LONGEST_SOCKET, NoClusterError, Root, RootNotUtf8Error, RootTooLongError


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


@pytest.mark.parametrize("mask", [0, 0o022, 0o077, 0o777])
def test_modes_of_directories_do_not_depend_on_the_umask(short_path: Path, mask: int) -> None:
    root = Root(str(short_path / "above" / "root"))
    before = os.umask(mask)
    try:
        root.make_directories()
    finally:
        os.umask(before)
    modes = {path: stat.S_IMODE(os.stat(path).st_mode) for path, _, _ in os.walk(short_path / "above")}
    passed = {str(short_path / "above"), root.directory} | {
        root._at(*parts) for parts in (("var",), ("var", "lib"), ("var", "run"), ("var", "log"))
    }
    assert {path for path, mode in modes.items() if mode == 0o755} == passed
    assert {mode for path, mode in modes.items() if path not in passed} == {0o750}


def test_others_lose_the_right_to_write_in_a_root(short_path: Path) -> None:
    root = Root(str(short_path / "root"))
    root.make_directories()
    for path in (root.directory, root._at("var"), root.queue):
        os.chmod(path, 0o777)  # noqa: S103 - what is to be mended
    os.chmod(root.log, 0o1777)  # noqa: S103 - sticky: others may not replace what is there
    root.make_directories()
    modes = [stat.S_IMODE(os.stat(path).st_mode) for path in (root.directory, root._at("var"), root.queue, root.log)]
    assert modes == [0o775, 0o775, 0o775, 0o1777]


def test_a_root_whose_path_is_not_utf8_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/\xff")
    with pytest.raises(RootNotUtf8Error, match=r"not UTF-8 \(b'.*/\\xff'\): rename it"):
        Root.of(odd)
    os.mkdir(odd)
    monkeypatch.chdir(odd)
    with pytest.raises(RootNotUtf8Error):
        Root.of("below")
    assert os.listdir(odd) == []

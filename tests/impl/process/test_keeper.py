"""A daemon takes its names again where they are its own to take, and ends where they are not; each is logged."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from impl.paths import Root
from impl.process import keeper as module
from impl.process.ground import Ground, ground_of_daemon
from impl.process.keeper import EXIT_CODE, Keeper
from impl.process.listener import Listener
from impl.process.pidfile import AlreadyRunningError, PidFile
from tests.impl.process.test_pidfile import HOLDER


class EndedError(Exception):
    """The process would have ended here."""


class Bench:
    """A daemon's names, and what was logged."""

    def __init__(self, root: Root) -> None:
        self.root = root
        self.said: list[str] = []
        self.saves = 0
        self.ground = ground_of_daemon(root)
        self.goods_file = f"{root.state}/wconfd.db"
        Path(self.goods_file).write_bytes(b"store")
        self.goods = Ground([self.goods_file])

    async def _save(self) -> None:
        self.saves += 1

    def run(self, body: Callable[[Keeper, PidFile, Listener], Awaitable[None]]) -> None:
        async def main() -> None:
            listener = Listener(self.root.luxi_socket, 0o660, asyncio.Protocol)
            with PidFile.take(self.root, "luxid") as pid_file:
                await listener.open()
                await body(
                    Keeper(self.ground, pid_file, listener, self.said.append, self._save, self.goods),
                    pid_file,
                    listener,
                )
                listener.stop_listening()
                listener.remove_name()

        try:
            asyncio.run(main())
        finally:
            self.ground.close()
            self.goods.close()


@pytest.fixture
def bench(short_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    root = Root(str(short_path / "r"))
    root.make_directories()

    def end(code: int) -> None:
        assert code == EXIT_CODE
        raise EndedError

    monkeypatch.setattr(os, "_exit", end)
    return Bench(root)


def put(path: str, text: str | None) -> None:
    """Remove a file, and put another of its name in its place unless `text` is None."""
    os.unlink(path)
    if text is not None:
        Path(path).write_text(text, encoding="ascii")


def content(path: str) -> str:
    return Path(path).read_text(encoding="ascii")


@contextmanager
def holder(root: Root) -> Iterator[None]:
    """Another process that has luxid's pid file."""
    command = [sys.executable, "-c", HOLDER.replace("wconfd", "luxid"), root.directory]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "taken\n"
        yield


def connects(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(path) == 0


def test_nothing_happens_while_everything_is_there(bench: Bench) -> None:
    async def body(keeper: Keeper, _: PidFile, __: Listener) -> None:
        await keeper.look()
        await keeper.look()

    bench.run(body)
    assert bench.said == []
    assert not os.path.exists(bench.root.luxi_socket)
    assert not os.path.exists(bench.root.pid_file("luxid"))


@pytest.mark.parametrize("replaced", [False, True])
def test_a_lost_socket_is_bound_again_and_connections_stay(bench: Bench, replaced: bool) -> None:
    async def body(keeper: Keeper, _: PidFile, listener: Listener) -> None:
        reader, writer = await asyncio.open_unix_connection(listener.path)
        put(listener.path, "another's" if replaced else None)
        assert not connects(listener.path)
        await keeper.look()
        assert connects(listener.path)
        assert not reader.at_eof()
        writer.close()

    bench.run(body)
    assert bench.said == [f"{bench.root.luxi_socket} was gone or replaced: listening there again"]


@pytest.mark.parametrize("replaced", [False, True])
def test_a_lost_pid_file_is_taken_again(bench: Bench, replaced: bool) -> None:
    path = bench.root.pid_file("luxid")

    async def body(keeper: Keeper, pid_file: PidFile, _: Listener) -> None:
        put(path, "17\n" if replaced else None)
        await keeper.look()
        assert content(path) == f"{os.getpid()}\n"
        assert pid_file.is_ours

    bench.run(body)
    assert bench.said == [f"{path} was gone or replaced: taken again"]


def test_a_daemon_whose_pid_file_another_one_has_for_long_ends(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    path = bench.root.pid_file("luxid")
    now = [100.0]
    monkeypatch.setattr("impl.process.keeper.time.monotonic", lambda: now[0])

    async def body(keeper: Keeper, pid_file: PidFile, _: Listener) -> None:
        put(path, None)
        with holder(bench.root):
            await keeper.look()
            now[0] += module.CONFLICT_SECONDS
            await keeper.look()
            assert bench.said == [], "it may be one that starts, finds us at work, and ends"
            now[0] += 0.1
            with pytest.raises(EndedError):
                await keeper.look()
            with pytest.raises(AlreadyRunningError):
                pid_file.take_again()
        await keeper.look()
        assert pid_file.is_ours

    bench.run(body)
    assert bench.said[0].startswith(f"{path} is another daemon's by now")


@pytest.mark.parametrize("again", [False, True])
def test_a_daemon_whose_root_was_removed_ends_and_touches_nothing_more(bench: Bench, again: bool) -> None:
    async def body(keeper: Keeper, _: PidFile, __: Listener) -> None:
        shutil.rmtree(bench.root.directory)
        if again:
            bench.root.make_directories()
        with pytest.raises(EndedError):
            await keeper.look()

    bench.run(body)
    verb = "was replaced" if again else "is gone"
    assert bench.said == [
        f"{bench.root.directory} {verb}: this daemon belongs to what was there before; it ends and touches nothing more"
    ]
    assert [name for _, _, files in os.walk(bench.root.directory) for name in files] == []


def test_a_lost_store_is_saved_once_in_another_form_and_the_daemon_ends(bench: Bench) -> None:
    async def body(keeper: Keeper, _: PidFile, __: Listener) -> None:
        os.unlink(bench.goods_file)
        await keeper.look()
        await keeper.look()

    bench.run(body)
    assert bench.said == [f"{bench.goods_file} is gone: what is in memory is saved, and this daemon ends"]
    assert bench.saves == 1


def test_a_name_that_cannot_be_taken_now_is_tried_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def body(keeper: Keeper, _: PidFile, listener: Listener) -> None:
        os.unlink(listener.path)
        with monkeypatch.context() as patched:
            patched.setattr(os, "chmod", lambda *_: (_ for _ in ()).throw(OSError(24, "Too many open files")))
            await keeper.look()
        assert len(bench.said) == 1
        await keeper.look()
        assert connects(listener.path)

    bench.run(body)
    assert bench.said[0].startswith("cannot take a name again, will try again: [Errno 24]")

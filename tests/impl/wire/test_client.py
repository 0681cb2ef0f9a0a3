"""The blocking client against a server of a few lines."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from impl.wire.client import Client, NotDeliveredError, UnreachableError
from impl.wire.framing import FrameDecoder, frame
from impl.wire.messages import decode_request, encode_error, encode_result
from spec.errors import PeerError

Serve = Callable[[socket.socket], None]


@contextmanager
def serving(path: Path, serve: Serve) -> Iterator[str]:
    """A socket whose first connection `serve` gets."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        server.listen(1)

        def run() -> None:
            connection, _ = server.accept()
            with connection:
                serve(connection)

        thread = threading.Thread(target=run)
        thread.start()
        yield str(path)
        thread.join(10)
        assert not thread.is_alive()


def echo(connection: socket.socket) -> None:
    """Answer each request with its arguments; `fail` with an error; all in pieces of three bytes."""
    decoder = FrameDecoder()
    while data := connection.recv(100):
        for message in decoder.receive_data(data):
            request = decode_request(message)
            failed = request.method == "fail"
            answer = frame(encode_error("OpExecError", *request.args) if failed else encode_result(request.args))
            for start in range(0, len(answer), 3):
                connection.sendall(answer[start : start + 3])


def test_calls_one_by_one_and_several_at_once(tmp_path: Path) -> None:
    with serving(tmp_path / "s", echo) as path, Client(path, timeout=10) as client:
        assert client.call("echo", 1, "ä") == [1, "ä"]
        assert client.call_all([("echo", [number]) for number in range(50)]) == [[number] for number in range(50)]


def test_an_error_is_raised_and_the_connection_stays(tmp_path: Path) -> None:
    with serving(tmp_path / "s", echo) as path, Client(path, timeout=10) as client:
        with pytest.raises(PeerError) as refused:
            client.call("fail", "why")
        assert (refused.value.error_class, refused.value.arguments) == ("OpExecError", ("why",))
        with pytest.raises(PeerError, match="two"):
            client.call_all([("echo", [1]), ("fail", ["two"]), ("echo", [3])])
        assert client.call("echo", 4) == [4], "the answers of the failed calls were read"


@contextmanager
def serving_each(path: Path, *serves: Serve) -> Iterator[str]:
    """A socket whose connections are given to `serves`, one after the other."""
    turns = iter(serves)

    def all_of(first: socket.socket) -> None:
        next(turns)(first)
        first.close()
        for serve in turns:
            connection, _ = server.accept()
            with connection:
                serve(connection)

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        server.listen(4)
        thread = threading.Thread(target=lambda: all_of(server.accept()[0]))
        thread.start()
        yield str(path)
        thread.join(10)
        assert not thread.is_alive()


def test_a_call_that_finds_the_connection_closed_is_made_over_a_new_one(tmp_path: Path) -> None:
    closed = threading.Event()

    def once(connection: socket.socket) -> None:
        connection.sendall(frame(encode_result(len(connection.recv(100)))))
        connection.close()
        closed.set()

    with serving_each(tmp_path / "s", once, echo) as path, Client(path, timeout=10) as client:
        client.call("first")
        assert closed.wait(10)
        assert client.call("second", 2) == [2]


@pytest.mark.parametrize("read", [0, 50])
def test_a_call_of_which_a_part_was_not_read_is_made_again(tmp_path: Path, read: int) -> None:
    def half(connection: socket.socket) -> None:
        connection.recv(1, socket.MSG_PEEK)
        if read:
            connection.recv(read)

    with serving_each(tmp_path / "s", half, echo) as path, Client(path, timeout=10) as client:
        assert client.call("echo", "x" * 100) == ["x" * 100]


def test_a_call_that_was_read_is_not_made_again(tmp_path: Path) -> None:
    def whole(connection: socket.socket) -> None:
        connection.recv(1000)

    with serving(tmp_path / "s", whole) as path, Client(path, timeout=10) as client:
        with pytest.raises(UnreachableError, match="connection closed") as lost:
            client.call("echo")
        assert not isinstance(lost.value, NotDeliveredError)


def test_a_daemon_that_hangs_up_twice_is_unreachable(tmp_path: Path) -> None:
    def peek(connection: socket.socket) -> None:
        connection.recv(1, socket.MSG_PEEK)

    with (
        serving_each(tmp_path / "s", peek, peek) as path,
        Client(path, timeout=10) as client,
        pytest.raises(NotDeliveredError),
    ):
        client.call("echo")


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="No such file") as refused:
        Client(str(tmp_path / "nothing"))
    assert refused.value.path == str(tmp_path / "nothing")


@pytest.mark.parametrize("first", [b"", frame(encode_result(1))[:-1]])
def test_a_connection_that_ends_early_is_unreachable(tmp_path: Path, first: bytes) -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(first)

    with (
        serving(tmp_path / "s", serve) as path,
        Client(path, timeout=10) as client,
        pytest.raises(UnreachableError, match="connection closed"),
    ):
        client.call("echo")


def test_an_answer_that_takes_too_long(tmp_path: Path) -> None:
    done = threading.Event()

    def serve(_: socket.socket) -> None:
        done.wait(10)

    with serving(tmp_path / "s", serve) as path, Client(path, timeout=0.05) as client:
        with pytest.raises(UnreachableError, match="timed out"):
            client.call("echo")
        done.set()

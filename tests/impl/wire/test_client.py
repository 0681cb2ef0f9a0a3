"""The blocking client against a server of a few lines."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from impl.wire.client import Client, UnreachableError
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

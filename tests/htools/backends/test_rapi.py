"""What the RAPI backend says when nobody answers."""

import socket
import threading

import pytest

from htools.backends import rapi
from htools.errors import LoadError


@pytest.mark.parametrize(
    "address", ["http://reader:s3cr3t@127.0.0.1:1", "https://reader:s3cr3t@[::1]:1", "reader:s3cr3t@127.0.0.1:1"]
)
def test_passwords_of_an_address_are_not_told(address: str) -> None:
    with pytest.raises(LoadError) as caught:
        rapi.load(address)
    assert "s3cr3t" not in str(caught.value)
    assert "reader" not in str(caught.value)


def test_what_is_no_http_is_told() -> None:
    """A port that is no number, and a server that talks of something else."""
    with pytest.raises(LoadError, match="remote API, found: nonnumeric port"):
        rapi.load("http://127.0.0.1:port")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def chatter() -> None:
            with server.accept()[0] as client:
                client.recv(1000)
                client.sendall(b"220 smtp.example.com ESMTP\r\n")

        thread = threading.Thread(target=chatter)
        thread.start()
        with pytest.raises(LoadError, match=r"remote API, found: .*220 smtp"):
            rapi.load(f"http://127.0.0.1:{server.getsockname()[1]}")
        thread.join(20)


def test_nobody_answers() -> None:
    with pytest.raises(LoadError, match=r"http://127\.0\.0\.1:1/2/groups\?bulk=1.*remote API, found"):
        rapi.load("http://127.0.0.1:1")

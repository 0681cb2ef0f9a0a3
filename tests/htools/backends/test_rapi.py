"""The RAPI backend over HTTP: who asks, redirections, and what it says when nobody answers, or something else does."""

import base64
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import URLError
from urllib.request import OpenerDirector

import pytest

from htools.backends import rapi
from htools.errors import LoadError

SPEC = dict.fromkeys(("memory-size", "cpu-count", "disk-size", "disk-count", "nic-count", "spindle-use"), 1)
POLICY = {
    "std": SPEC, "minmax": [{"min": SPEC, "max": SPEC}], "disk-templates": ["plain"], "vcpu-ratio": 4.0,
    "spindle-ratio": 32.0,
}  # fmt: skip
NODE = {
    "name": "n1", "offline": False, "drained": False, "group.uuid": "u", "mtotal": 4096, "mnode": 512, "mfree": 3584,
    "dtotal": 9000, "dfree": 9000, "ctotal": 4, "cnos": 1, "tags": [],
    "ndparams": {"spindle_count": 1, "exclusive_storage": False},
}  # fmt: skip
ANSWERS = {
    "/2/groups?bulk=1": [{"name": "g", "uuid": "u", "alloc_policy": "preferred", "tags": [], "ipolicy": POLICY}],
    "/2/nodes?bulk=1": [NODE],
    "/2/instances?bulk=1": [],
    "/2/info": {"master": "n1", "default_hypervisor": "kvm", "tags": ["t"], "ipolicy": POLICY},
}


class Server(ThreadingHTTPServer):
    """A remote API on a loopback port that keeps what it was asked; `moved` sends everybody there instead."""

    daemon_threads = True
    moved = ""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.answers = {path: json.dumps(value).encode() for path, value in ANSWERS.items()}
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Server

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        body = self.server.answers.get(self.path)
        if self.server.moved:
            self.send_response(302)
            self.send_header("Location", self.server.moved + self.path)
        else:
            self.send_response(404 if body is None else 200)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


@contextmanager
def serving() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def test_a_cluster_is_read_over_http() -> None:
    with serving() as server:
        for address in (f"http://127.0.0.1:{server.server_port}", f"127.0.0.1:{server.server_port}"):
            cluster = rapi.load(address)
            assert ([node.name for node in cluster.nodes], cluster.tags) == (["n1"], ("t",))
    assert server.asked == [(path, None) for path in ANSWERS] * 2


def test_the_user_and_password_of_an_address_are_sent() -> None:
    with serving() as server:
        rapi.load(f"http://reader:s%40%C3%A9@127.0.0.1:{server.server_port}")
    expected = f"Basic {base64.b64encode('reader:s@é'.encode()).decode()}"
    assert server.asked == [(path, expected) for path in ANSWERS]


def test_redirections_are_not_followed() -> None:
    """They would carry the password elsewhere; Ganeti's programs do not follow them either."""
    with serving() as there, serving() as here:
        here.moved = f"http://127.0.0.1:{there.server_port}"
        with pytest.raises(LoadError, match="expected an answer of the remote API, found: Found"):
            rapi.load(f"http://a:b@127.0.0.1:{here.server_port}")
    assert not there.asked


@pytest.mark.parametrize("missing", ANSWERS)
def test_a_resource_that_is_not_there_is_named(missing: str) -> None:
    with serving() as server:
        del server.answers[missing]
        with pytest.raises(LoadError) as caught:
            rapi.load(f"http://127.0.0.1:{server.server_port}")
    assert missing in str(caught.value)
    assert "Not Found" in str(caught.value)


def test_a_hypervisor_that_ganeti_does_not_know_is_refused() -> None:
    with serving() as server:
        server.answers["/2/info"] = server.answers["/2/info"].replace(b'"kvm"', b'"vmx"')
        with pytest.raises(LoadError, match=r'expected one of kvm, .* found "vmx"'):
            rapi.load(f"http://127.0.0.1:{server.server_port}")


@pytest.mark.parametrize(
    "address", ["http://reader:s3cr3t@127.0.0.1:1", "https://reader:s3cr3t@[::1]:1", "reader:s3cr3t@127.0.0.1:1"]
)
def test_passwords_of_an_address_are_not_printed(address: str) -> None:
    with pytest.raises(LoadError) as caught:
        rapi.load(address)
    assert "s3cr3t" not in str(caught.value)
    assert "reader" not in str(caught.value)


def test_what_is_no_http_is_named() -> None:
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


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "CurlHttpReturnedError"),
        (b"", "CurlGotNothing"),
        (b"220 smtp\r\n", "CurlUnspportedProtocol"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nno", "CurlPartialFile"),
    ],
)
def test_errors_begin_with_what_ganeti_says(answer: bytes, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with server.accept()[0] as client:
                client.recv(1000)
                client.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(LoadError) as caught:
            rapi.load(address)
        thread.join(20)
    assert str(caught.value).startswith(f"Curl error for '{address}/2/groups?bulk=1', error {name}\n")


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (URLError(socket.gaierror(socket.EAI_NONAME, "unknown")), "CurlCouldntResolveHost"),
        (URLError(ConnectionRefusedError()), "CurlCouldntConnect"),
        (URLError(ssl.SSLError("no")), "CurlSSLConnectError"),
        (URLError("unknown url type: foo"), "CurlUnspportedProtocol"),
        (TimeoutError(), "CurlOperationTimeout"),
        (ValueError("Invalid IPv6 URL"), "CurlUrlMalformat"),
    ],
)
def test_names_of_faults(monkeypatch: pytest.MonkeyPatch, error: Exception, name: str) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(OpenerDirector, "open", fail)
    with pytest.raises(LoadError, match=f"Curl error for 'http://h/2/groups.bulk=1', error {name}\n"):
        rapi.load("http://h")

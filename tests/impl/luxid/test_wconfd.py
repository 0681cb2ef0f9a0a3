"""luxid as wconfd's client: calls over restarts, the configuration as last read."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from impl.luxid.wconfd import Configuration, Wconfd
from impl.wire.client import UnreachableError
from impl.wire.framing import FrameDecoder, frame
from impl.wire.messages import decode_request, encode_error, encode_result
from spec.errors import PeerError
from tests.impl.clusters import make_config
from tests.impl.luxid.fakes import short_root


class Server:
    """A wconfd of a few lines on a socket; `knows_serial` is whether it can be asked for the serial number alone."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.config = make_config()
        self.calls: list[str] = []
        self.knows_serial = True
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self.path)

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        self._server = None
        for writer in self._writers:
            writer.close()
        os.unlink(self.path)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        decoder = FrameDecoder()
        while data := await reader.read(1 << 16):
            for message in decoder.receive_data(data):
                request = decode_request(message)
                self.calls.append(request.method)
                writer.write(frame(self._answer(request.method, request.args)))

    def _answer(self, method: str, args: Sequence[Any]) -> bytes:
        if method == "readConfig":
            return encode_result(self.config)
        if method == "readConfigSerial" and self.knows_serial:
            return encode_result(self.config["serial_no"])
        if method == "echo":
            return encode_result(args[0])
        return encode_error("GenericError", f"No such method: {method}")


def run(body: Callable[[Server, Wconfd], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        with short_root() as root:
            server = Server(root.wconfd_socket)
            await server.start()
            wconfd = Wconfd(root.wconfd_socket)
            try:
                await body(server, wconfd)
            finally:
                wconfd.close()
                await server.stop()
                await asyncio.sleep(0)

    asyncio.run(main())


def test_calls_and_errors() -> None:
    async def body(_: Server, wconfd: Wconfd) -> None:
        assert await asyncio.gather(*(wconfd.call("echo", number) for number in range(5))) == list(range(5))
        with pytest.raises(PeerError, match="No such method: x"):
            await wconfd.call("x")
        assert await wconfd.call("echo", "after") == "after"

    run(body)


def test_a_connection_that_broke_is_opened_again() -> None:
    async def body(server: Server, wconfd: Wconfd) -> None:
        assert await wconfd.call("echo", 1) == 1
        await server.stop()
        with pytest.raises(UnreachableError):
            await wconfd.call("echo", 2)
        with pytest.raises(UnreachableError):
            await wconfd.call("echo", 3)
        await server.start()
        assert await wconfd.call("echo", 4) == 4

    run(body)


def test_only_a_changed_configuration_is_read_and_decoded() -> None:
    async def body(server: Server, wconfd: Wconfd) -> None:
        changes: list[int] = []
        configuration = Configuration(wconfd, lambda: changes.append(1))
        assert configuration.parameter("max_running_jobs", 7) == 7
        first = await configuration.refresh()
        assert await configuration.refresh() is first
        assert server.calls == ["readConfigSerial", "readConfig", "readConfigSerial"]
        server.config["serial_no"] += 1
        server.config["cluster"]["max_running_jobs"] = 3
        assert (await configuration.refresh()) is configuration.view is not first
        assert (configuration.parameter("max_running_jobs", 7), len(changes)) == (3, 2)
        for wrong in (True, -1, "5", None):
            server.config["serial_no"] += 1
            server.config["cluster"]["max_running_jobs"] = wrong
            await configuration.refresh()
            assert configuration.parameter("max_running_jobs", 7) == 7

    run(body)


def test_ganetis_wconfd_is_asked_for_the_whole_each_time() -> None:
    async def body(server: Server, wconfd: Wconfd) -> None:
        server.knows_serial = False
        changes: list[int] = []
        configuration = Configuration(wconfd, lambda: changes.append(1))
        first = await configuration.refresh()
        assert await configuration.refresh() is first, "equal bytes are not decoded again"
        assert (server.calls, len(changes)) == (["readConfigSerial", "readConfig", "readConfig"], 1)

    run(body)


def test_those_who_ask_together_are_served_together() -> None:
    async def body(server: Server, wconfd: Wconfd) -> None:
        configuration = Configuration(wconfd, lambda: None)
        await asyncio.gather(*(configuration.refresh() for _ in range(20)))
        assert configuration.reads == 1
        await asyncio.gather(configuration.refresh(), configuration.refresh())
        assert configuration.reads == 2
        await server.stop()
        with pytest.raises(UnreachableError):
            await configuration.refresh()

    run(body)

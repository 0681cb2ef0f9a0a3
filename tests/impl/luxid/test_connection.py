"""The LUXI socket's limits, within one process."""

import asyncio
import contextlib
import json
import socket
import tempfile
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from impl.luxid import connection
from impl.luxid.connection import PIPELINE_LIMIT, LuxiServer
from impl.luxid.dispatch import answer
from impl.luxid.waiters import Waiters
from impl.wire.framing import FrameDecoder, frame
from impl.wire.messages import encode_request, encode_result


@contextlib.asynccontextmanager
async def serving(limit: int = 10, **hooks: Any) -> AsyncIterator[LuxiServer]:
    async def answer(payload: bytes) -> tuple[bytes, bool]:
        if "wait" in hooks:
            await hooks["wait"].wait()
        return encode_result(payload.decode()), True

    with tempfile.TemporaryDirectory(prefix="lx") as directory:
        server = LuxiServer(f"{directory}/s", answer, limit)
        await server.start()
        try:
            yield server
        finally:
            await server.stop()


async def read_all(reader: asyncio.StreamReader, count: int) -> list[Any]:
    decoder = FrameDecoder()
    messages: list[bytes] = []
    while len(messages) < count and (data := await reader.read(1 << 16)):
        messages += decoder.receive_data(data)
    return [json.loads(message)["result"] for message in messages]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - the other side runs in this very loop
            await asyncio.sleep(0)


def test_too_many_clients_are_refused_with_the_reason() -> None:
    async def main() -> None:
        async with serving(limit=2) as server:
            kept = [await asyncio.open_unix_connection(server.path) for _ in range(2)]
            for reader, writer in kept:
                writer.write(frame(b"x"))
                assert await read_all(reader, 1) == ["x"]
            reader, writer = await asyncio.open_unix_connection(server.path)
            assert await read_all(reader, 1) == ["too many clients (2): try again later"]
            assert await reader.read() == b""
            writer.close()
            kept[0][1].close()
            await until(lambda: server.clients == 1)
            reader, writer = await asyncio.open_unix_connection(server.path)
            writer.write(frame(b"y"))
            assert await read_all(reader, 1) == ["y"]
            for _, each in (*kept, (reader, writer)):
                each.close()

    asyncio.run(main())


def test_a_message_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MESSAGE_SECONDS", 0.2)

    async def main() -> None:
        async with serving() as server:
            expiring = asyncio.create_task(server.expire())
            reader, writer = await asyncio.open_unix_connection(server.path)
            writer.write(b'{"half')
            (text,) = await read_all(reader, 1)
            assert text.startswith("Failed to parse request: no end of message within")
            assert await reader.read() == b""
            writer.close()
            expiring.cancel()

    asyncio.run(main())


def test_a_message_that_comes_in_drops_is_ended_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Finished messages before it do not count against it, single bytes of it do not help it."""
    now = 0.0
    monkeypatch.setattr(connection, "time", SimpleNamespace(monotonic=lambda: now))

    async def main() -> None:
        nonlocal now
        async with serving() as server:
            reader, writer = await asyncio.open_unix_connection(server.path)
            for number in range(20):
                now = 10.0 * number
                writer.write(frame(b"whole")[number > 0 :] + b"w")
                assert await read_all(reader, 1) == ["whole"]
            (client,) = server._clients
            assert client.unfinished_since == 190.0
            for number in range(5):
                now = 191.0 + 10 * number
                writer.write(b"x")
                size = client._decoder.unfinished
                await until(lambda size=size: client._decoder.unfinished > size)  # type: ignore[misc]
            assert client.unfinished_since == 190.0
            writer.close()

    asyncio.run(main())


def test_what_could_not_be_read_is_not_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MESSAGE_LIMIT", 1000)

    async def main() -> None:
        gate = asyncio.Event()
        async with serving(wait=gate) as server:
            reader, writer = await asyncio.open_unix_connection(server.path)
            writer.write(frame(b"a" * 600) + frame(b"b" * 600) + frame(b"c" * 600) + b"half")
            await until(lambda: any(client.paused for client in server._clients))
            (client,) = server._clients
            began = client.unfinished_since
            gate.set()
            assert [text[0] for text in await read_all(reader, 3)] == ["a", "b", "c"]
            assert not client.paused
            assert began is not None
            assert client.unfinished_since is not None
            assert client.unfinished_since > began
            writer.close()

    asyncio.run(main())


def test_a_message_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MESSAGE_LIMIT", 1000)

    async def main() -> None:
        async with serving() as server:
            reader, writer = await asyncio.open_unix_connection(server.path)
            writer.write(b"x" * 1001)
            (text,) = await read_all(reader, 1)
            assert "exceeds 1000 bytes" in text
            assert await reader.read() == b""
            writer.close()

    asyncio.run(main())


def test_a_client_that_sends_without_end_is_held_back() -> None:
    async def main() -> None:
        gate = asyncio.Event()
        async with serving(wait=gate) as server:
            reader, writer = await asyncio.open_unix_connection(server.path)
            count = PIPELINE_LIMIT * 3
            writer.write(b"".join(frame(b"%d" % number) for number in range(count)))
            await until(lambda: any(client.paused for client in server._clients))
            gate.set()
            assert await read_all(reader, count) == [str(number) for number in range(count)]
            assert not any(client.paused for client in server._clients)
            writer.close()

    asyncio.run(main())


def test_the_socket_replaces_a_stale_one() -> None:
    async def main() -> None:
        with tempfile.TemporaryDirectory(prefix="lx") as directory:
            with socket.socket(socket.AF_UNIX) as stale:
                stale.bind(f"{directory}/s")

            async def answer(payload: bytes) -> tuple[bytes, bool]:
                return encode_result(payload.decode()), True

            server = LuxiServer(f"{directory}/s", answer, 1)
            await server.start()
            reader, writer = await asyncio.open_unix_connection(server.path)
            writer.write(frame(b"x"))
            assert await read_all(reader, 1) == ["x"]
            writer.close()
            await server.stop()

    asyncio.run(main())


def test_waiters_are_woken_once_and_counted() -> None:
    async def main() -> None:
        waiters = Waiters()
        first = asyncio.create_task(waiters.wait(1, 10))
        other = asyncio.create_task(waiters.wait(2, 0.01))
        await until(lambda: waiters.count == 2)
        waiters.wake(1)
        assert await first is True
        assert await other is False
        assert waiters.count == 0
        waiters.wake(1)

    asyncio.run(main())


def test_a_failure_within_luxid_is_logged_without_the_arguments() -> None:
    async def broken(_: Any) -> None:
        raise ZeroDivisionError("a fault of ours")

    logged: list[str] = []
    request = encode_request("SubmitJob", ([{"osparams_secret": {"password": "s3cr3t"}}],))
    done = asyncio.run(answer(request, {"SubmitJob": broken}, lambda *args, **facts: logged.append(f"{args} {facts}")))
    assert b"ProgrammerError" in done[0]
    assert len(logged) == 1
    assert "SubmitJob" in logged[0]
    assert "a fault of ours" in logged[0]
    assert "s3cr3t" not in logged[0]

"""Connections that wconfd closes because nobody asked anything for long; clients of ours go on over new ones."""

import asyncio
import select
import socket
from collections.abc import Callable

import pytest

from impl.luxid.wconfd import Wconfd
from tests.impl.wconfd.conftest import Daemon


@pytest.mark.parametrize("seen", [True, False])
def test_a_connection_that_wconfd_closed_for_idleness_is_made_again(
    new_daemon: Callable[..., Daemon], seen: bool
) -> None:
    """Whether the end of the old one was seen before the call, or not."""

    async def calls(path: str) -> None:
        wconfd = Wconfd(path)
        for _ in range(2):
            assert await wconfd.call("readConfigSerial") == 7
            assert wconfd._streams is not None
            reader, writer = wconfd._streams
            if seen:
                assert await reader.read() == b""
            else:  # the loop waits as well
                select.select([writer.get_extra_info("socket").fileno()], [], [])
        assert await wconfd.call("readConfigSerial") == 7
        wconfd.close()

    daemon = new_daemon("--idle-timeout=0.1")
    asyncio.run(calls(daemon.root.wconfd_socket))
    with daemon.client() as client:
        for _ in range(2):
            assert client.call("readConfigSerial") == 7
            assert client._socket.recv(1, socket.MSG_PEEK) == b""
        assert client.call("readConfigSerial") == 7

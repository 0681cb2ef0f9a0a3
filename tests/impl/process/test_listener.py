"""A listening socket is opened again under its name, and only its own name is removed."""

import asyncio
import os
import stat
from pathlib import Path

from impl.process.listener import Listener


class Closing(asyncio.Protocol):
    """Ends each connection as soon as it is made."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.abort()


def put(path: Path) -> None:
    path.unlink()
    path.write_text("another's", encoding="ascii")


def test_it_listens_again_and_leaves_another_s_name_alone(short_path: Path) -> None:
    path = short_path / "s"

    async def main() -> None:
        listener = Listener(str(path), 0o660, Closing)
        listener.stop_listening()
        listener.remove_name()
        for _ in range(2):
            await listener.open()
            assert stat.S_IMODE(os.stat(listener.path).st_mode) == 0o660
            reader, writer = await asyncio.open_unix_connection(listener.path)
            assert await reader.read() == b""
            writer.close()
            put(path)
        listener.stop_listening()
        listener.remove_name()

    asyncio.run(main())
    assert path.read_text(encoding="ascii") == "another's"

"""luxid as a client of wconfd: calls over one connection, opened again when it breaks; and the last configuration.

The configuration is decoded only when its bytes changed. While wconfd is away, calls raise `UnreachableError`; those
who can wait try again.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from impl.cluster.view import ClusterView
from impl.wire.client import NOT_DELIVERED, UnreachableError
from impl.wire.framing import FrameDecoder, frame
from impl.wire.messages import MalformedMessageError, decode_answer, encode_request
from spec.errors import PeerError

CALL_SECONDS = 60.0
RETRY_SECONDS = 0.2
LOOK_SECONDS = 1.0


class Wconfd:
    """Calls of wconfd's methods, one after the other."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._decoder = FrameDecoder()
        self._turn = asyncio.Lock()

    async def call(self, method: str, *args: Any) -> Any:
        """Call a method and return its result.

        Raises:
            PeerError: wconfd answered an error.
            UnreachableError: it is away.
        """
        return decode_answer(await self.call_raw(method, *args))

    async def call_raw(self, method: str, *args: Any) -> bytes:
        """Call a method and return the answer as it came.

        If the connection was closed meanwhile, and the call cannot have been carried out, it is made over a new one.
        """
        request = frame(encode_request(method, args))
        async with self._turn:
            try:
                async with asyncio.timeout(CALL_SECONDS):
                    try:
                        return await self._exchange(request)
                    except NOT_DELIVERED:
                        if self._decoder.unfinished:
                            raise
                        self.close()
                        return await self._exchange(request)
            except (OSError, EOFError, TimeoutError) as error:
                self.close()
                raise UnreachableError(self.path, str(error) or "no answer in time") from None
            except BaseException:
                self.close()
                raise

    async def _exchange(self, request: bytes) -> bytes:
        if self._streams is not None and self._streams[0].at_eof():
            self.close()
        if self._streams is None:
            self._streams = await asyncio.open_unix_connection(self.path)
            self._decoder = FrameDecoder()
        reader, writer = self._streams
        writer.write(request)
        await writer.drain()
        while True:
            data = await reader.read(1 << 18)
            if not data:
                raise EOFError("connection closed")
            messages = self._decoder.receive_data(data)
            if messages:
                return messages[0]

    def close(self) -> None:
        """Close the connection; the next call makes a new one."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


class Configuration:
    """The cluster's configuration as luxid knows it.

    Args:
        wconfd: who has it.
        on_change: called after a changed one was taken in.
    """

    def __init__(self, wconfd: Wconfd, on_change: Callable[[], None]) -> None:
        self._wconfd = wconfd
        self._on_change = on_change
        self._raw = b""
        self._serial: int | None = None
        self._has_serial = True
        self._view: ClusterView | None = None
        self._reading: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None
        self.reads = 0

    @property
    def view(self) -> ClusterView | None:
        """The last configuration read; None before the first."""
        return self._view

    def parameter(self, name: str, default: int) -> int:
        """Return a whole-number parameter of the cluster; `default` if it is absent, negative or no whole number."""
        value = None if self._view is None else self._view.cluster.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else default

    async def refresh(self) -> ClusterView:
        """Read the configuration as it is now, once for all who ask at the same time.

        Raises:
            UnreachableError: wconfd is away.
        """
        if self._next is None or self._next.done():
            self._next = asyncio.create_task(self._read_after(self._reading))
        await asyncio.shield(self._next)
        assert self._view is not None  # noqa: S101 - the task has read it or raised
        return self._view

    async def _read_after(self, before: "asyncio.Task[None] | None") -> None:
        if before is not None and not before.done():
            await asyncio.wait([before])
        self._reading, self._next = self._next, None
        self.reads += 1
        serial = await self._ask_serial()
        if serial is not None and serial == self._serial and self._view is not None:
            return
        raw = await self._wconfd.call_raw("readConfig")
        if raw != self._raw or self._view is None:
            config = decode_answer(raw)
            self._view = ClusterView(config)
            self._raw = raw
            self._on_change()
        self._serial = self._view.config.get("serial_no")

    async def _ask_serial(self) -> int | None:
        """Ask for the configuration's serial number; None if it cannot be asked for alone, as of Ganeti's wconfd."""
        if self._has_serial:
            try:
                found = await self._wconfd.call("readConfigSerial")
            except (PeerError, MalformedMessageError):
                self._has_serial = False
            else:
                return found if isinstance(found, int) else None
        return None

    async def follow(self) -> None:
        """Read the configuration every second, until cancelled; goes on while wconfd is away."""
        while True:
            pause = LOOK_SECONDS
            try:
                await self.refresh()
            except Exception:  # noqa: BLE001 - away, or not ready: the next round asks again
                pause = RETRY_SECONDS
            await asyncio.sleep(pause)

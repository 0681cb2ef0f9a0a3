"""Starting job processes: the spawner's client side and the hand-over of a job.

A hand-over: the spawner forks, the process sends its live-lock's path, luxid makes it durable in the job file and
confirms with an empty message, the process asks for the secret parameters with an empty message and gets them, both
close. Whatever breaks before the confirmation, the process ends by itself and nothing of the job has run.
"""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
from collections.abc import Awaitable, Callable
from typing import Any

from impl.paths import Root
from impl.process.environment import DIRECTORY, UMASK, module_command, open_output, small_environment
from impl.process.spawner import DEFAULT_PROGRAM, Started, decode_started, encode_request
from impl.wire.framing import FrameDecoder, MessageTooLongError, frame
from spec.errors import GantryError

HANDOVER_SECONDS = 60.0
"""How long one message of a hand-over may take before the process is given up."""

RESTART_SECONDS = 0.2
"""Between two starts of a spawner."""

MAX_HANDOVERS = 64
"""Hand-overs under way at the same time; each holds two descriptors."""

Log = Callable[..., None]


class HandOverError(GantryError):
    """A job's process could not be started or did not take the job over; `reason` says why."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class ShortageError(HandOverError):
    """The machine lacks what a process needs (descriptors, processes, memory, room); later it may work."""


class SpawnerLostError(ShortageError):
    """The spawner ended before it answered."""

    def __init__(self) -> None:
        super().__init__("the spawner ended: its log is jobs.log")


class HandOver:
    """One job being handed over.

    Attributes:
        pid: of the job's process.
        pidfd: becomes readable when it ends; whoever takes it sets it to None here.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, channel: socket.socket, started: Started) -> None:
        self._loop = loop
        self._channel = channel
        self._decoder = FrameDecoder(1 << 16)
        self._messages: list[bytes] = []
        self.pid = started.pid
        self.pidfd = started.pidfd

    async def receive(self) -> bytes:
        """Wait for the next message of the process.

        Raises:
            HandOverError: the process ended, was silent for too long, or its message could not be received.
        """
        try:
            async with asyncio.timeout(HANDOVER_SECONDS):
                while not self._messages:
                    data = await self._loop.sock_recv(self._channel, 1 << 14)
                    if not data:
                        raise HandOverError("the job's process ended before it took the job over")
                    self._messages.extend(self._decoder.receive_data(data))
        except TimeoutError:
            raise HandOverError(f"the job's process was silent for {HANDOVER_SECONDS:.0f} s") from None
        except (OSError, MessageTooLongError) as error:
            raise HandOverError(str(error)) from None
        return self._messages.pop(0)

    async def receive_livelock(self) -> str:
        """Wait for the path of the process's live-lock, sent as plain text or as a JSON string.

        Raises:
            ShortageError: the process could not make one: `!` and the reason came instead.
            HandOverError: nothing of the kind came.
        """
        text = (await self.receive()).decode(errors="replace")
        if text.startswith("!"):
            raise ShortageError(f"the job's process lacks something: {text[1:]}")
        if text.startswith('"'):
            with contextlib.suppress(ValueError):
                text = str(json.loads(text))
        if not text.startswith("/"):
            raise HandOverError("the job's process named no live-lock")
        return text

    async def send(self, payload: bytes) -> None:
        """Send one message."""
        try:
            async with asyncio.timeout(HANDOVER_SECONDS):
                await self._loop.sock_sendall(self._channel, frame(payload))
        except (OSError, TimeoutError) as error:
            raise HandOverError(str(error) or "the job's process does not listen") from None

    def close(self) -> None:
        """Close the channel, and the pidfd unless somebody took it."""
        self._channel.close()
        if self.pidfd is not None:
            os.close(self.pidfd)
            self.pidfd = None


class Starter:
    """Owns the spawner and starts jobs through it."""

    def __init__(self, root: Root, log: Log, program: str = DEFAULT_PROGRAM) -> None:
        self._root = root
        self._log = log
        self._program = program
        self._loop = asyncio.get_running_loop()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._waiting: dict[int, asyncio.Future[Started]] = {}
        self._slots = asyncio.Semaphore(MAX_HANDOVERS)
        self._unsent: list[tuple[int, int]] = []
        self.spawner_starts = 0
        self._started = -RESTART_SECONDS

    @property
    def spawner_pid(self) -> int | None:
        """The spawner's process, None while there is none."""
        return None if self._process is None else self._process.pid

    def start_spawner(self) -> None:
        """Start the spawner, so that it imports what jobs need while the daemon does the same."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._process = self._spawner(theirs)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        ours.setblocking(False)
        self._control = ours
        self.spawner_starts += 1
        self._started = self._loop.time()
        self._loop.add_reader(ours, self._on_answer, ours)
        self._log("spawner started", pid=self._process.pid)

    def _spawner(self, theirs: socket.socket) -> "subprocess.Popen[bytes]":
        with open_output(f"{self._root.log}/jobs.log") as output:
            return subprocess.Popen(
                module_command("impl.process.spawner", "--root", self._root.directory,
                               "--socket", str(theirs.fileno()), "--program", self._program),
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, pass_fds=[theirs.fileno()],
                start_new_session=True, env=small_environment(), cwd=DIRECTORY, umask=UMASK,
            )  # fmt: skip

    def _on_answer(self, control: socket.socket) -> None:
        try:
            data, descriptors, _, _ = socket.recv_fds(control, 4096, 4)
        except BlockingIOError:
            return
        except OSError:
            data, descriptors = b"", []
        if not data:
            self._lost()
            return
        started = decode_started(data, descriptors)
        future = self._waiting.pop(started.id, None)
        if future is not None and not future.done():
            future.set_result(started)
        elif started.pidfd is not None:
            os.close(started.pidfd)

    def _lost(self) -> None:
        """Note that the spawner ended: those who wait for it try again with the next one."""
        if self._control is not None:
            self._loop.remove_reader(self._control)
            self._loop.remove_writer(self._control)
            self._control.close()
            self._control = None
        if self._process is not None:
            self._process.poll()
            self._log("spawner lost", pid=self._process.pid, code=self._process.returncode)
            self._process = None
        for _, descriptor in self._unsent:
            os.close(descriptor)
        self._unsent.clear()
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(SpawnerLostError())

    def _flush(self) -> None:
        control = self._control
        while control is not None and self._unsent:
            job_id, descriptor = self._unsent[0]
            try:
                socket.send_fds(control, [encode_request(job_id)], [descriptor])
            except BlockingIOError:
                self._loop.add_writer(control, self._flush)
                return
            except OSError:
                self._lost()
                return
            os.close(descriptor)
            self._unsent.pop(0)
        if control is not None:
            self._loop.remove_writer(control)

    async def _fork(self, job_id: int) -> HandOver:
        while self._control is None:
            pause = self._started + RESTART_SECONDS - self._loop.time()
            if pause > 0:  # a spawner that cannot run at all must not keep the machine busy
                await asyncio.sleep(pause)
            if self._control is None:
                self.start_spawner()
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        future: asyncio.Future[Started] = self._loop.create_future()
        self._waiting[job_id] = future
        self._unsent.append((job_id, theirs.detach()))
        self._flush()
        try:
            started = await asyncio.wait_for(future, HANDOVER_SECONDS)
        except TimeoutError:
            ours.close()
            self._waiting.pop(job_id, None)
            raise HandOverError("the spawner does not answer") from None
        except BaseException:
            ours.close()
            raise
        if started.error:
            ours.close()
            raise ShortageError(started.error) if started.shortage else HandOverError(started.error)
        return HandOver(self._loop, ours, started)

    async def hand_over(
        self,
        job_id: int,
        secrets: list[dict[str, Any] | None],
        take: Callable[[str, HandOver], Awaitable[bool]],
    ) -> None:
        """Start a job's process and hand the job over.

        Args:
            job_id: the job.
            secrets: the secret parameters of each opcode.
            take: called with the process's live-lock; makes it durable and says whether to confirm.

        Raises:
            HandOverError: it broke off before the confirmation.
        """
        async with self._slots:
            hand_over = await self._fork(job_id)
            try:
                livelock = await hand_over.receive_livelock()
                if not await take(livelock, hand_over):
                    return
                with contextlib.suppress(HandOverError):  # from here on the job is its own: death is detected otherwise
                    await hand_over.send(b"")
                    await hand_over.receive()
                    await hand_over.send(json.dumps(secrets).encode())
            finally:
                hand_over.close()

    def close(self) -> None:
        """Let the spawner go; running jobs are not touched."""
        process = self._process
        self._lost()
        if process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)

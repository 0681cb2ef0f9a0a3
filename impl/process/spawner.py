"""The spawner: a small process that has imported all that a job needs and forks one in milliseconds.

It serves one daemon over a SOCK_SEQPACKET socket. A request is `{"id": N}` with one descriptor, the job's end of the
hand-over; the answer is `{"id": N, "pid": P}` with a pidfd of the new process, or `{"id": N, "error": TEXT,
"shortage": BOOL}`. When the
daemon goes, the socket ends and the spawner goes too; jobs are sessions of their own and run on. It keeps no state, so
a new one may take its place at any time. Children are reaped by the kernel (SIGCHLD is ignored).

Nothing heavy may be imported at this module's top: the daemon imports it for `Request` and the client side.
"""

import argparse
import errno
import gc
import importlib
import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from impl.files import SHORTAGES
from impl.paths import Root

DEFAULT_PROGRAM = "impl.job.process:run_job"
"""Module and function that a forked child calls with (job id, root, receive_fd, send_fd); it returns the exit code."""

Program = Callable[[int, Root, int, int], int]

_MESSAGE = 4096


@dataclass(frozen=True, slots=True)
class Started:
    """The spawner's answer: the job's process, or why there is none.

    Attributes:
        pidfd: becomes readable when the process ends; the receiver owns it. None if the process is gone already.
        shortage: whether there is none because the machine lacks something.
    """

    id: int
    pid: int
    pidfd: int | None
    error: str = ""
    shortage: bool = False


def encode_request(job_id: int) -> bytes:
    """Encode the request for a job's process."""
    return json.dumps({"id": job_id}).encode()


def decode_started(data: bytes, descriptors: Sequence[int]) -> Started:
    """Decode the spawner's answer."""
    value = json.loads(data)
    return Started(
        value["id"],
        value.get("pid", 0),
        descriptors[0] if descriptors else None,
        value.get("error", ""),
        value.get("shortage", False),
    )


def load_program(name: str) -> Program:
    """Import `module:function`."""
    module, _, function = name.partition(":")
    return cast("Program", getattr(importlib.import_module(module), function))


def _child(program: Program, job_id: int, root: Root, descriptor: int) -> int:
    """Run the program in the new process; return its exit code."""
    os.setsid()
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, signal.SIG_DFL)
    return program(job_id, root, descriptor, os.dup(descriptor))


def _fork(program: Program, job_id: int, root: Root, descriptor: int, control: socket.socket) -> Started:
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            control.close()
            code = _child(program, job_id, root, descriptor)
        except BaseException:  # noqa: BLE001 - the child must never return into the spawner's loop
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    try:
        return Started(job_id, pid, os.pidfd_open(pid))
    except ProcessLookupError:
        return Started(job_id, pid, None)


def _only(descriptors: Sequence[int]) -> int:
    """Return the descriptor that came with a request; the kernel drops it where this process may have no more."""
    if not descriptors:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    return descriptors[0]


def serve(control: socket.socket, program: Program, root: Root) -> None:
    """Answer requests until the daemon closes its end."""
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, _MESSAGE, 4)
        if not data:
            return
        job_id = json.loads(data)["id"]
        try:
            started = _fork(program, job_id, root, _only(descriptors), control)
            answer = {"id": job_id, "pid": started.pid}
        except OSError as error:
            started = Started(job_id, 0, None)
            text = f"cannot fork: {error.strerror or error}"
            answer = {"id": job_id, "error": text, "shortage": error.errno in SHORTAGES}
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        pidfds = [] if started.pidfd is None else [started.pidfd]
        try:
            socket.send_fds(control, [json.dumps(answer).encode()], pidfds)
        except OSError:
            return
        finally:
            for descriptor in pidfds:
                os.close(descriptor)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the spawner on an inherited socket."""
    parser = argparse.ArgumentParser(prog="spawner", description="Forks job processes for luxid.")
    parser.add_argument("--root", required=True, help="the cluster's directory")
    parser.add_argument("--socket", type=int, required=True, help="descriptor of the socket to luxid")
    parser.add_argument("--program", default=DEFAULT_PROGRAM, help="module:function that runs a job")
    arguments = parser.parse_args(argv)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=arguments.socket)
    control.set_inheritable(False)
    program = load_program(arguments.program)
    gc.collect()
    gc.freeze()
    serve(control, program, Root.of(arguments.root))
    return 0


if __name__ == "__main__":
    sys.exit(main())

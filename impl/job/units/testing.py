"""Opcodes that try out the queue: OP_TEST_DELAY, OP_TEST_JQUEUE, OP_TEST_DUMMY, OP_TEST_OS_PARAMS."""

import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from impl.cluster.view import ClusterView
from impl.job.errors import ExecutionError, PrerequisiteError
from impl.job.locking import Op, master, node_named, take, where
from impl.job.unit import Context, Plan, Unit
from impl.job.units.common import known
from impl.opcodes import validate
from spec.locks.names import Level, Mode

CONNECT_SECONDS = 20.0
CONFIRM_SECONDS = 60.0
"""How long OP_TEST_JQUEUE waits for its client to connect, and to hang up. Source: Ganeti 3.0.2."""

MESSAGE_PREFIX = "TESTMSG="
"""The prefix of the messages that OP_TEST_JQUEUE is asked to log."""


@contextmanager
def open_listener() -> Iterator[tuple[socket.socket, str]]:
    """Open a socket in a directory of its own, for one client."""
    directory = tempfile.mkdtemp(prefix="gantry-test.")
    path = os.path.join(directory, "sock")
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
            server.bind(path)
            server.listen(1)
            yield server, path
    finally:
        shutil.rmtree(directory)


# --- OP_TEST_DELAY


def _resolve_delay(op: dict[str, Any], view: ClusterView) -> dict[str, Any]:
    if op["duration"] <= 0:
        raise PrerequisiteError("Duration must be greater than zero")
    nodes = [known(view, "node", name) for name in op["on_nodes"]]
    uuids = [str(node["uuid"]) for node in nodes]
    if op["on_master"] and view.master not in uuids:
        uuids.append(view.master)
    return validate({**op, "on_nodes": [node["name"] for node in nodes], "on_node_uuids": uuids})


def _interruptible_delay(context: Context, seconds: float) -> bool:
    """Wait, or until a client has connected and hung up or sent something; whether it did."""
    deadline = time.monotonic() + seconds
    with open_listener() as (server, path):
        context.log([path], "delay-test")
        server.settimeout(seconds)
        try:
            connection, _ = server.accept()
        except TimeoutError:
            return False
    with connection:
        left = max(deadline - time.monotonic(), 0.001)
        context.log(f"a client has connected, {left:.0f} s to go")
        connection.settimeout(left)
        try:
            connection.recv(1)
        except TimeoutError:
            return False
    context.log(f"interrupted, {max(deadline - time.monotonic(), 0.0):.0f} s before the end")
    return True


def _delay_once(context: Context) -> bool:
    op = context.op
    if op["interruptible"]:
        return _interruptible_delay(context, op["duration"])
    for uuid in op.get("on_node_uuids") or ():
        node = context.view.nodes[uuid]
        if node.get("offline"):
            raise ExecutionError(f"Failure during rpc call to node {node['name']}: Node is marked offline")
    context.sleep(op["duration"])
    return False


def _run_delay(context: Context, _: Plan) -> None:
    repeat = context.op["repeat"]
    if repeat == 0:
        _delay_once(context)
        return
    for turn in range(repeat):
        context.log(f"Test delay iteration {turn}/{repeat - 1}")
        if _delay_once(context):
            return


def _delay_locks(op: Op, _: ClusterView) -> bool:
    return not op["no_locks"]


# --- OP_TEST_JQUEUE


def _notify(context: Context, test: str, argument: Any) -> None:
    """Log where the client is to connect, and wait until it has hung up again."""
    with open_listener() as (server, path):
        context.log([path, test, argument], "jqueue-test")
        server.settimeout(CONNECT_SECONDS)
        try:
            connection, _ = server.accept()
        except OSError as error:
            raise ExecutionError(f"Client didn't connect in time ({error})") from None
    with connection:
        connection.settimeout(CONFIRM_SECONDS)
        try:
            connection.recv(1)
        except OSError as error:
            raise ExecutionError(f"Client failed to confirm notification ({error})") from None


def _before_jqueue(context: Context) -> None:
    if context.op["notify_waitlock"]:
        _notify(context, "expandnames", None)
    context.log("Expanding names")


def _run_jqueue(context: Context, _: Plan) -> bool:
    op = context.op
    if op["notify_exec"]:
        _notify(context, "exec", None)
    context.log("Executing")
    messages = op["log_messages"]
    if messages:
        _notify(context, "startmsg", len(messages))
        for number, message in enumerate(messages, start=1):
            context.log(f"Sending log message {number}")
            context.log(f"{MESSAGE_PREFIX}{message}")
            _notify(context, "logmsg", number)
    if op["fail"]:
        raise ExecutionError("Opcode failure was requested")
    return True


# --- OP_TEST_DUMMY and OP_TEST_OS_PARAMS


def _run_dummy(context: Context, _: Plan) -> Any:
    """Log, submit, fail or answer, as the parameters say."""
    op = context.op
    messages = op["messages"] if isinstance(op["messages"], list) else [op["messages"]]
    for message in messages:
        if message:
            context.log(message)
    submitted = context.submit(op["submit_jobs"] or [])
    if op["fail"]:
        raise ExecutionError("Opcode failure was requested")
    return {"jobs": submitted, "result": op["result"]} if submitted else op["result"]


def _run_os_params(context: Context, _: Plan) -> None:
    """Show that secret parameters arrived, without their values."""
    found = context.op.get("osparams_secret")
    if not found:
        raise ExecutionError("Opcode needs secret parameters")
    context.log(f"Secret OS parameters: {', '.join(sorted(found))} (values not shown)")


UNITS = {
    "OP_TEST_DELAY": Unit(
        run=_run_delay,
        takes=(take(Level.NODE, Mode.EXCLUSIVE, where(_delay_locks, node_named("on_node_uuids"))),),
        resolve=_resolve_delay,
    ),
    "OP_TEST_JQUEUE": Unit(run=_run_jqueue, before=_before_jqueue, takes=(take(Level.NODE, Mode.EXCLUSIVE, master),)),
    "OP_TEST_DUMMY": Unit(run=_run_dummy),
    "OP_TEST_OS_PARAMS": Unit(run=_run_os_params),
}

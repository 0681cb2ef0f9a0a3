"""The table of wconfd's methods, and the function that performs one. Pure.

A method that the daemon itself must serve (it waits, or touches processes or files) is in `DAEMON_METHODS`, by name.
"""

from typing import Any

from impl.wconfd.config_calls import CONFIG_METHODS
from impl.wconfd.core import Call
from impl.wconfd.lock_calls import LOCK_METHODS, STATELESS
from impl.wconfd.method import Method, Reader, UnknownMethodError, read_arguments, seconds
from impl.wconfd.reservation_calls import RESERVATION_METHODS
from impl.wire.wconfd import owner, text

METHODS: dict[str, Method] = {**LOCK_METHODS, **CONFIG_METHODS, **RESERVATION_METHODS}

DRAWING = frozenset({"generateMAC", "generateDRBDSecret"})
"""Methods that need a number drawn at random."""

DAEMON_METHODS: dict[str, tuple[Reader, ...]] = {
    "cleanupLocks": (),
    "flushConfig": (),
    "flushConfigGroup": (text,),
    # ours
    "waitForGrant": (owner, seconds),
    "describeLocks": (),
}
"""Methods that the daemon itself serves, with the readers of their arguments."""


def apply(call: Call, name: str, arguments: tuple[Any, ...]) -> Any:
    """Perform one call, and answer its result.

    Args:
        call: a fresh call; it has the state after and all that changed, if nothing is raised.
        name: the method.
        arguments: as decoded from JSON.

    Raises:
        RefusedError: the method or its arguments cannot be, or the configuration does not allow it.
        LockError: the lock rules do not allow it.
    """
    method = METHODS.get(name) or STATELESS.get(name)
    if method is None:
        raise UnknownMethodError(name)
    return method.run(call, *read_arguments(name, method.readers, arguments))

"""ReplaceFilter and DeleteFilter: job filters live in the configuration and are changed under its lock.

Source: design-optables; observed behaviour of the LUXI socket of Ganeti 3.0.2.
"""

import asyncio
import copy
import itertools
import os
import time
import uuid as uuids
from collections.abc import Callable, Sequence
from typing import Any

from impl.bounds import check_value
from impl.expressions import FilterSyntaxError
from impl.limits import MAX_COUNT, MAX_RULE_TESTS
from impl.luxid import arguments
from impl.luxid.arguments import RequestError
from impl.luxid.daemon import Daemon
from impl.luxid.dispatch import AnswerError
from impl.process.clock import timestamp
from impl.queue.filters import read_predicate
from impl.queue.transitions import nanoseconds
from impl.wire.client import UnreachableError
from spec.jobs.model import FILTER_ACTIONS

Config = dict[str, Any]

LOCK_RETRY_SECONDS = 0.05
LOCK_SECONDS = 30.0

_clients = itertools.count(1)


def _predicates(value: Any) -> list[list[Any]]:
    """Read the predicates as far as that no one can fail later."""
    left = MAX_RULE_TESTS
    for predicate in arguments.array(value):
        if not isinstance(predicate, list) or len(predicate) != 2:
            raise RequestError("a filter predicate is a pair of a kind and a filter")
        check_value(predicate[1])
        try:
            _, used = read_predicate(predicate[0], predicate[1], left)
        except FilterSyntaxError as error:
            raise RequestError(error.reason) from None
        left -= used
    return list(value)


def _trail(value: Any) -> list[list[Any]]:
    check_value(value)
    for entry in arguments.array(value):
        if not isinstance(entry, list) or len(entry) != 3:
            raise RequestError("Unable to read Triple")
        arguments.text(entry[0])
        arguments.text(entry[1])
        arguments.number(entry[2])
    return list(value)


def _action(value: Any) -> Any:
    if value in FILTER_ACTIONS[:4]:
        return value
    if isinstance(value, list) and len(value) == 2 and value[0] == "RATE_LIMIT":
        limit = arguments.number(value[1])
        if limit > 0:
            return ["RATE_LIMIT", arguments.within("rate limit", limit, 1, MAX_COUNT)]
    plain = ", ".join(FILTER_ACTIONS[:4])
    raise RequestError(f'a filter action is one of {plain}, or ["RATE_LIMIT", N] with N above 0')


async def _lock_config(daemon: Daemon, client: list[Any]) -> Config:
    deadline = time.monotonic() + LOCK_SECONDS
    while time.monotonic() < deadline:
        try:
            config: Config | None = await daemon.wconfd.call("lockConfig", client, False)
        except UnreachableError as error:
            raise AnswerError("ConfigurationError", f"I do not have access to the configuration: {error}") from None
        if config is not None:
            return config
        await asyncio.sleep(LOCK_RETRY_SECONDS)
    text = f"the configuration was locked by others for {LOCK_SECONDS:.0f} s: try again later"
    raise AnswerError("LockError", text)


async def _change_config(daemon: Daemon, change: Callable[[Config], None]) -> None:
    """Change the configuration under its lock.

    Raises:
        AnswerError: wconfd is away, or the lock is held for too long.
    """
    client = [f"luxid-{next(_clients)}", daemon.livelock.path, os.getpid()]
    config = await _lock_config(daemon, client)
    try:
        changed = copy.deepcopy(config)
        change(changed)
        written = await daemon.wconfd.call("writeConfigAndUnlock", client, changed)
    except BaseException:
        await daemon.wconfd.call("unlockConfig", client)
        raise
    if not written:
        raise AnswerError("ConfigurationError", "the configuration could not be written: try again")
    await daemon.configuration.refresh()


async def replace_filter(daemon: Daemon, args: Sequence[Any]) -> str:
    """Answer ReplaceFilter [uuid or null, priority, predicates, action, reason trail]: the filter's uuid."""
    arguments.count(args, 5)
    priority = arguments.number(args[1])
    if priority < 0:
        raise RequestError(f"Negative value for NonNegative type '{priority}'")
    arguments.within("priority", priority, 0, MAX_COUNT)
    predicates, action, trail = _predicates(args[2]), _action(args[3]), _trail(args[4])
    if args[0] is None:
        uuid = str(uuids.uuid4())
    else:
        try:
            uuid = str(uuids.UUID(arguments.text(args[0])))
        except ValueError:
            raise AnswerError("GenericError", "Unable to parse UUID") from None

    def change(config: Config) -> None:
        rules = config["filters"] = dict(config.get("filters") or {})
        rules[uuid] = {
            "uuid": uuid,
            "watermark": daemon.queue.serial,
            "priority": priority,
            "predicates": predicates,
            "action": action,
            "reason_trail": [*trail, ["luxid", "", nanoseconds(timestamp())]],
        }

    await _change_config(daemon, change)
    return uuid


async def delete_filter(daemon: Daemon, args: Sequence[Any]) -> None:
    """Answer DeleteFilter [uuid]: null."""
    arguments.count(args, 1)
    uuid = arguments.text(args[0])

    def change(config: Config) -> None:
        rules = config["filters"] = dict(config.get("filters") or {})
        if rules.pop(uuid, None) is None:
            raise AnswerError("GenericError", f"Filter rule with UUID {uuid} does not exist")

    await _change_config(daemon, change)

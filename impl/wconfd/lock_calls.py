"""What the methods of locks do. Pure.

Source: Ganeti 3.0.2's wconfd: argument order, results, error texts.
"""

from typing import Any

from impl.config.errors import RefusedError
from impl.config.model import TOP
from impl.locks import view
from impl.wconfd.core import Call
from impl.wconfd.method import UNIT, Method, locks
from impl.wire import wconfd as codec
from impl.wire.wconfd import acquisitions, integer, level, owner, requests, text
from spec.locks.model import Downgrade, Effects, Free, FreeLevel, Intersect, Opportunistic, Try, Wait
from spec.locks.names import BGL, Level, Lock, Mode, Owner, Request, lock_name


def _owners(effects: Effects) -> list[Any]:
    return [codec.owner_json(blocker) for blocker in effects.blockers]


def _try(call: Call, who: Owner, wanted: tuple[Request, ...]) -> list[Any]:
    return _owners(call.lock(Try(who, wanted)))


def _wait(call: Call, who: Owner, priority: int, wanted: tuple[Request, ...]) -> list[Any]:
    return _owners(call.lock(Wait(who, priority, wanted)))


def _free(call: Call, who: Owner) -> list[Any]:
    call.lock(Free(who))
    return UNIT


def _free_level(call: Call, who: Owner, its_level: Level) -> list[Any]:
    call.lock(FreeLevel(who, its_level))
    return UNIT


def _downgrade(call: Call, who: Owner, its_level: Level) -> list[Any]:
    call.lock(Downgrade(who, its_level))
    return UNIT


def _intersect(call: Call, who: Owner, kept: frozenset[Lock]) -> list[Any]:
    call.lock(Intersect(who, kept))
    return UNIT


def _guarded(call: Call, at_least: int, who: Owner, wanted: tuple[Request, ...]) -> list[str]:
    return [lock_name(taken) for taken in call.lock(Opportunistic(who, wanted, at_least)).taken]


def _union(call: Call, who: Owner, wanted: tuple[Request, ...]) -> list[str]:
    return _guarded(call, 0, who, wanted)


def _list_locks(call: Call, who: Owner) -> list[Any]:
    return codec.locks_json(view.held_locks(call.state.locks, who))


def _list_all(call: Call) -> list[str]:
    return [lock_name(known) for known in view.all_locks(call.state.locks)]


def _list_owners(call: Call) -> list[Any]:
    return codec.owners_json(call.state.locks)


def _list_waiting(call: Call) -> list[Any]:
    waiting = [codec.pending_json(pending) for pending in view.all_pending(call.state.locks)]
    return [codec.owners_json(call.state.locks), waiting]


def _has_pending(call: Call, who: Owner) -> bool:
    return who in call.state.locks.waiting


_ABOVE_ALL = -21
"""More urgent than any job's priority."""


def _prepare_destruction(call: Call, who: Owner) -> list[Any]:
    if call.state.locks.locks_of(who).get(BGL) != Mode.EXCLUSIVE:
        raise RefusedError("Cluster destruction requested without owning BGL exclusively")
    call.lock(Wait(call.me, _ABOVE_ALL, (Request(BGL, Mode.EXCLUSIVE),)))
    call.lock(Try(who, (Request(BGL, Mode.RELEASE),)))
    call.change_config(lambda draft: draft.put(TOP, "cluster", {**call.config.cluster, "master_node": ""}))
    return UNIT


def _echo(_call: Call, said: str) -> str:
    return said


LOCK_METHODS: dict[str, Method] = {
    "tryUpdateLocks": Method((owner, requests), _try),
    "updateLocksWaiting": Method((owner, integer, requests), _wait),
    "hasPendingRequest": Method((owner,), _has_pending),
    "listLocks": Method((owner,), _list_locks),
    "listAllLocks": Method((), _list_all),
    "listAllLocksOwners": Method((), _list_owners),
    "listLocksWaitingStatus": Method((), _list_waiting),
    "freeLocks": Method((owner,), _free),
    "freeLocksLevel": Method((owner, level), _free_level),
    "downGradeLocksLevel": Method((owner, level), _downgrade),
    "intersectLocks": Method((owner, locks), _intersect),
    "opportunisticLockUnion": Method((owner, acquisitions), _union),
    "guardedOpportunisticLockUnion": Method((integer, owner, acquisitions), _guarded),
    "prepareClusterDestruction": Method((owner,), _prepare_destruction),
}

STATELESS: dict[str, Method] = {"echo": Method((text,), _echo)}
"""Methods whose answers depend on no state."""

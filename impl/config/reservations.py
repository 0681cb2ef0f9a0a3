"""Temporary reservations: MAC addresses, DRBD minors and secrets, logical volumes and IP addresses. Pure.

Owners hold them until they are committed or released, or the owner is gone. Random values follow from a number that the
caller draws.

Source: Ganeti 3.0.2's temporary reservations (behaviour, error texts, tempres.data).

The address that a job has reserved is refused to others until the job is gone:

>>> from spec.locks.names import job
>>> state, changes = reserve_mac(Reservations(), Config(), job(1), "aa:00:00:00:00:01")
>>> [(change.kind, change.item, change.present) for change in changes]
[('mACs', 'aa:00:00:00:00:01', True)]
>>> reserve_mac(state, Config(), job(2), "aa:00:00:00:00:01")
Traceback (most recent call last):
impl.config.errors.ReservationError: Duplicate reservation for resource '"aa:00:00:00:00:01"'
>>> state, changes = drop_all(state, job(1))
>>> owners(state), [change.present for change in changes]
(set(), [False])
>>> allocate_minors(state, Config(), "disk1", ["node1", "node2"])[-1]
[0, 0]
"""

import random
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from immutables import Map

from impl.config import facts, networks
from impl.config.errors import RefusedError, ReservationError
from impl.config.model import Config, Draft
from spec.locks.names import Owner

MACS, SECRETS, VOLUMES, IPS = "mACs", "dRBDSecrets", "lVs", "iPv4s"
KINDS = (MACS, SECRETS, VOLUMES, IPS)
MINORS = "dRBD"
"""The parts of tempres.data."""

RETRIES = 64

Item = Any
"""A reserved value: a text, or (action, network, address) for IP addresses."""


class ReservationChange(NamedTuple):
    """One reservation made (`present`) or dropped; `holder` is an owner, or the node of a DRBD minor."""

    kind: str
    holder: Any
    item: Item
    present: bool


class Reservations(NamedTuple):
    """Who has reserved what.

    Attributes:
        by_owner: (kind, owner) to the items reserved.
        reserved: (kind, item) for everything reserved by anybody.
        minors: (node, minor) to the disk it is reserved for.
    """

    by_owner: "Map[tuple[str, Owner], frozenset[Item]]" = Map()
    reserved: "Map[tuple[str, Item], Owner]" = Map()
    minors: "Map[tuple[str, int], str]" = Map()

    def of(self, kind: str, owner: Owner) -> frozenset[Item]:
        """Return what an owner has reserved of one kind."""
        return self.by_owner.get((kind, owner), frozenset())


Outcome = tuple[Reservations, list[ReservationChange]]


def reserve(state: Reservations, kind: str, owner: Owner, item: Item) -> Outcome:
    """Reserve an item.

    Raises:
        ReservationError: it is reserved already.
    """
    if (kind, item) in state.reserved:
        raise ReservationError(f"Duplicate reservation for resource '{_shown(kind, item)}'")
    by_owner = state.by_owner.set((kind, owner), state.of(kind, owner) | {item})
    after = state._replace(by_owner=by_owner, reserved=state.reserved.set((kind, item), owner))
    return after, [ReservationChange(kind, owner, item, present=True)]


def _shown(kind: str, item: Item) -> str:
    """Return an item as error texts show it."""
    if kind == VOLUMES:
        return str(item)
    if isinstance(item, str):
        return f'"{item}"'
    action, network, address = item
    return (
        f'IPv4Res {{ipv4ResAction = IPv4{action.capitalize()}, ipv4ResNetwork = "{network}", ipv4ResAddr = {address}}}'
    )


def drop_all(state: Reservations, owner: Owner) -> Outcome:
    """Drop all of an owner's reservations."""
    by_owner, reserved = state.by_owner, state.reserved
    changes: list[ReservationChange] = []
    for kind in KINDS:
        for item in state.of(kind, owner):
            reserved = reserved.delete((kind, item))
            changes.append(ReservationChange(kind, owner, item, present=False))
        if (kind, owner) in by_owner:
            by_owner = by_owner.delete((kind, owner))
    return state._replace(by_owner=by_owner, reserved=reserved), changes


def owners(state: Reservations) -> set[Owner]:
    """Return everybody who has reserved something."""
    return {owner for _, owner in state.by_owner}


def reserve_mac(state: Reservations, config: Config, owner: Owner, mac: str) -> Outcome:
    """Reserve a MAC address."""
    if mac in facts.macs(config):
        raise ReservationError("MAC already in use")
    return reserve(state, MACS, owner, mac)


def reserve_volume(state: Reservations, config: Config, owner: Owner, volume: str) -> Outcome:
    """Reserve a logical volume, `group/volume`."""
    group, slash, name = volume.partition("/")
    if not (group and slash and name):
        raise RefusedError(f"RPC input: Invalid LV name {volume}")
    if volume in facts.logical_volumes(config):
        raise ReservationError("LV already in use")
    return reserve(state, VOLUMES, owner, volume)


def _generate(state: Reservations, kind: str, owner: Owner, existing: set[str], make: Callable[[], str]) -> Outcome:
    for _ in range(RETRIES):
        item = make()
        if item not in existing and (kind, item) not in state.reserved:
            return reserve(state, kind, owner, item)
    raise ReservationError("Not able generate new resource")


def generate_mac(state: Reservations, config: Config, owner: Owner, network: str | None, draw: int) -> Outcome:
    """Make and reserve a MAC address with the network's prefix, or the cluster's."""
    prefix = networks.find(config, network).get("mac_prefix") if network is not None else None
    prefix = prefix or config.cluster.get("mac_prefix", "aa:00:00")
    generator = random.Random(draw)

    def make() -> str:
        return ":".join([str(prefix), *(f"{generator.randrange(256):02x}" for _ in range(3))])

    return _generate(state, MACS, owner, facts.macs(config), make)


def generate_secret(state: Reservations, config: Config, owner: Owner, draw: int) -> Outcome:
    """Make and reserve a DRBD secret of 20 bytes."""
    generator = random.Random(draw)
    return _generate(state, SECRETS, owner, facts.drbd_secrets(config), lambda: generator.randbytes(20).hex())


def drbd_map(state: Reservations, config: Config) -> list[tuple[str, list[tuple[int, str]]]]:
    """Return every node with its minors in use and the disk of each.

    Raises:
        ReservationError: a minor is used twice.
    """
    used: dict[str, dict[int, list[str]]] = {node: {} for node in config.objects("nodes")}
    for (node, minor), disk in _all_minors(state, config):
        used.setdefault(node, {}).setdefault(minor, []).append(disk)
    duplicates = [(node, minor) for node, minors in used.items() for minor, disks in minors.items() if len(disks) > 1]
    if duplicates:
        raise ReservationError(f"Duplicate DRBD ports detected: {duplicates}")
    return [
        (node, [(minor, disks[0]) for minor, disks in sorted(minors.items())]) for node, minors in sorted(used.items())
    ]


def _all_minors(state: Reservations, config: Config) -> Iterable[tuple[tuple[str, int], str]]:
    yield from state.minors.items()
    for key, known in config.objects("disks").items():
        for pair in facts.drbd_minors(known.value):
            yield pair, key


def allocate_minors(
    state: Reservations, config: Config, disk: str, nodes: list[str]
) -> tuple[Reservations, list[ReservationChange], list[int]]:
    """Reserve the smallest free DRBD minor on each node for a disk; the minors are answered in the order of `nodes`."""
    if len(set(nodes)) != len(nodes):
        raise ReservationError(f"Duplicate nodes detected in list '{nodes}'")
    used: dict[str, set[int]] = {node: set() for node in nodes}
    for (node, minor), _ in _all_minors(state, config):
        if node in used:
            used[node].add(minor)
    minors, changes, result = state.minors, list[ReservationChange](), list[int]()
    for node in nodes:
        minor = next(number for number in range(len(used[node]) + 1) if number not in used[node])
        minors = minors.set((node, minor), disk)
        changes.append(ReservationChange(MINORS, node, (minor, disk), present=True))
        result.append(minor)
    return state._replace(minors=minors), changes, result


def release_minors(state: Reservations, disk: str) -> Outcome:
    """Drop the reserved DRBD minors of a disk."""
    minors, changes = state.minors, list[ReservationChange]()
    for (node, minor), known in state.minors.items():
        if known == disk:
            minors = minors.delete((node, minor))
            changes.append(ReservationChange(MINORS, node, (minor, disk), present=False))
    return state._replace(minors=minors), changes


def reserve_ip(
    state: Reservations, config: Config, owner: Owner, network: str, ip: str, *, check_external: bool
) -> Outcome:
    """Reserve an address of a network for an instance."""
    found = networks.find(config, network)
    if networks.is_used(found, ip):
        raise ReservationError("IP address already in use")
    if check_external and networks.is_external(found, ip):
        raise ReservationError("IP is externally reserved")
    return reserve(state, IPS, owner, ("reserve", network, ip))


def release_ip(state: Reservations, owner: Owner, network: str, ip: str) -> Outcome:
    """Note that an address is to be given back when the owner's reservations are committed."""
    return reserve(state, IPS, owner, ("release", network, ip))


def generate_ip(state: Reservations, config: Config, owner: Owner, network: str) -> tuple[Outcome, str]:
    """Find and reserve the first free address of a network."""
    found = networks.find(config, network)
    taken = frozenset(item[2] for kind, item in state.reserved if kind == IPS and item[1] == network)
    ip = networks.first_free(found, taken)
    if ip is None:
        raise ReservationError("Cannot generate IP. Network is full")
    return reserve(state, IPS, owner, ("reserve", network, ip)), ip


def commit_ips(state: Reservations, draft: Draft, owner: Owner) -> None:
    """Enter an owner's IP reservations into the networks' pools; the reservations stay."""
    for action, network, ip in sorted(state.of(IPS, owner), reverse=True):
        commit_ip(draft, network, ip, used=action == "reserve")


def commit_ip(draft: Draft, network: str, ip: str, *, used: bool) -> None:
    """Mark one address in a network's pool."""
    found = draft.get("networks", network)
    if found is None:
        raise ReservationError(f"Network '{network}' not found")
    draft.put("networks", network, networks.marked(found, ip, used=used))


def release_instance_ips(draft: Draft, uuid: str) -> None:
    """Give the addresses of an instance's NICs back to their networks."""
    instance = draft.get("instances", uuid) or {}
    for nic in instance.get("nics", ()):
        if nic.get("network") and nic.get("ip"):
            commit_ip(draft, nic["network"], nic["ip"], used=False)


def restore(rows: Iterable[ReservationChange]) -> Reservations:
    """Build the state that holds exactly these reservations."""
    by_owner: dict[tuple[str, Owner], frozenset[Item]] = {}
    reserved: dict[tuple[str, Item], Owner] = {}
    minors: dict[tuple[str, int], str] = {}
    for kind, holder, item, _ in rows:
        if kind == MINORS:
            minors[holder, item[0]] = item[1]
        else:
            by_owner[kind, holder] = by_owner.get((kind, holder), frozenset()) | {item}
            reserved[kind, item] = holder
    return Reservations(Map(by_owner), Map(reserved), Map(minors))

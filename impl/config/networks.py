"""Address pools of networks: which addresses of an IPv4 network are in use by instances, or reserved externally.

A pool is a string of 0 and 1, one character an address of the network. Pure.
"""

from ipaddress import AddressValueError, IPv4Address, IPv4Network

from impl.config.errors import RefusedError, ReservationError
from impl.config.model import Config, Value

SHORTEST_PREFIX = 16
"""The largest network that has a pool, as its prefix. Source: Ganeti's constants."""


def find(config: Config, uuid: str) -> Value:
    """Return a network.

    Raises:
        ReservationError: there is none of that UUID.
    """
    network = config.get("networks", uuid)
    if network is None:
        raise ReservationError(f"Network '{uuid}' not found")
    return network


def _range(network: Value) -> IPv4Network:
    try:
        found = IPv4Network(network["network"], strict=False)
    except (KeyError, ValueError) as error:
        raise ReservationError(f"'{network.get('network')}' is no IPv4 network: {error}") from None
    if found.prefixlen < SHORTEST_PREFIX:
        raise ReservationError(f"'{found}' has more addresses than a pool may have (/{SHORTEST_PREFIX})")
    return found


def address(text: str) -> str:
    """Return an IPv4 address in its usual form.

    Raises:
        RefusedError: it is none.
    """
    try:
        return str(IPv4Address(text))
    except AddressValueError:
        raise RefusedError(f"RPC input: Invalid IPv4 address '{text}'") from None


def _index(network: Value, ip: str) -> int:
    whole = _range(network)
    index = int(IPv4Address(ip)) - int(whole.network_address)
    if not 0 <= index < whole.num_addresses:
        raise ReservationError(f"Address '{ip}' not in the network '{network['network']}'")
    return index


def _pool(network: Value, part: str) -> str:
    pool, size = network.get(part), _range(network).num_addresses
    if isinstance(pool, str) and pool:
        if len(pool) != size:
            raise ReservationError(f"'{part}' of the network '{network['network']}' has {len(pool)} places, not {size}")
        return pool
    return "0" * size


def is_used(network: Value, ip: str) -> bool:
    """Return whether an instance uses the address."""
    return _pool(network, "reservations")[_index(network, ip)] == "1"


def is_external(network: Value, ip: str) -> bool:
    """Return whether the address is reserved externally."""
    return _pool(network, "ext_reservations")[_index(network, ip)] == "1"


def marked(network: Value, ip: str, *, used: bool) -> Value:
    """Return the network with an address marked as used by an instance, or as free.

    Raises:
        ReservationError: it is so already.
    """
    index, pool = _index(network, ip), _pool(network, "reservations")
    if (pool[index] == "1") == used:
        raise ReservationError(f"IP {ip} is {'already' if used else 'not'} used by an instance")
    return {**network, "reservations": pool[:index] + ("1" if used else "0") + pool[index + 1 :]}


def first_free(network: Value, taken: frozenset[str]) -> str | None:
    """Return the first address in nobody's use and not in `taken`; None if there is none."""
    pool, external = _pool(network, "reservations"), _pool(network, "ext_reservations")
    base = int(_range(network).network_address)
    for index, (used, reserved) in enumerate(zip(pool, external, strict=True)):
        if used == "0" and reserved == "0":
            ip = str(IPv4Address(base + index))
            if ip not in taken:
                return ip
    return None

"""What the methods of temporary reservations do. Pure.

Source: Ganeti 3.0.2's wconfd: argument order, results, error texts.
"""

from typing import Any

from impl.config import networks
from impl.config import reservations as temporary
from impl.wconfd.core import Call
from impl.wconfd.method import UNIT, Method, names, optional
from impl.wire import wconfd as codec
from impl.wire.wconfd import boolean, name, owner
from spec.locks.names import Owner

# -- temporary reservations


def _drop_all(call: Call, who: Owner) -> list[Any]:
    call.put_reservations(*temporary.drop_all(call.state.reservations, who))
    return UNIT


def _drbd_map(call: Call) -> Any:
    return temporary.drbd_map(call.state.reservations, call.config)


def _allocate_minor(call: Call, disk: str, nodes: list[str]) -> list[int]:
    state, changes, minors = temporary.allocate_minors(call.state.reservations, call.config, disk, nodes)
    call.put_reservations(state, changes)
    return minors


def _release_minors(call: Call, disk: str) -> list[Any]:
    call.put_reservations(*temporary.release_minors(call.state.reservations, disk))
    return UNIT


def _reserve_mac(call: Call, who: Owner, mac: str) -> list[Any]:
    call.put_reservations(*temporary.reserve_mac(call.state.reservations, call.config, who, mac))
    return UNIT


def _generated(call: Call, outcome: temporary.Outcome) -> str:
    call.put_reservations(*outcome)
    return str(outcome[1][0].item)


def _generate_mac(call: Call, who: Owner, network: str | None) -> str:
    return _generated(call, temporary.generate_mac(call.state.reservations, call.config, who, network, call.draw))


def _generate_secret(call: Call, who: Owner) -> str:
    return _generated(call, temporary.generate_secret(call.state.reservations, call.config, who, call.draw))


def _reserve_volume(call: Call, who: Owner, volume: str) -> list[Any]:
    call.put_reservations(*temporary.reserve_volume(call.state.reservations, call.config, who, volume))
    return UNIT


def _address(value: Any) -> str:
    return networks.address(name(value))


def _reserve_ip(call: Call, who: Owner, network: str, ip: str, check_external: bool) -> list[Any]:
    state = call.state.reservations
    outcome = temporary.reserve_ip(state, call.config, who, network, ip, check_external=check_external)
    call.put_reservations(*outcome)
    return UNIT


def _release_ip(call: Call, who: Owner, network: str, ip: str) -> list[Any]:
    call.put_reservations(*temporary.release_ip(call.state.reservations, who, network, ip))
    return UNIT


def _generate_ip(call: Call, who: Owner, network: str) -> str:
    outcome, ip = temporary.generate_ip(call.state.reservations, call.config, who, network)
    call.put_reservations(*outcome)
    return ip


def _commit_ips(call: Call, who: Owner) -> list[Any]:
    call.change_config(lambda draft: temporary.commit_ips(call.state.reservations, draft, who))
    return UNIT


def _commit_release_ip(call: Call, network: str, ip: str) -> list[Any]:
    call.change_config(lambda draft: temporary.commit_ip(draft, network, ip, used=False))
    return UNIT


def _list_ips(call: Call, who: Owner) -> list[Any]:
    return [codec.item_json(temporary.IPS, item) for item in sorted(call.state.reservations.of(temporary.IPS, who))]


RESERVATION_METHODS: dict[str, Method] = {
    "dropAllReservations": Method((owner,), _drop_all),
    "computeDRBDMap": Method((), _drbd_map),
    "allocateDRBDMinor": Method((name, names), _allocate_minor),
    "releaseDRBDMinors": Method((name,), _release_minors),
    "reserveMAC": Method((owner, name), _reserve_mac),
    "generateMAC": Method((owner, optional(name)), _generate_mac),
    "generateDRBDSecret": Method((owner,), _generate_secret),
    "reserveLV": Method((owner, name), _reserve_volume),
    "reserveIp": Method((owner, name, _address, boolean), _reserve_ip),
    "releaseIp": Method((owner, name, _address), _release_ip),
    "generateIp": Method((owner, name), _generate_ip),
    "commitTemporaryIps": Method((owner,), _commit_ips),
    "commitReleaseTemporaryIp": Method((name, _address), _commit_release_ip),
    "listReservedIps": Method((owner,), _list_ips),
}

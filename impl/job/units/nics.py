"""Network interfaces of instances: from what an opcode asks for to the object in the configuration.

Source: Ganeti 3.0.2's checks of interfaces. Addresses of networks' pools are not managed and refused.
"""

import ipaddress
import uuid as uuids
from collections.abc import Mapping, Sequence
from typing import Any

from impl.cluster.view import ClusterView
from impl.job.errors import WRONG_INPUT, WRONG_STATE, PrerequisiteError
from impl.job.reserving import Reservations
from impl.job.units.common import known
from impl.opcodes.types import MAX_NICS

Object = Mapping[str, Any]

_PARAMETERS = ("mode", "link", "vlan")
_NEW_MACS = frozenset({"auto", "generate"})
_NONE = "none"


def check_nic(wanted: Mapping[str, Any], view: ClusterView, *, new: bool) -> None:
    """Check that an interface may have the values that an opcode gives it.

    Args:
        wanted: what the opcode says of it.
        view: the configuration.
        new: whether it is made, not modified.

    Raises:
        PrerequisiteError: it may not.
    """
    network, ip = wanted.get("network"), wanted.get("ip")
    in_network = network is not None and str(network).lower() != _NONE
    if in_network:
        known(view, "network", str(network))
        if wanted.get("mode") or wanted.get("link"):
            raise PrerequisiteError("If network is given mode or link should not", WRONG_INPUT)
    if ip is not None and ip.lower() != _NONE:
        if ip.lower() == "pool" or in_network:
            raise PrerequisiteError("Gantry does not give out addresses of networks: leave ip out", WRONG_INPUT)
        try:
            ipaddress.ip_address(ip)
        except ValueError:
            raise PrerequisiteError(f"Invalid IP address '{ip}'", WRONG_INPUT) from None
    if not new and wanted.get("mac") == "auto":
        raise PrerequisiteError("'auto' is not a valid MAC address when modifying an existing NIC", WRONG_INPUT)


def check_count(count: int) -> None:
    """Check that an instance may have so many interfaces.

    Raises:
        PrerequisiteError: it may not.
    """
    if count > MAX_NICS:
        raise PrerequisiteError(f"Instance has too many network interfaces ({MAX_NICS}), cannot add more", WRONG_STATE)


def new_nic(wanted: Mapping[str, Any], view: ClusterView, aside: Reservations, group: str) -> dict[str, Any]:
    """Make a new interface's object; set its MAC address aside.

    Args:
        wanted: what the opcode says of it.
        view: the configuration.
        aside: the opcode's reservations.
        group: UUID of the instance's group.
    """
    return _changed({"uuid": str(uuids.uuid4()), "nicparams": {}}, {"mac": "auto", **wanted}, view, aside, group)


def changed_nic(
    nic: Object, wanted: Mapping[str, Any], view: ClusterView, aside: Reservations, group: str
) -> dict[str, Any]:
    """Return an interface's object as it is after a modification."""
    return _changed(nic, wanted, view, aside, group)


def _changed(
    nic: Object, wanted: Mapping[str, Any], view: ClusterView, aside: Reservations, group: str
) -> dict[str, Any]:
    result = dict(nic)
    parameters = {**nic["nicparams"], **{name: wanted[name] for name in _PARAMETERS if wanted.get(name) is not None}}
    if wanted.get("bridge"):
        parameters["link"] = wanted["bridge"]
    for name in ("ip", "name", "network"):
        value = wanted.get(name)
        if value is not None and value.lower() == _NONE:
            result.pop(name, None)
        elif value is not None:
            result[name] = value
    if wanted.get("network") and "network" in result:
        network = known(view, "network", result["network"])
        result["network"] = network["uuid"]
        connected = (view.groups[group].get("networks") or {}).get(network["uuid"])
        if not connected:
            text = f"No netparams found for the network {network['name']}, probably not connected"
            raise PrerequisiteError(text, WRONG_INPUT)
        parameters = dict(connected)
    result["nicparams"] = {name: value for name, value in parameters.items() if value != "default"}
    mac = wanted.get("mac")
    if mac is not None:
        result["mac"] = aside.reserve_mac(result.get("network"), None if mac in _NEW_MACS else mac.lower())
    return result


def nic_changes(index: int, nic: Object, wanted: Sequence[str]) -> list[list[Any]]:
    """Return what a modification changed, as opcodes answer it: [name, value] pairs."""
    found = [[f"nic.{name}/{index}", nic.get(name)] for name in ("mac", "ip", "name", "network") if name in wanted]
    return [*found, *([f"nic.{name}/{index}", value] for name, value in nic["nicparams"].items())]

"""A configuration as Ganeti's own daemons read it. Pure.

They refuse an object that has a key they do not know, so what only Gantry knows (the key `gantry`: hardware of nodes,
settings of the embedded driver) is left out.

Source: the refusals of Ganeti 3.0.2's wconfd and luxid ("Superfluous dictionary keys").
"""

from collections.abc import Mapping
from typing import Any

from impl.hypervisor.facts import HARDWARE


def for_ganeti(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration without what only Gantry knows."""
    return {
        key: _without(part) if isinstance(part, Mapping) else part for key, part in config.items() if key != HARDWARE
    }


def _without(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cluster object, or objects by UUID, without our key."""
    return {
        key: {name: value for name, value in it.items() if name != HARDWARE} if isinstance(it, Mapping) else it
        for key, it in part.items()
        if key != HARDWARE
    }

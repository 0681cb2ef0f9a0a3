"""The opcodes that the tools write into answers and submit as jobs: which ones a move takes, and their parameters.

Parameters are in Ganeti's order, with its defaults written out and absent ones left out, so that hail's answers are
the same text. Nothing is submitted here.

Source: the answers of hail 3.0.2 to node-evacuate and change-group requests; the jobs hbal and hsqueeze submit.
"""

from collections.abc import Sequence
from typing import Any

Opcode = dict[str, Any]

SHUTDOWN_TIMEOUT = 120
"""Seconds that a failover gives the instance to shut down."""
OOB_TIMEOUT = 60
"""Seconds that an out-of-band command may take on one node."""
OOB_DELAY = 2.0
"""Seconds between powering on two nodes."""


def migrate(instance: str, target: str | None = None) -> Opcode:
    """Migrate live, or fail over if the instance is down."""
    opcode: Opcode = {"OP_ID": "OP_INSTANCE_MIGRATE", "instance_name": instance}
    if target is not None:
        opcode["target_node"] = target
    opcode |= {"allow_runtime_changes": False, "ignore_ipolicy": False, "cleanup": False}
    return opcode | {"allow_failover": True, "ignore_hvversions": True}


def failover(instance: str, target: str | None = None) -> Opcode:
    """Fail over; forthcoming instances are moved like this."""
    opcode: Opcode = {"OP_ID": "OP_INSTANCE_FAILOVER", "instance_name": instance}
    opcode |= {"shutdown_timeout": SHUTDOWN_TIMEOUT, "ignore_consistency": False}
    if target is not None:
        opcode["target_node"] = target
    return opcode | {"ignore_ipolicy": False, "cleanup": False}


def replace_secondary(instance: str, target: str) -> Opcode:
    """Mirror the disks to another secondary."""
    return {
        "OP_ID": "OP_INSTANCE_REPLACE_DISKS",
        "instance_name": instance,
        "early_release": False,
        "ignore_ipolicy": False,
        "mode": "replace_new_secondary",
        "disks": [],
        "remote_node": target,
    }


def drain(node: str, *, drained: bool) -> Opcode:
    """Drain a node, or end that; another node becomes master candidate in its place."""
    opcode: Opcode = {"OP_ID": "OP_NODE_SET_PARAMS", "node_name": node, "force": False, "drained": drained}
    return opcode | {"auto_promote": True}


def set_offline(node: str) -> Opcode:
    """Mark a node offline."""
    opcode: Opcode = {"OP_ID": "OP_NODE_SET_PARAMS", "node_name": node, "force": False, "offline": True}
    return opcode | {"auto_promote": True}


def set_online(node: str) -> Opcode:
    """Put a node in service again, whether it was offline or drained."""
    opcode: Opcode = {"OP_ID": "OP_NODE_SET_PARAMS", "node_name": node, "force": False, "offline": False}
    return opcode | {"drained": False, "auto_promote": False}


def power(nodes: Sequence[str], *, on: bool) -> Opcode:
    """Power nodes on or off through their out-of-band management."""
    return {
        "OP_ID": "OP_OOB_COMMAND",
        "node_names": list(nodes),
        "command": "power-on" if on else "power-off",
        "timeout": OOB_TIMEOUT,
        "ignore_status": False,
        "power_delay": OOB_DELAY,
    }


def add_node_tags(node: str, tags: Sequence[str]) -> Opcode:
    """Tag a node."""
    return {"OP_ID": "OP_TAGS_SET", "kind": "node", "tags": list(tags), "name": node}

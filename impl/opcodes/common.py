"""Parameters that several opcodes share. Source: Ganeti 3.0.2's opcode parameters."""

from impl.opcodes.table import Parameter, default, nullable, optional, required
from impl.opcodes.types import (
    BOOL,
    DEPENDENCIES,
    NON_EMPTY,
    NON_NEGATIVE,
    OBJECT,
    REASON_TRAIL,
    STRING,
    SUBMIT_PRIORITY,
    listing,
)

COMMON: tuple[Parameter, ...] = (
    optional("dry_run", BOOL),
    optional("debug_level", NON_NEGATIVE),
    default("priority", SUBMIT_PRIORITY, 0),
    nullable("depends", DEPENDENCIES),
    nullable("comment", STRING),
    required("reason", REASON_TRAIL),
)
"""What every opcode has."""

SHUTDOWN_TIMEOUT = 120
"""Seconds that an instance is given to shut down."""

NAMES = listing(NON_EMPTY)
FORCE = default("force", BOOL, value=False)
GROUP_NAME = required("group_name", NON_EMPTY)
IALLOCATOR = optional("iallocator")
IGNORE_IPOLICY = default("ignore_ipolicy", BOOL, value=False)
EARLY_RELEASE = default("early_release", BOOL, value=False)
OUTPUT_FIELDS = required("output_fields", NAMES)
HV_STATE = optional("hv_state", OBJECT)
DISK_STATE = optional("disk_state", OBJECT)
ND_PARAMS = optional("ndparams", OBJECT)
IPOLICY = optional("ipolicy", OBJECT)
NODE = (required("node_name", NON_EMPTY), optional("node_uuid"))
INSTANCE = (required("instance_name", STRING), optional("instance_uuid"))
TARGET_NODE = (optional("target_node"), optional("target_node_uuid"))
REMOTE_NODE = (optional("remote_node"), optional("remote_node_uuid"))
PRIMARY_NODE = (optional("pnode"), optional("pnode_uuid"))
TARGET_GROUPS = optional("target_groups", NAMES)
USE_LOCKING = default("use_locking", BOOL, value=False)
SHUTDOWN = default("shutdown_timeout", NON_NEGATIVE, SHUTDOWN_TIMEOUT)

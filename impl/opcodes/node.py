"""Opcodes on nodes. Source: Ganeti 3.0.2's opcode table."""

from impl.opcodes.common import (
    DISK_STATE,
    EARLY_RELEASE,
    FORCE,
    HV_STATE,
    IALLOCATOR,
    IGNORE_IPOLICY,
    NAMES,
    ND_PARAMS,
    NODE,
    OUTPUT_FIELDS,
    REMOTE_NODE,
    TARGET_NODE,
    USE_LOCKING,
)
from impl.opcodes.table import Opcode, default, optional, required
from impl.opcodes.types import BOOL, DOUBLE, INT, NON_EMPTY, OBJECT, choice

MIGRATION_MODE = (optional("mode", choice("MigrationMode", "non-live", "live")), optional("live", BOOL))
_STORAGE = choice(
    "StorageType", "file", "sharedfile", "lvm-pv", "lvm-vg", "diskless", "blockdev", "rados", "ext", "gluster"
)

OPCODES: tuple[Opcode, ...] = (
    Opcode(
        "OP_OOB_COMMAND",
        (
            default("node_names", NAMES, []),
            optional("node_uuids", NAMES),
            required("command", choice("OobCommand", "health", "power-cycle", "power-off", "power-on", "power-status")),
            default("timeout", INT, 60),
            default("ignore_status", BOOL, value=False),
            default("power_delay", DOUBLE, 2.0),
        ),
    ),
    Opcode(
        "OP_RESTRICTED_COMMAND",
        (USE_LOCKING, required("nodes", NAMES), optional("node_uuids", NAMES), required("command", NON_EMPTY)),
    ),
    Opcode("OP_NODE_REMOVE", NODE, "node_name"),
    Opcode(
        "OP_NODE_ADD",
        (
            required("node_name", NON_EMPTY),
            HV_STATE,
            DISK_STATE,
            optional("primary_ip"),
            optional("secondary_ip"),
            default("readd", BOOL, value=False),
            optional("group"),
            optional("master_capable", BOOL),
            optional("vm_capable", BOOL),
            ND_PARAMS,
            default("node_setup", BOOL, value=False),
        ),
        "node_name",
    ),
    Opcode("OP_NODE_QUERYVOLS", (OUTPUT_FIELDS, default("nodes", NAMES, []))),
    Opcode(
        "OP_NODE_QUERY_STORAGE",
        (OUTPUT_FIELDS, optional("storage_type", _STORAGE), default("nodes", NAMES, []), optional("name")),
    ),
    Opcode(
        "OP_NODE_MODIFY_STORAGE",
        (*NODE, required("storage_type", _STORAGE), optional("name"), required("changes", OBJECT)),
        "node_name",
    ),
    Opcode(
        "OP_REPAIR_NODE_STORAGE",
        (
            *NODE,
            required("storage_type", _STORAGE),
            optional("name"),
            default("ignore_consistency", BOOL, value=False),
        ),
        "node_name",
    ),
    Opcode(
        "OP_NODE_SET_PARAMS",
        (
            *NODE,
            FORCE,
            HV_STATE,
            DISK_STATE,
            optional("master_candidate", BOOL),
            optional("offline", BOOL),
            optional("drained", BOOL),
            default("auto_promote", BOOL, value=False),
            optional("master_capable", BOOL),
            optional("vm_capable", BOOL),
            optional("secondary_ip"),
            ND_PARAMS,
            optional("powered", BOOL),
        ),
        "node_name",
    ),
    Opcode("OP_NODE_POWERCYCLE", (*NODE, FORCE), "node_name"),
    Opcode(
        "OP_NODE_MIGRATE",
        (
            *NODE,
            *MIGRATION_MODE,
            *TARGET_NODE,
            default("allow_runtime_changes", BOOL, value=True),
            IGNORE_IPOLICY,
            IALLOCATOR,
        ),
        "node_name",
    ),
    Opcode(
        "OP_NODE_EVACUATE",
        (
            EARLY_RELEASE,
            *NODE,
            *REMOTE_NODE,
            IALLOCATOR,
            required("mode", choice("EvacMode", "primary-only", "secondary-only", "all")),
            optional("ignore_soft_errors", BOOL),
        ),
        "node_name",
    ),
)

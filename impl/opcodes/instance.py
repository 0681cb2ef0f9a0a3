"""Opcodes on instances and their backups. Source: Ganeti 3.0.2's opcode table."""

from impl.opcodes.common import (
    EARLY_RELEASE,
    FORCE,
    IALLOCATOR,
    IGNORE_IPOLICY,
    INSTANCE,
    NAMES,
    PRIMARY_NODE,
    REMOTE_NODE,
    SHUTDOWN,
    SHUTDOWN_TIMEOUT,
    TARGET_GROUPS,
    TARGET_NODE,
    USE_LOCKING,
)
from impl.opcodes.node import MIGRATION_MODE
from impl.opcodes.table import Opcode, Parameter, default, optional, required, secret
from impl.opcodes.types import (
    ANY,
    BOOL,
    DISK,
    DISK_INDEX,
    DISK_TEMPLATE,
    DOUBLE,
    HYPERVISOR,
    INT,
    NIC,
    NON_EMPTY,
    NON_NEGATIVE,
    OBJECT,
    POSITIVE,
    STRING,
    choice,
    listing,
)


def _flag(name: str, value: bool = False) -> Parameter:
    return default(name, BOOL, value)


_OFFLINE_OK = _flag("ignore_offline_nodes")
_NO_REMEMBER = _flag("no_remember")
_CONSISTENCY = _flag("ignore_consistency")
_CLEANUP = _flag("cleanup")
_VARIANT = _flag("force_variant")
_SYNC = _flag("wait_for_sync", value=True)
_NAME_CHECK = _flag("name_check", value=True)
_IP_CHECK = _flag("ip_check", value=True)
_CONFLICTS = _flag("conflicts_check", value=True)
_BEPARAMS = default("beparams", OBJECT, {})
_HVPARAMS = default("hvparams", OBJECT, {})
_OSPARAMS = default("osparams", OBJECT, {})
_OSPARAMS_PRIVATE = optional("osparams_private", OBJECT)
_OSPARAMS_SECRET = secret("osparams_secret", OBJECT)
_TEMPLATE = optional("disk_template", DISK_TEMPLATE)
_FILE = (
    optional("file_driver", choice("FileDriver", "loop", "blktap", "blktap2")),
    optional("file_storage_dir"),
)
_TAGS = default("tags", NAMES, [])
_COMPRESS = default("compress", STRING, "none")

CREATE = Opcode(
    "OP_INSTANCE_CREATE",
    (
        required("instance_name", STRING),
        _VARIANT,
        _SYNC,
        _NAME_CHECK,
        IGNORE_IPOLICY,
        _flag("opportunistic_locking"),
        _BEPARAMS,
        required("disks", listing(DISK)),
        _TEMPLATE,
        optional("group_name"),
        *_FILE,
        _HVPARAMS,
        optional("hypervisor", HYPERVISOR),
        IALLOCATOR,
        _flag("identify_defaults"),
        _IP_CHECK,
        _CONFLICTS,
        required("mode", choice("InstCreateMode", "create", "import", "remote-import")),
        required("nics", listing(NIC)),
        optional("no_install", BOOL),
        _OSPARAMS,
        _OSPARAMS_PRIVATE,
        _OSPARAMS_SECRET,
        optional("os_type"),
        *PRIMARY_NODE,
        optional("snode"),
        optional("snode_uuid"),
        optional("source_handshake", listing(ANY)),
        optional("source_instance_name"),
        default("source_shutdown_timeout", NON_NEGATIVE, SHUTDOWN_TIMEOUT),
        optional("source_x509_ca"),
        optional("src_node"),
        optional("src_node_uuid"),
        optional("src_path"),
        _COMPRESS,
        _flag("start", value=True),
        _flag("forthcoming"),
        _flag("commit"),
        _TAGS,
        _flag("instance_communication"),
        optional("helper_startup_timeout", INT),
        optional("helper_shutdown_timeout", INT),
    ),
    "instance_name",
)

_SET_PARAMS = Opcode(
    "OP_INSTANCE_SET_PARAMS",
    (
        *INSTANCE,
        FORCE,
        _VARIANT,
        IGNORE_IPOLICY,
        default("nics", listing(ANY), []),
        default("disks", listing(ANY), []),
        _BEPARAMS,
        optional("runtime_mem", POSITIVE),
        _HVPARAMS,
        _TEMPLATE,
        default("ext_params", OBJECT, {}),
        *_FILE,
        *PRIMARY_NODE,
        *REMOTE_NODE,
        IALLOCATOR,
        optional("os_name"),
        _OSPARAMS,
        _OSPARAMS_PRIVATE,
        _SYNC,
        optional("offline", BOOL),
        _CONFLICTS,
        _flag("hotplug"),
        _flag("hotplug_if_possible"),
        optional("instance_communication", BOOL),
    ),
    "instance_name",
)

_BACKUP = Opcode(
    "OP_BACKUP_EXPORT",
    (
        *INSTANCE,
        _COMPRESS,
        SHUTDOWN,
        required("target_node", ANY),
        optional("target_node_uuid"),
        _flag("shutdown", value=True),
        _flag("remove_instance"),
        _flag("ignore_remove_failures"),
        default("mode", choice("ExportMode", "local", "remote"), "local"),
        optional("x509_key_name", listing(ANY)),
        optional("destination_x509_ca"),
        _flag("zero_free_space"),
        optional("zeroing_timeout_fixed", INT),
        optional("zeroing_timeout_per_mib", DOUBLE),
        _flag("long_sleep"),
    ),
    "instance_name",
)

OPCODES: tuple[Opcode, ...] = (
    CREATE,
    Opcode(
        "OP_INSTANCE_MULTI_ALLOC",
        (_flag("opportunistic_locking"), IALLOCATOR, default("instances", listing(ANY), [])),
    ),
    Opcode(
        "OP_INSTANCE_REINSTALL",
        (
            *INSTANCE,
            _VARIANT,
            optional("os_type"),
            optional("osparams", OBJECT),
            _OSPARAMS_PRIVATE,
            _OSPARAMS_SECRET,
        ),
        "instance_name",
    ),
    Opcode("OP_INSTANCE_REMOVE", (*INSTANCE, SHUTDOWN, _flag("ignore_failures")), "instance_name"),
    Opcode("OP_INSTANCE_RENAME", (*INSTANCE, required("new_name", NON_EMPTY), _NAME_CHECK, _IP_CHECK)),
    Opcode(
        "OP_INSTANCE_STARTUP",
        (*INSTANCE, FORCE, _OFFLINE_OK, _HVPARAMS, _BEPARAMS, _NO_REMEMBER, _flag("startup_paused"), SHUTDOWN),
        "instance_name",
    ),
    Opcode(
        "OP_INSTANCE_SHUTDOWN",
        (
            *INSTANCE,
            FORCE,
            _OFFLINE_OK,
            default("timeout", NON_NEGATIVE, SHUTDOWN_TIMEOUT),
            _NO_REMEMBER,
            optional("admin_state_source", choice("AdminStateSource", "admin", "user")),
        ),
        "instance_name",
    ),
    Opcode(
        "OP_INSTANCE_REBOOT",
        (
            *INSTANCE,
            SHUTDOWN,
            _flag("ignore_secondaries"),
            required("reboot_type", choice("RebootType", "soft", "hard", "full")),
        ),
        "instance_name",
    ),
    Opcode(
        "OP_INSTANCE_REPLACE_DISKS",
        (
            *INSTANCE,
            EARLY_RELEASE,
            IGNORE_IPOLICY,
            required(
                "mode",
                choice(
                    "ReplaceDisksMode",
                    "replace_on_primary",
                    "replace_on_secondary",
                    "replace_new_secondary",
                    "replace_auto",
                ),
            ),
            default("disks", listing(DISK_INDEX), []),
            *REMOTE_NODE,
            IALLOCATOR,
        ),
        "instance_name",
    ),
    Opcode(
        "OP_INSTANCE_FAILOVER",
        (*INSTANCE, SHUTDOWN, _CONSISTENCY, *TARGET_NODE, IGNORE_IPOLICY, _CLEANUP, IALLOCATOR),
        "instance_name",
    ),
    Opcode(
        "OP_INSTANCE_MIGRATE",
        (
            *INSTANCE,
            *MIGRATION_MODE,
            *TARGET_NODE,
            _flag("allow_runtime_changes", value=True),
            IGNORE_IPOLICY,
            _CLEANUP,
            IALLOCATOR,
            _flag("allow_failover"),
            _flag("ignore_hvversions"),
        ),
        "instance_name",
    ),
    Opcode(
        "OP_INSTANCE_MOVE",
        (
            *INSTANCE,
            SHUTDOWN,
            IGNORE_IPOLICY,
            required("target_node", NON_EMPTY),
            optional("target_node_uuid"),
            _COMPRESS,
            _CONSISTENCY,
        ),
        "instance_name",
    ),
    Opcode("OP_INSTANCE_CONSOLE", INSTANCE, "instance_name"),
    Opcode("OP_INSTANCE_ACTIVATE_DISKS", (*INSTANCE, _flag("ignore_size"), _flag("wait_for_sync")), "instance_name"),
    Opcode("OP_INSTANCE_DEACTIVATE_DISKS", (*INSTANCE, FORCE), "instance_name"),
    Opcode(
        "OP_INSTANCE_RECREATE_DISKS",
        (
            *INSTANCE,
            default("disks", listing(ANY), []),
            default("nodes", NAMES, []),
            optional("node_uuids", NAMES),
            IALLOCATOR,
        ),
        "instance_name",
    ),
    Opcode("OP_INSTANCE_QUERY_DATA", (USE_LOCKING, default("instances", NAMES, []), _flag("static"))),
    _SET_PARAMS,
    Opcode(
        "OP_INSTANCE_GROW_DISK",
        (
            *INSTANCE,
            _SYNC,
            required("disk", DISK_INDEX),
            required("amount", NON_NEGATIVE),
            _flag("absolute"),
            IGNORE_IPOLICY,
        ),
        "instance_name",
    ),
    Opcode("OP_INSTANCE_CHANGE_GROUP", (*INSTANCE, EARLY_RELEASE, IALLOCATOR, TARGET_GROUPS), "instance_name"),
    Opcode(
        "OP_BACKUP_PREPARE", (*INSTANCE, required("mode", choice("ExportMode", "local", "remote"))), "instance_name"
    ),
    _BACKUP,
    Opcode("OP_BACKUP_REMOVE", INSTANCE, "instance_name"),
)

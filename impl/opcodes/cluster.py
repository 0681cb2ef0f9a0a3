"""Opcodes on the cluster, its groups, networks and tags. Source: Ganeti 3.0.2's opcode table."""

from impl.opcodes.common import (
    DISK_STATE,
    EARLY_RELEASE,
    FORCE,
    GROUP_NAME,
    HV_STATE,
    IALLOCATOR,
    IPOLICY,
    NAMES,
    ND_PARAMS,
    OUTPUT_FIELDS,
    TARGET_GROUPS,
    USE_LOCKING,
)
from impl.opcodes.table import Opcode, default, optional, required
from impl.opcodes.types import (
    ANY,
    BOOL,
    DISK_TEMPLATE,
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
    mapping,
    row,
)

_FINDINGS = {
    "ECLUSTER": ["CERT", "CFG", "CLIENTCERT", "DANGLINGINST", "DANGLINGNODES", "FILECHECK"],
    "EINSTANCE": [
        "BADNODE",
        "DOWN",
        "FAULTYDISK",
        "LAYOUT",
        "MISSINGCFGPARAMETER",
        "MISSINGDISK",
        "POLICY",
        "SPLITGROUPS",
        "UNSUITABLENODE",
        "WRONGNODE",
    ],
    "ENODE": [
        "DRBD",
        "DRBDHELPER",
        "DRBDVERSION",
        "FILECHECK",
        "FILESTORAGEPATHS",
        "FILESTORAGEPATHUNUSABLE",
        "GLUSTERSTORAGEPATHUNUSABLE",
        "HOOKS",
        "HV",
        "LVM",
        "N1",
        "NET",
        "OOBPATH",
        "ORPHANINSTANCE",
        "ORPHANLV",
        "OS",
        "RPC",
        "SETUP",
        "SHAREDFILESTORAGEPATHUNUSABLE",
        "SSH",
        "TIME",
        "USERSCRIPTS",
        "VERSION",
    ],
    "E": ["EXTAGS", "GROUPDIFFERENTPVSIZE"],
}
_ERROR_CODES = choice("CVErrorCode", *(prefix + name for prefix, names in _FINDINGS.items() for name in names))
_SKIP_CHECKS = default("skip_checks", listing(choice("VerifyOptionalChecks", "nplusone_mem")), [])
_IGNORE_ERRORS = default("ignore_errors", listing(_ERROR_CODES), [])
_VERBOSE = default("verbose", BOOL, value=False)
_DEBUG_ERRORS = default("debug_simulate_errors", BOOL, value=False)
_CODES = default("error_codes", BOOL, value=False)
_CLUTTER = default("verify_clutter", BOOL, value=False)
_OPT_GROUP = optional("group_name")
_UIDS = listing(row("Pair", INT, INT))
_OS_CHANGES = listing(row("Pair", choice("DdmSimple", "add", "attach", "remove", "detach"), NON_EMPTY))
_GROUP_DISKPARAMS = optional("diskparams", mapping(OBJECT))
_ALLOC_POLICY = optional("alloc_policy", choice("AllocPolicy", "preferred", "last_resort", "unallocable"))
_QUERY_WHAT = required(
    "what", choice("QueryTypeOp", "cluster", "instance", "node", "group", "os", "export", "extstorage", "network")
)

_SET_PARAMS = Opcode(
    "OP_CLUSTER_SET_PARAMS",
    (
        FORCE,
        HV_STATE,
        DISK_STATE,
        optional("vg_name", STRING),
        optional("enabled_hypervisors", listing(HYPERVISOR)),
        optional("hvparams", mapping(OBJECT)),
        optional("beparams", OBJECT),
        optional("os_hvp", mapping(OBJECT)),
        optional("osparams", mapping(OBJECT)),
        optional("osparams_private_cluster", mapping(OBJECT)),
        _GROUP_DISKPARAMS,
        optional("candidate_pool_size", POSITIVE),
        optional("max_running_jobs", POSITIVE),
        optional("max_tracked_jobs", POSITIVE),
        optional("uid_pool", _UIDS),
        optional("add_uids", _UIDS),
        optional("remove_uids", _UIDS),
        optional("maintain_node_health", BOOL),
        optional("prealloc_wipe_disks", BOOL),
        optional("nicparams", NIC),
        ND_PARAMS,
        IPOLICY,
        optional("drbd_helper", STRING),
        optional("default_iallocator", STRING),
        optional("default_iallocator_params", OBJECT),
        optional("mac_prefix"),
        optional("master_netdev", STRING),
        optional("master_netmask", NON_NEGATIVE),
        optional("reserved_lvs", NAMES),
        optional("hidden_os", _OS_CHANGES),
        optional("blacklisted_os", _OS_CHANGES),
        optional("use_external_mip_script", BOOL),
        optional("enabled_disk_templates", listing(DISK_TEMPLATE)),
        optional("modify_etc_hosts", BOOL),
        optional("file_storage_dir", STRING),
        optional("shared_file_storage_dir", STRING),
        optional("gluster_storage_dir", STRING),
        optional("install_image", STRING),
        optional("instance_communication_network", STRING),
        optional("zeroing_image", STRING),
        optional("compression_tools", NAMES),
        optional("enabled_user_shutdown", BOOL),
        optional("enabled_data_collectors", mapping(BOOL)),
        optional("data_collector_interval", mapping(INT)),
    ),
)

_TAG_KIND = required("kind", choice("TagKind", "instance", "node", "nodegroup", "cluster", "network"))
_TAGS = required("tags", listing(STRING))
_TAGS_NAME = optional("name", STRING)
_NETWORK = required("network_name", NON_EMPTY)
_CONFLICTS = default("conflicts_check", BOOL, value=True)

OPCODES: tuple[Opcode, ...] = (
    Opcode("OP_CLUSTER_POST_INIT", ()),
    Opcode("OP_CLUSTER_DESTROY", ()),
    Opcode("OP_CLUSTER_QUERY", ()),
    Opcode(
        "OP_CLUSTER_VERIFY",
        (_DEBUG_ERRORS, _CODES, _SKIP_CHECKS, _IGNORE_ERRORS, _VERBOSE, _OPT_GROUP, _CLUTTER),
    ),
    Opcode("OP_CLUSTER_VERIFY_CONFIG", (_DEBUG_ERRORS, _CODES, _IGNORE_ERRORS, _VERBOSE)),
    Opcode(
        "OP_CLUSTER_VERIFY_GROUP",
        (GROUP_NAME, _DEBUG_ERRORS, _CODES, _SKIP_CHECKS, _IGNORE_ERRORS, _VERBOSE, _CLUTTER),
        "group_name",
    ),
    Opcode("OP_CLUSTER_VERIFY_DISKS", (_OPT_GROUP,)),
    Opcode("OP_GROUP_VERIFY_DISKS", (GROUP_NAME,), "group_name"),
    Opcode("OP_CLUSTER_REPAIR_DISK_SIZES", (default("instances", NAMES, []),)),
    Opcode("OP_CLUSTER_CONFIG_QUERY", (OUTPUT_FIELDS,)),
    Opcode("OP_CLUSTER_RENAME", (required("name", NON_EMPTY),), "name"),
    _SET_PARAMS,
    Opcode("OP_CLUSTER_REDIST_CONF", ()),
    Opcode("OP_CLUSTER_ACTIVATE_MASTER_IP", ()),
    Opcode("OP_CLUSTER_DEACTIVATE_MASTER_IP", ()),
    Opcode(
        "OP_CLUSTER_RENEW_CRYPTO",
        (
            default("node_certificates", BOOL, value=False),
            default("renew_ssh_keys", BOOL, value=False),
            optional("ssh_key_type", choice("SshKeyType", "rsa", "dsa", "ecdsa")),
            optional("ssh_key_bits", POSITIVE),
            _VERBOSE,
            default("debug", BOOL, value=False),
        ),
    ),
    Opcode(
        "OP_QUERY", (_QUERY_WHAT, USE_LOCKING, required("fields", NAMES), optional("qfilter", listing(ANY))), "what"
    ),
    Opcode("OP_QUERY_FIELDS", (_QUERY_WHAT, optional("fields", NAMES)), "what"),
    Opcode(
        "OP_GROUP_ADD",
        (GROUP_NAME, _ALLOC_POLICY, ND_PARAMS, _GROUP_DISKPARAMS, HV_STATE, DISK_STATE, IPOLICY),
        "group_name",
    ),
    Opcode(
        "OP_GROUP_ASSIGN_NODES",
        (GROUP_NAME, FORCE, required("nodes", NAMES), optional("node_uuids", NAMES)),
        "group_name",
    ),
    Opcode(
        "OP_GROUP_SET_PARAMS",
        (GROUP_NAME, _ALLOC_POLICY, ND_PARAMS, _GROUP_DISKPARAMS, HV_STATE, DISK_STATE, IPOLICY),
        "group_name",
    ),
    Opcode("OP_GROUP_REMOVE", (GROUP_NAME,), "group_name"),
    Opcode("OP_GROUP_RENAME", (GROUP_NAME, required("new_name", NON_EMPTY))),
    Opcode(
        "OP_GROUP_EVACUATE",
        (
            GROUP_NAME,
            EARLY_RELEASE,
            IALLOCATOR,
            TARGET_GROUPS,
            default("sequential", BOOL, value=False),
            default("force_failover", BOOL, value=False),
        ),
        "group_name",
    ),
    Opcode("OP_OS_DIAGNOSE", (OUTPUT_FIELDS, default("names", NAMES, []))),
    Opcode("OP_EXT_STORAGE_DIAGNOSE", (OUTPUT_FIELDS, default("names", NAMES, []))),
    Opcode("OP_TAGS_GET", (_TAG_KIND, USE_LOCKING, _TAGS_NAME), "kind"),
    Opcode("OP_TAGS_SEARCH", (required("pattern", NON_EMPTY),), "pattern"),
    Opcode("OP_TAGS_SET", (_TAG_KIND, _TAGS, _TAGS_NAME)),
    Opcode("OP_TAGS_DEL", (_TAG_KIND, _TAGS, _TAGS_NAME)),
    Opcode(
        "OP_NETWORK_ADD",
        (
            _NETWORK,
            required("network", NON_EMPTY),
            optional("gateway"),
            optional("network6"),
            optional("gateway6"),
            optional("mac_prefix"),
            optional("add_reserved_ips", NAMES),
            _CONFLICTS,
            default("tags", NAMES, []),
        ),
        "network_name",
    ),
    Opcode("OP_NETWORK_REMOVE", (_NETWORK, FORCE), "network_name"),
    Opcode(
        "OP_NETWORK_SET_PARAMS",
        (
            _NETWORK,
            optional("gateway"),
            optional("network6"),
            optional("gateway6"),
            optional("mac_prefix"),
            optional("add_reserved_ips", NAMES),
            optional("remove_reserved_ips", NAMES),
        ),
        "network_name",
    ),
    Opcode(
        "OP_NETWORK_CONNECT",
        (
            GROUP_NAME,
            _NETWORK,
            required("network_mode", choice("NICMode", "bridged", "routed", "openvswitch", "pool")),
            required("network_link", NON_EMPTY),
            default("network_vlan", STRING, ""),
            _CONFLICTS,
        ),
        "network_name",
    ),
    Opcode("OP_NETWORK_DISCONNECT", (GROUP_NAME, _NETWORK), "network_name"),
)

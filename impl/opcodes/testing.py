"""Opcodes that try out the queue and the allocator. Source: Ganeti 3.0.2's opcode table."""

from impl.opcodes.common import IALLOCATOR, NAMES, TARGET_GROUPS
from impl.opcodes.table import Opcode, default, optional, required, secret
from impl.opcodes.types import (
    ANY,
    BOOL,
    DISK_TEMPLATE,
    DOUBLE,
    HYPERVISOR,
    NIC,
    NON_EMPTY,
    NON_NEGATIVE,
    OBJECT,
    STRING,
    choice,
    listing,
)

OPCODES: tuple[Opcode, ...] = (
    Opcode(
        "OP_TEST_DELAY",
        (
            required("duration", DOUBLE),
            default("on_master", BOOL, value=True),
            default("on_nodes", NAMES, []),
            optional("on_node_uuids", NAMES),
            default("repeat", NON_NEGATIVE, 0),
            default("interruptible", BOOL, value=False),
            default("no_locks", BOOL, value=True),
        ),
        "duration",
    ),
    Opcode(
        "OP_TEST_ALLOCATOR",
        (
            required("direction", choice("IAllocatorTestDir", "in", "out")),
            required(
                "mode",
                choice("IAllocatorMode", "allocate", "multi-allocate", "relocate", "node-evacuate", "change-group"),
            ),
            required("name", NON_EMPTY),
            optional("nics", listing(NIC)),
            optional("disks", listing(ANY)),
            optional("hypervisor", HYPERVISOR),
            IALLOCATOR,
            default("tags", NAMES, []),
            optional("memory", NON_NEGATIVE),
            optional("vcpus", NON_NEGATIVE),
            optional("os"),
            optional("disk_template", DISK_TEMPLATE),
            optional("instances", NAMES),
            optional("evac_mode", choice("EvacMode", "primary-only", "secondary-only", "all")),
            TARGET_GROUPS,
            default("spindle_use", NON_NEGATIVE, 1),
            default("count", NON_NEGATIVE, 1),
            optional("group_name"),
        ),
        "iallocator",
    ),
    Opcode(
        "OP_TEST_JQUEUE",
        (
            default("notify_waitlock", BOOL, value=False),
            default("notify_exec", BOOL, value=False),
            default("log_messages", listing(STRING), []),
            default("fail", BOOL, value=False),
        ),
    ),
    Opcode("OP_TEST_OS_PARAMS", (secret("osparams_secret", OBJECT),)),
    Opcode(
        "OP_TEST_DUMMY",
        (required("result", ANY), required("messages", ANY), required("fail", ANY), required("submit_jobs", ANY)),
    ),
)

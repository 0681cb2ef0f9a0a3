from impl.job.submitting import inherit, submit_jobs

PARENT = {"OP_ID": "OP_NODE_EVACUATE", "priority": 5, "dry_run": False, "debug_level": None, "reason": [["a", "b", 1]]}


def test_a_job_inherits_what_it_does_not_say_itself() -> None:
    op = {"OP_ID": "OP_INSTANCE_MIGRATE", "instance_name": "web1"}
    assert inherit(PARENT, op, 99) == {
        **op, "priority": 5, "dry_run": False,
        "reason": [["a", "b", 1], ["gnt:opcode:node_evacuate", "submitted by opcode", 99]],
    }  # fmt: skip
    found = inherit(PARENT, {**op, "priority": -5, "dry_run": True, "reason": [["c", "d", 2]]}, 99)
    assert (found["priority"], found["dry_run"]) == (-5, True)
    assert [entry[0] for entry in found["reason"]] == ["a", "c", "gnt:opcode:node_evacuate"]


def test_nothing_to_submit_needs_no_luxid() -> None:
    assert submit_jobs("/nowhere", PARENT, []) == []

"""OP_CLUSTER_SET_PARAMS."""

from typing import Any

from tests.impl.job.conftest import Bench, refused

PARAMS: dict[str, Any] = {"OP_ID": "OP_CLUSTER_SET_PARAMS"}


def test_parameters_change_at_run_time(bench: Bench) -> None:
    bench.succeeds(PARAMS | {"max_running_jobs": 7, "max_tracked_jobs": 9, "vg_name": "other"})
    cluster = bench.config["cluster"]
    assert (cluster["max_running_jobs"], cluster["max_tracked_jobs"], cluster["volume_group_name"]) == (7, 9, "other")
    bench.succeeds(PARAMS | {"beparams": {"vcpus": 3}, "ndparams": {"ssh_port": 23}, "hvparams": {"fake": {"x": 1}}})
    cluster = bench.config["cluster"]
    assert cluster["beparams"]["default"]["vcpus"] == 3
    assert cluster["beparams"]["default"]["maxmem"] == 512
    assert cluster["hvparams"]["fake"] == {"migration_mode": "live", "x": 1}
    bench.succeeds(PARAMS | {"hidden_os": [["add", "a"], ["add", "b"], ["remove", "a"]]})
    assert bench.config["cluster"]["hidden_os"] == ["b"]
    bench.succeeds(PARAMS | {"enabled_data_collectors": {"lv": False}, "data_collector_interval": {"lv": 7}})
    assert bench.config["cluster"]["data_collectors"] == {"lv": {"active": False, "interval": 7}}


def test_a_larger_pool_gets_its_candidates(bench: Bench) -> None:
    bench.succeeds(PARAMS | {"candidate_pool_size": 3})
    assert [node["master_candidate"] for _, node in sorted(bench.config["nodes"].items())] == [True, True, True, False]


def test_nothing_in_use_is_switched_off(bench: Bench) -> None:
    refused(bench, PARAMS | {"enabled_hypervisors": ["kvm"]}, "Cannot disable hypervisor 'fake': instances use it: db")
    refused(bench, PARAMS | {"enabled_disk_templates": ["plain"]}, "Cannot disable disk template 'drbd'")
    refused(bench, PARAMS | {"enabled_hypervisors": []}, "At least one hypervisor")
    refused(bench, PARAMS | {"vg_name": ""}, "Cannot disable lvm storage")
    refused(
        bench, PARAMS | {"max_running_jobs": 9, "max_tracked_jobs": 3}, "Cannot track fewer jobs (3) than may run (9)"
    )

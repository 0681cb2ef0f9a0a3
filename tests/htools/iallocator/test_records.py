"""The request and the cluster that hail prints with `-v` and `-v -v`, in Ganeti's records."""

import json
from pathlib import Path
from typing import Any

import pytest

from htools import hail
from htools.backends import text
from htools.iallocator.records import cluster_record, request_record
from htools.model.cluster import Model
from spec.allocator.cluster import Cluster
from spec.allocator.decisions import Settings
from spec.allocator.requests import AllocateSecondary, ChangeGroup, Evacuate, EvacuationMode, Relocate, Request
from tests import budget
from tests.conformance.programs import run_ganeti, run_ours
from tests.conformance.random_clusters import random_cluster
from tests.conformance.random_requests import random_request
from tests.conftest import GANETI_BIN

HAIL = Path(GANETI_BIN).parent / "lib" / "ganeti" / "iallocators" / "hail"
CLUSTER = text.parse(
    "g|u|last_resort|t|net\n\n"
    "a|8192|1024|4649|1000000|966976|8|M|u|1|rack:a,loc:a|N|0|0|1.5\n"
    "b|8192|1024|4649|1000000|966976|8|Y|u|8|loc:a|Y|3|0|0.5\n\n"
    "i|256|20608|4|ADMIN_down|Y|a|b|drbd|svc:x|1|-|N\n"
    "j|256|20608|4|running|N|a||ext||2|-|Y\n\n"
    "htools:iextags:svc\nhtools:nlocation:loc\n"
)


def test_a_cluster() -> None:
    record = cluster_record(CLUSTER, Model.of(CLUSTER, Settings()))
    for part in (
        '(0,Group {name = "g", uuid = "u", idx = 0, allocPolicy = AllocLastResort, networks = ["net"], iPolicy = ',
        "fMem = 4649, fMemForth = 4137, xMem = 2519, tDsk = 1000000.0, fDsk = 966976, fDskForth = 966976, tCpu = 8.0,",
        "pList = [0], pListForth = [1,0], sList = [], sListForth = [], idx = 0, peers = [],",
        "sList = [0], sListForth = [0], idx = 1, peers = [(0,256)], failN1 = False,",
        "utilLoadForth = DynUtil {cpuWeight = 2.0, memWeight = 2.0, dskWeight = 2.0, netWeight = 2.0}, pTags =",
        'pTags = fromList [("svc:x",1)], group = 0,',
        'locationTags = fromList ["loc:a"], locationScore = 1, instanceMap = fromList [(("loc:a","svc:x"),1)],',
        "vcpus = 4, runSt = StatusDown, pNode = 0, sNode = 1, idx = 0, util = DynUtil {",
        "runSt = Running, pNode = 0, sNode = -1, idx = 1,",
        "movable = True, autoBalance = False, diskTemplate = DTExt, spindleUse = 2, allTags = [],",
        'cdTags = ["htools:iextags:svc","htools:nlocation:loc"], cdIPolicy = IPolicy {',
    ):
        assert part in record


@pytest.mark.parametrize(
    ("request_", "record"),
    [
        (AllocateSecondary(1), "AllocateSecondary 1"),
        (Relocate(0, -1, (1, 0)), "Relocate 0 (-1) [1,0]"),
        (Evacuate((0, 1), EvacuationMode.SECONDARY), "NodeEvacuate [0,1] ChangeSecondary"),
        (ChangeGroup((), (1,)), "ChangeGroup [1] []"),
    ],
)
def test_requests(request_: Request, record: str) -> None:
    assert request_record(request_, CLUSTER) == record


def said(cluster: Cluster, asked: dict[str, Any], folder: Path) -> str:
    """What hail says of a request, `asked` put upon a random one."""
    request = random_request(3)
    request["request"] = request["request"] | asked
    request["cluster_tags"] = list(cluster.tags)
    (folder / "r").write_text(json.dumps(request))
    return run_ours(hail.main, ["-v", "r"], folder).errors


def test_new_instances_have_what_the_clusters_tags_make_of_them(tmp_path: Path) -> None:
    asked = {
        "type": "allocate", "name": 'n"1', "disks": [{"size": 1}, {"size": 2, "spindles": 3}], "disk_space_total": 3,
        "memory": 128, "vcpus": 1, "spindle_use": 5, "disk_template": "plain", "required_nodes": 1,
        "nics": [{"mac": None, "ip": "1.2.3.4", "mode": "openvswitch", "network": "n"}], "group_name": "g",
        "tags": ["svc:x", "y"],
        "restrict-to-nodes": ["a"],
    }  # fmt: skip
    record = (
        'Received request: Allocate (Instance {name = "n\\"1", alias = "n\\"1", mem = 128, dsk = 3, disks = '
        "[Disk {dskSize = 1, dskSpindles = Nothing},Disk {dskSize = 2, dskSpindles = Just 3}], vcpus = 1, "
        "runSt = Running, pNode = 0, sNode = 0, idx = -1, util = DynUtil {cpuWeight = 1.0, memWeight = 1.0, "
        "dskWeight = 1.0, netWeight = 1.0}, movable = False, autoBalance = True, diskTemplate = DTPlain, "
        'spindleUse = 5, allTags = ["svc:x","y"], exclTags = ["svc:x"], dsrdLocTags = fromList [], locationScore = 0, '
        'arPolicy = ArNotEnabled, nics = [Nic {mac = Nothing, ip = Just "1.2.3.4", mode = Just OpenVSwitch, '
        'link = Nothing, bridge = Nothing, network = Just "n"}], forthcoming = False}) '
        '(AllocDetails 1 (Just "g")) (Just ["a"])\n'
    )
    assert record in said(CLUSTER, asked, tmp_path)


def compare(seeds: range, folder: Path) -> None:
    """Hold the records against Ganeti's: of a request's own cluster, and of one in the text format."""
    if not HAIL.exists():
        pytest.skip("no hail of Ganeti's on this machine")
    for seed in seeds:
        (folder / "r").write_text(json.dumps(random_request(seed)))
        (folder / "t").write_text(random_cluster(seed))
        for words in (["-v", "-v", str(folder / "r")], ["-v", "-v", str(folder / "r"), "-t", str(folder / "t")]):
            ganeti, ours = run_ganeti(str(HAIL), words, folder), run_ours(hail.main, words, folder)
            if ours.code == ganeti.code == 0:
                assert ours.errors == ganeti.errors, f"seed {seed}: hail {' '.join(words)}"


@pytest.mark.ganeti
def test_records_are_ganetis(tmp_path: Path) -> None:
    compare(range(20), tmp_path)


@pytest.mark.ganeti
@pytest.mark.long
def test_many_records_are_ganetis(tmp_path: Path) -> None:
    compare(budget.seeds(ci=100, weekly=600), tmp_path)

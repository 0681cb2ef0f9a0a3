"""`gantry cluster status` on running daemons."""

import re

import pytest

from gantry.cli import main
from tests.impl.clusters import make_config, uuid
from tests.running import running

pytestmark = pytest.mark.xdist_group("gantry-cluster")


def test_the_status_names_job_filters_that_cannot_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    good = {"uuid": uuid(8, 1), "priority": 1, "watermark": 0, "action": "PAUSE", "reason_trail": [],
            "predicates": [["jobid", ["=", "id", 9]]]}  # fmt: skip
    bad = {**good, "uuid": uuid(8, 2), "predicates": [["opcode", ["=~", "OP_ID", "a{4294967296}"]]]}
    config = make_config()
    config["filters"] = {rule["uuid"]: rule for rule in (good, bad)}
    with running(config) as cluster:
        assert main(["cluster", "status", "--root", cluster.root.directory]) == 0
        shown = capsys.readouterr().out
        assert re.findall(r"^filter +(\S+) .*: (.*)$", shown, re.MULTILINE) == [
            (uuid(8, 2), '(8,"number too big in {} quantifier")')
        ]
        cluster.luxid.call("DeleteFilter", uuid(8, 2))
        assert main(["cluster", "status", "--root", cluster.root.directory]) == 0
        assert "filter" not in capsys.readouterr().out

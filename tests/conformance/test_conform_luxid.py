"""`gantry conform luxid`: ours conforms, Ganeti's does except in what is known, another program does not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.daemons import daemons, ganeti_missing
from checkers.conformance.luxid import KNOWN, SCENARIOS
from checkers.conformance.session import Check, run
from gantry.cli import main
from impl.paths import Root
from tests.control import Control
from tests.impl.luxid.fakes import Luxid, short_root

pytestmark = pytest.mark.xdist_group("luxid")


@pytest.fixture(scope="module")
def ours() -> Iterator[Root]:
    with daemons(ganeti=False) as root:
        yield root


def differing(checks: list[Check]) -> list[Check]:
    return [check for check in checks if not check.holds]


def test_ours_conforms(ours: Root, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["conform", "luxid", "--socket", ours.luxi_socket])
    output = capsys.readouterr().out
    assert code == 0, output
    assert output.endswith("it conforms\n")
    assert all(len(line) <= 80 for line in output.splitlines())


@pytest.mark.ganeti
@pytest.mark.long
def test_ganeti_differs_only_as_known() -> None:
    missing = ganeti_missing()
    if missing is not None:
        pytest.skip(missing)
    with daemons(ganeti=True) as root:
        differ = differing(run(root.luxi_socket, SCENARIOS, KNOWN))
    assert [check for check in differ if not check.known] == []
    assert {check.name for check in differ} == set(KNOWN)  # nothing is called known that is not there


def test_a_daemon_that_only_answers_queries_does_not_conform(tmp_path: Path) -> None:
    with short_root() as root:
        Path(root.config).write_text("{}", encoding="utf-8")
        luxid = Luxid(root, "--query-only")
        luxid.start()
        try:
            scenarios = {name: SCENARIOS[name] for name in ("refusals", "drain")}
            assert len(differing(run(root.luxi_socket, scenarios, KNOWN))) >= 8
            with Control() as control:
                assert main(["conform", "luxid", "--socket", str(tmp_path / "nowhere")]) == 1
            assert control.seconds < 5
        finally:
            luxid.stop()

"""What the tools write: the cluster as it is now, files, looked at before the work, and prints beside JSON."""

import sys
from pathlib import Path

import pytest

from htools.backends import text
from htools.commandline.loading import Loaded
from htools.commandline.options import Options
from htools.commandline.saving import aside, check_writable, save, snapshot, write
from htools.errors import AccessError, Doing
from htools.model.cluster import Model
from htools.model.moves import Moved, attempt
from spec.allocator.decisions import Move, MoveKind, Settings
from tests.spec.allocator.small import cluster, instance, node

READ = cluster([node(), node(), node()], [instance(0, 1)])


def moved() -> Model:
    model = Model.of(READ, Settings())
    step = attempt(model, Move(0, MoveKind.REPLACE_PRIMARY, 2))
    assert isinstance(step, Moved)
    step.commit(model)
    return model


def test_a_snapshot_has_the_present_nodes_and_the_free_disk() -> None:
    model = moved()
    model.nodes[1].offline = True
    found = snapshot(Loaded(READ, model, ""), model)
    assert (found.instances[0].primary, found.instances[0].secondary) == (2, 1)
    assert [one.free_disk for one in found.nodes] == [10000, 9000, 9000]
    assert [one.offline for one in found.nodes] == [False, True, False]
    assert found.groups is READ.groups
    assert (READ.instances[0].primary, READ.nodes[1].offline) == (0, False)


def test_a_group_s_model_leaves_the_others_as_they_were() -> None:
    found = snapshot(Loaded(READ, moved(), ""), Model({}, {}))
    assert found == READ


def test_a_saved_cluster_can_be_read_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(None, "x", "before", READ)
    assert list(tmp_path.iterdir()) == []
    save(str(tmp_path / "c"), "original", "before balancing", READ)
    path = tmp_path / "c.original"
    assert text.parse(path.read_text()).instances[0].primary == 0
    assert capsys.readouterr().err == f"The cluster state before balancing has been written to file '{path}'\n"


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(AccessError) as caught:
        write(str(tmp_path / "none" / "x"), "text")
    assert str(Doing.OPEN.value) in str(caught.value)


def test_prints_go_aside_only_for_json(capsys: pytest.CaptureFixture[str]) -> None:
    for json, where in ((True, ("", "text")), (False, ("text", ""))):
        with aside(Options().changed(json=json)):
            sys.stdout.write("text")
        assert tuple(capsys.readouterr()) == where


def test_the_look_at_a_file_leaves_nothing_behind(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("kept")
    check_writable(str(old))
    check_writable(str(new))
    assert old.read_text() == "kept"
    assert list(tmp_path.iterdir()) == [old]


@pytest.mark.parametrize("name", ["no/where", "old/file", "."])
def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "old").write_text("kept")
    with pytest.raises(AccessError, match="openFile"):
        check_writable(str(tmp_path / name))

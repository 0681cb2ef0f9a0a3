"""A process knows whether its names still lead to what it found at its start."""

import os
import shutil
from pathlib import Path

import pytest

from impl.paths import Root
from impl.process.ground import Ground, GroundLostError, ground_of_daemon, identity_of
from spec.errors import GantryError


def test_what_is_made_again_under_the_name_is_not_ours_even_if_it_gets_the_inode_s_number(tmp_path: Path) -> None:
    """File systems give numbers again at once; a directory that is kept open keeps its own."""
    place = tmp_path / "root"
    place.mkdir()
    ground = Ground([str(place)])
    ground.require()
    for _ in range(50):
        place.rmdir()
        assert ground.loss() == f"{place} is gone"
        place.mkdir()
        assert ground.loss() == f"{place} was replaced"
    ground.close()
    assert ground.loss() is None


def test_any_directory_of_the_root_counts(short_path: Path) -> None:
    root = Root(str(short_path / "r"))
    root.make_directories()
    for path in (root.directory, root.state, root.queue, root.run, root.sockets, root.livelocks):
        ground = ground_of_daemon(root)
        os.rename(path, f"{short_path}/aside")
        loss = ground.loss()
        assert loss is not None
        assert loss.startswith(path)
        assert loss.endswith("is gone")
        os.rename(f"{short_path}/aside", path)
        assert ground.loss() is None
        ground.close()


def test_a_root_behind_a_link_that_leads_elsewhere_is_lost(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    (tmp_path / "root").symlink_to("one")
    ground = Ground([str(tmp_path / "root")])
    (tmp_path / "root").unlink()
    (tmp_path / "root").symlink_to("two")
    with pytest.raises(GroundLostError, match=r"root was replaced: this process belongs to what was there before"):
        ground.require()
    ground.close()


def test_what_cannot_be_looked_at_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ground = Ground([str(tmp_path)])

    def fail(*_: object, **__: object) -> os.stat_result:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "stat", fail)
        assert ground.loss() is None
    ground.close()


def test_a_look_serves_for_a_moment_only_unless_it_must_be_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "root"
    place.mkdir()
    ground = Ground([str(place)])
    now = [100.0]
    monkeypatch.setattr("impl.process.ground.time.monotonic", lambda: now[0])
    ground.require()
    shutil.rmtree(place)
    ground.require()
    with pytest.raises(GroundLostError):
        ground.require_now()
    now[0] += 0.02
    with pytest.raises(OSError, match="is gone"):
        ground.require()
    with pytest.raises(GantryError):
        ground.require()
    ground.close()


def test_what_is_missing_at_the_start_is_not_stood_on(tmp_path: Path) -> None:
    ground = Ground([str(tmp_path / "missing")])
    assert ground.loss() is None
    assert identity_of(str(tmp_path / "missing")) is None
    ground.close()

"""What was set aside is kept, with its reason, and replaces nothing."""

import os
from pathlib import Path

import pytest

from impl.luxid.aside import Aside
from impl.luxid.disk import RealDisk


def test_each_file_is_kept_beside_its_reason(tmp_path: Path) -> None:
    aside = Aside(str(tmp_path), RealDisk())
    for content in ("first", "second"):
        (tmp_path / "job-7").write_text(content)
        aside.keep(f"{tmp_path}/job-7", f"why of the {content}")
    assert aside.files() == {"job-7": "why of the first", "job-7.1": "why of the second"}
    assert [(tmp_path / "aside" / name).read_text() for name in ("job-7", "job-7.1")] == ["first", "second"]
    assert (aside.highest_id(), (tmp_path / "job-7").exists()) == (7, False)
    (tmp_path / "aside" / "job-7.reason").unlink()
    assert aside.files()["job-7"] == "its reason is not known"


def test_what_cannot_be_moved_is_listed_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aside = Aside(str(tmp_path), RealDisk())
    (tmp_path / "job-9").write_text("x")

    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", refuse)
        assert aside.keep(f"{tmp_path}/job-9", "odd") == f"{tmp_path}/job-9"
    assert aside.files() == {"job-9": "odd; it could not be moved (Read-only file system)"}
    assert aside.keep(f"{tmp_path}/job-10", "gone meanwhile") == f"{tmp_path}/job-10"

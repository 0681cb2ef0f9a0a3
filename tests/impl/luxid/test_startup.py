import io
import json
import resource

import pytest

from impl.luxid.startup import RESERVED_DESCRIPTORS, Logger, raise_descriptor_limit


class Broken(io.StringIO):
    def write(self, _: str) -> int:
        raise OSError(28, "No space left on device")


def test_one_json_object_a_line_on_every_stream_that_takes_it() -> None:
    first, second = io.StringIO(), io.StringIO()
    log = Logger(Broken(), first, second)
    log("ready", pid=7, root=object)
    log("stopping")
    assert first.getvalue() == second.getvalue()
    lines = [json.loads(line) for line in first.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["ready", "stopping"]
    assert (lines[0]["daemon"], lines[0]["pid"]) == ("luxid", 7)
    assert float(lines[1]["time"]) >= float(lines[0]["time"]) > 1e9
    second.close()
    log("after a stream was closed")
    assert len(first.getvalue().splitlines()) == 3


@pytest.mark.parametrize(
    ("limits", "asked", "clients"),
    [
        ((1024, 4096), (4096, 4096), 4096 - RESERVED_DESCRIPTORS),
        ((1024, 1 << 20), (65_536, 1 << 20), 20_000 - RESERVED_DESCRIPTORS),
        ((1024, resource.RLIM_INFINITY), (65_536, resource.RLIM_INFINITY), 20_000 - RESERVED_DESCRIPTORS),
        ((100, 100), None, 16),
    ],
)
def test_as_many_descriptors_as_are_allowed(
    limits: tuple[int, int], asked: tuple[int, int] | None, clients: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [limits]
    set_to: list[tuple[int, int]] = []

    def set_limit(_: int, wanted: tuple[int, int]) -> None:
        set_to.append(wanted)
        now[0] = wanted

    monkeypatch.setattr(resource, "getrlimit", lambda _: now[0])
    monkeypatch.setattr(resource, "setrlimit", set_limit)
    assert raise_descriptor_limit() == clients
    assert set_to == ([] if asked is None else [asked])


def test_a_limit_that_cannot_be_raised_is_used_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 4096))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert raise_descriptor_limit() == 1024 - RESERVED_DESCRIPTORS

"""Which nodes hroller reboots together, and which of them must find room elsewhere for what they alone hold."""

from pathlib import Path

import pytest

from htools import hroller
from htools.backends import text
from htools.maintenance.reboot_groups import (
    CapacityError,
    colour_classes,
    conflict_graph,
    failed_over,
    relocate_lonely,
    relocate_secondaries,
)
from htools.model.cluster import Model
from spec.allocator.decisions import Settings

RULES = "512,1,512,1,1,1|128,1,128,1,1,1;4096,4,4096,16,8,12|plain,drbd|4.0|32.0"


def cluster(nodes: dict[str, str], instances: dict[str, str]) -> str:
    """A cluster in the text format: nodes of 4 GiB with their groups, instances of 1 GiB with their nodes."""
    groups = sorted(set(nodes.values()))
    used = {name: sum(held.split()[0] == name for held in instances.values()) for name in nodes}
    sections: tuple[list[str], ...] = (
        [f"{group}|{group}|preferred||" for group in groups],
        [
            f"{name}|4096|0|{4096 - 1024 * used[name]}|9000|9000|4|N|{group}|1||N|0|1|1.0"
            for name, group in nodes.items()
        ],
        [
            f"{name}|1024|512|1|running|Y|{first}|{second}|{'drbd' if second else 'plain'}||1"
            for name, held in instances.items()
            for first, _, second in [held.partition(" ")]
        ],
        [],
        [f"{group}|{RULES}" for group in ["", *groups]],
    )
    return "\n\n".join("\n".join(section) for section in sections) + "\n"


def model(nodes: dict[str, str], instances: dict[str, str]) -> Model:
    return Model.of(text.parse(cluster(nodes, instances)), Settings())


THREE = dict.fromkeys("abc", "g")
STUCK_BETWEEN = {"a": "g", "b": "other", "c": "g"}, {"x": "b"}
"""Between the two nodes of a group, one that cannot be emptied: it is alone in its group."""


@pytest.mark.parametrize(
    ("nodes", "instances", "words", "expected"),
    [
        (*STUCK_BETWEEN, ["-G", "g"], "a,c\n"),
        (*STUCK_BETWEEN, ["-O", "b"], "a,c\n"),
        (*STUCK_BETWEEN, ["--skip-non-redundant"], "a,c\n"),
        (*STUCK_BETWEEN, ["--ignore-non-redundant"], "a,b,c\n"),
        (THREE, {"x": "c"}, ["--print-moves"], "a,b\nc\n  x a\n"),
        ({"a": "g", "b": "h", "c": "h", "d": "g"}, {"x": "b"}, ["-G", "g", "--print-moves"], "a,d\n"),
    ],
)
def test_only_chosen_nodes_are_planned_for(
    nodes: dict[str, str],
    instances: dict[str, str],
    words: list[str],
    expected: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "cluster"
    path.write_text(cluster(nodes, instances))
    assert hroller.main(["--force", "--no-headers", *words, "-t", str(path)]) == 0
    assert capsys.readouterr().out == expected


def test_a_chosen_node_that_cannot_be_emptied_ends_hroller(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cluster"
    path.write_text(cluster(*STUCK_BETWEEN))
    for words in ([], ["-G", "other"]):
        with pytest.raises(SystemExit) as ending:
            hroller.main(["--force", *words, "-t", str(path)])
        assert ending.value.code == 1
        assert "Error: Not enough capacity to move non-redundant instances\n" in capsys.readouterr().err


def test_two_nodes_with_the_same_fallback_conflict() -> None:
    mirrored = model(THREE, {"x": "a c", "y": "b c"})
    assert sorted(conflict_graph(mirrored, [0, 1, 2], all_shut_down=False).edges) == [(0, 1), (0, 2), (1, 2)]
    shut_down = conflict_graph(mirrored, [0, 1, 2], all_shut_down=True)
    assert sorted(shut_down.edges) == [(0, 2), (1, 2)]
    assert colour_classes(shut_down)[0] in ([[0, 1], [2]], [[2], [0, 1]])


def test_a_node_left_out_still_makes_two_others_conflict() -> None:
    mirrored = model(THREE, {"x": "a c", "y": "b c"})
    assert list(conflict_graph(mirrored, [0, 1], all_shut_down=False).edges) == [(0, 1)]


def test_lonely_instances_go_to_the_first_node_of_their_group_with_room() -> None:
    full = {f"full{at}": "b" for at in range(4)}
    before = model(dict.fromkeys("abcd", "g"), {"x": "a", **full})
    [(done, after)] = relocate_lonely(before, [0], [0, 1, 2, 3])
    assert done == [0]
    assert [vm.primary for vm in after.instances.values()] == [2, 1, 1, 1, 1]
    assert [vm.primary for vm in before.instances.values()] == [0, 1, 1, 1, 1]
    with pytest.raises(CapacityError):
        relocate_lonely(before, [0], [0, 1])


def test_a_group_is_cut_where_its_nodes_need_one_another() -> None:
    parts = relocate_lonely(model({"a": "g", "b": "g"}, {"x": "a", "y": "b"}), [0, 1], [0, 1])
    assert [done for done, _ in parts] == [[0], [1]]


def test_secondaries_never_go_to_their_primaries() -> None:
    before = failed_over(model(THREE, {"x": "a b"}), [0])
    assert [(vm.primary, vm.secondary) for vm in before.instances.values()] == [(1, 0)]
    [(_, after)] = relocate_secondaries(before, [0], [0, 1, 2])
    assert [(vm.primary, vm.secondary) for vm in after.instances.values()] == [(1, 2)]
    with pytest.raises(CapacityError):
        relocate_secondaries(before, [0], [0, 1])

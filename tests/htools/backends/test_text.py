"""The text format: what is read, what is refused and how, and that writing it back is Ganeti's own text."""

import os
import subprocess
from pathlib import Path

import pytest

from htools.backends import text
from htools.errors import LoadError
from spec.allocator.cluster import DEFAULT_POLICY, DiskTemplate, InstanceStatus
from tests.conftest import ganeti_program

SMALL = """\
default|uuid-1|preferred|a,b|net-1

node1|1024|0|1024|2048|2048|4|M|uuid-1|1|x,y|N|0|1|0.8
node2|1024|0|1024|2048|2048|4|N|uuid-1

vm1|128|256|2|running|Y|node1|node2|drbd|tag
vm2|128|256|2|ADMIN_down|N|node2||ext||3|7|Y

htools:iextags:service

|128,1,1024,1,1,1|128,1,1024,1,1,1;512,8,4096,16,8,12|drbd,ext|4.0|0.05
default|128,1,1024,1,1,1|128,1,1024,1,1,1;512,8,4096,16,8,12|drbd,ext|2.0|32.0
"""


def test_every_field_is_read() -> None:
    cluster = text.parse(SMALL)
    assert cluster.tags == ("htools:iextags:service",)
    assert cluster.policy.spindle_ratio == 0.05
    assert cluster.groups[0].policy.vcpu_ratio == 2.0
    assert cluster.groups[0].networks == ("net-1",)
    first, second = cluster.nodes
    assert (first.master, first.tags, first.cpu_speed, first.total_memory) == (True, ("x", "y"), 0.8, 1024.0)
    assert (second.spindles, second.node_cpus, second.exclusive_storage) == (1, 1, False)
    drbd, external = cluster.instances
    assert (drbd.primary, drbd.secondary, drbd.disk_template) == (0, 1, DiskTemplate.DRBD)
    assert (drbd.total_spindles, drbd.forthcoming, drbd.spindle_use) == (None, False, 1)
    assert (external.secondary, external.total_spindles, external.forthcoming) == (None, 7, True)
    assert external.status is InstanceStatus.ADMIN_DOWN


def test_written_text_reads_back_as_the_same_cluster() -> None:
    cluster = text.parse(SMALL)
    assert text.parse(text.dump(cluster)) == cluster


def test_policies_may_be_missing() -> None:
    cluster = text.parse("g|u|last_resort|\n\n\n\n")
    assert cluster.policy == DEFAULT_POLICY
    assert cluster.groups[0].policy == DEFAULT_POLICY


def test_numbers_may_be_written_as_haskell_reads_them() -> None:
    cluster = text.parse(SMALL.replace("node2|1024|0|1024", "node2|(1e3)| 5|0x10"))
    assert (cluster.nodes[1].total_memory, cluster.nodes[1].node_memory, cluster.nodes[1].free_memory) == (1000, 5, 16)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "(-Infinity)", "1e400", "0x" + "f" * 300, "1e5x", "٣", "1_0"])
def test_sizes_that_are_no_finite_number_are_refused(number: str) -> None:
    with pytest.raises(LoadError, match="line 3, field 'total_memory': expected a number"):
        text.parse(SMALL.replace("node1|1024", f"node1|{number}"))


@pytest.mark.parametrize("number", ["1e3", "1.5", "9" * 20, "9" * 5000, "-", "5 "])
def test_sizes_that_are_no_whole_number_are_refused(number: str) -> None:
    with pytest.raises(LoadError, match="line 3, field 'node_memory': expected an integer"):
        text.parse(SMALL.replace("node1|1024|0", f"node1|1024|{number}"))


def test_a_node_without_figures_is_offline() -> None:
    node = text.parse("g|u|preferred|\n\nn|?|?|?|?|?|?|N|u\n\n\n").nodes[0]
    assert node.offline
    assert (node.total_memory, node.node_cpus, node.spindles) == (0.0, 0, 0)


@pytest.mark.parametrize(
    ("old", "new", "line", "field", "expected"),
    [
        ("preferred", "liked", 1, "alloc_policy", "one of preferred, last_resort, unallocable; found 'liked'"),
        ("node1|1024|", "node1|many|", 3, "total_memory", "a number, found 'many'"),
        ("node1|1024|0|", "node1|1024|0.5|", 3, "node_memory", "an integer, found '0.5'"),
        ("node1|1024|0|", "node1|1024|9223372036854775808|", 3, "node_memory", "an integer of 64 bits"),
        ("|uuid-1|1|x", "|uuid-2|1|x", 3, "group_uuid", "the UUID of a group"),
        ("x,y|N|", "x,y|maybe|", 3, "exclusive_storage", "Y or N, found 'maybe'"),
        ("vm1|128|256|2", "vm1|128|256", 6, None, "at least 10 fields for an instance"),
        ("running", "walking", 6, "status", "one of ADMIN_down"),
        ("|node1|node2|drbd", "|nobody|node2|drbd", 6, "primary", "the name of a node"),
        ("|node1|node2|drbd", "|node2|node2|drbd", 6, "secondary", "another node than the primary"),
        ("|node1|node2|drbd", "|node1||drbd", 6, "secondary", "the secondary node of a drbd instance"),
        ("node2||ext", "node2||tape", 7, "disk_template", "one of diskless"),
        ("\n|128,1,1024,1,1,1|", "\n|128,1,1024|", 11, "standard", "memory, cpus, disk size"),
        ("512,8,4096,16,8,12|drbd,ext|4.0", "|drbd,ext|4.0", 11, "bounds", "memory, cpus, disk size"),
        ("|4.0|0.05", "|4.0|lots", 11, "spindle_ratio", "a number, found 'lots'"),
        ("\ndefault|128", "\nnone|128", 12, "owner", "the name of one group or nothing, found 'none'"),
    ],
)
def test_errors_name_line_field_and_what_was_expected(
    old: str, new: str, line: int, field: str | None, expected: str
) -> None:
    assert SMALL.count(old) >= 1
    with pytest.raises(LoadError) as caught:
        text.parse(SMALL.replace(old, new, 1), "cluster.data")
    assert (caught.value.source, caught.value.line, caught.value.field) == ("cluster.data", line, field)
    assert f"expected {expected}" in str(caught.value)


@pytest.mark.parametrize("content", ["", "\n", "a\n\nb\n\nc"])
def test_too_few_sections(content: str) -> None:
    with pytest.raises(LoadError, match="four"):
        text.parse(content)


def test_a_missing_file_and_bytes_that_are_no_text(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"none: openFile: does not exist \(No such file"):
        text.load(str(tmp_path / "none"))
    bad = tmp_path / "bad"
    bad.write_bytes(b"g|u|preferred|\n\xff")
    with pytest.raises(LoadError, match="UTF-8, found the byte 0xff") as caught:
        text.load(str(bad))
    assert caught.value.line == 2


@pytest.mark.ganeti
@pytest.mark.shared
def test_saved_clusters_are_ganetis_own_text(shared: Path, tmp_path: Path) -> None:
    hbal = ganeti_program("hbal")
    if hbal is None:
        pytest.skip("Ganeti's hbal is not installed")
    compared = 0
    for path in sorted((shared / "clusters" / "peer").glob("*.data")):
        try:
            cluster = text.load(str(path))
        except LoadError:
            continue
        group = cluster.groups[0].name if cluster.groups else ""
        command = [hbal, "-t", str(path), "-S", str(tmp_path / path.stem), "-l0", "-G", group]
        subprocess.run(command, capture_output=True, check=False, env={**os.environ, "LC_ALL": "C.UTF-8"})
        saved = tmp_path / f"{path.stem}.original"
        if saved.exists():
            assert text.dump(cluster) == saved.read_text(), path.name
            compared += 1
    assert compared > 20

"""Tables: aligned columns, fields by name, and each kind of node and instance."""

import pytest

from htools.formatting.tables import component_table, instance_table, listed, node_table, table
from htools.model.cluster import Model
from spec.allocator.cluster import InstanceStatus
from spec.allocator.components import COMPONENTS
from spec.allocator.decisions import Settings
from tests.spec.allocator.small import cluster, instance, node

READ = cluster(
    [node(), node(offline=True), node(exclusive_storage=True, spindles=4, free_spindles=1)],
    [
        instance(0, 2, memory=100, disk=2048, tags=("svc:a",)),
        instance(2, None, status=InstanceStatus.ADMIN_DOWN, auto_balance=False, vcpus=4),
    ],
    ("htools:iextags:svc",),
)


def model() -> Model:
    return Model.of(READ, Settings())


def cells(*fields: str, first: int = 0) -> list[list[str]]:
    """Return a node table's columns, split at blanks."""
    return [line.split() for line in node_table(model().nodes.values(), fields, first=first).splitlines()]


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert table("  ", ("A", "Number"), [("long", "1"), ("b", "1234567")], (False, True)) == (
        "   A     Number\n   long       1\n   b    1234567\n"
    )
    assert table("", ("A",), [], (False,)) == " A\n"


def test_names_of_fields() -> None:
    assert cells("name", "nosuch", "plist") == [
        ["Name", "<unknown", "field>", "primaries"],
        ["n0", "<unknown", "field>", "[0]"],
        ["n1", "<unknown", "field>", "[]"],
        ["n2", "<unknown", "field>", "[1]"],
    ]


def test_a_plus_adds_to_the_default_fields() -> None:
    default = node_table(model().nodes.values(), ()).splitlines()
    more = node_table(model().nodes.values(), ("+", "ptags")).splitlines()
    assert default[0].split()[:3] == ["F", "Name", "t_mem"]
    assert [line.rstrip() for line in more] == [
        f"{line} {tail}".rstrip() for line, tail in zip(default, ("PrimaryTags", "svc:a=1", "", ""), strict=True)
    ]


def test_the_status_of_a_node() -> None:
    made = model()
    made.nodes[2].n1_failed = True
    assert [line[1] for line in node_table(made.nodes.values(), ("status",)).splitlines()] == ["F", " ", "-", "*"]


def test_nodes_are_numbered_from_the_first() -> None:
    """The peer of n2 is n0, which is number 1 where counting begins at 1."""
    assert [line[0] for line in cells("idx")[1:]] == ["0", "1", "2"]
    assert cells("idx", "peermap", first=1)[3] == ["3", "[(1,100)]"]


def test_disks_are_shown_in_gib_and_shares_of_what_counts() -> None:
    assert cells("tdsk", "fdsk", "pfdsk")[1] == ["10", "7", "0.7952"]
    assert cells("pfdsk")[3] == ["0.2500"]
    made = model()
    made.nodes[0].total_disk, made.nodes[2].total_spindles = 0.0, 0
    assert [line.strip() for line in node_table(made.nodes.values(), ("pfdsk",)).splitlines()[1:]] == [
        "1.0000", "1.0000", "1.0000"
    ]  # fmt: skip


def test_instances() -> None:
    made = model()
    lines = [line.split() for line in instance_table(made.instances.values(), made.nodes).splitlines()]
    assert lines[0][:6] == ["F", "Name", "Pri_node", "Sec_node", "Auto_bal", "vcpu"]
    assert lines[1] == ["R", "i0", "n0", "n2", "Y", "1", "100", "2", "1.000", "1.000", "1.000", "1.000"]
    assert lines[2] == ["i1", "n2", "N", "4", "100", "0", "1.000", "1.000", "1.000", "1.000"]


def test_components_have_their_weights() -> None:
    lines = component_table(model().nodes.values()).splitlines()
    assert len(lines) == 1 + len(COMPONENTS)
    assert lines[0].split() == ["Field", "Value", "Weight"]
    assert lines[6].split() == ["offline_pri_cnt", "0.00000000", "x16.00"]
    assert component_table([]).splitlines() == ["   Field Value Weight"]


@pytest.mark.parametrize(
    ("count", "most", "text"), [(0, 8, ""), (2, 2, "0, 1"), (3, 2, "0, 1 and 1 more"), (9, 2, "0, 1 and 7 more")]
)
def test_long_lists_are_cut(count: int, most: int, text: str) -> None:
    assert listed([str(number) for number in range(count)], most) == text

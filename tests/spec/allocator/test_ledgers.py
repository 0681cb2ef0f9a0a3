"""Arithmetic of a node's accounts: what is added and taken away again leaves them as they were."""

from hypothesis import given
from hypothesis import strategies as st

from spec.allocator.ledgers import counted, peer_need, peer_set, primary_ledger, secondary_ledger, wishes_unmet
from spec.allocator.state import Placed
from tests.spec.allocator.small import PLAIN, RBD, instance, node, placed, state

EMPTY = state([node()], []).nodes[0]


def test_an_instance_on_its_primary() -> None:
    ledger = primary_ledger(EMPTY, EMPTY.real, placed(), 1)
    assert (ledger.primaries, ledger.free_disk, ledger.used_cpus, ledger.spindle_use) == ((9,), 9000, 1, 1.0)
    assert (ledger.load.cpu, ledger.load.memory, ledger.load.disk, ledger.load.network) == (1.0, 1.0, 1.0, 1.0)


def test_an_instance_on_its_secondary_takes_disk_and_its_disk_load_alone() -> None:
    ledger = secondary_ledger(EMPTY, EMPTY.real, placed(), 1)
    assert (ledger.secondaries, ledger.free_disk, ledger.used_cpus) == ((9,), 9000, 0)
    assert (ledger.load.cpu, ledger.load.disk) == (0.0, 1.0)


def test_storage_that_every_node_reaches_takes_no_disk_of_the_node() -> None:
    assert primary_ledger(EMPTY, EMPTY.real, placed(disk_template=RBD), 1).free_disk == 10000


@given(st.integers(0, 5000), st.integers(0, 8), st.sampled_from([PLAIN, RBD]))
def test_taking_away_what_was_added_changes_nothing(disk: int, vcpus: int, template: object) -> None:
    one = placed(disk=disk, vcpus=vcpus, disk_template=template)
    assert primary_ledger(EMPTY, primary_ledger(EMPTY, EMPTY.real, one, 1), one, -1) == EMPTY.real


def test_counts_that_are_down_to_none_are_left_out() -> None:
    counts = counted({"a": 1}, ("a", "b", "b"), 1)
    assert counts == {"a": 2, "b": 2}
    assert counted(counts, ("a", "a", "b"), -1) == {"b": 1}


def test_peers_are_kept_largest_first_and_among_equals_the_latest_set_first() -> None:
    peers = peer_set(peer_set(peer_set((), 1, 100), 2, 300), 3, 100)
    assert peers == ((2, 300), (3, 100), (1, 100))
    assert (peer_need(peers, 3), peer_need(peers, 7)) == (100, 0)
    assert peer_set(peers, 2, 50) == ((3, 100), (1, 100), (2, 50))


def test_unmet_wishes() -> None:
    wishing = Placed(0, instance(), desired_locations=frozenset({"power:a", "power:b"}))
    place = state([node(tags=("power:a",))], [], ("htools:nlocation:power",)).nodes[0]
    assert wishes_unmet(place, wishing) == 1

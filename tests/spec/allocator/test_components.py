"""The components of the score against the weights that Ganeti prints, written by hand."""

from spec.allocator.components import COMPONENTS, EVACUATED, Aggregation, Part

WEIGHTS = (0.5, 0.5, 1, 1, 4, 16, 0.5, 1, 1, 1, 1, 2, 0.5, 0.5, 0.5, 0.5, 0.5, 1, 1, 0.25)


def test_weights_stand_in_their_order() -> None:
    assert tuple(component.weight for component in COMPONENTS) == WEIGHTS


def test_parts_name_the_components() -> None:
    assert list(Part) == list(range(20))
    assert COMPONENTS[Part.TAG_CONFLICTS].name == "pri_tags_score"
    assert COMPONENTS[Part.RESERVED_TOTAL].name == "reserved_mem_rtotal"
    assert COMPONENTS[Part.PLACE_CONFLICTS].aggregation is Aggregation.COLLISIONS


def test_leaving_an_offline_node_is_worth_twenty() -> None:
    assert EVACUATED == 20.0

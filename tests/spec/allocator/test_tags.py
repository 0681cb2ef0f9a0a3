"""What tags mean to the allocator, on the examples of htools(1)."""

import pytest

from spec.allocator import tags


def test_exclusion_and_desired_location_prefixes() -> None:
    cluster = ("htools:iextags:service", "htools:iextags:", "other", "htools:desiredlocation:power")
    assert tags.exclusion_prefixes(cluster) == ("service",)
    assert tags.desired_location_prefixes(cluster) == ("power",)
    assert tags.with_prefixes(("service:dns", "web", "service:dns"), ("service",)) == ("service:dns", "service:dns")
    assert tags.with_prefixes(("web",), ()) == ()


def test_a_node_accepts_its_own_migration_tags_and_those_that_a_cluster_tag_allows() -> None:
    cluster = ("htools:migration:os", "htools:allowmigration:os:old::os:new")
    assert tags.migration_tags(cluster, ("os:old", "rack:1")) == {"os:old"}
    assert tags.accepted_migration_tags(cluster, ("os:new",)) == {"os:new", "os:old"}
    assert tags.accepted_migration_tags(cluster, ("os:old",)) == {"os:old"}, "allowed one way only"


def test_an_allowance_with_two_double_colons_says_nothing() -> None:
    cluster = ("htools:migration:os", "htools:allowmigration:os:a::os:b::os:c")
    assert tags.accepted_migration_tags(cluster, ("os:c",)) == {"os:c"}


def test_locations_need_the_colon_after_the_prefix() -> None:
    assert tags.location_tags(("htools:nlocation:power",), ("power:a", "powerful:b", "power")) == {"power:a"}


@pytest.mark.parametrize(
    ("tag", "standby"), [("htools:standby:auto", True), ("htools:standby:by hand", True), ("htools:standby", False)]
)
def test_standby(tag: str, standby: bool) -> None:
    assert tags.is_standby(("x", tag)) is standby

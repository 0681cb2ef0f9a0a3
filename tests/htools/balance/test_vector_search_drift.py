"""A bound that was once too high: a variance that falls to 0 loses most where it equals the decrease."""

from htools.backends import text
from htools.maintenance import squeeze
from htools.model.cluster import Model
from spec.allocator import squeeze as plain
from spec.allocator.decisions import Settings
from spec.allocator.initial import initial_state
from tests.conformance.random_clusters import random_cluster


def test_variances_that_fall_to_zero() -> None:
    cluster = text.parse(random_cluster(1263, squeeze=True))
    standard = cluster.policy.standard
    wanted = plain.squeeze(initial_state(cluster), standard, 0.5, 0.0)
    found = squeeze.squeeze(Model.of(cluster, Settings()), standard, 0.5, 0.0)
    assert [step.move for step in found.moves] == [move for _, move in wanted.result.moves]

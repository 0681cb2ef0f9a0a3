"""The engine against the definition: the same move with the same score, to the last bit, in every round."""

from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from htools import engine as engine_module
from htools.balancing import PlainSearch, search_for
from htools.classes import ClassSearch
from htools.engine import SMALL, Engine
from htools.model import Model
from htools.scoring import optimum, score
from spec import balance as defined
from spec import score as spec_score
from spec.cluster import Cluster
from spec.decisions import Rules, Settings
from tests.htools.test_model import clusters, readings

RULES = st.builds(
    Rules,
    disk_moves=st.booleans(),
    instance_moves=st.booleans(),
    restricted_migration=st.booleans(),
    evacuation=st.booleans(),
    ignore_soft=st.booleans(),
)


SETTINGS = st.sampled_from((Settings(), Settings(disk_reserve=0.1, vcpu_ratio=1.5)))


@settings(max_examples=100, deadline=None)
@given(clusters(), RULES, SETTINGS, st.booleans(), st.booleans())
def test_every_round_takes_the_defined_move(
    cluster: Cluster, rules: Rules, extra: Settings, keep: bool, twice: bool
) -> None:
    """With everything scored anew in each round, as small clusters are, or with what the rounds before found.

    Clusters of iallocator requests are read twice.
    """
    with patch.object(engine_module, "SMALL", 0 if keep else SMALL):
        compare(cluster, rules, extra, twice=twice)


def compare(cluster: Cluster, rules: Rules, extra: Settings, *, twice: bool) -> None:
    model, state = readings(cluster, extra, twice=twice)
    search = search_for(model, rules)
    before = score(model.nodes.values())
    assert str(before) == str(spec_score.score(state))
    assert str(optimum(model.nodes.values())) == str(spec_score.optimum(state))
    for _ in range(6):
        step, found = defined.best_move(state, before, rules), search.best(before)
        assert (step is None) == (found is None)
        if step is None or found is None:
            return
        assert (found[0], found[2]) == (step.move, step.score)
        search.commit(found[1])
        state, before = step.state, step.score


@settings(max_examples=40, deadline=None)
@given(clusters())
def test_the_engine_is_what_serves_ordinary_clusters(cluster: Cluster) -> None:
    model = Model.of(cluster, Settings())
    kinds = {node.exclusive for node in model.nodes.values()}
    served = isinstance(search_for(model, Rules()), (Engine, ClassSearch))
    unknown = any(vm.spindles is None for vm in model.instances.values())
    repeated = any(len(set(vm.exclusion_tags)) < len(vm.exclusion_tags) for vm in model.instances.values())
    assert served == (not repeated and (kinds == {False} or not unknown))
    assert served != isinstance(search_for(model, Rules()), PlainSearch)

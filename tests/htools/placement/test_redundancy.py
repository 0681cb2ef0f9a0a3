"""Whether a node can fail, where only one group's nodes and instances are known."""

from dataclasses import replace

from htools.backends.text import parse
from htools.model.cluster import Model
from htools.placement import redundancy as placement_redundancy
from spec.allocator import redundancy
from spec.allocator.decisions import Settings
from spec.allocator.initial import initial_state

CLUSTER = """\
one|0ff1ce00-0000-4000-8000-000000000001|preferred||
two|0ff1ce00-0000-4000-8000-000000000002|preferred||

alone|4096|0|3072|99328|98304|8|M|0ff1ce00-0000-4000-8000-000000000001|1||N|0|1|1.0
full|4096|0|1024|99328|97280|8|N|0ff1ce00-0000-4000-8000-000000000002|1||N|0|1|1.0
wide|2560|0|2560|99328|99328|8|N|0ff1ce00-0000-4000-8000-000000000002|1||N|0|1|1.0
slim|1536|0|1536|99328|99328|8|N|0ff1ce00-0000-4000-8000-000000000002|1||N|0|1|1.0

first|1024|1024|1|running|Y|alone||plain||1|-|N
large|2048|1024|1|running|Y|full||plain||1|-|N
small|1024|1024|1|running|Y|full||plain||1|-|N

"""


def test_instances_created_again_take_nobody_elses_place() -> None:
    """`large` goes to `wide` and `small` to `slim`; created again, `large` gets the number that `small` has."""
    cluster = parse(CLUSTER)
    state, model = initial_state(cluster), Model.of(cluster, Settings())
    nodes = [node.index for node in model.nodes.values() if node.group == 1]
    instances = [vm.index for vm in model.instances.values() if vm.primary in nodes]
    assert instances == [1, 2]
    known = replace(
        state,
        nodes={index: state.nodes[index] for index in nodes},
        instances={index: state.instances[index] for index in instances},
    )
    part = Model({i: model.nodes[i] for i in nodes}, {i: model.instances[i] for i in instances})
    full = nodes[0]
    assert redundancy.evacuable(known, full)
    assert placement_redundancy.evacuable(part, cluster.groups, part.nodes[full])

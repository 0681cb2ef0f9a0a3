"""Makes the working model of a state of the specification, for fast engines with the specification's signatures."""

from math import trunc

from htools.model.cluster import InstanceModel, Model, NodeModel
from spec.allocator.state import NodeState, Placed, State


def instance_model(placed: Placed) -> InstanceModel:
    """Return the working model of an instance."""
    vm = InstanceModel(placed.index, placed.instance)
    vm.exclusion_tags, vm.desired_locations = placed.exclusion_tags, placed.desired_locations
    vm.location_score, vm.movable = placed.location_score, placed.movable
    return vm


def node_model(state: NodeState) -> NodeModel:
    """Return the working model of a node."""
    model = NodeModel(state.index, state.node)
    model.set_limits(state.policy.vcpu_ratio, state.policy.spindle_ratio, 0.0)
    model.low_disk = state.low_disk
    real, planned = state.real, state.planned
    model.primaries, model.secondaries = list(real.primaries), list(real.secondaries)
    model.planned_primaries, model.planned_secondaries = list(planned.primaries), list(planned.secondaries)
    model.free_disk, model.planned_free_disk = real.free_disk, planned.free_disk
    model.used_cpus, model.planned_used_cpus = real.used_cpus, planned.used_cpus
    model.free_spindles, model.planned_free_spindles = real.free_spindles, planned.free_spindles
    model.spindle_use, model.planned_spindle_use = real.spindle_use, planned.spindle_use
    model.load = [real.load.cpu, real.load.memory, real.load.disk, real.load.network]
    model.instance_memory, model.missing_memory = state.instance_memory, state.missing_memory
    model.usable_memory = trunc(state.node.total_memory) - state.node.node_memory - max(0, state.missing_memory)
    model.free_memory, model.planned_free_memory = state.unallocated_memory, state.planned_free_memory
    model.peers, model.reserved, model.n1_failed = list(state.peers), state.reserved_memory, state.n1_failed
    model.tag_counts, model.pair_counts = dict(state.exclusion_tags), dict(state.location_pairs)
    model.location_score, model.location_tags = state.location_score, state.location_tags
    model.migration_tags, model.accepted_migration_tags = state.migration_tags, state.accepted_migration_tags
    return model


def model_of(state: State) -> Model:
    """Return the working model of a state."""
    nodes = {index: node_model(node) for index, node in state.nodes.items()}
    return Model(nodes, {index: instance_model(placed) for index, placed in state.instances.items()})

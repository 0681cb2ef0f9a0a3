"""Instance policies: whether the sizes of an instance lie within the bounds of its node's group.

Source: man gnt-group(8), instance policy; Ganeti's answers.
"""

from spec.allocator.cluster import Bounds, DiskTemplate, Instance, ISpec, Policy
from spec.allocator.decisions import FailMode


def _outside(instance: Instance, spec: ISpec, sign: int, *, exclusive: bool) -> FailMode | None:
    """Return the first size that is below (−1) or above (+1) a specification."""

    def beyond(value: int, bound: int) -> bool:
        return sign * (value - bound) > 0

    spindles = instance.total_spindles if exclusive else instance.spindle_use
    if beyond(instance.memory, spec.memory):
        return FailMode.MEMORY
    if any(beyond(disk.size, spec.disk_size) for disk in instance.disks):
        return FailMode.DISK
    if beyond(instance.vcpus, spec.cpus):
        return FailMode.CPU
    if spindles is None or beyond(spindles, spec.spindle_use):
        return FailMode.SPINDLES
    if instance.disk_template is not DiskTemplate.DISKLESS and beyond(len(instance.disks), spec.disk_count):
        return FailMode.DISK_COUNT
    return None


def policy_failure(instance: Instance, policy: Policy, *, exclusive: bool) -> FailMode | None:
    """Return which limit of a policy an instance breaks. It must fit a pair of bounds; else the first pair decides."""

    def failure(bounds: Bounds) -> FailMode | None:
        below = _outside(instance, bounds.minimum, -1, exclusive=exclusive)
        return below or _outside(instance, bounds.maximum, +1, exclusive=exclusive)

    reasons = [failure(bounds) for bounds in policy.bounds]
    if reasons and None not in reasons:
        return reasons[0]
    return None if instance.disk_template in policy.disk_templates else FailMode.DISK

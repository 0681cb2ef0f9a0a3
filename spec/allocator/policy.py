"""Instance policies: whether the sizes of an instance lie within the bounds of its node's group.

Source: man gnt-group(8), instance policy; Ganeti's answers.
"""

from spec.allocator.cluster import Bounds, DiskTemplate, Instance, ISpec, Policy
from spec.allocator.decisions import FailMode


def _outside(instance: Instance, spec: ISpec, sign: int, *, exclusive: bool) -> FailMode | None:
    """Return the first size that is below (−1) or above (+1) a specification."""
    spindles = instance.total_spindles if exclusive else instance.spindle_use
    if sign * (instance.memory - spec.memory) > 0:
        return FailMode.MEMORY
    if any(sign * (disk.size - spec.disk_size) > 0 for disk in instance.disks):
        return FailMode.DISK
    if sign * (instance.vcpus - spec.cpus) > 0:
        return FailMode.CPU
    if spindles is None or sign * (spindles - spec.spindle_use) > 0:
        return FailMode.SPINDLES
    if instance.disk_template is not DiskTemplate.DISKLESS and sign * (len(instance.disks) - spec.disk_count) > 0:
        return FailMode.DISK_COUNT
    return None


def _broken(instance: Instance, bounds: Bounds, *, exclusive: bool) -> FailMode | None:
    """Return the first limit of a pair of bounds that an instance breaks."""
    below = _outside(instance, bounds.minimum, -1, exclusive=exclusive)
    return below or _outside(instance, bounds.maximum, +1, exclusive=exclusive)


def policy_failure(instance: Instance, policy: Policy, *, exclusive: bool) -> FailMode | None:
    """Return which limit of a policy an instance breaks. It must fit a pair of bounds; else the first pair decides."""
    reasons = [_broken(instance, bounds, exclusive=exclusive) for bounds in policy.bounds]
    if reasons and None not in reasons:
        return reasons[0]
    return None if instance.disk_template in policy.disk_templates else FailMode.DISK

"""Whether an instance keeps within its group's policy. Pure.

Source: Ganeti's ipolicy: an instance must lie within one of the pairs of bounds in everything, and have a disk template
that the policy allows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from impl.cluster.view import ClusterView

Policy = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Spec:
    """What a policy looks at: MiB of memory, cores, MiB per disk, number of interfaces, spindles, template."""

    memory: int
    cpus: int
    disks: Sequence[int]
    nics: int
    spindle_use: int
    template: str


def spec_of(view: ClusterView, instance: Mapping[str, Any]) -> Spec:
    """Return what a policy limits, for an instance of the configuration."""
    parameters = view.backend_parameters(instance)
    return Spec(
        memory=view.memory(instance),
        cpus=int(parameters.get("vcpus") or 0),
        disks=[int(disk.get("size") or 0) for disk in view.disks(instance)],
        nics=len(instance.get("nics") or ()),
        spindle_use=int(parameters.get("spindle_use") or 1),
        template=view.disk_template(instance),
    )


def _measures(spec: Spec) -> Iterator[tuple[str, int]]:
    yield "memory-size", spec.memory
    yield "cpu-count", spec.cpus
    yield "nic-count", spec.nics
    yield "spindle-use", spec.spindle_use
    if spec.template != "diskless":
        yield "disk-count", len(spec.disks)
        for size in spec.disks:
            yield "disk-size", size


def _outside(spec: Spec, bounds: Mapping[str, Mapping[str, int]]) -> list[str]:
    low, high = bounds["min"], bounds["max"]
    return [
        f"{name} value {value} is not in range [{low.get(name)}, {high.get(name)}]"
        for name, value in _measures(spec)
        if not low.get(name, value) <= value <= high.get(name, value)
    ]


def violations(policy: Policy, spec: Spec) -> list[str]:
    """Describe how an instance violates the policy; of several pairs of bounds, by the one that it violates least."""
    found = []
    templates = policy.get("disk-templates")
    if templates is not None and spec.template not in templates:
        found.append(f"disk template {spec.template} is not allowed (allowed templates: {', '.join(templates)})")
    outside = [_outside(spec, bounds) for bounds in policy.get("minmax") or ()]
    return [*found, *(min(outside, key=len) if outside else ())]

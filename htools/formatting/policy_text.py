"""Instance policies as Ganeti's tools print them with `-v -v`: as Haskell's `show` writes records.

Source: the output of htools 3.0.2.
"""

from htools.formatting.numbers import show
from spec.allocator.cluster import ISpec, Policy

TEMPLATES = {
    "diskless": "DTDiskless", "file": "DTFile", "sharedfile": "DTSharedFile", "plain": "DTPlain", "blockdev": "DTBlock",
    "drbd": "DTDrbd8", "rbd": "DTRbd", "ext": "DTExt", "gluster": "DTGluster",
}  # fmt: skip
"""The names of disk templates in Ganeti's records."""


def _show_ispec(spec: ISpec) -> str:
    sizes = (
        ("MemorySize", spec.memory), ("CpuCount", spec.cpus), ("DiskSize", spec.disk_size),
        ("DiskCount", spec.disk_count), ("NicCount", spec.nic_count), ("SpindleUse", spec.spindle_use),
    )  # fmt: skip
    return f"ISpec {{{', '.join(f'iSpec{name} = {value}' for name, value in sizes)}}}"


def show_policy(policy: Policy) -> str:
    """Return an instance policy as the tools print it with `-v -v`."""
    bounds = ",".join(
        f"MinMaxISpecs {{minMaxISpecsMinSpec = {_show_ispec(pair.minimum)}, "
        f"minMaxISpecsMaxSpec = {_show_ispec(pair.maximum)}}}"
        for pair in policy.bounds
    )
    templates = ",".join(TEMPLATES[template.value] for template in policy.disk_templates)
    return (
        f"IPolicy {{iPolicyMinMaxISpecs = [{bounds}], iPolicyStdSpec = {_show_ispec(policy.standard)}, "
        f"iPolicyDiskTemplates = [{templates}], iPolicyVcpuRatio = {show(policy.vcpu_ratio)}, "
        f"iPolicySpindleRatio = {show(policy.spindle_ratio)}}}"
    )

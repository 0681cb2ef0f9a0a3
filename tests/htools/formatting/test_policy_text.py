"""Instance policies as records of Haskell."""

from dataclasses import replace

from htools.formatting.policy_text import TEMPLATES, show_policy
from spec.allocator.cluster import DEFAULT_POLICY, Bounds, DiskTemplate, ISpec

LEAST, MOST, STANDARD = ISpec(1, 2, 3, 4, 5, 6), ISpec(11, 12, 13, 14, 15, 16), ISpec(7, 1, 7, 1, 1, 1)
POLICY = replace(
    DEFAULT_POLICY,
    bounds=(Bounds(LEAST, MOST), Bounds(MOST, MOST)),
    standard=STANDARD,
    disk_templates=(DiskTemplate.DRBD, DiskTemplate.PLAIN),
    vcpu_ratio=0.05,
    spindle_ratio=32.0,
)


def spec(numbers: ISpec) -> str:
    """Return the record of one size; the order of an `ISpec`'s fields is not that of the record."""
    return (
        f"ISpec {{iSpecMemorySize = {numbers.memory}, iSpecCpuCount = {numbers.cpus}, iSpecDiskSize = "
        f"{numbers.disk_size}, iSpecDiskCount = {numbers.disk_count}, iSpecNicCount = {numbers.nic_count}, "
        f"iSpecSpindleUse = {numbers.spindle_use}}}"
    )


def test_a_policy_with_every_part() -> None:
    pairs = [
        f"MinMaxISpecs {{minMaxISpecsMinSpec = {spec(least)}, minMaxISpecsMaxSpec = {spec(MOST)}}}"
        for least in (LEAST, MOST)
    ]
    assert show_policy(POLICY) == (
        f"IPolicy {{iPolicyMinMaxISpecs = [{','.join(pairs)}], iPolicyStdSpec = {spec(STANDARD)}, "
        "iPolicyDiskTemplates = [DTDrbd8,DTPlain], iPolicyVcpuRatio = 5.0e-2, iPolicySpindleRatio = 32.0}"
    )


def test_nothing_is_an_empty_list() -> None:
    text = show_policy(replace(POLICY, bounds=(), disk_templates=()))
    assert text.startswith("IPolicy {iPolicyMinMaxISpecs = [], ")
    assert "iPolicyDiskTemplates = []" in text


def test_every_template_has_its_name_and_no_two_share_it() -> None:
    assert set(TEMPLATES) == {template.value for template in DiskTemplate}
    assert len(set(TEMPLATES.values())) == len(TEMPLATES)

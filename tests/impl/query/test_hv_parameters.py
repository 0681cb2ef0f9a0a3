"""Names, titles and kinds of hypervisor parameters."""

from collections import Counter

from impl.query.hv_parameters import GLOBAL_PARAMETERS, HV_PARAMETERS
from impl.query.model import Kind


def test_titles_are_the_names_but_for_the_older_ones() -> None:
    """Source: Ganeti 3.0.2's field list for instances."""
    own = {name: title for name, (title, _) in HV_PARAMETERS.items() if title != f"hv/{name}"}
    assert own == {
        "acpi": "ACPI", "boot_order": "Boot_order", "cdrom_image_path": "CDROM_image_path", "cpu_type": "cpu_type",
        "disk_type": "Disk_type", "initrd_path": "Initrd_path", "kernel_path": "Kernel_path", "nic_type": "NIC_type",
        "pae": "PAE", "pci_pass": "pci_pass", "vnc_bind_address": "VNC_bind_address",
    }  # fmt: skip


def test_kinds() -> None:
    assert Counter(kind for _, kind in HV_PARAMETERS.values()) == {Kind.BOOL: 16, Kind.NUMBER: 12, Kind.OTHER: 54}
    kinds = {name: HV_PARAMETERS[name][1] for name in ("acpi", "vnc_tls", "cpu_cap", "cpu_mask")}
    assert kinds == {"acpi": Kind.BOOL, "vnc_tls": Kind.BOOL, "cpu_cap": Kind.NUMBER, "cpu_mask": Kind.OTHER}


def test_the_cluster_s_own_parameters_are_not_shown() -> None:
    assert GLOBAL_PARAMETERS.isdisjoint(HV_PARAMETERS)
    assert "migration_mode" in GLOBAL_PARAMETERS

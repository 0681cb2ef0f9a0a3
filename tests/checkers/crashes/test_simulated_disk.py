"""The simulated disk: what survives a power cut, and when two disks are the same."""

from checkers.crashes.simulated_disk import SimulatedDisk


def test_a_cut_keeps_any_part_of_what_was_not_synced() -> None:
    disk = SimulatedDisk(("/queue",))
    disk.write("/queue/a", b"old")
    disk.sync("/queue/a")
    disk.sync_directory("/queue")
    disk.write("/queue/a", b"newer!")
    disk.write("/queue/b", b"x")
    disk.rename("/queue/b", "/queue/c")
    left = [{name: disk.read(name) for name in disk.now} for disk in disk.outcomes()]
    assert {found["/queue/a"] for found in left} == {b"old", b"new", b"newer!"}
    assert any("/queue/c" in found for found in left)
    assert any("/queue/c" not in found for found in left)


def test_a_killed_writer_loses_nothing() -> None:
    disk = SimulatedDisk(("/queue",))
    disk.write("/queue/a", b"x")
    assert disk.killed().read("/queue/a") == b"x"
    assert any("/queue/a" not in left.now for left in disk.outcomes())


def test_the_image_is_the_content() -> None:
    one, other = SimulatedDisk(("/queue",)), SimulatedDisk(("/queue",))
    for disk in (one, other):
        disk.write("/queue/a", b"x")
        disk.write("/queue/b", b"x")
    assert one.killed().image() == other.killed().image()
    other.now["/queue/b"] = other.now["/queue/a"]  # two names of one file
    assert one.image() != other.image()
    other.make_directory("/queue/archive")
    assert one.killed().image() != other.killed().image()

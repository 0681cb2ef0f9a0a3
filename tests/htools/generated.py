"""Clusters drawn from seeds, as files that the programs read."""

from pathlib import Path

from tests.conformance.clusters import Generator

SEEDS = (2, 3, 5, 9)


def written(directory: Path, seed: int) -> str:
    """The path of a file with the seed's cluster."""
    path = directory / f"{seed}.data"
    path.write_text(Generator(seed).build().text)
    return str(path)

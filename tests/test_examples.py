"""The example clusters are what their generator writes."""

import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def test_the_generator_writes_the_same_bytes_again(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(EXAMPLES / "make_office.py"), str(tmp_path)], check=True)
    made = sorted(tmp_path.iterdir())
    assert [path.name for path in made] == ["branch-4.plan", "branch-4.txt", "office-20.txt"]
    for path in made:
        assert path.read_bytes() == (EXAMPLES / path.name).read_bytes()

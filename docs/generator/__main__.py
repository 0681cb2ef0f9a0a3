"""`python -m docs.generator`: builds the site, strictly and without the network."""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from docs.generator import check, consoles, pictures, site
from docs.generator.claims import LedgerError
from docs.generator.graphs import DrawingError
from docs.generator.sources import ROOT


def build(directory: Path) -> list[str]:
    """Build the site into `directory/site`; returns what is wrong with it."""
    begin = time.monotonic()
    directory.mkdir(parents=True, exist_ok=True)
    try:
        pages = site.write(directory)
    except (site.SiteError, LedgerError, DrawingError) as error:
        return [str(error)]
    words = [pictures.program("zensical"), "build", "--strict", "--clean", "-f", "zensical.toml"]
    environment = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run(
        words, cwd=directory, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
    )
    said = done.stdout + done.stderr.partition("Traceback")[0]
    if done.returncode != 0 or "Warning" in said:
        return [said.strip()]
    try:
        site.localise(directory / "site")
    except site.SiteError as error:
        return [str(error)]
    wrong = list(check.problems(directory / "site"))
    if not wrong:
        print(f"{pages} pages in {time.monotonic() - begin:.0f} s: {directory / 'site' / 'index.html'}")
    return wrong


def main() -> int:
    """Do what the command line asks; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m docs.generator", description="Build the documentation site.")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "docs", help="directory (default: build/docs)")
    parser.add_argument("--renew-pictures", action="store_true", help="renew the pictures in docs/pictures")
    parser.add_argument("--renew-consoles", action="store_true", help="write what commands in pages print now")
    options = parser.parse_args()
    if options.renew_pictures:
        pictures.renew()
        return 0
    if options.renew_consoles:
        for path in consoles.renew():
            print(f"renewed {path}")
        return 0
    wrong = build(options.out)
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""`gantry demo`: watch a cluster balance itself."""

import argparse
import os
import shutil
import signal
import sys
import time
from types import FrameType
from typing import NoReturn

from gantry.demo.display import make_display
from gantry.demo.stage import example_path, stage
from gantry.demo.story import run_story
from htools.backends import text as text_backend

NEXT = """\
Try next:
{path}  gantry cluster init --from {example} --root ./office
  gantry cluster start --root ./office
  hbal -L --root ./office -C      # a plan, and its commands
  hbal -L --root ./office -X      # have it executed
  gantry cluster status --root ./office
  gantry cluster stop --root ./office
  rm -r ./office
and a plan that is not safe, with the reason:
  gantry audit {branch}.plan --cluster {branch}.txt
"""


def run(options: argparse.Namespace) -> int:
    """Run the demonstration; return 0 only if every check holds."""
    path = options.source or example_path()
    cluster = text_backend.load(path)
    display = make_display(plain=options.plain)
    begin = time.monotonic()
    print(f"A cluster of {len(cluster.nodes)} nodes and {len(cluster.instances)} instances balances itself.")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        display.step(f"Make the cluster and start its daemons, from {_short(path)}")
        with stage(cluster, options.seconds_per_gib, keep=options.keep) as scene:
            good = run_story(scene, cluster, display)
    except KeyboardInterrupt:
        print("\nstopped as asked; nothing is left running", file=sys.stderr)
        return 130
    took = time.monotonic() - begin
    if options.keep:
        print(f"\nkept: {scene.root.directory}")
    if not good:
        print(f"\nNot everything is as promised ({took:.0f} s). Lines that begin with NOT say what.")
        return 1
    print(f"\nEverything is as promised, in {took:.0f} s.\n")
    print(NEXT.format(path=_path(), example=_short(path), branch=_short(example_path()).replace(*_BRANCH)), end="")
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """Stop as after Ctrl-C: everything that was started is stopped."""
    raise KeyboardInterrupt


_BRANCH = ("office-20.txt", "branch-4")


def _short(path: str) -> str:
    """Return the path relative to the current directory, if it is below."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative


def _path() -> str:
    """Return the line that lets the shell find our programs, if it finds none or others (hbal may be Ganeti's)."""
    ours = os.path.dirname(sys.executable)
    for name in ("gantry", "hbal"):
        found = shutil.which(name)
        if found is None or os.path.realpath(found) != os.path.realpath(os.path.join(ours, name)):
            short = _short(ours)
            return f"  export PATH={short if os.path.isabs(short) else f'$PWD/{short}'}:$PATH\n"
    return ""

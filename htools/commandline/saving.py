"""Writers of the tools' output: saved clusters, command files, and texts for a file or standard output."""

import os
import sys
from contextlib import AbstractContextManager, nullcontext, redirect_stdout
from dataclasses import replace

from htools.commandline.loading import Loaded
from htools.commandline.tool import Options
from htools.errors import AccessError, Doing, refusal
from htools.model.cluster import Model
from spec.allocator.cluster import Cluster


def snapshot(loaded: Loaded, model: Model) -> Cluster:
    """Return the cluster with the model's current placement."""
    nodes, instances = list(loaded.cluster.nodes), list(loaded.cluster.instances)
    for node in model.nodes.values():
        nodes[node.index] = node.reported()
    for vm in model.instances.values():
        instances[vm.index] = vm.current()
    return replace(loaded.cluster, nodes=tuple(nodes), instances=tuple(instances))


def save(path: str | None, extension: str, when: str, cluster: Cluster, group: int | None = None) -> None:
    """Write the cluster as text to `path.extension` and say so, if a path is given."""
    if path is None:
        return
    from htools.backends import text

    name = f"{path}.{extension}"
    write(name, text.dump(cluster, group))
    print(f"The cluster state {when} has been written to file '{name}'", file=sys.stderr)


def write(path: str, content: str) -> None:
    """Write a file.

    Raises:
        AccessError: it cannot be opened or written.
    """
    doing = Doing.OPEN
    try:
        with open(path, "w", encoding="utf-8") as file:
            doing = Doing.WRITE
            file.write(content)
    except OSError as error:
        raise AccessError(path, doing, refusal(error)) from None


def check_writable(path: str) -> None:
    """Check that a file can be written, before the work whose result goes there; one that is made for it is removed.

    Raises:
        AccessError: it cannot be opened.
    """
    new = not os.path.exists(path)
    try:
        with open(path, "ab"):
            pass
        if new:
            os.unlink(path)
    except OSError as error:
        raise AccessError(path, Doing.OPEN, refusal(error)) from None


def aside(options: Options) -> AbstractContextManager[object]:
    """Return a context that redirects prints to standard error if standard output is one JSON object."""
    return redirect_stdout(sys.stderr) if options.json else nullcontext()

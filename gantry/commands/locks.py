"""`gantry locks`: show who holds which lock, who waits for whom and how long; as tables, JSON or a Graphviz graph."""

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from impl.paths import Root
from impl.wire.client import Client
from spec.errors import PeerError


def look(client: Client) -> dict[str, Any]:
    """Return the lock state as our wconfd describes it, or computed from the answers of Ganeti's."""
    with contextlib.suppress(PeerError):
        description: dict[str, Any] = client.call("describeLocks")
        return description
    held, waiting = client.call("listLocksWaitingStatus")
    owners = {lock: [owner for owner, _ in holders] for lock, holders in held}
    return {
        "held": held,
        "waiting": [
            {
                "owner": owner,
                "priority": priority,
                "requests": requests,
                # Ganeti's does not say who blocks: all who hold the requested lock or its lockset
                "blockers": [
                    holder
                    for lock, _ in requests
                    for known in (lock, lock.partition("/")[0] + "/[lockset]")
                    for holder in owners.get(known, [])
                    if holder != owner
                ],
                "waited": None,
            }
            for priority, owner, requests in waiting
        ],
        "fair": False,
    }


def name(owner: list[Any]) -> str:
    """Return the readable name of an owner."""
    return f"job {owner[0]}" if isinstance(owner[0], int) else str(owner[0])


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
    for row in (head, *rows):
        yield "  " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()


def tables(state: dict[str, Any]) -> str:
    """Return the lock state as two tables."""
    lines: list[str] = []
    held = [(lock, mode, name(owner), str(owner[2])) for lock, holders in state["held"] for owner, mode in holders]
    if held:
        lines += [f"held ({len(held)}):", *_table(("lock", "mode", "owner", "pid"), held)]
    else:
        lines.append("no locks are held")
    waiting = [
        (
            name(entry["owner"]),
            str(entry["priority"]),
            "" if entry["waited"] is None else f"{entry['waited']:.1f} s",
            ", ".join(f"{lock} ({mode})" for lock, mode in entry["requests"]),
            ", ".join(dict.fromkeys(name(blocker) for blocker in entry["blockers"])),
        )
        for entry in state["waiting"]
    ]
    if waiting:
        lines += ["", f"waiting ({len(waiting)}), the most urgent first:"]
        lines += _table(("owner", "priority", "waited", "wants", "waits for"), waiting)
    elif held:
        lines.append("nobody waits")
    if state["fair"]:
        lines.append("fair mode: later requests do not pass those that wait")
    return "\n".join(lines)


def picture(state: dict[str, Any]) -> str:
    """Return the wait-for graph in Graphviz' language: an arrow from each waiting owner to each that it waits for."""
    lines = ["digraph locks {", "  rankdir=LR;", "  node [shape=box, fontname=sans];"]
    holds: dict[str, list[str]] = {}
    for lock, holders in state["held"]:
        for owner, mode in holders:
            holds.setdefault(name(owner), []).append(f"{lock} ({mode})")
    for owner in sorted({*holds, *(name(entry["owner"]) for entry in state["waiting"])}):
        text = "\n".join([owner, *holds.get(owner, [])[:8], *(["…"] if len(holds.get(owner, [])) > 8 else [])])
        lines.append(f"  {json.dumps(owner)} [label={json.dumps(text, ensure_ascii=False)}];")
    for entry in state["waiting"]:
        wants = "\n".join(f"{lock} ({mode})" for lock, mode in entry["requests"])
        for blocker in dict.fromkeys(name(blocker) for blocker in entry["blockers"]):
            arrow = f"  {json.dumps(name(entry['owner']))} -> {json.dumps(blocker)}"
            lines.append(f"{arrow} [label={json.dumps(wants, ensure_ascii=False)}];")
    return "\n".join([*lines, "}"])


def run(arguments: argparse.Namespace) -> int:
    """Show the locks."""
    path = arguments.socket or Root.of(arguments.root).wconfd_socket
    shows: dict[str, Callable[[dict[str, Any]], str]] = {
        "dot": picture,
        "json": lambda state: json.dumps(state, indent=2, ensure_ascii=False),
    }
    show = next((how for option, how in shows.items() if getattr(arguments, option)), tables)
    with Client(path) as client:
        print(show(look(client)))
        while arguments.watch:
            try:
                time.sleep(arguments.interval)
                text = show(look(client))
            except KeyboardInterrupt:
                return 0
            if sys.stdout.isatty():
                print("\x1b[H\x1b[2J", end="")
            else:
                print()
            print(text, flush=True)
    return 0

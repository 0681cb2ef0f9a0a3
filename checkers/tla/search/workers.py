"""Worker processes that expand the states of a level, and the merging of what they find.

The states of a level are cut into blocks, which go to the workers in turn. A worker is a fork of the search: it has
every state found so far, expands its blocks with the same code, and sends the states that are new to it. The blocks are
merged in the order of the level, so that every state gets the number and parent that one process would give it. A
block with an error or violation is not merged but expanded again here, so that it is counted and reported as without
workers.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import pickle
import re
import selectors
import signal
import struct
import threading
import time
import warnings
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, Self

from checkers.tla.errors import TlaWorkerError
from checkers.tla.limits import private_memory
from checkers.tla.values import order

if TYPE_CHECKING:
    from types import FrameType

    from checkers.tla.codegen.program import Program
    from checkers.tla.model.model import Model, State
    from checkers.tla.search.state_graph import Figures, Options, StateGraph, Violation

PAYS = 0.2
"""Levels with less work, in seconds, are not shared out: forking and merging would cost as much."""
_PROBE = 0.03
_BLOCK = 0.01
_WATCHED = 1024
_PIPE = 1 << 20
_CHUNK = 1 << 18
_HEADER = struct.Struct("=Q")
_SHARED_EFFECTS = re.compile(r"\blib_(?:print\w*|register_(?!get\('level'\))\w+|random\w*|java_time|sub_random\w*)")


class Expanding(Protocol):
    """The part of a search (`checkers.tla.search.explore.Search`) that workers use: state graph and expansion.

    Attributes:
        key: gives a state's key in the graph's index; None where that is the state itself.
        sharers: for each variable, a function that gives the one object kept for a value.
    """

    model: Model
    options: Options
    graph: StateGraph
    figures: Figures
    violations: list[Violation]
    key: Callable[[State], Any] | None
    sharers: list[Callable[[Any, Any], Any]]

    def expand(self, start: int, end: int) -> bool:
        """Expand the states from `start` to `end`; return whether to go on."""

    def merged(self, end: int) -> None:
        """Record that workers have expanded the states up to one."""


def refusal(program: Program) -> str | None:
    """Say why several processes cannot explore a program together; None if they can."""
    if not hasattr(os, "fork"):
        return "this system cannot fork processes"
    if _SHARED_EFFECTS.search(program.text()):
        return "the specification prints, draws at random, or uses TLCGet or TLCSet, which depend on one order of work"
    return None


@dataclass(slots=True)
class _Block:
    """What a worker found in the states from `start` to `end`.

    Attributes:
        sources: for each new state the number of the state from which it was found.
        columns: for each variable, its different values, and the index of each new state's value.
        degrees: the number of transitions of each expanded state, where transitions are kept.
        targets: their targets; a worker's own states are numbered on from those known when it was forked.
        trouble: whether the block must be expanded again.
        last: whether this is the worker's last block.
    """

    generated: int
    sources: array[int]
    columns: list[tuple[list[Any], array[int]]]
    degrees: array[int]
    targets: array[int]
    trouble: bool
    last: bool


class Crew:
    """The worker processes of one search, used for large levels."""

    def __init__(self, search: Expanding, count: int) -> None:
        self.count = count
        self.levels = 0
        self._search = search
        self._seconds = 0.0
        self._expanded = 0
        self._workers: list[_Worker] = []

    def level(self, start: int, end: int) -> bool:
        """Expand the states of one level; return whether to go on."""
        at = start
        size, probed = 1, 0.0
        while at < end and probed < _PROBE:
            upto = min(end, at + size)
            began = time.perf_counter()
            if not self._search.expand(at, upto):
                return False
            probed += time.perf_counter() - began
            self._expanded += upto - at
            at, size = upto, 2 * size
        self._seconds += probed
        each = self._seconds / max(self._expanded, 1)
        if (end - at) * each < PAYS:
            return at == end or self._search.expand(at, end)
        self.levels += 1
        return self._shared(list(self._blocks(at, end, each)))

    def _blocks(self, start: int, end: int, each: float) -> Iterator[tuple[int, int]]:
        """Cut a level into blocks that end at the states where the search checks its bounds."""
        size = min(max((end - start) // (self.count * 8), int(_BLOCK / max(each, 1e-9)), 1), _WATCHED)
        while start < end:
            upto = min(start + size, end, (start + _WATCHED - 1) // _WATCHED * _WATCHED + 1)
            yield start, upto
            start = upto

    def _shared(self, blocks: list[tuple[int, int]]) -> bool:
        with _OneInterrupt() as interrupts:
            try:
                try:
                    return self._expanded_by_workers(blocks)
                finally:
                    interrupts.put_off()
            finally:
                self.end()

    def _expanded_by_workers(self, blocks: list[tuple[int, int]]) -> bool:
        search = self._search
        base = len(search.graph.states)
        for turn in range(self.count):
            with _uninterrupted():
                self._workers.append(_Worker(search, blocks[turn :: self.count], self._workers))
        for number, (start, end) in enumerate(blocks):
            worker = self._workers[number % self.count]
            block = None if worker.stopped else self._receive(worker)
            worker.stopped = block is None or block.last
            if (block is None or block.trouble) and not search.expand(start, end):
                return False
            if block is not None and not block.last:
                self._merge(worker, block, base, end)
        return True

    def _receive(self, wanted: _Worker) -> _Block:
        """Return the next block of a worker; meanwhile read the others too, so that none waits for a full pipe."""
        with selectors.DefaultSelector() as selector:
            for worker in self._workers:
                if not worker.closed:
                    selector.register(worker.file, selectors.EVENT_READ, worker)
            while (message := wanted.message()) is None:
                if wanted.closed:
                    raise TlaWorkerError(wanted.epitaph())
                for key, _ in selector.select():
                    if not key.data.read():
                        selector.unregister(key.data.file)
        block: _Block = pickle.loads(message)  # noqa: S301 - from a process of our own
        return block

    def _merge(self, worker: _Worker, block: _Block, base: int, end: int) -> None:
        search = self._search
        graph, share = search.graph, search.sharers
        states, index, parents, key_of = graph.states, graph.index, graph.parents, search.key
        columns = []
        for give, (values, places) in zip(share, block.columns, strict=True):
            known = [give(value, value) for value in values]
            columns.append([known[place] for place in places])
        count = len(states)
        for source, state in zip(block.sources, zip(*columns, strict=True) if columns else (), strict=True):
            key = state if key_of is None else key_of(state)
            place = index[key] if block.trouble else index.setdefault(key, count)
            if place == count:
                states.append(state)
                parents.append(source)
                count += 1
            worker.places.append(place)
        if block.trouble:
            return
        search.figures.generated += block.generated
        if search.options.keep_edges:
            places = worker.places
            edge = len(graph.targets)
            for degree in block.degrees:
                graph.offsets.append(edge)
                edge += degree
            graph.targets.extend(t if t < base else places[t - base] for t in block.targets)
        search.merged(end)

    def memory(self) -> int:
        """Measure the memory of the workers that is not shared with this process, in MiB."""
        return sum(private_memory(worker.pid) for worker in self._workers)

    def end(self) -> None:
        """Stop the workers that are still running."""
        with _uninterrupted():
            for worker in self._workers:
                worker.kill()
            while self._workers:
                self._workers.pop().end()


class _OneInterrupt:
    """Lets one interrupt end the work; later ones wait until the workers have been stopped.

    Otherwise a second interrupt could stop the clean-up and leave processes behind.
    """

    def __init__(self) -> None:
        self._before: Any = None
        self._put_off = self._late = False

    def __enter__(self) -> Self:
        handler = signal.getsignal(signal.SIGINT)
        if callable(handler) and threading.current_thread() is threading.main_thread():
            self._before = handler
            signal.signal(signal.SIGINT, self._take)
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if self._before is None:
            return
        signal.signal(signal.SIGINT, self._before)
        if self._late and kind is None:
            self._before(signal.SIGINT, None)

    def put_off(self) -> None:
        """Delay all further interrupts."""
        self._put_off = True

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self._put_off:
            self._late = True
            return
        try:
            self._before(number, frame)
        except BaseException:
            self._put_off = True
            raise


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Delay an interrupt until the list of processes is complete again."""
    late: KeyboardInterrupt | None = None
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        try:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        except KeyboardInterrupt as interrupt:
            late = interrupt
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    if late is not None:
        raise late


class _Worker:
    """One forked process and the pipe from it."""

    def __init__(self, search: Expanding, blocks: list[tuple[int, int]], others: list[_Worker]) -> None:
        self.file, out = os.pipe()
        self.places = array("q")
        self.stopped = False
        self.closed = False
        self._buffer = bytearray()
        self._status: int | None = None
        parent = os.getpid()
        with warnings.catch_warnings():
            # the child needs no lock that another thread may hold: it runs pure Python and writes to a pipe
            warnings.simplefilter("ignore", DeprecationWarning)
            self.pid = os.fork()
        if self.pid == 0:  # its interrupts stay blocked: the parent ends it
            try:
                for other in (self, *others):
                    os.close(other.file)
                _work(search, blocks, out, parent)
            except BaseException:
                os._exit(1)
            os._exit(0)
        os.close(out)

    def read(self) -> bool:
        """Read the bytes that have arrived; return whether there may be more."""
        data = os.read(self.file, _CHUNK)
        self._buffer += data
        self.closed = not data
        return bool(data)

    def message(self) -> bytes | None:
        """Return the next message if it is complete."""
        head = _HEADER.size
        if len(self._buffer) < head:
            return None
        end = head + _HEADER.unpack_from(self._buffer)[0]
        if len(self._buffer) < end:
            return None
        found = bytes(self._buffer[head:end])
        del self._buffer[:end]
        return found

    def epitaph(self) -> str:
        """Say why the process ended."""
        self._wait()
        status = self._status or 0
        if os.WIFSIGNALED(status):
            text = f"was killed by signal {os.WTERMSIG(status)} ({signal.Signals(os.WTERMSIG(status)).name})"
        else:
            text = f"ended with status {os.WEXITSTATUS(status)}"
        return f"the worker process {self.pid} {text}: run again with fewer --workers if memory is short"

    def _wait(self) -> None:
        if self._status is None:
            with contextlib.suppress(ChildProcessError):
                self._status = os.waitpid(self.pid, 0)[1]

    def kill(self) -> None:
        """Stop the process if it is still running."""
        if self._status is None:
            os.kill(self.pid, signal.SIGKILL)

    def end(self) -> None:
        """Wait for the end of the process."""
        os.close(self.file)
        self._wait()


def _work(search: Expanding, blocks: list[tuple[int, int]], out: int, parent: int) -> None:
    """Expand blocks and send the results: the body of a worker."""
    with contextlib.suppress(AttributeError, OSError):
        fcntl.fcntl(out, fcntl.F_SETPIPE_SZ, _PIPE)
    search.options = replace(search.options, max_states=None, max_memory=None, progress=None)
    for start, end in blocks:
        if os.getppid() != parent:
            return
        block = _expand(search, start, end)
        message = memoryview(pickle.dumps(block, pickle.HIGHEST_PROTOCOL))
        for piece in (_HEADER.pack(len(message)), message):
            sent = 0
            while sent < len(piece):
                sent += os.write(out, piece[sent:])
        if block.last:
            return


def _expand(search: Expanding, start: int, end: int) -> _Block:
    graph, figures = search.graph, search.figures
    found, generated, edge, expanded = len(graph.states), figures.generated, len(graph.targets), len(graph.offsets)
    troubles, words = len(search.violations), order.count()
    try:
        trouble = not search.expand(start, end)
    except Exception:
        trouble = True
    # a new string is ranked by the process that meets it first, which must be the parent
    last = trouble or order.count() > words
    new = graph.states[found:]
    columns = []
    for number in range(len(search.model.variables)):
        column = [state[number] for state in new]
        values = {id(value): value for value in column}
        places = {name: place for place, name in enumerate(values)}
        columns.append((list(values.values()), array("I", [places[id(value)] for value in column])))
    offsets = graph.offsets[expanded:]
    offsets.append(len(graph.targets))
    degrees = array("q", [after - before for before, after in itertools.pairwise(offsets)])
    return _Block(
        figures.generated - generated, graph.parents[found:], columns, degrees, graph.targets[edge:],
        trouble=last or len(search.violations) > troubles, last=last,
    )  # fmt: skip

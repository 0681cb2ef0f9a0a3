"""Seeded clusters made to mislead the score engine, and walks that check everything that it keeps.

In a cluster of `Adversary` one or two resources are tight, to the last MiB, and all others generous, so that each limit
decides sometimes. Nodes and instances are often equal, and so are scores; figures may be at their extremes. `Walk`
makes good and bad moves, and compares in every round: the candidates refused, the errors of scores, the bounds kept,
and the move chosen.
"""

import random
from dataclasses import replace

import numpy as np

from htools.balance.exact_score import ExactScore
from htools.balance.rounds import Search, search_for
from htools.balance.vector_search import Engine
from htools.model.arrays import NodeArrays
from htools.model.cluster import Model
from htools.model.moves import Moved, attempt, movable, offered
from htools.model.score import score
from spec.allocator.cluster import (
    DEFAULT_POLICY,
    Cluster,
    Disk,
    DiskTemplate,
    Group,
    Instance,
    InstanceStatus,
    Node,
    Policy,
    Utilisation,
)
from spec.allocator.decisions import FailMode, Move, Rules, Settings

RESOURCES = ("memory", "planned memory", "reserve", "disk", "cores", "spindles", "nothing")
TAGS = ("svc:a", "svc:b", "rack:a", "rack:b")
CLUSTER_TAGS = ("htools:iextags:svc", "htools:nlocation:rack", "htools:desiredlocation:rack", "htools:migration:kvm")
LOADS = (0.0, 1e-300, 1e-160, 1e-9, 0.1, 1.0, 3.0, 1e8, 1e15, -1.0, -1e-3)
STATES = (InstanceStatus.RUNNING,) * 5 + (InstanceStatus.ADMIN_DOWN, InstanceStatus.ADMIN_OFFLINE)

Tried = list[tuple[Move, Moved | FailMode]]


class Adversary:
    """Makes the cluster, the rules and the settings of one seed."""

    def __init__(self, seed: int, most: int = 30) -> None:
        self.random = rng = random.Random(seed)
        self.size = min(most, rng.choice((1, 2, 2, 3, 3, 3, 4, 4, 5, 6, 8, 12, 20, 30)))
        self.tight = {rng.choice(RESOURCES) for _ in range(2)}
        self.equal = rng.random() < 0.4
        self.scale = 2 ** rng.choice((0, 0, 0, 0, 10, 30, 34))
        self.extreme = rng.random() < 0.3
        self.tagged = rng.random() < 0.25
        self.exclusive = rng.random() < 0.2
        self.kinds = rng.choice(
            ((DiskTemplate.DRBD,), (DiskTemplate.DRBD, DiskTemplate.RBD, DiskTemplate.PLAIN), (DiskTemplate.RBD,))
        )
        self.forthcoming = rng.choice((0.0, 0.0, 0.2))
        self.loads = [rng.choice(LOADS) if self.extreme else rng.choice((1.0, 0.1, 0.3)) for _ in range(4)]

    def rules(self) -> Rules:
        rng = self.random
        return Rules(
            disk_moves=rng.random() < 0.9,
            instance_moves=rng.random() < 0.9,
            restricted_migration=rng.random() < 0.15,
            evacuation=rng.random() < 0.1,
            ignore_soft=rng.random() < 0.2,
        )

    def settings(self) -> Settings:
        return Settings(disk_reserve=self.random.choice((0.0, 0.0, 0.1)))

    def _tags(self) -> tuple[str, ...]:
        return tuple(tag for tag in TAGS if self.tagged and self.random.random() < 0.3)

    def _instance(self, number: int, first: Instance | None) -> Instance:
        rng, size = self.random, self.size
        primary = rng.randrange(size) if rng.random() < 0.5 else rng.randrange(max(1, size // 2))
        template = rng.choice(self.kinds) if size > 1 else DiskTemplate.RBD
        secondary = (primary + rng.randrange(1, size)) % size if template is DiskTemplate.DRBD else None
        if self.equal and first is not None and first.disk_template is template and rng.random() < 0.8:
            return replace(first, name=f"i{number}", primary=primary, secondary=secondary)
        odd = rng.choice((0, 0, 1, 3))
        disk = rng.choice((1024, 2048)) * self.scale + odd
        return Instance(
            name=f"i{number}",
            memory=rng.choice((0, 128, 256, 256, 512, 1024)) * self.scale + odd,
            disk=disk,
            vcpus=rng.choice((0, 1, 1, 2, 3)),
            status=rng.choice(STATES),
            auto_balance=rng.random() < 0.9,
            primary=primary,
            secondary=secondary,
            disk_template=template,
            disks=(Disk(disk, rng.choice((1, 2)) if self.exclusive else None),),
            tags=self._tags(),
            spindle_use=rng.choice((0, 1, 1, 2)),
            forthcoming=rng.random() < self.forthcoming,
            utilisation=Utilisation(*(rng.choice((load, load, load / 3)) for load in self.loads)),
        )

    def _left(self, resource: str, unit: int) -> int:
        """Return the free amount of a resource: small and to the last unit where it is tight, else large."""
        if resource in self.tight:
            return self.random.choice((0, 1, unit - 1, unit, unit, unit + 1, 2 * unit, 3 * unit + 1))
        return 40 * unit

    def _node(self, number: int, instances: list[Instance], policy: Policy) -> Node:
        rng, scale = self.random, self.scale
        mine = [vm for vm in instances if vm.primary == number]
        there = [vm for vm in instances if vm.secondary == number]
        used = sum(vm.memory for vm in mine if vm.uses_memory)
        reserve = max((vm.memory for vm in there), default=0) if "reserve" in self.tight else 0
        free = self._left("memory", 256 * scale) + reserve
        reported = free + self._left("planned memory", 256 * scale)
        if "reserve" in self.tight and reserve:
            free = reserve + rng.choice((-1, 0, 1, 256 * scale, 256 * scale + 1))
        cores = sum(vm.vcpus for vm in mine if vm.online) + self._left("cores", 2)
        use = sum(vm.spindle_use for vm in (*mine, *there) if vm.uses_local_storage) + self._left("spindles", 2)
        owned = sum(vm.total_spindles or 0 for vm in (*mine, *there))
        left = self._left("spindles", 2)
        total = float(used + free if not self.equal else 64 * 1024 * scale)
        total_disk = float(rng.choice((200, 400)) * 1024 * scale) if not self.equal else 4e5 * scale
        return Node(
            name=f"n{number}",
            group=0,
            total_memory=max(total, 1.0),
            node_memory=int(total) - used - free,
            free_memory=reported if rng.random() < 0.7 else free,
            total_disk=total_disk,
            free_disk=self._left("disk", 1024 * scale),
            total_cpus=max(0.5, cores / abs(policy.vcpu_ratio)) if "cores" in self.tight else 16.0,
            node_cpus=0,
            cpu_speed=rng.choice((1.0, 0.7)) if not self.extreme else rng.choice((1.0, 1e-3, 1e3)),
            spindles=owned + left if self.exclusive else max(1, use) if "spindles" in self.tight else 100,
            free_spindles=left,
            exclusive_storage=self.exclusive,
            offline=rng.random() < 0.15,
            tags=self._tags() + tuple(tag for tag in ("kvm:1", "kvm:2") if self.tagged and rng.random() < 0.15),
        )

    def cluster(self) -> Cluster:
        rng = self.random
        ratio = rng.choice((1.0, 4.0, 1.0 / 3.0, 2.5)) if "cores" in self.tight else rng.choice((64.0, -1.0))
        policy = replace(DEFAULT_POLICY, vcpu_ratio=ratio, spindle_ratio=1.0 if "spindles" in self.tight else 32.0)
        instances: list[Instance] = []
        for number in range(rng.randint(1, 3 * min(self.size, 12))):
            instances.append(self._instance(number, instances[0] if instances else None))
        nodes = [self._node(number, instances, policy) for number in range(self.size)]
        if self.equal:
            nodes = [replace(nodes[0], name=f"n{at}", offline=node.offline) for at, node in enumerate(nodes)]
        return Cluster((Group("g", "u", policy=policy),), tuple(nodes), tuple(instances), CLUSTER_TAGS)

    def model(self) -> Model:
        """Make the model; sometimes of a cluster that is read twice, like those of iallocator requests."""
        cluster, extra = self.cluster(), self.settings()
        twice = self.random.random() < 0.15
        model = Model.of(cluster, extra, earlier=Model.of(cluster, Settings()) if twice else None)
        return model.group(0)


class Walk:
    """One search on one model, compared with trying everything."""

    def __init__(self, model: Model, rules: Rules, rng: random.Random) -> None:
        self.model, self.rules, self.random = model, rules, rng
        self.search: Search = search_for(model, rules)
        self.compared = 0
        self.worst = 0.0

    def tried(self) -> Tried:
        """Try every candidate; return each with its result."""
        online = [index for index, node in self.model.nodes.items() if not node.offline]
        return [
            (move, attempt(self.model, move, ignore_soft=self.rules.ignore_soft))
            for vm in movable(self.model, self.rules)
            for move in offered(self.model, vm.index, self.rules, online)
        ]

    def look(self, before: float) -> tuple[Move, Moved, float] | None:
        """Return the move that the search chooses in a round, after everything was compared."""
        exact = ExactScore(self.model, NodeArrays(list(self.model.nodes.values())))
        tried = [
            (move, moved, np.inf if isinstance(moved, FailMode) else exact.score(moved.nodes))
            for move, moved in self.tried()
        ]
        self.compared += len(tried)
        wanted: tuple[Move, float] | None = None
        for move, moved, value in tried:
            if not isinstance(moved, FailMode) and (before if wanted is None else wanted[1]) > value:
                wanted = (move, value)
        if isinstance(self.search, Engine):
            self._bounds_hold(self.search, tried)
        found = self.search.best(before)
        assert (None if found is None else (found[0], found[2])) == wanted
        if isinstance(self.search, Engine):
            self._bounds_hold(self.search, tried)
            self._scores_are_near(self.search, tried)
        if found is not None:
            nodes = {**self.model.nodes, **{node.index: node for node in found[1].nodes}}
            assert str(score(nodes.values())) == str(found[2])
        return found

    def _bounds_hold(self, engine: Engine, tried: "list[tuple[Move, Moved | FailMode, float]]") -> None:
        at = engine.vectors.vms.position
        for move, moved, value in tried:
            if not isinstance(moved, FailMode):
                assert engine._bound[at[move.instance]] <= value, (move, value, engine._bound[at[move.instance]])

    def _scores_are_near(self, engine: Engine, tried: "list[tuple[Move, Moved | FailMode, float]]") -> None:
        """Assert for some instances that scores in vectors are infinite where refused, else within the bound."""
        chosen = {move.instance for move, _, _ in tried}
        chosen = set(self.random.sample(sorted(chosen), min(6, len(chosen))))
        vectors, targets = engine.vectors, engine._targets
        at = {int(vectors.nodes.index[target]): column for column, target in enumerate(targets.tolist())}
        blocks = {}
        for index in chosen:
            row = vectors.vms.position[index]
            blocks[index] = engine._evaluate(np.array([row]), targets, bool(engine._external[row]))
        for index, block in blocks.items():
            expected = np.full(block.scores.shape, np.inf)
            failover = np.inf
            for move, moved, value in tried:
                if move.instance == index and not isinstance(moved, FailMode):
                    if move.target is None:
                        failover = value
                    else:
                        expected[block.kinds.index(move.kind), 0, at[move.target]] = value
            found = np.append(block.scores.ravel(), block.failover)
            wanted = np.append(expected.ravel(), failover)
            assert (np.isfinite(found) == np.isfinite(wanted)).all(), (index, block.kinds, found, wanted)
            finite = np.isfinite(wanted)
            off = float(np.abs(found[finite] - wanted[finite]).max(initial=0.0))
            assert off <= block.error[0], (index, off, block.error)
            self.worst = max(self.worst, off / float(block.error[0]) if block.error[0] else 0.0)

    def go(self, rounds: int) -> int:
        """Make rounds of the best move or of a random one; return how many there were."""
        before = score(self.model.nodes.values())
        for done in range(rounds):
            found = self.look(before)
            if found is None or self.random.random() < 0.3:
                possible = [moved for _, moved in self.tried() if isinstance(moved, Moved)]
                if not possible:
                    return done
                self.search.commit(self.random.choice(possible))
                before = score(self.model.nodes.values())
            else:
                self.search.commit(found[1])
                before = found[2]
        return rounds

"""The plain search for a round's best move: every candidate is tried and the whole cluster scored.

The definition is `spec.allocator.balance`; `htools.balance.rounds` says when this search is used.
"""

from htools.model.cluster import Model
from htools.model.moves import Moved, attempt, movable, offered
from htools.model.score import score
from spec.allocator.decisions import FailMode, Move, Rules


class PlainSearch:
    """Finds a round's best move by trying every candidate and scoring the whole cluster."""

    def __init__(self, model: Model, rules: Rules) -> None:
        self.model = model
        self.rules = rules

    def best(self, before: float) -> tuple[Move, Moved, float] | None:
        """Return the first among the best moves, None where none leads below the score `before`."""
        model, rules = self.model, self.rules
        online = [index for index, node in model.nodes.items() if not node.offline]
        found: tuple[Move, Moved, float] | None = None
        for vm in movable(model, rules):
            for move in offered(model, vm.index, rules, online):
                moved = attempt(model, move, ignore_soft=rules.ignore_soft)
                if isinstance(moved, FailMode):
                    continue
                nodes = dict(model.nodes)
                for node in moved.nodes:
                    nodes[node.index] = node
                value = score(nodes.values())
                if (before if found is None else found[2]) > value:
                    found = (move, moved, value)
        return found

    def commit(self, moved: Moved) -> None:
        """Make a move."""
        moved.commit(self.model)

"""The value of `TLCGet("level")`: in an action, the level of its first state; in a predicate, that of the state.

Source: TLC prints 2 for the successors of an initial state in invariants and constraints, and 1 in actions, action
constraints and properties `[][A]_v`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from checkers.tla.model.model import Model, Named


class Level:
    """The distance of the state under test from the state being expanded.

    Attributes:
        ahead: 1 while a successor is tested, otherwise 0.
        searching: whether the states under test are successors, no longer initial states.
    """

    def __init__(self) -> None:
        self.ahead = 0
        self.searching = False

    def watched(self, model: Model) -> Model:
        """Wrap the model's predicates so that they set `ahead`; return the model itself if it never reads the level."""
        if "lib_register_get(" not in model.program.text():
            return model
        return dataclasses.replace(
            model,
            invariants=[self._watched(named) for named in model.invariants],
            constraints=[self._watched(named) for named in model.constraints],
        )

    def _watched(self, named: Named) -> Named:
        test: Callable[..., bool] = named.test

        def judge(state: Any) -> bool:
            self.ahead = int(self.searching)
            try:
                return test(state)
            finally:
                self.ahead = 0

        return dataclasses.replace(named, test=judge)

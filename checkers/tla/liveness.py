"""placeholder"""

from __future__ import annotations

from typing import Any

from checkers.tla.errors import TlaUnsupportedError


def check_liveness(model: Any, graph: Any, keep_going: bool) -> list[Any]:
    raise TlaUnsupportedError("liveness is not there yet")

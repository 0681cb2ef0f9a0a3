"""Copies hold what the object holds, and nothing of it by name only."""

from typing import Any

import pytest

from htools.model.copying import copier
from htools.model.instance import InstanceModel
from htools.model.node import NodeModel


@pytest.mark.parametrize("kind", [NodeModel, InstanceModel])
def test_a_copy_has_every_attribute(kind: type) -> None:
    one: Any = object.__new__(kind)
    other: Any = object.__new__(kind)
    for value, name in enumerate(kind.__slots__):  # type: ignore[attr-defined]
        setattr(one, name, value)
    copier(kind.__slots__)(one, other)  # type: ignore[attr-defined]
    assert [getattr(other, name) for name in kind.__slots__] == list(range(len(kind.__slots__)))  # type: ignore[attr-defined]

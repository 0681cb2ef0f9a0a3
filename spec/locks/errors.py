"""Errors of the lock rules: a refused request changes nothing. Vocabulary only.

The texts that Ganeti's clients match on are kept word for word, an odd spelling included.
"""

from typing import TYPE_CHECKING

from spec.errors import GantryError

if TYPE_CHECKING:
    from spec.locks.names import Lock, Owner


class LockError(GantryError):
    """A request that the lock rules refuse."""


class UnknownLockError(LockError):
    """There is no lock of that `name`."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"Unknown lock name '{name}'")


class UnknownLevelError(LockError):
    """There is no lock level of that `name`."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"Unknown lock-level name '{name}'")


class UnknownModeError(LockError):
    """There is no mode of that `name`."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"Unknown lock update request {name}")


class InconsistentRequestError(LockError):
    """A request holds two different entries for `lock`."""

    def __init__(self, lock: "Lock") -> None:
        from spec.locks.names import described

        self.lock = lock
        super().__init__(f"Inconsitent requests for lock {described(lock)}")


class OrderViolationError(LockError):
    """A request asks for `lock`, which is smaller than `held`, the greatest lock that the owner holds."""

    def __init__(self, lock: "Lock", held: "Lock") -> None:
        from spec.locks.names import described

        self.lock = lock
        self.held = held
        super().__init__(f"Order violation: requesting {described(lock)} while holding {described(held)}")


class SharedGroupLockError(LockError):
    """A request asks exclusively for `lock` while its owner holds `group`, which it implies, shared."""

    def __init__(self, lock: "Lock", group: "Lock") -> None:
        from spec.locks.names import described

        self.lock = lock
        self.group = group
        super().__init__(
            f"Order violation: requesting exclusively {described(lock)} while holding a shared lock on the group lock "
            f"{described(group)} it belongs to."
        )


class PendingRequestError(LockError):
    """An owner asks for something while its earlier request is still pending."""

    def __init__(self, owner: "Owner") -> None:
        self.owner = owner
        super().__init__("cannot update locks while having pending requests")

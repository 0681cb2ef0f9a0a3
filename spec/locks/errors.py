"""Errors of the lock rules: a refused request changes nothing. Vocabulary only.

The texts that Ganeti's clients match on are kept word for word, with their spelling errors.
"""

from spec.locks.names import Lock, LockError, Owner, described


class InconsistentRequestError(LockError):
    """A request holds two different entries for `lock`."""

    def __init__(self, lock: Lock) -> None:
        self.lock = lock
        super().__init__(f"Inconsitent requests for lock {described(lock)}")


class OrderViolationError(LockError):
    """A request asks for `lock`, which is smaller than `held`, the greatest lock that the owner holds."""

    def __init__(self, lock: Lock, held: Lock) -> None:
        self.lock = lock
        self.held = held
        super().__init__(f"Order violation: requesting {described(lock)} while holding {described(held)}")


class SharedGroupLockError(LockError):
    """A request asks exclusively for `lock` while its owner holds `group`, which it implies, shared."""

    def __init__(self, lock: Lock, group: Lock) -> None:
        self.lock = lock
        self.group = group
        super().__init__(
            f"Order violation: requesting exclusively {described(lock)} while holding a shared lock on the group lock "
            f"{described(group)} it belongs to."
        )


class PendingRequestError(LockError):
    """An owner asks for something while its earlier request is still pending."""

    def __init__(self, owner: Owner) -> None:
        self.owner = owner
        super().__init__("cannot update locks while having pending requests")

"""The store of a daemon whose root may be replaced: nothing is confirmed once the store's file has lost its name."""

from impl.process.ground import Ground, GroundLostError
from impl.store.port import Batch, Saved, Store, StoreError


class GroundedStore:
    """A store that commits nothing once the ground or its files are lost.

    Args:
        store: the store itself.
        grounds: what must be there.
    """

    def __init__(self, store: Store, grounds: tuple[Ground, ...]) -> None:
        self._store = store
        self._grounds = grounds

    def load(self) -> Saved | None:
        """Return the state after the last committed batch, or None if there was never one."""
        return self._store.load()

    def commit(self, batch: Batch) -> int:
        """Make a batch durable, and answer its number.

        Raises:
            StoreError: it could not be written, or would be lost with a file that has no name; nothing of it is kept.
        """
        try:
            for ground in self._grounds:
                ground.require()
        except GroundLostError as error:
            raise StoreError(error.loss) from None
        return self._store.commit(batch)

    def close(self) -> None:
        """Let go of the store."""
        self._store.close()

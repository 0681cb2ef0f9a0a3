"""When a batch is written: the rule, apart from clocks and threads. Pure: times and counts come in.

Clients that call again as soon as they are answered come back together. What decides how much they share is when the
next batch is closed:

* before any batch is written, the event loop takes another turn for as long as each turn brings more calls, a few times
  at most: calls that arrived while the first ones were performed join them. A single call waits for nothing;
* after a *slow* write the next one waits a moment for those who were just answered: until as many have called as were
  answered (then it starts at once), at most for a part of the time that writes take. If few come back, the batches
  after that are written at once, without such a moment.

How long writes take is followed by its median: a mean would follow the few that the scheduler held up.
"""

QUICK = 0.000_25
"""Writes that take less than this many seconds are done on the spot."""
SLOW = 0.000_6
"""After writes that take more than this the next one waits a moment for those who were just answered."""
MOMENT = 0.5
"""How long that moment is at most, as a part of the time that writes take."""
LONGEST_MOMENT = 0.005
STRIDE = 1.1
"""By what factor the estimate of the median write moves with each write."""
LONGEST_HASTE = 16
"""After moments in which few came back, at most this many batches are written without waiting: one after the first such
moment, twice as many after each further one."""
TURNS = 4
"""Turns of the event loop after which a batch is written, whatever goes on arriving."""


class Pace:
    """The rule's memory: what writes take, how many are expected, how hasty we are, how many turns were taken."""

    def __init__(self) -> None:
        self.typical: float | None = None
        self._expected = 0
        self._haste = 1
        self._hasty = 0
        self._seen = 1
        self._turns = 0

    @property
    def quick(self) -> bool:
        """Whether writes are quicker than handing them over to a thread."""
        return self.typical is not None and self.typical < QUICK

    def another_turn(self, gathered: int) -> bool:
        """Return whether the loop should take another turn before the batch of `gathered` calls is written."""
        self._turns += 1
        if gathered > self._seen and self._turns < TURNS:
            self._seen = gathered
            return True
        return False

    def start_batch(self) -> None:
        """Restart the count of turns: a batch is being written."""
        self._seen, self._turns = 1, 0

    def learn_write(self, took: float, answered: int, gathered: int) -> float:
        """Learn from a write.

        Args:
            took: how long it took, in seconds.
            answered: the calls that it answered.
            gathered: the calls that wait already for the next one.

        Returns:
            For how many seconds at most the next write waits for those who were answered; 0 if it does not.
        """
        if self.typical is None:
            self.typical = took
        elif took > self.typical:
            self.typical = min(took, self.typical * STRIDE)
        else:
            self.typical = max(took, self.typical / STRIDE)
        if self.typical < SLOW or self._hasty:
            self._hasty = max(0, self._hasty - 1)
            return 0.0
        self._expected = gathered + answered
        return min(MOMENT * self.typical, LONGEST_MOMENT)

    def is_moment_over(self, gathered: int) -> bool:
        """Return whether the moment is over: everybody who was waited for has called."""
        if gathered < self._expected:
            return False
        self._haste = 1
        return True

    def learn_moment(self, gathered: int) -> None:
        """Learn from a moment that passed with `gathered` calls, one at least, and not all who were expected."""
        if gathered * 2 < self._expected:
            self._hasty = self._haste
            self._haste = min(2 * self._haste, LONGEST_HASTE)
        else:
            self._haste = 1

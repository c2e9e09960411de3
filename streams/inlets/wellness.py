"""Whether the intake is alive and ready: ready is who may be sent more, and says why not.

An intake that answers is alive: it keeps nothing that a restart would mend, and restarting it because brokers or SQS
are away would only make it forget what it has in hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from streams.observe.health import State, Verdict


class Wellness:
    """Judges by what the parts complain of."""

    def __init__(self, troubles: Callable[[], Iterable[str]]) -> None:
        """Ask *troubles* for what is amiss now, in words that name no mail."""
        self._troubles = troubles
        self.state = State.STARTING

    def check(self) -> Verdict:
        """Judge now."""
        reasons = tuple(self._troubles())
        if self.state is not State.RUNNING:
            return Verdict(state=self.state, live=True, ready=False, reasons=(str(self.state), *reasons))
        return Verdict(state=State.STUCK if reasons else State.RUNNING, live=True, ready=not reasons, reasons=reasons)

"""How many dead letters are still their producers' fault: above a share of what a hop reads, the worker stops.

It is asked before anything of a chunk is written, so what went too far leaves no trace: no dead letter, no state, no
acknowledgement. Were its letters published first, every restart would publish them again, and a worker that is right
again (with the registry that was forgotten, or a newer version) would find good records set aside. The price is that
an operator looks at the record itself, where the error says it lies. A restart counts from nothing.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence

from streams.errors import WorldFailed
from streams.pipeline import SetAside


class Limit:
    """Watches what one hop sets aside in this worker, over its last *window* records or some more: whole chunks."""

    def __init__(self, share: float, window: int) -> None:
        """Allow up to *share* of a window; 1.0 allows everything."""
        self._share = share
        self._window = window
        self._chunks: deque[tuple[int, Counter[str]]] = deque()
        self._records = 0
        self._reasons: Counter[str] = Counter()

    def check(self, records: int, set_aside: Sequence[SetAside]) -> None:
        """Take note of a chunk of so many *records* and of what of it was *set_aside*.

        A chunk in which all is well stops nothing: whatever was wrong seems to be over.

        Raises:
            WorldFailed: it is too much of a whole window; fewer records than that never are.
        """
        self._enter(records, Counter(each.reason for each in set_aside))
        dead = self._reasons.total()
        if set_aside and self._records >= self._window and dead > self._share * self._records:
            raise WorldFailed(self._words(dead, set_aside[-1]))

    def _enter(self, records: int, reasons: Counter[str]) -> None:
        self._chunks.append((records, reasons))
        self._records += records
        self._reasons += reasons
        while self._records - self._chunks[0][0] >= self._window:
            gone, of = self._chunks.popleft()
            self._records -= gone
            self._reasons -= of

    def _words(self, dead: int, last: SetAside) -> str:
        ((reason, _),) = self._reasons.most_common(1)
        return (
            f"{last.stage} gave up {dead:,} of its last {self._records:,} records ({dead / self._records:.1%}, "
            f"and {self._share:.1%} are allowed), the last at {last.topic}/{last.partition} offset {last.offset}, "
            f"most of them for {reason}. Nothing of this chunk is written or acknowledged. What was set aside before: "
            f"ses-streams dead-letters list --stage {last.stage} --reason {reason}. If these records are bad for good, "
            "start once with SES_STREAMS_DEAD_LETTERS__MAX_SHARE=1 (docs/dead-letters.md)"
        )

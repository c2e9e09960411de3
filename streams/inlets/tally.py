"""Counts what comes by each road: how many items, what became of them, how old their events were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from enum import StrEnum

from streams.inlets.sorting import Sorted
from streams.observe.metrics import Metrics


class Road(StrEnum):
    """By which road an item came."""

    SNS = "sns"
    SQS = "sqs"
    OBJECT = "object"
    UNSUBSCRIBE = "unsubscribe"


class Tally:
    """Writes to the metrics, once per item that is over."""

    def __init__(self, metrics: Metrics, clock: Callable[[], int]) -> None:
        """Count in *metrics*; *clock*, ms since the epoch, says how old an event is."""
        self._metrics = metrics
        self._clock = clock

    def landed(self, road: Road, found: Sorted) -> None:
        """Take down an item whose records are acknowledged; one without records held nothing."""
        counts = Counter[tuple[str, ...]]()
        counts["ses_intake_items_total", road, "landed" if found.records else "nothing"] = 1
        if found.objects:
            counts["ses_intake_items_total", Road.OBJECT, "landed"] = found.objects
        for record in found.records:
            counts["ses_intake_records_total", road, record.role] += 1
        for reason in found.dead:
            counts["ses_dead_letters_total", "INTAKE", reason] += 1
        self._metrics.apply(counts)
        now = self._clock()
        self._metrics.arrivals(road, [max(now - at, 0) for at in found.occurred if at > 0])

    def repeated(self, road: Road) -> None:
        """Take down an item that had landed before."""
        self._item(road, "repeated")

    def failed(self, road: Road) -> None:
        """Take down an item that the brokers did not acknowledge: it will come again."""
        self._item(road, "failed")

    def refused(self, road: Road, reason: str) -> None:
        """Take down an item that was turned away."""
        self._metrics.apply({("ses_intake_refused_total", road, reason): 1})
        self._item(road, "refused")

    def _item(self, road: Road, result: str) -> None:
        self._metrics.apply({("ses_intake_items_total", road, result): 1})

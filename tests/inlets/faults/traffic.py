"""Publishes by boto3 at a pace what the teller tells, each by one road or another, and enters what SNS acknowledged."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from random import Random
from types import TracebackType
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from tests.inlets.faults.events import Teller, Told
from tests.inlets.faults.ledger import Ledger

SUBJECT = "Amazon SES Email Event Notification"
ROADS: Mapping[str, tuple[tuple[str, ...], float]] = {
    "hook": (("sns",), 45),
    "wrapped": (("sqs wrapped",), 20),
    "raw": (("sqs raw",), 20),
    "both": (("sns", "sqs wrapped"), 15),
}
"""By topic: the ways from it to us, and how many of a hundred publications go by it."""


class Traffic:
    """One publisher in a thread of its own; use it in a ``with``, which ends when it has published what it began.

    Args:
        sns: boto3's client.
        topics: ARNs, by name.
        teller: tells.
        ledger: gets what was acknowledged.
        rate: publications a second.
        seed: of the roads.

    """

    def __init__(  # noqa: PLR0913 - each a part of its own, by its name
        self, *, sns: Any, topics: Mapping[str, str], teller: Teller, ledger: Ledger, rate: float, seed: int
    ) -> None:
        """Publish nothing yet."""
        self._sns, self._topics, self._teller, self._ledger, self._rate = sns, topics, teller, ledger, rate
        self._chance = Random(f"roads {seed}")
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)
        self._failure: Exception | None = None

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """Publish no more; raise what went wrong."""
        self._enough.set()
        self._thread.join()
        if self._failure is not None and kind is None:
            raise RuntimeError("the traffic failed") from self._failure

    def _run(self) -> None:
        began, count = time.monotonic(), 0
        try:
            while not self._enough.wait(max(0.0, began + count / self._rate - time.monotonic())):
                for told in self._teller.tell():
                    self._publish(told)
                    count += 1
        except Exception as error:  # noqa: BLE001 - told to whoever waits for this thread
            self._failure = error

    def _publish(self, told: Told) -> None:
        weights = [weight for _, weight in ROADS.values()]
        topic = self._chance.choices(list(ROADS), weights)[0]
        subject = {"Subject": SUBJECT} if self._chance.random() < 0.5 else {}  # event publishing has it
        try:
            self._sns.publish(TopicArn=self._topics[topic], Message=told.text, **subject)
        except (BotoCoreError, ClientError):
            self._ledger.doubt(told)
        else:
            self._ledger.enter(told, ROADS[topic][0])

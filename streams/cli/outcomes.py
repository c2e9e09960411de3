"""Outcomes as they come, for whoever waits for some of them: `send --wait` and `probe`.

Only what is about certain people is decoded: on a busy topic the rest would cost more than the wait has time for.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from typing import Any

from streams.emit.topic import Topic
from streams.errors import Unusable
from streams.schemas.codec import Codec

_LOOK_S = 0.02  # whoever waits is told so much too late at most


def coming(outcomes: Topic, codec: Codec, about: Collection[str], seconds: float) -> Iterator[dict[str, Any]]:
    """Yield each outcome *about* these recipients (normal form) that comes within *seconds*; raises WorldFailed.

    *outcomes* stands where `from_now` put it. What cannot be read is somebody else's trouble: dead letters are the
    worker's affair.
    """
    keys = {recipient.encode() for recipient in about}
    until = time.monotonic() + seconds
    while (rest := until - time.monotonic()) > 0:
        for row in outcomes.more(min(rest, _LOOK_S)):
            if row.value is None or row.key not in keys:
                continue
            try:
                yield codec.decode("mail.Outcome", row.value)
            except Unusable:
                continue

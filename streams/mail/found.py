"""One record that was looked for and found, and where it lies: what an answer about the past is made of."""

from __future__ import annotations

from typing import NamedTuple


class Found(NamedTuple):
    """A record as it lies on a topic.

    topic: the role, such as `feedback`. at: when it came, by the broker's clock (ms; 0 where the broker does not say).
    """

    topic: str
    partition: int
    offset: int
    at: int
    key: bytes | None
    value: bytes | None

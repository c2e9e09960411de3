"""What is looked for on a topic, and what is found: of these an answer about the past is made."""

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


class Want(NamedTuple):
    """What is looked for: records of a topic that hold *needle*, near some *times* (ms since the epoch).

    key: by which the partition is known; None looks through all of them.
    """

    topic: str
    key: bytes | None
    needle: bytes
    times: tuple[int, ...]

    def fits(self, key: bytes | None, value: bytes | None) -> bool:
        """Tell whether a record may be one of these; who reads it sees whether it is."""
        return (value is not None and self.needle in value) or (key is not None and self.needle in key)

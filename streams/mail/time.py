"""Times as we keep them: milliseconds since the epoch, UTC, within the years that can be written down."""

from __future__ import annotations

UNKNOWN = 0
"""An event that bears no time at all."""

LATEST = 253_402_300_799_999
"""The last millisecond of the year 9999: what is later cannot be shown as ISO 8601, and no mail was sent then."""


def is_time(at: int) -> bool:
    """Tell whether *at* is a time that we can keep."""
    return UNKNOWN <= at <= LATEST

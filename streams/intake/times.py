"""SES's times: ISO 8601 text to milliseconds since the epoch, UTC.

An unreadable time is not "now", and neither is a missing one: reading either gives None or an error, never a clock.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LAST = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z: the last one that can be written as ISO 8601 again


def read_time(written: str) -> int:
    """Return *written* as ms since the epoch; a time without a zone is UTC, finer fractions are cut off.

    Raises:
        ValueError: it is no ISO 8601 time, or lies outside 1970 to 9999 (0001-01-01 is how some programs say "never").

    """
    found = datetime.fromisoformat(written.strip().upper())
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    ms = (found - _EPOCH) // _MILLISECOND
    if not 0 <= ms <= _LAST:
        raise ValueError("outside 1970 to 9999")
    return ms


def time_or_none(value: object) -> int | None:
    """Return a time that nothing hangs on; None where it is missing or unreadable."""
    if not isinstance(value, str):
        return None
    try:
        return read_time(value)
    except (ValueError, OverflowError):
        return None

"""How the page says numbers, times and symbols: for people, in few letters, always the same way. Pure."""

from __future__ import annotations

from datetime import datetime

PER_CENT = "\u00a0%"
"""Kept beside its number where a line breaks."""
MINUTES_UNTIL, HOURS_UNTIL = 1.5, 48.0


def number(value: float) -> str:
    """Return a count with its thousands apart."""
    return f"{value:,.0f}"


def rate(value: float) -> str:
    """Return how much a second, with decimals only where little passes."""
    if value <= 0:
        return "0"
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}" if value >= 0.1 else f"{value:.2f}"  # noqa: PLR2004 - three digits


def share(value: float) -> str:
    """Return a share in per cent, finer where it is small: SES's line for complaints is 0.1 %."""
    if value <= 0:
        return f"0{PER_CENT}"
    per_cent = value * 100
    digits = 1 if per_cent >= 10 else 2 if per_cent >= 0.1 else 3  # noqa: PLR2004 - three digits
    said = f"{per_cent:.{digits}f}"
    return f"{said.rstrip('0').rstrip('.') if '.' in said else said}{PER_CENT}"


def words(symbol: str) -> str:
    """Return a symbol as words: HARD_BOUNCED as `hard bounced`."""
    return symbol.replace("_", " ").lower()


def in_about(hours: float) -> str:
    """Return a length of time, roughly."""
    if hours < MINUTES_UNTIL:
        return f"{max(round(hours * 60), 1)} min"
    return f"{hours:.0f} h" if hours < HOURS_UNTIL else f"{hours / 24:.0f} days"


def period(minutes: float) -> str:
    """Return a stretch of time that ends now."""
    if minutes < 1:
        return f"the last {max(round(minutes * 60), 1)} s"
    if minutes < 59:  # noqa: PLR2004 - an hour, nearly
        return f"the last {minutes:.0f} min"
    return "the last hour" if minutes < 90 else f"the last {in_about(minutes / 60)}"  # noqa: PLR2004 - to 2 h


def clock(at: datetime) -> str:
    """Return the time of day."""
    return f"{at:%H:%M:%S}"


def day_and_time(at: datetime) -> str:
    """Return date and time."""
    return f"{at:%Y-%m-%d %H:%M:%S}"


def since(at: datetime, now: datetime) -> str:
    """Return when something began: the time where that was today, else the day."""
    return f"{at:%H:%M}" if at.date() == now.date() else f"{at:%Y-%m-%d}"


def iso(at: datetime) -> str:
    """Return a time as machines write it."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

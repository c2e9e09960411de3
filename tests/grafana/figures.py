"""Numbers as Grafana writes them, by its units; only the units that our dashboards use."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

_SHORT = ((1e9, " Bil"), (1e6, " Mil"), (1e3, " K"), (1, ""))
_BYTES = ((2**30, " GiB"), (2**20, " MiB"), (2**10, " KiB"), (1, " B"))
_SECONDS = ((86400, " days"), (3600, " hours"), (60, " min"), (1, " s"), (1e-3, " ms"), (1e-6, " µs"))


def written(value: float, unit: str) -> str:
    """Return *value* in *unit*."""
    if isnan(value):
        return "-"
    match unit:
        case "percentunit":
            return f"{_digits(value * 100)}%"
        case "s":
            return _scaled(value, _SECONDS)
        case "bytes":
            return _scaled(value, _BYTES)
        case "locale":
            return f"{value:,.0f}"
        case "bool_yes_no":
            return "Yes" if value else "No"
        case _ if unit.startswith("count:"):
            return f"{_scaled(value, _SHORT)} {unit.removeprefix('count:')}"
        case _:
            return _scaled(value, _SHORT)


def _scaled(value: float, scale: Sequence[tuple[float, str]]) -> str:
    """Return a value in the largest unit of which there is one."""
    for size, name in scale:
        if abs(value) >= size:
            return f"{_digits(value / size)}{name}"
    return f"{_digits(value / scale[-1][0])}{scale[-1][1]}" if value else "0"


def _digits(value: float) -> str:
    """Return three digits, or all before the point."""
    places = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text

"""Tells stories: chance is seeded and times come in, so the same seed tells the same ones."""

from __future__ import annotations

from collections.abc import Collection
from random import Random

from tests.faults.plot import Plot
from tests.faults.plots import PLOTS
from tests.faults.stories import Story
from tests.faults.wire import Wire


class Teller:
    """Tells stories, one after another; the same arguments tell the same ones."""

    def __init__(self, seed: int, wire: Wire, began: int, without: Collection[str] = ()) -> None:
        """Begin before the first; *began* is now, ms since the epoch; *without* names plots that are left out."""
        self._chance = Random(f"stories {seed}")
        self._wire = wire
        self._began = began
        self._told = 0
        told = [(plot, weight) for plot, weight in PLOTS if plot.__name__ not in without]
        self._plots = [plot for plot, _ in told]
        self._weights = [weight for _, weight in told]

    def tell(self) -> Story:
        """Return the next story."""
        tell = self._chance.choices(self._plots, self._weights)[0]
        plot = Plot(tell.__name__, self._told, self._chance, self._wire, self._began + self._told)
        self._told += 1
        tell(plot)
        return plot.story

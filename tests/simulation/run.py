"""Many days, the first bad one among them, and the least that still makes it bad."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from tests.simulation.check import check
from tests.simulation.faults import Kind
from tests.simulation.simulation import Day, Script, script_of
from tests.simulation.twins import broken


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A day on which something was amiss: its script, and what it was."""

    script: Script
    wrong: tuple[str, ...]

    @property
    def command(self) -> str:
        """Return what to type to see it again."""
        script, whole = self.script, script_of(self.script.seed, self.script.kinds)
        words = [f"python -m tests.simulation --seed {script.seed}"]
        if script.kinds is not None:
            words.append("--kinds=" + ",".join(script.kinds))
        if script.faults != whole.faults:
            words.append("--keep-faults=" + ",".join(str(fault.number) for fault in script.faults))
        if script.stories != whole.stories:
            words.append("--keep-stories=" + ",".join(map(str, script.stories)))
        return " ".join(words)

    def __str__(self) -> str:
        """Return all of it, for people."""
        script = self.script
        faults = [f"  {fault}" for fault in script.faults] or ["  nothing goes wrong"]
        head = f"seed {script.seed}: {script.workers} workers, standbys {script.standbys}, stories {script.stories}"
        return "\n".join([head, *faults, *[f"! {one}" for one in self.wrong[:10]], f"again: {self.command}"])


def play(script: Script) -> tuple[str, ...]:
    """Let a day pass, and return what is amiss."""
    day = Day(script)
    day.live()
    return tuple(check(day))


def hunt(seeds: Iterable[int], kinds: tuple[Kind, ...] | None = None) -> Iterator[Found]:
    """Yield the days on which something is amiss."""
    with quietly():
        for seed in seeds:
            script = script_of(seed, kinds)
            wrong = play(script)
            if wrong:
                yield Found(script=script, wrong=wrong)


def first(seeds: Iterable[int], kinds: tuple[Kind, ...] | None = None, twin: str | None = None) -> Found | None:
    """Return the first bad day of *seeds*, of a broken *twin* where one is named."""
    with ExitStack() as stack:
        if twin is not None:
            stack.enter_context(broken(twin))
        return next(hunt(seeds, kinds), None)


def shrink(found: Found) -> Found:
    """Return the least of a bad day that is still bad: without faults, stories and workers that it does not need."""
    with quietly():
        while (less := next((one for one in map(_bad, _less(found.script)) if one is not None), None)) is not None:
            found = less
    return found


def _less(script: Script) -> Iterator[Script]:
    for number in range(len(script.faults)):
        yield replace(script, faults=script.faults[:number] + script.faults[number + 1 :])
    if len(script.stories) > 1:
        for number in range(len(script.stories)):
            yield replace(script, stories=script.stories[:number] + script.stories[number + 1 :])


def _bad(script: Script) -> Found | None:
    wrong = play(script)
    return Found(script=script, wrong=wrong) if wrong else None


@contextmanager
def quietly() -> Iterator[None]:
    """Log nothing, for workers complain of every fault; and collect garbage seldom, for a day leaves little."""
    before = gc.get_threshold()
    logging.disable(logging.CRITICAL)
    gc.set_threshold(50_000, 10, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        logging.disable(logging.NOTSET)

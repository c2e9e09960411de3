"""Fault 21: a worker that stands still and does not know it: what users of Faust report most (its issue 175).

It must end by itself, for nobody else can tell; whoever comes after it goes on. The broken twin has no watchdog: with
the rig `look_away` the first test waits in vain.
"""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from tests.faults.rig import rigged
from tests.faults.stage import Stage
from tests.faults.watch import stops_loudly, wait_until

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.timeout(400)]
STALL_S = 10
"""The least that may be set; after twice as long the worker ends."""
RATE = 120


def test_a_worker_that_fetches_nothing_more_ends_and_another_goes_on(stage: Stage) -> None:
    """It goes on to answer the group all the while, so nobody takes its partitions from it."""
    nothing_more = stage.home / "nothing-more"
    one = rigged(stage, "one", ("stop_fetching", str(nothing_more)), engine__stall_seconds=STALL_S)
    one.wait_until_ready()
    with stage.traffic(rate=RATE):
        time.sleep(3)
        nothing_more.touch()
        wait_until(lambda: one.alive and not one.ready(), "it says that it is not ready", patience=3 * STALL_S)
        said = stops_loudly(one, "nothing has moved", "Nothing is lost: start again")
        assert re.search(rf"{stage.prefix}[a-z]+/\d offset \d+", said), said
        stage.worker("two").wait_until_ready()
        time.sleep(2)
    stage.end("nothing is fetched any more")


def test_a_worker_whose_loop_hangs_ends_and_another_goes_on(stage: Stage) -> None:
    """Its heartbeats are another thread's: the group believes that it lives."""
    hangs = stage.home / "hangs"
    one = rigged(stage, "one", ("block", str(hangs)), engine__stall_seconds=STALL_S)
    one.wait_until_ready()
    with stage.traffic(rate=RATE):
        time.sleep(3)
        hangs.touch()
        stops_loudly(one, "the event loop has not gone round")
        assert Path("tests/faults/rigged.py").name in one.text(), "where it hangs is not said"
        stage.worker("two").wait_until_ready()
        time.sleep(2)
    stage.end("the event loop hangs")

"""The quota watch: the pace knows the quota before the first mail, and hears of it now and then."""

from __future__ import annotations

import asyncio
import logging

import pytest

from streams.dispatch.quota import QuotaWatch
from streams.mail.letter import Answer, Letter, Quota
from tests.dispatch.letters import NOW, clock

FIRST, SECOND = Quota(200.0, 0.0, 1.0, sending=True), Quota(50_000.0, 7.0, 14.0, sending=False)


class Twin:
    """A road that answers by script, and a pace that keeps what it hears."""

    via = "API"

    def __init__(self, *script: Quota | None) -> None:
        self.script = list(script)
        self.heard: list[tuple[Quota | None, int]] = []
        self.enough = asyncio.Event()

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    async def carry(self, letter: Letter) -> Answer:
        raise AssertionError("nobody sends here")

    async def quota(self) -> Quota | None:
        return self.script.pop(0)

    def learned(self, quota: Quota | None, now: int) -> None:
        self.heard.append((quota, now))
        if not self.script:
            self.enough.set()


async def test_the_pace_knows_the_quota_when_the_start_is_over() -> None:
    twin = Twin(FIRST, SECOND)
    watch = QuotaWatch(twin, twin, 3600, clock)
    await watch.start()
    assert twin.heard == [(FIRST, NOW)]
    await watch.stop()


async def test_it_goes_on_asking_and_says_when_there_is_no_answer_either() -> None:
    twin = Twin(FIRST, None, SECOND)
    watch = QuotaWatch(twin, twin, 0.001, clock)
    await watch.start()
    await twin.enough.wait()
    await watch.stop()
    assert [quota for quota, _ in twin.heard] == [FIRST, None, SECOND]


@pytest.mark.parametrize(("chance", "pause"), [(0.0, 54.0), (0.5, 60.0), (1.0, 66.0)])
async def test_workers_that_start_together_do_not_ask_together(
    chance: float, pause: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        sleeping.set()
        await asyncio.Event().wait()

    sleeping = asyncio.Event()
    monkeypatch.setattr("streams.dispatch.quota.asyncio.sleep", sleep)
    twin = Twin(FIRST)
    watch = QuotaWatch(twin, twin, 60, clock, lambda: chance)
    await watch.start()
    await sleeping.wait()
    await watch.stop()
    assert slept == [pytest.approx(pause)]


async def test_after_the_stop_nobody_asks() -> None:
    twin = Twin(FIRST, SECOND)
    watch = QuotaWatch(twin, twin, 0.01, clock)
    await watch.start()
    await watch.stop()
    assert [task for task in asyncio.all_tasks() if task.get_name() == "quota watch"] == []
    assert twin.heard == [(FIRST, NOW)]
    await watch.stop()  # twice is as good as once


async def test_a_watch_that_dies_says_so(caplog: pytest.LogCaptureFixture) -> None:
    twin = Twin(FIRST)  # the second time there is no answer to pop
    watch = QuotaWatch(twin, twin, 0.001, clock)
    with caplog.at_level(logging.ERROR, "streams.dispatch.quota"):
        await watch.start()
        assert watch._task is not None
        await asyncio.wait([watch._task])
        await watch.stop()
    assert [record.getMessage() for record in caplog.records] == ["SES is no longer asked for its quota"]

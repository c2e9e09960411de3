"""Fault 22: workers are asked for metrics and health while all else goes on; answers come, and hold no address.

Every fault test has its stage ask, twice a second, and fails where an address is seen; how long answers took is in each
result. The broken twin (offhand.py) logs an address, as the last test shows.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from streams.engine.broker import EmbeddedBroker
from tests.faults.scrape import holds_an_address
from tests.faults.stage import Stage
from tests.faults.telling import offhand
from tests.faults.watch import QUICK

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]
ENOUGH = 30
SLOW_MS = 3_000
"""One second is what is promised on a machine of its own; this one is shared with the brokers and the tests."""


@pytest.mark.kafka
def test_a_worker_under_load_answers_whoever_asks(stage: Stage) -> None:
    stage.worker().wait_until_ready()
    with stage.traffic(mails=5_000, rate=300):
        pass
    stage.end("metrics and health are asked for, under load")
    said = stage.scraper.said
    assert said["answers"] > ENOUGH
    assert said["p99_ms"] < SLOW_MS


def test_an_address_in_a_log_fails_the_test_in_which_it_was_seen(seed: int, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="an address in"):
        have_an_address_logged(seed, tmp_path)


def have_an_address_logged(seed: int, home: Path) -> None:
    setting = replace(QUICK, kind="embedded", idempotent=False)
    with EmbeddedBroker(home / "broker.log") as broker, Stage(home / "stage", seed, broker, setting) as stage:
        offhand(stage, "talkative").wait_until_ready()
        with stage.traffic(mails=200):
            pass
        assert stage.settle(60), stage.last_words()


def test_an_address_in_an_answer_is_seen() -> None:
    assert holds_an_address('ses_outcomes_total{who="p1.0@example.com"} 1')
    assert not holds_an_address('ses_outcomes_total{stream="news"} 1')

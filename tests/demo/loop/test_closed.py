"""The closed loop as a part of the show: whose records it takes, what it keeps back for kills, and what it adds up."""

from __future__ import annotations

from typing import Any, cast

import pytest

from streams.demo.gauges import read_page
from streams.demo.loop import closed
from streams.demo.loop.closed import ClosedLoop
from streams.demo.loop.sent import Accepted
from streams.demo.loop.ses import SimulatedSes
from streams.demo.plan import Plan
from streams.emit.publish import Publisher
from tests.builders import CODEC, NOON

REQUESTS = 400


class Ses:
    """A simulator that has taken as many mails as it is told."""

    def __init__(self) -> None:
        self.count: int | None = 0

    def check(self) -> None:
        """It always runs."""

    def accepted_count(self) -> int | None:
        return self.count

    def accepted(self) -> list[Accepted]:
        return []


class Broker:
    """Takes records."""

    def __init__(self) -> None:
        self.topics: list[str] = []

    def publish(self, topic: str, _: bytes | None, __: bytes | None) -> None:
        self.topics.append(topic)

    def flush(self) -> None:
        """All is there at once."""


class Show:
    """A closed loop between twins."""

    def __init__(self, kills: int = 0) -> None:
        self.ses, self.broker = Ses(), Broker()
        self.plan = Plan(messages=4_000, seed=1, partitions=1, kills=kills, requests=REQUESTS)
        self.loop = ClosedLoop(
            plan=self.plan,
            ses=cast("SimulatedSes", self.ses),
            codec=CODEC,
            publisher=cast("Publisher", self.broker),
            prefix="ses.",
        )

    def play(self, seconds: int, kills_left: int = 0) -> int:
        """Let so many seconds pass; return how many requests are handed in."""
        for turn in range(seconds * 10):
            self.loop.turn(turn / 10, NOON + turn * 100, kills_left)
        return self.loop.scene(NOON).asked


def test_requests_go_in_at_the_plan_s_pace() -> None:
    show = Show()
    assert abs(show.play(2) - 2 * show.plan.requests_per_s) < 0.2 * show.plan.requests_per_s
    assert set(show.broker.topics) <= {"ses.send-requests", "ses.instructions"}
    assert not show.loop.finished


def test_some_requests_are_kept_back_for_each_kill_to_come() -> None:
    show = Show(kills=2)
    before = show.play(60, kills_left=2)
    size = show.loop._storm_size
    assert size > 50
    assert before <= REQUESTS - 2 * size + 4  # a tale that has begun goes on
    show.loop.storm(NOON)
    assert show.loop.scene(NOON).asked >= before + size


def test_a_kill_waits_until_ses_takes_mails_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    show = Show(kills=1)
    show.ses.count = 7
    show.loop.storm(NOON)
    assert not show.loop.in_mid_dispatch()
    show.ses.count = None
    assert not show.loop.in_mid_dispatch()
    show.ses.count = 8
    assert show.loop.in_mid_dispatch()
    assert show.loop.ended(NOON).kills_in_dispatch == 1
    monkeypatch.setattr(closed, "STORM_S", -1.0)
    show.loop.storm(NOON)
    assert show.loop.in_mid_dispatch()
    assert show.loop.ended(NOON).kills_in_dispatch == 1


def test_records_about_our_people_are_ours_and_all_others_the_day_s() -> None:
    show, day = Show(), list[Any]()
    takes = show.loop.takes({"ses.suppressions": lambda *record: day.append(record), "ses.dead-letters": print})
    person = "gone+1@bigmail.loop.example"
    record = CODEC.encode("mail.Suppression", {"recipient": person, "reason": "HARD_BOUNCE", "since": 0})
    takes["ses.suppressions"](person.encode(), record)
    takes["ses.suppressions"](b"ann@bigmail.example", record)
    takes["ses.suppressions"](None, record)
    flag = {"recipient": person, "local_address": "a@shop.example", "since": 0, "until": 0}
    for whose in (person, "ann@bigmail.example"):
        takes["ses.loops"](whose.encode(), CODEC.encode("mail.LoopFlag", flag))
    assert [key for key, _ in day] == [b"ann@bigmail.example", None]
    assert show.loop._audit.stops.keys() == {person}
    assert show.loop._audit.loops == {person}
    assert takes["ses.dead-letters"] is print


def test_doubts_are_added_up_over_the_worker_s_lives() -> None:
    show = Show(kills=1)
    for count in (3, 5):
        show.loop.look(0.0, read_page(f'ses_doubts_total{{result="doubted"}} {count}\n'))
    show.loop.restarted()
    show.loop.look(1.0, read_page('ses_doubts_total{result="doubted"} 2\nses_doubts_total{result="settled"} 9\n'))
    show.loop.look(1.0, None)
    assert show.loop.ended(NOON).doubts == 7


def test_a_loop_that_is_over_says_what_never_ended() -> None:
    show = Show()
    show.play(1)
    ended = show.loop.ended(NOON)
    assert not show.loop.complete(NOON)
    assert len(ended.lost) > ended.requests / 2
    assert f"{REQUESTS - ended.requests:,} requests were never handed in" in ended.lost

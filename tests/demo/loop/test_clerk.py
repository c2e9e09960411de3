"""The clerk: every step of a tale at its cue and no sooner, and what is published twice, twice."""

from __future__ import annotations

from typing import Any

from streams.demo.loop.clerk import AGAIN_MS, GRACE_MS, Clerk
from streams.demo.loop.ledger import Line, LineKey, LoopLedger
from streams.demo.loop.plots import DELIVERED
from streams.demo.loop.requests import Step
from streams.demo.loop.tales import Cue, Odd
from tests.builders import NOON

ANN = "ann@mail.loop.example"


class Desk:
    """A clerk, what it has handed in, and what can be seen."""

    def __init__(self, *tales: list[Step]) -> None:
        self.ledger = LoopLedger()
        self.put: list[str] = []
        self.seen: set[tuple[Cue, str]] = set()
        for step in (step for tale in tales for step in tale):
            for key in step.lines:
                self.ledger.line(key, Line(tale="a tale", fate=DELIVERED))
        self.clerk = Clerk(iter(tales), ledger=self.ledger, seen=lambda *cue: cue in self.seen, put=self._put)

    def _put(self, role: str, key: str, record: dict[str, Any]) -> None:
        self.put.append(f"{role} {key}")

    def at(self, ms: int) -> list[str]:
        """Let the clerk look, and return what it hands in then."""
        before = len(self.put)
        self.clerk.follow_up(NOON + ms)
        return self.put[before:]


def step(name: str, cue: Cue | None = None, odd: Odd = Odd.NOTHING) -> Step:
    """Return a request to Ann."""
    lines = (LineKey(name, ANN),)
    return Step(
        role="send-requests", key=name, record={}, cue=None if cue is None else (cue, ANN), odd=odd, lines=lines
    )


def test_new_tales_begin_as_many_as_are_told() -> None:
    desk = Desk([step("a")], [step("b")], [step("c")])
    desk.clerk.begin(2, NOON)
    assert desk.put == ["send-requests a", "send-requests b"]
    assert not desk.clerk.finished
    desk.clerk.begin(2, NOON)
    assert (len(desk.put), desk.clerk.finished) == (3, True)


def test_a_step_waits_for_its_cue_and_then_a_moment_longer() -> None:
    desk = Desk([step("a"), step("b", Cue.SUPPRESSED), step("c")])
    desk.clerk.begin(1, NOON)
    assert desk.at(60_000) == []
    desk.seen.add((Cue.SUPPRESSED, ANN))
    assert desk.at(60_100) == []
    assert desk.at(60_099 + GRACE_MS) == []
    assert desk.at(60_100 + GRACE_MS) == ["send-requests b", "send-requests c"]
    desk.clerk.begin(1, NOON)
    assert desk.clerk.finished


def test_another_person_s_cue_and_another_cue_of_the_same_person_are_none() -> None:
    desk = Desk([step("a"), step("b", Cue.SUPPRESSED)])
    desk.clerk.begin(1, NOON)
    desk.seen |= {(Cue.SUPPRESSED, "bob@mail.loop.example"), (Cue.FLAGGED, ANN)}
    assert [desk.at(ms) for ms in (0, GRACE_MS, 10 * GRACE_MS)] == [[], [], []]


def test_a_request_is_published_a_second_time_at_once_or_a_little_later() -> None:
    desk = Desk([step("a", odd=Odd.TWICE)], [step("b", odd=Odd.TWICE)])
    desk.clerk.begin(5, NOON)
    assert (desk.at(0), desk.clerk.finished) == (["send-requests a"], False)
    assert (desk.at(AGAIN_MS), desk.clerk.finished) == (["send-requests b"], True)
    assert (desk.ledger.handed_in, desk.ledger.repeats) == (2, 2)


def test_the_ledger_hears_when_a_request_was_handed_in() -> None:
    desk = Desk([step("a", odd=Odd.SOON)], [step("b")])
    desk.clerk.begin(1, NOON)
    line, other = desk.ledger.lines[LineKey("a", ANN)], desk.ledger.lines[LineKey("b", ANN)]
    assert line.asked_at == NOON
    assert line.not_before is not None
    assert line.not_before > NOON
    assert other.asked_at is None

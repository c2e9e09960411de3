"""Whose turn it is: one retry asks the mailbox, the others wait for its answer."""

from __future__ import annotations

from streams.decide.instruction import obey
from streams.decide.marks import weigh
from streams.decide.retry import consider
from streams.decide.turn import next_turn, take_turn, waiting
from streams.mail.policy import RetryPolicy
from streams.mail.records import OutcomeRecord
from streams.mail.standing import Standing
from tests.builders import HOUR, MINUTE, NOON, instruction, of, outcome, soft

STEADY = RetryPolicy(jitter=0)
DUE = NOON + 2 * HOUR


class Ann:
    """One recipient, who hears of outcomes and lets retries go; streams named in *barred* must not write."""

    def __init__(self, *outcomes: OutcomeRecord) -> None:
        """Begin with what has happened."""
        self.standing = Standing(NOON)
        self.barred: set[str] = set()
        self.hear(*outcomes)

    def hear(self, *outcomes: OutcomeRecord) -> None:
        """Hear what has happened."""
        for one in outcomes:
            weighed = weigh(self.standing, one, bytes.fromhex(one["outcome_id"])[:8], NOON)
            self.standing = consider(weighed, one, STEADY)

    def goes(self, now: int) -> list[tuple[str, int]]:
        """Return who goes at *now*."""
        turn = take_turn(self.standing, self.barred.__contains__, STEADY, now)
        self.standing = turn.standing
        return [(w.request_id, w.attempt) for w in turn.going]

    def holding(self) -> bool | None:
        """Return whether newer requests wait; None where nothing is said to wait."""
        said = waiting("ann@example.com", self.standing)
        return None if said is None else said.holding

    def asks(self, *also: str) -> None:
        """Let the first of *also* become the probe at its time, and the others wait behind it."""
        self.hear(*(soft(name, at=NOON + n) for n, name in enumerate(also)))
        assert self.goes(DUE) == [(also[0], 2)]
        assert self.goes(DUE + 1) == []


def test_a_retry_goes_at_its_time_and_once() -> None:
    ann = Ann(soft("r-1"))
    assert ann.goes(DUE - 1) == []
    assert next_turn(ann.standing, STEADY) == DUE
    assert ann.goes(DUE) == [("r-1", 2)]
    ann.hear(soft("r-1"))
    assert ann.goes(DUE + 9 * HOUR) == []


def test_what_falls_due_late_goes_at_once() -> None:
    assert Ann(soft("r-1")).goes(NOON + 900 * HOUR) == [("r-1", 2)]


def test_of_several_the_earliest_asks_and_the_others_wait_however_due() -> None:
    ann = Ann(soft("r-2", at=NOON + MINUTE), soft("r-1"), soft("r-3", at=NOON + 2 * MINUTE))
    assert ann.goes(DUE + 5 * MINUTE) == [("r-1", 2)]
    assert ann.goes(DUE + 6 * MINUTE) == []
    assert ann.holding() is True
    assert next_turn(ann.standing, STEADY) == DUE + 5 * MINUTE + STEADY.silence


def test_the_probes_delivery_lets_everything_else_go() -> None:
    for word in ("DELIVERED", "AUTO_REPLIED"):
        ann = Ann()
        ann.asks("r-1", "r-2", "r-3")
        ann.hear(of(word, "r-1", 2, DUE + MINUTE))
        assert ann.goes(DUE + MINUTE) == [("r-2", 2), ("r-3", 2)]
        assert ann.holding() is None


def test_what_the_probe_sets_free_is_due_then_and_not_later() -> None:
    ann = Ann()
    ann.asks("r-1")
    ann.hear(soft("r-2", at=DUE), of("DELIVERED", "r-1", 2, DUE + MINUTE))
    turn = take_turn(ann.standing, lambda _: False, STEADY, DUE + 2 * MINUTE)
    assert [(w.request_id, w.due_at) for w in turn.going] == [("r-2", DUE + 2 * MINUTE)]
    ann.standing = turn.standing
    ann.hear(soft("r-2", at=DUE), of("DELIVERED", "r-1", 2, DUE + MINUTE))
    assert ann.goes(DUE + 99 * HOUR) == []


def test_a_probe_that_bounces_softly_asks_again_and_the_rest_waits_on() -> None:
    ann = Ann()
    ann.asks("r-1", "r-2")
    ann.hear(soft("r-1", 2, DUE + MINUTE))
    assert ann.goes(DUE + 7 * HOUR) == []
    assert ann.holding() is True
    assert ann.goes(DUE + 8 * HOUR + MINUTE) == [("r-1", 3)]


def test_a_probe_that_ends_otherwise_makes_room_for_the_next() -> None:
    for word in ("EXPIRED", "SUPPRESSED", "LOOPING", "REJECTED"):
        ann = Ann()
        ann.asks("r-1", "r-2", "r-3")
        ann.hear(of(word, "r-1", 2, DUE + MINUTE))
        assert ann.goes(DUE + MINUTE) == [("r-2", 2)]


def test_a_probe_that_ses_refuses_is_sent_again_later_and_the_next_asks() -> None:
    ann = Ann()
    ann.asks("r-1", "r-2")
    ann.hear(of("FAILED", "r-1", 2, DUE + MINUTE, reason="timeout"))
    assert ann.goes(DUE + MINUTE) == [("r-2", 2)]
    assert ann.goes(DUE + 8 * HOUR + MINUTE) == [("r-1", 3)]


def test_a_probe_that_is_exhausted_makes_room_for_the_next() -> None:
    ann = Ann()
    ann.hear(soft("r-1", 3), soft("r-2", at=NOON + 31 * HOUR))
    assert ann.goes(NOON + 32 * HOUR) == [("r-1", 4)]
    ann.hear(soft("r-1", 4, NOON + 33 * HOUR))
    assert ann.goes(NOON + 33 * HOUR) == [("r-2", 2)]


def test_silence_after_the_probe_lets_everything_else_go() -> None:
    ann = Ann()
    ann.asks("r-1", "r-2", "r-3")
    assert ann.goes(DUE + STEADY.silence - 1) == []
    assert ann.goes(DUE + STEADY.silence) == [("r-2", 2), ("r-3", 2)]


def test_a_word_on_another_attempt_is_not_the_probes() -> None:
    ann = Ann()
    ann.asks("r-1", "r-2")
    ann.hear(of("EXPIRED", "r-1", 1, DUE + MINUTE), of("EXPIRED", "r-9", 2, DUE + MINUTE), soft("r-1", 1))
    assert ann.goes(DUE + MINUTE) == []
    assert ann.holding() is True


def test_a_delivery_that_is_not_the_probes_cancels_what_waits() -> None:
    ann = Ann()
    ann.asks("r-1", "r-2")
    ann.hear(outcome("DELIVERED", DUE + MINUTE, "m-9", request_id="r-9"))
    assert ann.holding() is None
    assert ann.goes(DUE + 99 * HOUR) == []


def test_what_ses_refused_goes_at_its_time_and_holds_nobody() -> None:
    ann = Ann(*(of("FAILED", name, 1, NOON, reason="timeout") for name in ("r-1", "r-2")))
    assert ann.goes(DUE - 1) == []
    assert ann.holding() is False
    assert ann.goes(DUE) == [("r-1", 2), ("r-2", 2)]
    assert ann.holding() is None


def test_a_refused_request_goes_while_a_probe_asks() -> None:
    ann = Ann()
    ann.asks("r-1", "r-2")
    ann.hear(of("FAILED", "r-3", 1, NOON + MINUTE, reason="timeout"))
    assert ann.goes(DUE + MINUTE) == [("r-3", 2)]


def test_who_must_not_be_written_to_gets_nothing_and_what_falls_due_meanwhile_is_lost() -> None:
    ann = Ann(soft("r-1", stream="receipts"), soft("r-2", stream="newsletter"))
    ann.barred = {"receipts"}
    assert ann.goes(DUE - 1) == []
    assert [r.request_id for r in waiting("ann@example.com", ann.standing).retries] == ["r-2"]  # type: ignore[union-attr]  # one waits
    assert ann.goes(DUE) == [("r-2", 2)]
    ann.barred = set()
    ann.hear(soft("r-1", stream="receipts"))
    assert ann.goes(DUE + 99 * HOUR) == []


def test_what_stands_against_a_retry_may_go_in_time() -> None:
    ann = Ann(soft("r-1"))
    ann.barred = {"receipts"}
    assert (ann.goes(NOON + HOUR), ann.holding()) == ([], None)
    ann.barred = set()
    assert (ann.goes(NOON + HOUR), ann.holding()) == ([], True)
    assert ann.goes(DUE) == [("r-1", 2)]


def test_a_retry_that_an_operator_calls_off_does_not_go() -> None:
    for request_id in ("r-1", None):
        ann = Ann()
        ann.asks("r-1", "r-2")
        word = {"request_id": request_id, "written": None, **instruction("CANCEL_RETRY", DUE + MINUTE)}
        ann.standing = obey(ann.standing, word, NOON)  # type: ignore[arg-type]  # the fields that the rule reads
        assert ann.goes(DUE + MINUTE) == ([] if request_id is None else [("r-2", 2)])
        ann.hear(soft("r-1", 2, DUE + 2 * MINUTE))
        assert ann.standing.waits[-1].request_id == "r-1", "what bounces later counts again"


def test_what_waits_is_said_earliest_first_and_since_its_first_bounce() -> None:
    ann = Ann(soft("r-1", at=NOON, subtype="MailboxFull"), soft("r-2", at=NOON + MINUTE))
    ann.goes(NOON + MINUTE)
    said = waiting("ann@example.com", ann.standing)
    assert said is not None
    assert [(r.request_id, r.due_at) for r in said.retries] == [("r-2", DUE + MINUTE), ("r-1", NOON + 24 * HOUR)]
    assert (said.recipient, said.holding, said.since, said.probe_at) == ("ann@example.com", True, NOON, None)
    ann.goes(DUE + MINUTE)
    asking = waiting("ann@example.com", ann.standing)
    assert asking is not None
    assert asking.probe_at == DUE + MINUTE

"""The rules of a request's life: which try begins, which one SES's word is about, and when to look again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.decide import request as rules
from streams.decide.refusal import REFUSALS, Action, Refusal, refusal_of
from streams.mail.policy import DispatchPolicy
from streams.mail.request import EVERYONE, Phase, Request, Try, Waits
from tests.builders import DAY, NOON

POLICY = DispatchPolicy()
ANN, BOB = "ann@example.com", "bob@example.org"
NEW = Request(NOON, NOON, b"")


def begun(attempt: int = 1, to: str = EVERYONE, request: Request = NEW) -> Request:
    """Return a request with one more try."""
    found = rules.opened(request, attempt, to, retried=to != EVERYONE, due=NOON)
    assert found is not None
    return found


def call(to: str = EVERYONE) -> Try:
    """Return a try that is being handed over."""
    return rules.called(Try(1, to, Phase.WAITING, NOON), NOON, POLICY)


def test_an_attempt_begins_once() -> None:
    assert rules.opened(begun(), 1, EVERYONE, retried=False, due=NOON) is None
    assert rules.opened(begun(2, ANN), 2, ANN, retried=True, due=NOON) is None


def test_whom_everyone_already_covers_gets_no_try_of_their_own() -> None:
    assert rules.opened(begun(2), 2, ANN, retried=True, due=NOON) is None


def test_everyone_leaves_out_whom_the_attempt_goes_to_alone() -> None:
    both = begun(2, EVERYONE, begun(2, ANN))
    everyone = both.find((2, EVERYONE))
    assert everyone is not None
    assert rules.left(everyone, (ANN, BOB)) == [BOB]
    assert [rules.left(one, (ANN, BOB)) for one in both.tries if one.to] == [[ANN]]


def test_a_try_that_is_split_goes_to_each_person_once() -> None:
    request = begun()
    split = rules.split(request, request.tries[0], ANN, NOON + 5)
    assert [rules.left(one, (ANN, BOB)) for one in split.tries] == [[BOB], [ANN]]
    own = split.find((1, ANN))
    assert own is not None
    assert (own.waits, own.since, own.phase) == (Waits.HOLD, NOON + 5, Phase.WAITING)


def test_how_long_something_waits_is_kept_while_it_waits_for_the_same() -> None:
    one = rules.waiting(Try(1, EVERYONE, Phase.WAITING, NOON), Waits.PAUSE, NOON)
    assert rules.waiting(one, Waits.PAUSE, NOON + 9) == one
    assert rules.waiting(one, Waits.HOLD, NOON + 9).since == NOON + 9
    assert rules.called(one, NOON, POLICY).waits is Waits.NOTHING


@given(st.sampled_from(REFUSALS), st.integers(0, 10), st.integers(1, 20))
def test_a_refused_try_is_over_or_waits_for_a_time_that_comes(row: Refusal, before: int, tries: int) -> None:
    one = call()._replace(refused=before)
    after = rules.refused(one, row, NOON, DispatchPolicy(tries=tries))
    assert after.is_over or (after.phase is Phase.WAITING and after.due > NOON)
    assert after.refused == before + (row.action is Action.AGAIN and not after.is_over)
    if row.action in {Action.SLOW, Action.STOP}:
        assert not after.is_over, "what concerns the line costs no mail"


def test_after_a_stop_others_go_first() -> None:
    after = rules.refused(call(), refusal_of("connection", ""), NOON, POLICY)
    assert after.due > NOON + refusal_of("connection", "").rest


@pytest.mark.parametrize(
    ("phases", "expected"),
    [
        ((Phase.SENT, Phase.DOUBTFUL), 1),
        ((Phase.CALLING, Phase.DOUBTFUL), 1),
        ((Phase.ENDED, Phase.WAITING), 1),
        ((Phase.SENT, Phase.ENDED), 1),
        ((Phase.DOUBTFUL, Phase.DOUBTFUL), 1),
    ],
)
def test_a_word_of_ses_is_about_the_try_that_needs_it_most(phases: tuple[Phase, Phase], expected: int) -> None:
    tries = tuple(call(to)._replace(phase=phase) for to, phase in zip((EVERYONE, ANN), phases, strict=True))
    settled = rules.settles(NEW._replace(tries=tries), 1, (), "m-1")
    assert settled == [tries[expected]]


def test_a_word_of_ses_is_about_those_whom_it_names() -> None:
    everyone, ann = call()._replace(left_out=(ANN,)), call(ANN)
    request = NEW._replace(tries=(everyone, ann))
    assert rules.settles(request, 1, (ANN,), "m-1") == [ann]
    assert rules.settles(request, 1, (BOB,), "m-1") == [everyone]
    assert rules.settles(NEW._replace(tries=(ann,)), 1, (BOB,), "m-1") == []


def test_a_message_that_is_known_settles_nothing_more() -> None:
    request = NEW._replace(tries=(rules.sent(call(), "m-1"), call(ANN)))
    assert rules.settles(request, 1, (ANN,), "m-1") == []


def test_a_mail_has_two_names_where_it_went_twice_and_each_once() -> None:
    twice = rules.sent(rules.sent(rules.sent(call(), "m-1"), "m-2"), "m-1")
    assert (twice.phase, twice.message_ids) == (Phase.SENT, ("m-1", "m-2"))


def test_a_request_is_looked_at_when_its_next_try_is_due_or_when_it_may_be_forgotten() -> None:
    request = NEW._replace(tries=(call(), Try(2, ANN, Phase.WAITING, NOON + 7)))
    assert rules.next_look(request, {}, POLICY) == NOON + 7
    assert rules.next_look(request, {(2, ANN): NOON + DAY}, POLICY) == NOON + POLICY.call + rules.GRACE
    over = request._replace(tries=tuple(map(rules.over, request.tries)))
    assert rules.next_look(over, {}, POLICY) == NOON + POLICY.forget
    assert not rules.forgettable(over, NOON + POLICY.forget - 1, POLICY)
    assert rules.forgettable(over, NOON + POLICY.forget, POLICY)
    assert not rules.forgettable(request, NOON + DAY * 99, POLICY)


def test_a_word_of_ses_about_a_mail_to_two_also_settles_the_one_who_was_taken_out_of_it_since() -> None:
    doubtful = rules.given_up(call()._replace(phase=Phase.DOUBTFUL), 9)
    split = rules.split(NEW._replace(tries=(doubtful,)), doubtful, ANN, 9)
    everyone, ann = split.tries
    assert rules.settles(split, 1, (ANN, BOB), "m-1") == [ann, everyone]


def test_a_doubt_goes_along_with_whoever_is_taken_out_of_a_mail() -> None:
    doubtful = rules.given_up(call()._replace(phase=Phase.DOUBTFUL), 9)
    [_, ann] = rules.split(NEW._replace(tries=(doubtful,)), doubtful, ANN, 9).tries
    assert (ann.to, ann.doubted, ann.called_at) == (ANN, True, doubtful.called_at)

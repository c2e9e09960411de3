"""The requests that are made up: the same for the same seed, of every tale, and each with an end."""

from __future__ import annotations

from collections import Counter

import pytest

from streams.demo.loop.ledger import Line, LineKey, LoopLedger
from streams.demo.loop.plots import DELIVERED, LEAST_REQUESTS, TALES
from streams.demo.loop.requests import LOOP_DOMAIN, Requests
from streams.demo.loop.tales import Ask, End, Odd
from streams.demo.stories import DAY
from streams.mail.outcome import OutcomeKind
from streams.mail.suppression import SuppressionReason
from streams.simulator.fates import WORDS
from streams.simulator.virus import EICAR
from tests.builders import CODEC
from tests.demo.loop.evidence import asked

SCHEMAS = {"send-requests": "mail.SendRequest", "instructions": "mail.Instruction"}


def test_the_same_seed_makes_the_same_requests_and_another_seed_others() -> None:
    assert asked(seed=7) == asked(seed=7)
    assert asked(seed=7)[1] != asked(seed=8)[1]


@pytest.mark.parametrize("count", [LEAST_REQUESTS, 200, 2_000])
def test_every_tale_is_told_and_as_many_requests_as_were_asked_for(count: int) -> None:
    ledger, put = asked(count)
    assert {line.tale for line in ledger.lines.values()} == {tale.name for tale in TALES}
    assert ledger.handed_in == count
    assert len({key.request_id for key in ledger.lines}) == count
    assert sum(role == "send-requests" for role, _, _ in put) == count + ledger.repeats


def test_names_of_tales_are_unique() -> None:
    assert [name for name, count in Counter(tale.name for tale in TALES).items() if count > 1] == []


def test_tales_speak_of_outcomes_reasons_and_mailboxes_that_exist() -> None:
    fates = [fate for tale in TALES for step in tale.steps if isinstance(step, Ask) for fate in step.fates]
    assert {kind for fate in fates for kinds in fate.said for kind in kinds} <= set(OutcomeKind)
    assert {stop for tale in TALES for stop in tale.stops if stop is not None} <= set(SuppressionReason)
    words = {word.partition("-")[0] for tale in TALES for word in tale.people if word}
    assert words <= WORDS.keys()


def test_every_end_is_somebody_s_and_a_mail_of_each_attempt_is_spoken_of() -> None:
    fates = [fate for tale in TALES for step in tale.steps if isinstance(step, Ask) for fate in step.fates]
    assert {fate.end for fate in fates} == set(End)
    assert [fate for fate in fates if fate.mails > len(fate.said)] == []


def test_a_stream_of_the_loop_has_the_ratios_of_a_healthy_sender() -> None:
    ledger, put = asked(20_000)
    stream_of = {record["request_id"]: record["stream"] for role, _, record in put if role == "send-requests"}
    mails: Counter[str] = Counter()
    bad: Counter[tuple[str, str]] = Counter()
    for key, line in ledger.lines.items():
        mails[stream_of[key.request_id]] += line.fate.mails
        for kinds in line.fate.said:
            bad.update((stream_of[key.request_id], kind) for kind in kinds)
    for stream, count in mails.items():
        assert bad[stream, "HARD_BOUNCED"] / count < 0.05
        assert bad[stream, "COMPLAINED"] / count < 0.003


def test_every_record_can_be_written_and_nobody_can_exist() -> None:
    _, put = asked(300)
    for role, key, record in put:
        assert CODEC.decode(SCHEMAS[role], CODEC.encode(SCHEMAS[role], record))
        if role == "send-requests":
            assert key == record["request_id"]
            assert all(address.endswith(LOOP_DOMAIN) and address == address.lower() for address in record["to"])


def test_nobody_is_in_two_tales() -> None:
    ledger, _ = asked(2_000)
    tales: dict[str, set[str]] = {}
    for key, line in ledger.lines.items():
        tales.setdefault(key.recipient, set()).add(line.tale)
    assert {len(names) for names in tales.values()} == {1}


def test_odd_requests_are_as_odd_as_they_are_called() -> None:
    ledger, put = asked(300)
    odd = {tale.name: step.odd for tale in TALES for step in tale.steps if isinstance(step, Ask)}
    by_id = {record["request_id"]: record for role, _, record in put if role == "send-requests"}
    seen = set()
    for key, line in ledger.lines.items():
        record = by_id[key.request_id]
        match odd[line.tale]:
            case Odd.VIRUS:
                assert EICAR in record["content"][1]["text"]
            case Odd.PAST:
                assert record["expires_at"] < record["requested_at"]
            case Odd.SOON | Odd.TOMORROW as late:
                assert (record["not_before"] - record["requested_at"] >= DAY) is (late is Odd.TOMORROW)
            case Odd.STRANGER:
                assert not record["from_address"].endswith("@shop.example")
            case _:
                continue
        seen.add(odd[line.tale])
    assert len(seen) == 5


def test_a_request_made_up_twice_is_a_fault_of_the_maker() -> None:
    ledger = LoopLedger()
    key, line = LineKey("a-1", "ann@mail.loop.example"), Line(tale="delivered", fate=DELIVERED)
    ledger.line(key, line)
    with pytest.raises(ValueError, match="twice"):
        ledger.line(key, line)


def test_fewer_requests_than_tales_can_be_asked_for() -> None:
    steps = list(Requests(count=5, seed=1, ledger=LoopLedger()).tales())
    assert 1 <= len(steps) <= 5

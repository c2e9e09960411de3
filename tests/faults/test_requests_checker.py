"""The checker sees what becomes of requests: an end that is missing or strange, and a mail that went twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.checker import KINDS_OF_REQUESTS, Terms, judge
from tests.faults.evidence import Evidence
from tests.faults.ledger import Ledger
from tests.faults.requests import FATES, Asker
from tests.faults.stories import DueEnd
from tests.faults.verdict import Verdict, What
from tests.faults.wire import Wire

TERMS = Terms(park=20_000, kinds=KINDS_OF_REQUESTS)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path / "ledger.sqlite")
    asker = Asker(7, Wire(), 1)
    for _ in range(200):
        made.enter(asker.tell())
    yield made
    made.close()


@pytest.fixture
def evidence(ledger: Ledger) -> Evidence:
    """Return what a world without faults would say."""
    made = Evidence(Wire(), {})
    for key, end in ledger.ends().items():
        said = [(end.kind, end.attempts)]
        said += [("DELIVERED", 1)] if end.kind == "COMPLAINED" else []
        said += [("SOFT_BOUNCED", 1)] if end.attempts == 2 else []
        made.ended[key] = {one: {f"{key}{one}"} for one in said}
        made.handed |= {(*key, attempt): 1 for attempt in range(1, end.attempts + 1)}
    for due in ledger.suppressions().values():
        said_of = {"recipient": due.recipient, "reason": due.reason, "scope": "*", "evidence": []}
        made.suppressions[due.recipient.encode()] = said_of
    made.retries.update((r.request_id, r.recipient, r.attempt) for r in ledger.retries())
    return made


def counts(verdict: Verdict) -> dict[str, int]:
    return {word: verdict.total(word) for word in What if verdict.total(word)}


def an_end(ledger: Ledger, kind: str, attempts: int = 1) -> tuple[str, str]:
    due: DueEnd = next(end for end in ledger.ends().values() if (end.kind, end.attempts) == (kind, attempts))
    return due.request_id, due.recipient


def test_nothing_is_found_where_nothing_is_wrong(ledger: Ledger, evidence: Evidence) -> None:
    verdict = judge(ledger, evidence, TERMS)
    assert verdict.findings == []
    assert set(verdict.kinds) == KINDS_OF_REQUESTS
    assert all(count.sent == count.seen > 0 for count in verdict.kinds.values())
    assert {end.kind for end in ledger.ends().values()} == {fate.kind for fate in FATES}


@pytest.mark.parametrize("kind", ["DELIVERED", "HARD_BOUNCED", "COMPLAINED"])
def test_a_request_that_does_not_end_is_lost(ledger: Ledger, evidence: Evidence, kind: str) -> None:
    del evidence.ended[an_end(ledger, kind)]
    assert counts(judge(ledger, evidence, TERMS)) == {"lost": 1}


def test_a_request_that_was_not_sent_again_is_lost(ledger: Ledger, evidence: Evidence) -> None:
    key = an_end(ledger, "DELIVERED", 2)
    del evidence.ended[key]["DELIVERED", 2]
    assert counts(judge(ledger, evidence, TERMS)) == {"lost": 1}


@pytest.mark.parametrize("said", [("FAILED", 1), ("EXPIRED", 1), ("DELIVERED", 2), ("HARD_BOUNCED", 1)])
def test_an_end_that_nobody_gave_cause_for_is_wrong(ledger: Ledger, evidence: Evidence, said: tuple[str, int]) -> None:
    evidence.ended[an_end(ledger, "DELIVERED")][said] = {"another"}
    assert counts(judge(ledger, evidence, TERMS)) == {"wrong": 1}


def test_a_mail_that_was_handed_over_twice_is_sent_twice(ledger: Ledger, evidence: Evidence) -> None:
    key = an_end(ledger, "DELIVERED")
    evidence.handed[*key, 1] = 2
    evidence.ended[key]["DELIVERED", 1].add("of the second mail")
    verdict = judge(ledger, evidence, TERMS)
    assert verdict.kinds["mails"].duplicated == verdict.kinds["ends"].duplicated == 1
    assert verdict.clean


def test_a_mail_that_nobody_asked_for_is_wrong(ledger: Ledger, evidence: Evidence) -> None:
    evidence.handed[*an_end(ledger, "HARD_BOUNCED"), 2] = 1
    assert counts(judge(ledger, evidence, TERMS)) == {"wrong": 1}


def test_a_mail_that_was_never_handed_over_is_lost(ledger: Ledger, evidence: Evidence) -> None:
    del evidence.handed[*an_end(ledger, "DELIVERED"), 1]
    assert counts(judge(ledger, evidence, TERMS)) == {"lost": 1}

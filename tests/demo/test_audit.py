"""The audit sees each kind of loss and of wrong: every check is seen to fail on a fault that was planted for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from streams.demo.audit import Audit, Fault, Thing
from streams.demo.ledger import DueSuppression, Ledger
from tests.builders import CODEC
from tests.demo.bench import Bench, Record, day, hand_over, handed_in


@pytest.fixture(scope="module")
def good() -> tuple[Ledger, list[Record]]:
    """Return a day's ledger and all that came out of it, which is right."""
    arrivals, ledger = day(seed=11, messages=300)
    bench = Bench(ledger)
    bench.carry(handed_in(arrivals, ledger))
    assert bench.audit.verdict().good
    return ledger, bench.out


def audited(ledger: Ledger, records: list[Record]) -> Audit:
    """Return an audit that has taken these records."""
    audit = Audit(ledger, CODEC)
    for record in records:
        hand_over(audit, record)
    return audit


def of(records: list[Record], role: str, name: str, wanted: Callable[[dict[str, Any]], bool]) -> int:
    """Return where the first record of a topic stands that is *wanted*."""
    return next(
        n
        for n, record in enumerate(records)
        if record.role == role and record.value is not None and wanted(CODEC.decode(name, record.value))
    )


def changed(records: list[Record], place: int, name: str, **fields: Any) -> list[Record]:
    """Return the records with other fields in one of them."""
    record = records[place]
    assert record.value is not None
    value = CODEC.encode(name, CODEC.decode(name, record.value) | fields)
    return [*records[:place], record._replace(value=value), *records[place + 1 :]]


def without(records: list[Record], place: int) -> list[Record]:
    """Return the records without one of them."""
    return records[:place] + records[place + 1 :]


def things(faults: tuple[Fault, ...]) -> list[Thing]:
    """Return what the faults are about."""
    return [fault.thing for fault in faults]


def delivered(record: dict[str, Any]) -> bool:
    """Tell whether an outcome is a delivery."""
    return bool(record["kind"] == "DELIVERED")


def last_word(records: list[Record]) -> int:
    """Return where the last suppression stands: nothing is said of its recipient later."""
    return max(n for n, record in enumerate(records) if record.role == "suppressions" and record.value is not None)


def test_what_is_right_is_found_right(good: tuple[Ledger, list[Record]]) -> None:
    verdict = audited(*good).verdict()
    assert verdict.good
    assert verdict.due == verdict.found


def test_an_outcome_that_is_missing_is_lost(good: tuple[Ledger, list[Record]]) -> None:
    ledger, records = good
    audit = audited(ledger, without(records, of(records, "outcomes", "mail.Outcome", delivered)))
    assert things(audit.verdict().lost) == [Thing.OUTCOME]
    assert not audit.complete()


@pytest.mark.parametrize(
    ("field", "value"),
    [("kind", "SOFT_BOUNCED"), ("recipient", "other@example.com"), ("occurred_at", 1), ("message_id", "m-other")],
)
def test_an_outcome_that_says_something_else_is_wrong_and_the_right_one_lost(
    good: tuple[Ledger, list[Record]], field: str, value: object
) -> None:
    ledger, records = good
    place = of(records, "outcomes", "mail.Outcome", delivered)
    verdict = audited(ledger, changed(records, place, "mail.Outcome", **{field: value})).verdict()
    assert (things(verdict.lost), things(verdict.wrong)) == ([Thing.OUTCOME], [Thing.OUTCOME])


@pytest.mark.parametrize("flag", ["certain", "matched"])
def test_an_outcome_with_another_flag_is_wrong(good: tuple[Ledger, list[Record]], flag: str) -> None:
    ledger, records = good
    place = of(records, "outcomes", "mail.Outcome", lambda r: delivered(r) and r["matched"])
    verdict = audited(ledger, changed(records, place, "mail.Outcome", **{flag: False})).verdict()
    assert (things(verdict.lost), things(verdict.wrong)) == ([], [Thing.OUTCOME])


def test_an_outcome_that_is_written_again_is_only_counted(good: tuple[Ledger, list[Record]]) -> None:
    ledger, records = good
    audit = audited(ledger, [*records, records[of(records, "outcomes", "mail.Outcome", delivered)]])
    assert audit.verdict().good
    assert audit.seen.repeats == 1


def test_an_outcome_under_a_second_id_is_wrong(good: tuple[Ledger, list[Record]]) -> None:
    ledger, records = good
    place = of(records, "outcomes", "mail.Outcome", delivered)
    again = changed(records, place, "mail.Outcome", outcome_id="f" * 32)[place]
    assert things(audited(ledger, [*records, again]).verdict().wrong) == [Thing.OUTCOME]


def test_an_outcome_that_cannot_be_read_is_wrong(good: tuple[Ledger, list[Record]]) -> None:
    ledger, records = good
    torn = Record("outcomes", b"k", b"\x00torn")
    assert things(audited(ledger, [*records, torn]).verdict().wrong) == [Thing.OUTCOME]


def test_an_outcome_whose_embedded_event_is_torn_is_wrong(good: tuple[Ledger, list[Record]]) -> None:
    ledger, records = good
    place = of(records, "outcomes", "mail.Outcome", lambda r: bool(r["kind"] == "HARD_BOUNCED"))
    value = records[place].value or b""
    torn = [*records[:place], records[place]._replace(value=value[:-3]), *records[place + 1 :]]
    verdict = audited(ledger, torn).verdict()
    assert (things(verdict.lost), things(verdict.wrong)) == ([Thing.OUTCOME], [Thing.OUTCOME])


def test_a_suppression_that_is_missing_is_lost(good: tuple[Ledger, list[Record]]) -> None:
    ledger, records = good
    key = records[last_word(records)].key
    audit = audited(ledger, [r for r in records if r.role != "suppressions" or r.key != key])
    assert things(audit.verdict().lost) == [Thing.SUPPRESSION]
    assert not audit.complete()


def test_a_suppression_of_somebody_else_is_wrong(good: tuple[Ledger, list[Record]]) -> None:
    ledger, records = good
    value = CODEC.encode("mail.Suppression", {"recipient": "ann@example.com", "reason": "HARD_BOUNCE", "since": 0})
    verdict = audited(ledger, [*records, Record("suppressions", b"ann@example.com", value)]).verdict()
    assert (things(verdict.lost), things(verdict.wrong)) == ([], [Thing.SUPPRESSION])


@pytest.mark.parametrize(
    ("field", "value"),
    [("reason", "MANUAL"), ("scope", "alerts"), ("until", 5), ("evidence", []), ("recipient", "x@y.z")],
)
def test_a_suppression_that_says_something_else_is_wrong(
    good: tuple[Ledger, list[Record]], field: str, value: object
) -> None:
    ledger, records = good
    place = last_word(records)
    verdict = audited(ledger, changed(records, place, "mail.Suppression", **{field: value})).verdict()
    assert (things(verdict.lost), things(verdict.wrong)) == ([], [Thing.SUPPRESSION])


def test_somebody_who_was_released_is_not_suppressed(good: tuple[Ledger, list[Record]]) -> None:
    ledger, records = good
    key = records[last_word(records)].key
    assert things(audited(ledger, [*records, Record("suppressions", key, None)]).verdict().lost) == [Thing.SUPPRESSION]


def test_a_release_that_does_not_come_is_wrong(good: tuple[Ledger, list[Record]]) -> None:
    ledger, _ = good
    (released,) = list(ledger.released)[:1]
    value = CODEC.encode("mail.Suppression", {"recipient": released, "reason": "COMPLAINT", "since": 0})
    audit = Audit(Ledger(released={released}), CODEC)
    audit.suppression(released.encode(), value)
    assert things(audit.verdict().wrong) == [Thing.SUPPRESSION]
    audit.suppression(released.encode(), None)
    assert audit.verdict().good


def test_a_dead_letter_that_is_missing_is_lost(good: tuple[Ledger, list[Record]]) -> None:
    ledger, records = good
    audit = audited(ledger, without(records, of(records, "dead-letters", "mail.DeadLetter", lambda _: True)))
    assert things(audit.verdict().lost) == [Thing.LETTER]
    assert not audit.complete()


@pytest.mark.parametrize(
    ("field", "value"), [("reason", "TOO_LARGE"), ("stage", "DISPATCH"), ("value", b"other bytes")]
)
def test_a_dead_letter_that_says_something_else_is_wrong(
    good: tuple[Ledger, list[Record]], field: str, value: object
) -> None:
    ledger, records = good
    place = of(records, "dead-letters", "mail.DeadLetter", lambda _: True)
    verdict = audited(ledger, changed(records, place, "mail.DeadLetter", **{field: value})).verdict()
    assert (things(verdict.lost), things(verdict.wrong)) == ([Thing.LETTER], [Thing.LETTER])


def test_a_dead_letter_that_is_written_again_counts_once(good: tuple[Ledger, list[Record]]) -> None:
    ledger, records = good
    again = records[of(records, "dead-letters", "mail.DeadLetter", lambda _: True)]
    assert audited(ledger, [*records, again]).verdict().good


def test_an_audit_is_not_over_while_a_suppression_still_says_something_else() -> None:
    ledger = Ledger()
    due = DueSuppression(reason="HARD_BOUNCE", scope="*", until=None, evidence=frozenset())
    ledger.suppression("ann@example.com", due)
    audit = Audit(ledger, CODEC)
    record = {"recipient": "ann@example.com", "reason": "SOFT_BOUNCES", "since": 0}
    audit.suppression(b"ann@example.com", CODEC.encode("mail.Suppression", record))
    assert not audit.complete()
    audit.suppression(b"ann@example.com", CODEC.encode("mail.Suppression", record | {"reason": "HARD_BOUNCE"}))
    assert audit.complete()

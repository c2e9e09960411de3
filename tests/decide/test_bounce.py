"""The table of bounce classes: every row speaks, and SES's class and the DSN's class are weighed as it says."""

from __future__ import annotations

import pytest

from streams.decide.bounce import ANY, BOUNCE_CLASSES, BounceClass, classify, lacks_dsn, status_of
from tests.builders import bounce, event

HARD, SOFT, LIST = BounceClass.HARD, BounceClass.SOFT, BounceClass.SES_LIST


@pytest.mark.parametrize(
    ("bounce_type", "subtype", "status", "means"),
    [
        ("Permanent", "General", "5.1.1", HARD),
        ("Permanent", "General", None, HARD),
        ("Permanent", "NoEmail", "5.1.1", HARD),
        ("Permanent", "SomethingNew", "5.7.1", HARD),
        ("PERMANENT", "GENERAL", None, HARD),
        ("Permanent", "Suppressed", None, LIST),
        ("Permanent", "OnAccountSuppressionList", None, LIST),
        ("Permanent", "OnTenantSuppressionList", None, LIST),
        ("Permanent", "EmailValidationSuppressed", None, LIST),
        ("Permanent", "UnsubscribedRecipient", None, BounceClass.UNSUBSCRIBED),
        ("Transient", "General", "4.4.7", SOFT),
        ("Transient", "MailboxFull", "4.2.2", SOFT),
        ("Transient", "MailboxFull", "5.2.2", SOFT),
        ("Transient", "General", "5.4.4", SOFT),
        ("Transient", "General", "5.1.1", HARD),
        ("Transient", "General", "5.1.2", HARD),
        ("Transient", "General", "5.1.3", HARD),
        ("Transient", "General", "5.1.6", HARD),
        ("Transient", "General", "5.1.10", HARD),
        ("Transient", "General", "5.1.100", SOFT),
        ("Undetermined", "Undetermined", "5.1.1", HARD),
        ("Undetermined", "Undetermined", "5.0.0", SOFT),
        ("Reconsidered", "Tomorrow", "5.1.1", SOFT),
        (None, None, None, SOFT),
    ],
)
def test_a_bounce_with_a_dsn_means(bounce_type: str, subtype: str, status: str, means: BounceClass) -> None:
    assert classify(bounce_type, subtype, status, no_dsn=False) == means


@pytest.mark.parametrize(
    ("bounce_type", "means"),
    [
        ("Transient", BounceClass.AUTO_REPLY),
        ("Undetermined", BounceClass.AUTO_REPLY),
        ("Permanent", HARD),
        ("Reconsidered", SOFT),
    ],
)
def test_a_bounce_without_a_trace_of_a_dsn_means(bounce_type: str, means: BounceClass) -> None:
    assert classify(bounce_type, "General", None, no_dsn=True) == means


def test_the_last_row_fits_everything() -> None:
    last = BOUNCE_CLASSES[-1]
    assert (last.bounce_type, last.subtype, last.dsn) == (ANY, ANY, ANY)


def test_no_row_is_hidden_by_one_above_it() -> None:
    for number, row in enumerate(BOUNCE_CLASSES):
        for above in BOUNCE_CLASSES[:number]:
            hides = all(a in (ANY, r) for a, r in zip(above[:3], row[:3], strict=True))
            assert not hides, f"{row} can never be reached below {above}"


def test_one_field_of_one_recipient_is_trace_enough_of_a_dsn() -> None:
    two = event("BOUNCE", "m-1", "ann@example.com", "ben@example.org", bounce_type="Transient", reporting_mta=None)
    assert lacks_dsn(two)  # type: ignore[arg-type]  # a builder's record has all the fields that are read
    two["recipients"][1]["action"] = "failed"
    assert not lacks_dsn(two)  # type: ignore[arg-type]  # as above


def test_a_reporting_mta_is_trace_enough_of_a_dsn() -> None:
    assert not lacks_dsn(bounce("Transient", "General", reporting_mta="dns; mx.example.com"))  # type: ignore[arg-type]  # as above


def test_a_bounce_that_names_nobody_is_an_auto_reply_even_from_a_known_mta() -> None:
    assert lacks_dsn(event("BOUNCE", recipients=[], reporting_mta="dns; mx.example.com"))  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize(
    ("status", "diagnostic", "expected"),
    [
        ("5.1.1", "smtp; 550 5.2.2 full", "5.1.1"),
        (" 5.1.1 ", None, "5.1.1"),
        (None, "smtp; 550 5.1.1 user unknown", "5.1.1"),
        (None, "smtp; 550-5.1.1 The account\n does not exist", "5.1.1"),
        (None, "smtp; 550 user unknown at 192.5.1.1", None),
        (None, None, None),
    ],
)
def test_the_status_is_the_dsns_or_else_the_first_in_its_words(
    status: str | None, diagnostic: str | None, expected: str | None
) -> None:
    recipient = {
        "address": "a@example.com",
        "status": status,
        "action": None,
        "diagnostic": diagnostic,
        "written": None,
    }
    assert status_of(recipient) == expected  # type: ignore[arg-type]  # as above

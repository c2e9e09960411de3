"""Every event of the corpus says what stands beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from streams.intake.files import Item, read_files
from streams.intake.sources import Reading
from streams.mail.feedback import Feedback, FeedbackKind, FeedbackRecipient
from tests.intake.corpus import RECEIVED, ROOT, Case, case, cases

CASES = [*cases(), *cases(RECEIVED)]
FREE = frozenset({"feedback_id", "tags", "headers", "source", "destination", "raw", "sent_at"})
"""What need not be named: compared where it is."""


def _named(item: Case) -> str:
    return item.name


def _items(one: Case) -> list[Item]:
    return list(read_files([one.path]))


def _facts(feedback: Feedback) -> dict[str, Any]:
    """Return what an event says, without what it does not say."""
    facts = {name: getattr(feedback, name) for name in Feedback.__slots__}
    facts["kind"] = feedback.kind.value
    facts["recipients"] = [_said(recipient) for recipient in feedback.recipients]
    facts["destination"] = list(feedback.destination)
    return facts


def _said(recipient: FeedbackRecipient) -> dict[str, str]:
    found = {name: getattr(recipient, name) for name in FeedbackRecipient.__slots__}
    return {name: value for name, value in found.items() if value is not None}


def _compared(facts: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """Return the facts to compare: what is expected, and whatever else is there and not free."""
    return {name: value for name, value in facts.items() if name in expected or (name not in FREE and value)}


@pytest.mark.parametrize("one", CASES, ids=_named)
def test_a_file_of_the_corpus_says_what_stands_beside_it(one: Case) -> None:
    found = [item for item in _items(one) if item.feedback is not None]
    assert len(found) == len(one.feedback)
    for item, expected in zip(found, one.feedback, strict=True):
        assert item.feedback is not None
        line = expected.pop("line", None)
        assert line is None or item.source == f"{one.path}:{line}"
        assert _compared(_facts(item.feedback), expected) == expected


@pytest.mark.parametrize("one", [one for one in CASES if one.dead], ids=_named)
def test_what_cannot_be_used_is_set_aside_with_its_bytes_and_its_line(one: Case) -> None:
    found = [item for item in _items(one) if item.dead is not None]
    assert len(found) == len(one.dead)
    for item, expected in zip(found, one.dead, strict=True):
        dead = item.dead
        assert dead is not None
        assert dead.reason.value == expected["reason"]
        assert dead.topic == f"file:{one.path}"
        assert item.source == f"{one.path}:{dead.offset}"
        assert dead.offset == expected.get("line", dead.offset)
        if "value" in expected:
            assert dead.value == expected["value"].encode()
        elif dead.value is not None:
            assert dead.value in one.path.read_bytes(), "the bytes are the file's own"


@pytest.mark.parametrize("one", CASES, ids=_named)
def test_nothing_else_comes_out_of_a_file(one: Case) -> None:
    reading = Reading()
    items = list(read_files([one.path], reading=reading))
    assert reading.done_bytes == reading.total_bytes
    assert len(items) == len(one.feedback) + len(one.dead)
    assert reading.no_events == one.no_events


@pytest.mark.parametrize("one", [one for one in CASES if one.same_as], ids=_named)
def test_one_event_in_two_dresses_has_one_id(one: Case) -> None:
    assert one.same_as is not None
    (item,), (other,) = _items(one), _items(case(one.same_as, one.path.parent))
    assert item.feedback is not None
    assert other.feedback is not None
    assert item.feedback.feedback_id == other.feedback.feedback_id


def test_two_different_events_of_the_corpus_never_share_an_id() -> None:
    first: dict[str, tuple[str, FeedbackKind]] = {}
    for item in (item for one in CASES for item in _items(one)):
        if item.feedback is not None:
            said = (item.feedback.message_id, item.feedback.kind)
            assert first.setdefault(item.feedback.feedback_id, said) == said
    click, other = (_items(case(name))[0].feedback for name in ("click", "click-other-link"))
    assert click is not None
    assert other is not None
    assert click.feedback_id != other.feedback_id


def test_the_corpus_holds_every_kind_in_both_formats_where_ses_has_both() -> None:
    kinds = {item.feedback.kind for one in CASES for item in _items(one) if item.feedback is not None}
    assert kinds == set(FeedbackKind)


@pytest.mark.parametrize("root", [ROOT, RECEIVED], ids=["ses", "received"])
def test_a_walk_over_a_corpus_passes_over_what_is_no_event_file(root: Path) -> None:
    reading = Reading()
    items = list(read_files([root], reading=reading))
    assert len(items) == sum(len(one.feedback) + len(one.dead) for one in cases(root))
    assert sorted(reading.passed_over) == sorted(
        str(path) for path in root.iterdir() if path.suffix in (".toml", ".md")
    )

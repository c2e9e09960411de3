"""What holds for every event, however mangled: a Feedback or an Unusable, never a crash, and never the clock."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.emit.records import feedback_record
from streams.errors import Unusable
from streams.intake.envelope import Letter, open_envelopes
from streams.intake.files import read_files
from streams.intake.ses import read_event
from streams.mail.deadletter import DeadReason
from streams.mail.feedback import Feedback
from streams.schemas.codec import Codec, load_codec
from tests.intake.corpus import cases
from tests.intake.mangled import Path, changed, ways

ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**70,
    1.5,
    "",
    "  ",
    "x",
    "Ü@ö",
    "@",
    "\x00",
    [],
    [None],
    ["x"],
    {},
    {"x": 1},
)
DEMANDED: tuple[Path, ...] = (("mail",), ("mail", "messageId"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
EVENTS: list[dict[str, Any]] = [
    part.event
    for one in cases()
    if one.path.suffix == ".json" and one.name != "half-an-emoji"
    for part in open_envelopes(one.path.read_bytes())
    if isinstance(part, Letter)
]
WRAPPED: list[Any] = [
    json.loads(one.path.read_bytes()) for one in cases() if one.name.startswith(("sns", "sqs", "eve"))
]


def _read(event: Any) -> Feedback | None:
    """Read an event; None where it cannot be used, for a reason that a dead letter can name."""
    try:
        return read_event(event, "{}")
    except Unusable as why:
        refused = why
    assert DeadReason(refused.reason) in (DeadReason.NO_MESSAGE_ID, DeadReason.BAD_TIME)
    assert "@" not in refused.detail
    return None


@pytest.fixture(scope="module")
def codec() -> Codec:
    return load_codec()


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: str(event.get("mail", ""))[-60:-20])
def test_any_field_of_an_event_may_be_missing_or_odd(event: dict[str, Any], codec: Codec) -> None:
    readable = _read(event) is not None
    for path in ways(event):
        for gone, value in [(True, None), *((False, odd) for odd in ODD)]:
            found = _read(changed(event, path, value, gone=gone))
            if readable and path not in DEMANDED and "timestamp" not in path:
                assert found is not None, f"{path} = {value!r} must not matter"
            if found is not None:
                codec.encode("mail.Feedback", feedback_record(found))


@pytest.mark.parametrize("item", WRAPPED, ids=range(len(WRAPPED)))
def test_any_field_of_an_envelope_may_be_missing_or_odd(item: Any) -> None:
    for path in ways(item):
        for gone, value in [(True, None), *((False, odd) for odd in ODD)]:
            for part in open_envelopes(json.dumps(changed(item, path, value, gone=gone))):
                if isinstance(part, Letter):
                    _read(part.event)


@given(data=st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_event_with_anything_anywhere_is_read_or_refused(data: st.DataObject, codec: Codec) -> None:
    event = data.draw(st.sampled_from(EVENTS))
    for _ in range(data.draw(st.integers(1, 4))):
        paths = list(ways(event))
        if not paths:
            break
        event = changed(event, data.draw(st.sampled_from(paths)), data.draw(JSON), gone=data.draw(st.booleans()))
    found = _read(event)
    if found is not None:
        codec.encode("mail.Feedback", feedback_record(found))


@given(data=st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_opened_or_set_aside(data: bytes) -> None:
    for part in open_envelopes(data):
        if isinstance(part, Letter):
            _read(part.event)


@given(order=st.randoms(use_true_random=False), event=st.sampled_from(EVENTS))
@settings(deadline=None)
def test_the_order_of_fields_changes_nothing(order: Any, event: dict[str, Any]) -> None:
    fields = list(event.items())
    order.shuffle(fields)
    if "eventType" in event or "notificationType" in event:
        assert _read(dict(fields)) == _read(event)


def test_half_an_event_is_set_aside_wherever_it_is_cut(tmp_path: Any) -> None:
    whole = json.dumps(EVENTS[0], indent=1).encode()
    file = tmp_path / "cut.json"
    for cut in range(1, len(whole) - 1, 7):
        file.write_bytes(whole[:cut])
        (item,) = read_files([file])
        assert item.dead is not None
        assert item.dead.reason is DeadReason.NOT_JSON
        assert item.dead.value == whole[:cut].rstrip(b"\r\n")

"""How schemas may change: the rules by example, and against Apache Avro's own opinion of thousands of changes."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import avro.compatibility
import avro.schema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.schemas.avsc import bare, load_head
from streams.schemas.evolution import Clash, clashes, full_transitive

HEADS = load_head()
Change = Callable[[dict[str, Any]], None]


def field(schema: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(field for field in schema["fields"] if field["name"] == name)
    return found


def without(name: str) -> Change:
    return lambda schema: schema["fields"].remove(field(schema, name))


def adding(**new: Any) -> Change:
    return lambda schema: schema["fields"].append(new)


def setting(name: str, /, **words: Any) -> Change:
    return lambda schema: field(schema, name).update(words)


def symbols(change: Callable[[list[str]], Any]) -> Change:
    return lambda schema: change(field(schema, "kind")["type"]["symbols"])


def changed(change: Change) -> list[tuple[str, str, str]]:
    """Return (reader, writer, path) of the clashes between mail.Feedback as it is and as it would be."""
    new = copy.deepcopy(HEADS["mail.Feedback"])
    change(new)
    return [(r, w, clash.path) for r, w, clash in full_transitive({"old": HEADS["mail.Feedback"], "new": new})]


@pytest.mark.parametrize(
    "change",
    [
        adding(name="note", type="string", default="", doc="New."),
        adding(name="note", type=["null", "long"], default=None, doc="New."),
        without("raw"),
        without("headers"),
        symbols(lambda kinds: kinds.append("FORWARDED")),
        symbols(lambda kinds: kinds.remove("OPEN")),
        symbols(lambda kinds: kinds.reverse()),
        setting("reason", doc="In other words."),
        lambda schema: schema["fields"].reverse(),
    ],
)
def test_a_harmless_change_is_let_through(change: Change) -> None:
    assert changed(change) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (without("message_id"), [("old", "new", "message_id")]),
        (adding(name="note", type="string", doc="New."), [("new", "old", "note")]),
        (setting("raw", type="int"), [("old", "new", "raw"), ("new", "old", "raw")]),
        (setting("processing_ms", type=["null", "int"]), [("new", "old", "processing_ms")]),
        (setting("reason", type="string"), [("new", "old", "reason")]),
        (
            setting("tags", type={"type": "map", "values": "string"}),
            [("old", "new", "tags{}"), ("new", "old", "tags{}")],
        ),
        (setting("message_id", name="mail_id"), [("old", "new", "message_id"), ("new", "old", "mail_id")]),
        (lambda s: s.update(name="Event"), [("old", "new", ""), ("new", "old", "")]),
        (lambda s: field(s, "kind")["type"].update(name="Kind"), [("old", "new", "kind"), ("new", "old", "kind")]),
        (lambda s: field(s, "recipients")["type"]["items"]["fields"].pop(0), [("old", "new", "recipients[].address")]),
    ],
)
def test_a_harmful_change_is_told_with_its_path_and_direction(
    change: Change, found: list[tuple[str, str, str]]
) -> None:
    assert changed(change) == found


def test_a_new_symbol_is_harmful_where_the_enum_has_no_default() -> None:
    old = copy.deepcopy(HEADS["mail.Feedback"])
    del field(old, "kind")["type"]["default"]
    new = copy.deepcopy(old)
    field(new, "kind")["type"]["symbols"].append("FORWARDED")
    assert [(r, clash.path) for r, _, clash in full_transitive({"old": old, "new": new})] == [("old", "kind")]


def test_what_is_embedded_in_an_outcome_is_checked_there_too() -> None:
    new = copy.deepcopy(HEADS["mail.Outcome"])
    send = field(new, "send")["type"][1]
    send["fields"].remove(field(send, "sent_at"))
    words = "is not in what was written, and the reader has no default for it: give it one"
    assert clashes(HEADS["mail.Outcome"], new) == [Clash("send.sent_at", words)]


def test_a_new_kind_of_content_is_harmful_since_old_readers_have_no_branch_for_it() -> None:
    new = copy.deepcopy(HEADS["mail.SendRequest"])
    field(new, "content")["type"].append({"type": "record", "name": "Stored", "doc": "New.", "fields": []})
    found = clashes(HEADS["mail.SendRequest"], new)
    assert found == [Clash("content", "may be Stored, which no branch reads")]


def parts(schema: Any) -> list[dict[str, Any]]:
    """Return every object inside a schema: types and fields."""
    if isinstance(schema, list):
        return [part for branch in schema for part in parts(branch)]
    if not isinstance(schema, dict):
        return []
    inner = [schema.get("type"), schema.get("items"), schema.get("values"), schema.get("fields")]
    return [schema, *(part for inside in inner for part in parts(inside))]


TYPES = st.sampled_from(
    [
        *("int", "long", "double", "string", "bytes", "boolean"),
        *(["null", "string"], ["null", "int"], ["string", "null"]),
        *({"type": "array", "items": "string"}, {"type": "map", "values": "long"}),
    ]
)


@st.composite
def changes(draw: st.DrawFn, schema: dict[str, Any]) -> dict[str, Any]:
    """Return *schema* after one to three changes of any kind, good or bad."""
    new: dict[str, Any] = copy.deepcopy(bare(schema))
    for turn in range(draw(st.integers(1, 3))):
        part = draw(st.sampled_from(parts(new)))
        if "symbols" in part:
            part["symbols"] = draw(st.lists(st.sampled_from([*part["symbols"], "NEW"]), min_size=1, unique=True))
            if draw(st.booleans()):
                part.pop("default", None)
            elif part.get("default") not in part["symbols"]:
                part["default"] = part["symbols"][0]
        elif part.get("fields"):
            add = {"name": f"new_{turn}", "type": draw(TYPES)}
            choice = draw(st.integers(0, 3))
            if choice == 0:
                part["fields"].append(add)
            elif choice == 1:
                part["fields"].append({**add, "type": ["null", "string"], "default": None})
            else:
                part["fields"].pop(draw(st.integers(0, len(part["fields"]) - 1)))
        elif "name" in part:
            part.pop("default", None)
            part["type"] = draw(TYPES)
    return new


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=150)
@given(st.sampled_from(sorted(HEADS)).flatmap(lambda name: st.tuples(st.just(name), changes(HEADS[name]))))
def test_apache_avro_is_of_the_same_opinion(named: tuple[str, dict[str, Any]]) -> None:
    name, new = named
    compatible = avro.compatibility.SchemaCompatibilityType.compatible
    parsed = {id(schema): avro.schema.parse(json.dumps(schema)) for schema in (HEADS[name], new)}
    for reader, writer in ((HEADS[name], new), (new, HEADS[name])):
        checker = avro.compatibility.ReaderWriterCompatibilityChecker()  # type: ignore[no-untyped-call]  # avro's own
        theirs = checker.get_compatibility(parsed[id(reader)], parsed[id(writer)])
        assert (clashes(reader, writer) == []) == (theirs.compatibility is compatible)

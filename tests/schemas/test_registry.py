"""With a registry: its ids are written, its schemas are read, and its silence stops only what nobody knows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.cli.schemas import app
from streams.errors import BadSettings, MustAsk, SchemaUnknown, Unusable
from streams.schemas import writers
from streams.schemas.avsc import load_head, read_directory
from streams.schemas.codec import load_codec
from streams.schemas.files import schema_home
from streams.schemas.lock import read_lock
from streams.schemas.registry import Client, Registry
from tests.schemas.examples import example
from tests.schemas.registry_twin import Twin, running


@pytest.fixture
def twin() -> Iterator[Twin]:
    with running(Twin(first_id=101)) as served:
        yield served


def ours(twin: Twin) -> Registry:
    return Registry(Client(twin.url))


def value_of(schema_id: int, value: bytes) -> bytes:
    return b"\0" + schema_id.to_bytes(4, "big") + value[5:]


def registered_send(twin: Twin, **changes: object) -> int:
    """Register a version of mail.Send that another team made, and return its id."""
    schema = {**read_directory(schema_home())["mail.Send"], **changes}
    row = twin.register("ses.sends-value", {"schema": json.dumps(schema)})
    return int(row["id"])


def test_register_puts_all_eight_under_their_topics_with_references(twin: Twin) -> None:
    rows = {row.schema: row for row in ours(twin).register()}
    assert sorted(rows) == sorted(load_head())
    assert rows["mail.Retry"].subject == "ses.retries-value"
    outcome = twin.subjects["ses.outcomes-value"][0]
    assert {reference["name"] for reference in outcome["references"]} == {"mail.Send", "mail.Feedback"}
    assert set(twin.config.values()) == {"FULL_TRANSITIVE"}
    assert sorted(twin.config) == sorted(twin.subjects)


def test_registering_again_changes_nothing(twin: Twin) -> None:
    once = list(ours(twin).register())
    assert list(ours(twin).register()) == once


def test_what_is_written_carries_the_registry_s_ids(twin: Twin) -> None:
    rows = {row.schema: row.id for row in ours(twin).register()}
    codec = load_codec(ours(twin))
    value = codec.encode("mail.Outcome", example("mail.Outcome.delivered"))
    assert int.from_bytes(value[1:5], "big") == rows["mail.Outcome"]
    assert codec.decode("mail.Outcome", value) == example("mail.Outcome.delivered")


def test_schemas_that_are_not_registered_stop_the_start_and_the_words_say_what_to_do(twin: Twin) -> None:
    with pytest.raises(SchemaUnknown, match="schemas register"):
        load_codec(ours(twin))


def test_a_registry_that_is_not_there_stops_the_start() -> None:
    with pytest.raises(SchemaUnknown, match="gave no answer"):
        load_codec(Registry(Client("http://127.0.0.1:9")))


def test_what_was_written_by_the_lock_stays_readable_beside_a_registry(twin: Twin) -> None:
    value = load_codec().encode("mail.Send", example("mail.Send.api"))
    list(ours(twin).register())
    codec = load_codec(ours(twin))
    assert codec.is_ours("mail.Send", value)
    assert codec.decode("mail.Send", value) == example("mail.Send.api")


def test_the_same_schema_in_other_words_becomes_ours_once_it_was_looked_up(twin: Twin) -> None:
    list(ours(twin).register())
    codec = load_codec(ours(twin))
    value = value_of(registered_send(twin, doc="Our team's copy."), codec.encode("mail.Send", example("mail.Send.api")))
    read = codec.prefix_reader("mail.Send", "message_id")
    assert not codec.is_ours("mail.Send", value)
    assert read(value)["message_id"] == example("mail.Send.api")["message_id"]
    assert codec.is_ours("mail.Send", value)
    assert list(read(value)) == ["sent_at", "message_id"]


def test_another_version_is_resolved_to_ours_and_never_called_ours(twin: Twin) -> None:
    list(ours(twin).register())
    codec = load_codec(ours(twin))
    schema = read_directory(schema_home())["mail.Send"]
    schema_id = registered_send(twin, fields=schema["fields"][:3])
    value = value_of(schema_id, b"")[:5] + codec.prefix_writer("mail.Send", "stream")(example("mail.Send.api"))[5:]
    sent = codec.decode("mail.Send", value)
    assert sent["stream"] == "receipts"
    assert (sent["attempt"], sent["recipients"], sent["via"], sent["tags"]) == (1, [], "UPSTREAM", {})
    assert not codec.is_ours("mail.Send", value)


def test_an_id_is_asked_for_once(twin: Twin) -> None:
    list(ours(twin).register())
    codec = load_codec(ours(twin))
    value = value_of(registered_send(twin, doc="Again."), codec.encode("mail.Send", example("mail.Send.api")))
    twin.asked.clear()
    for _ in range(3):
        codec.decode("mail.Send", value)
        with pytest.raises(Unusable):
            codec.decode("mail.Send", value_of(999, value))
    assert sorted(twin.asked) == sorted(
        [f"GET /schemas/ids/{int.from_bytes(value[1:5], 'big')}", "GET /schemas/ids/999"]
    )


def test_an_id_that_nobody_knows_is_asked_for_again_after_many_refusals(twin: Twin) -> None:
    list(ours(twin).register())
    codec = load_codec(ours(twin))
    value = codec.encode("mail.Send", example("mail.Send.api"))
    late = value_of(101 + len(load_head()), value)  # the id that the twin gives out next
    refused = 0
    for turn in range(10_001):
        if turn == 1:
            registered_send(twin, doc="Registered late.")
        try:
            codec.decode("mail.Send", late)
        except Unusable:
            refused += 1
    assert refused == 10_000


def test_a_registry_that_falls_silent_stops_only_ids_that_were_never_seen(twin: Twin) -> None:
    list(ours(twin).register())
    codec = load_codec(ours(twin))
    value = codec.encode("mail.Send", example("mail.Send.api"))
    twin.refuse = 503
    assert codec.decode("mail.Send", value) == example("mail.Send.api")
    with pytest.raises(SchemaUnknown, match="503"):
        codec.decode("mail.Send", value_of(999, value))


def test_aside_nothing_is_asked_where_a_value_is_read_and_all_ids_of_a_chunk_at_once(twin: Twin) -> None:
    list(ours(twin).register())
    codec = load_codec(ours(twin), aside=True)
    value = codec.encode("mail.Send", example("mail.Send.api"))
    known = value_of(registered_send(twin, doc="Another team's."), value)
    values = [value, None, b"", known, value_of(998, value), value_of(999, value), b"{}", value_of(999, value)]
    twin.asked.clear()
    with pytest.raises(MustAsk) as must:
        codec.decode("mail.Send", known)
    assert twin.asked == []
    must.value.ask(values)
    known_id = int.from_bytes(known[1:5], "big")
    assert sorted(twin.asked) == sorted(f"GET /schemas/ids/{one}" for one in (known_id, 998, 999))
    assert codec.decode("mail.Send", known) == example("mail.Send.api")
    with pytest.raises(Unusable):
        codec.decode("mail.Send", value_of(998, value))
    assert len(twin.asked) == 3


def test_aside_a_registry_that_does_not_answer_says_so_to_whoever_asks(twin: Twin) -> None:
    list(ours(twin).register())
    codec = load_codec(ours(twin), aside=True)
    value = codec.encode("mail.Send", example("mail.Send.api"))
    twin.refuse = 500
    with pytest.raises(MustAsk) as must:
        codec.decode("mail.Send", value_of(999, value))
    with pytest.raises(SchemaUnknown, match="500"):
        must.value.ask([value_of(999, value)])
    twin.refuse = None
    must.value.ask([])
    with pytest.raises(Unusable):
        codec.decode("mail.Send", value_of(999, value))


@pytest.mark.parametrize("schema_id", [0x53455301 + 4_000, 0x80000001, 0xFFFFFFFF])
def test_no_registry_counts_so_far_so_it_is_not_asked(twin: Twin, schema_id: int) -> None:
    list(ours(twin).register())
    codec = load_codec(ours(twin), aside=True)
    value = codec.encode("mail.Send", example("mail.Send.api"))
    twin.asked.clear()
    with pytest.raises(Unusable) as fault:
        codec.decode("mail.Send", value_of(schema_id, value))
    assert fault.value.reason == "UNKNOWN_SCHEMA"
    assert twin.asked == []


def test_more_unknown_ids_than_are_remembered_are_not_asked_in_turns(
    twin: Twin, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(ours(twin).register())
    codec = load_codec(ours(twin), aside=True)
    value = codec.encode("mail.Send", example("mail.Send.api"))
    monkeypatch.setattr(writers, "_REMEMBERED", 4)
    values = [value_of(schema_id, value) for schema_id in range(900, 903)]
    for old in range(800, 803):
        with pytest.raises(MustAsk) as must:
            codec.decode("mail.Send", value_of(old, value))
        must.value.ask([])
    with pytest.raises(MustAsk) as must:
        codec.decode("mail.Send", values[0])
    must.value.ask(values)
    for one in values:
        with pytest.raises(Unusable):
            codec.decode("mail.Send", one)


def test_what_is_kept_bears_our_own_id_so_that_a_start_without_a_registry_can_read_it(twin: Twin) -> None:
    list(ours(twin).register())
    codec = load_codec(ours(twin))
    value = codec.encode("mail.Send", example("mail.Send.api"))
    theirs = value_of(registered_send(twin, doc="Another team's."), value)
    assert codec.own("mail.Send", theirs) == value
    assert codec.own("mail.Send", theirs) == value, "and once its id is known for ours, as well"
    assert codec.own("mail.Send", value) is value


@pytest.mark.parametrize(
    "harmful",
    [
        {"type": "array", "items": "null"},
        {"type": "array", "items": {"type": "record", "name": "Nothing", "fields": []}},
        {"type": "record", "name": "Chain", "fields": [{"name": "next", "type": ["null", "Chain"]}]},
        {"type": "nonsense"},
        3,
    ],
)
def test_a_schema_that_could_hurt_us_is_an_unknown_one(twin: Twin, harmful: object) -> None:
    list(ours(twin).register())
    codec = load_codec(ours(twin))
    fields = [*read_directory(schema_home())["mail.Send"]["fields"], {"name": "more", "type": harmful}]
    with pytest.raises(Unusable) as fault:
        codec.decode("mail.Send", value_of(registered_send(twin, fields=fields), bytes(40)))
    assert fault.value.reason == "UNKNOWN_SCHEMA"


def test_a_schema_that_is_no_avro_is_an_unknown_one(twin: Twin) -> None:
    list(ours(twin).register())
    row = twin.register("other-value", {"schema": 'syntax = "proto3";', "schemaType": "PROTOBUF"})
    with pytest.raises(Unusable) as fault:
        load_codec(ours(twin)).decode("mail.Send", value_of(row["id"], bytes(40)))
    assert fault.value.reason == "UNKNOWN_SCHEMA"


def test_a_user_name_and_password_are_sent(twin: Twin, tmp_path: Path) -> None:
    assert Client(twin.url, "ann", "secret")._headers["Authorization"] == "Basic YW5uOnNlY3JldA=="


def test_the_command_registers_all_eight_and_says_so_a_line_each(twin: Twin) -> None:
    said = CliRunner().invoke(app, ["register", "--url", twin.url, "--json"])
    rows = [json.loads(line) for line in said.stdout.splitlines()]
    assert said.exit_code == 0
    assert {row["schema"]: row["subject"] for row in rows} == {
        row.schema: row.subject for row in read_lock(schema_home())
    }


def test_the_command_without_a_registry_says_how_to_set_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SES_STREAMS_SCHEMA_REGISTRY__URL", raising=False)
    said = CliRunner().invoke(app, ["register"])
    assert isinstance(said.exception, BadSettings)
    assert "SES_STREAMS_SCHEMA_REGISTRY__URL" in str(said.exception)


def test_a_refusal_is_told_in_the_registry_s_own_words(twin: Twin) -> None:
    twin.refuse = 409
    with pytest.raises(SchemaUnknown, match=r"409 to PUT /config/.*: the twin says no"):
        list(ours(twin).register())


def test_an_answer_that_is_no_schema_is_the_world_s_fault(twin: Twin) -> None:
    list(ours(twin).register())
    codec = load_codec(ours(twin))
    twin.subjects["odd"] = [{"id": 500, "message": "a proxy's page"}]
    with pytest.raises(SchemaUnknown, match="no schema"):
        codec.decode("mail.Send", value_of(500, bytes(40)))

"""`ses-streams suppressions`: what is on the list is shown as it is, and an operator's word becomes an instruction."""

from __future__ import annotations

import csv
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from streams.schemas.plain import iso_time
from tests.builders import DAY, NOON
from tests.cli.conftest import Run, World

ANN, BOB, DORA = "ann@example.com", "bob@example.net", "dora@example.org"


def _suppressed(recipient: str, reason: str = "HARD_BOUNCE", **fields: Any) -> dict[str, Any]:
    return {"recipient": recipient, "reason": reason, "since": NOON, **fields}


@pytest.fixture
def listed(world: World) -> World:
    """Give a world in which three are on the list, and one was released."""
    event = {"message_id": "m-1", "kind": "HARD_BOUNCED", "status": "5.1.1", "at": NOON}
    records = [
        _suppressed(ANN, evidence=[event, {**event, "message_id": "m-2"}]),
        _suppressed(BOB, "MANUAL", until=NOON + 30 * DAY, by="carla", written="Bob@example.net"),
        _suppressed(DORA, "UNSUBSCRIBED", scope="newsletter", streams=["offers"]),
        _suppressed("eve@example.com"),
    ]
    for record in records:
        world.say("suppressions", "mail.Suppression", record["recipient"], record)
    world.say("suppressions", "mail.Suppression", "eve@example.com", None)
    return world


def _records(out: str, name: str = "mail.Suppression") -> list[dict[str, Any]]:
    return [json.loads(line)[name] for line in out.splitlines()]


def _told(world: World) -> list[dict[str, Any]]:
    """Return every instruction, each found under its own recipient's key."""
    heard = world.heard("instructions", "mail.Instruction")
    assert all(record is not None and record["recipient"] == key for key, record in heard)
    return [record for _, record in heard if record is not None]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ([], [ANN, BOB, DORA]),
        (["--reason", "manual"], [BOB]),
        (["--stream", "offers"], [ANN, BOB, DORA]),
        (["--stream", "newsletter"], [ANN, BOB, DORA]),
        (["--stream", "receipts"], [ANN, BOB]),
        (["Dora <DORA@EXAMPLE.ORG>"], [DORA]),
        (["eve@example.com"], []),
    ],
)
def test_list_gives_whole_records_of_those_asked_for(
    asked: list[str], expected: list[str], listed: World, run: Run
) -> None:
    ran = run("suppressions", "list", "--json", *asked)
    found = _records(ran.out)
    assert (ran.code, sorted(record["recipient"] for record in found)) == (0, expected)
    assert all(record["since"] == iso_time(NOON) for record in found)


def test_list_is_a_table_for_people_in_which_each_row_is_one_line(listed: World, run: Run) -> None:
    lines = run("suppressions", "list").out.splitlines()
    assert lines[0].split() == ["recipient", "reason", "stream", "since", "until", "by", "evidence"]
    rows = {line.split()[0]: line for line in lines[1:]}
    assert set(rows) == {ANN, BOB, DORA}
    assert "for good" in rows[ANN]
    assert rows[ANN].rstrip().endswith("HARD_BOUNCED m-2 (and 1 more)")
    assert "2026-10-2" in rows[BOB]
    assert "newsletter, offers" in rows[DORA]


def test_on_a_terminal_a_table_is_no_wider_than_that(listed: World, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    long = f"{'a.long.name.' * 5}@{'sub.' * 20}example.com"
    listed.say("suppressions", "mail.Suppression", long, _suppressed(long))
    with monkeypatch.context() as terminal:
        terminal.setattr("sys.stdout.isatty", lambda: True)
        terminal.setenv("TERM", "dumb")
        lines = run("suppressions", "list").out.splitlines()
    assert len(lines) > 5
    assert max(map(len, lines)) <= 100
    assert {line.split()[1] for line in lines[1:] if "for good" in line} == {"HARD_BOUNCE", "UNSUBSCRIBED"}


def test_what_a_terminal_would_obey_is_not_written_to_it(world: World, run: Run) -> None:
    odd = "ann\x1b[2j@example.com"
    world.say("suppressions", "mail.Suppression", odd, _suppressed(odd, by="a\nb"))
    out = run("suppressions", "list").out
    assert len(out.splitlines()) == 2
    assert "ann\ufffd[2j@example.com" in out
    assert "a\ufffdb" in out


def test_a_list_of_nobody_says_so(world: World, run: Run) -> None:
    assert run("suppressions", "list") == (0, "", "nobody is suppressed\n")
    assert run("suppressions", "list", ANN).err == "nobody is suppressed that you asked for\n"
    assert run("suppressions", "list", "--json").out == ""


def test_a_record_that_cannot_be_read_is_named_by_its_place_and_the_others_are_shown(listed: World, run: Run) -> None:
    listed.say("suppressions", "mail.Pause", "fred@example.com", {"stream": "x", "since": NOON, "because": "x"})
    ran = run("suppressions", "list", "--json")
    assert (ran.code, len(ran.out.splitlines())) == (1, 3)
    assert f"{listed.settings.topic_prefix}suppressions/" in ran.err
    assert ran.err.endswith("1 record cannot be read\n")
    assert "fred" not in ran.err


def test_add_writes_an_instruction_under_the_normal_form_and_keeps_what_was_written(world: World, run: Run) -> None:
    ran = run(
        "suppressions", "add", "Ann@EXAMPLE.com", "--why", "by phone", "--by", "carla", "--until", "+30d", "--json"
    )
    assert ran.code == 0
    (told,) = _told(world)
    assert told["until"] - told["at"] == 30 * DAY
    assert told | {"at": 0, "until": 0} == {
        "recipient": ANN,
        "action": "SUPPRESS",
        "at": 0,
        "by": "carla",
        "why": "by phone",
        "reason": "MANUAL",
        "scope": "*",
        "until": 0,
        "request_id": None,
        "written": "Ann@EXAMPLE.com",
    }
    assert _records(ran.out, "mail.Instruction")[0]["recipient"] == ANN
    assert "until " in ran.err
    assert "nn@" not in ran.err.lower()


def test_who_decides_is_by_itself_who_is_logged_in(world: World, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "dispatcher")
    run("suppressions", "add", ANN, "--why", "x", "--scope", "newsletter", "--reason", "unsubscribed")
    (told,) = _told(world)
    assert (told["by"], told["scope"], told["reason"], told["until"]) == (
        "dispatcher",
        "newsletter",
        "UNSUBSCRIBED",
        None,
    )


def test_release_writes_an_instruction_and_says_where_nothing_was_to_release(listed: World, run: Run) -> None:
    known = run("suppressions", "release", ANN, "--why", "new mailbox")
    unknown = run("suppressions", "release", "nan@example.com", "--why", "new mailbox")
    assert (known.code, unknown.code) == (0, 0)
    assert "not on the list" not in known.err
    assert "not on the list" in unknown.err
    assert {(told["recipient"], told["action"]) for told in _told(listed)} == {
        (ANN, "RELEASE"),
        ("nan@example.com", "RELEASE"),
    }


@pytest.mark.parametrize(
    "words",
    [
        ["list", "tirili at example.com"],
        ["list", "--reason", "SPITE"],
        ["add", "tirili", "--why", "x"],
        ["add", "tirili@example.com,bob@example.com", "--why", "x"],
        ["add", ANN],
        ["add", ANN, "--why", " "],
        ["add", ANN, "--why", "x", "--reason", "UNKNOWN"],
        ["add", ANN, "--why", "x", "--until", "tomorrow"],
        ["add", ANN, "--why", "x", "--until", "2001-01-01"],
        ["release", "tirili@example.com"],
        ["import", "no-such-file.csv"],
    ],
    ids=" ".join,
)
def test_wrong_words_end_with_two_and_quote_nobody(words: list[str], no_broker: str, run: Run) -> None:
    ran = run("suppressions", *words)
    assert (ran.code, ran.out) == (2, "")
    assert "tirili" not in ran.err


@pytest.mark.parametrize(
    "words", [["list"], ["add", ANN, "--why", "x"], ["release", ANN, "--why", "x"], ["export", "-"]], ids=" ".join
)
def test_no_broker_ends_with_three_and_a_sentence(words: list[str], no_broker: str, run: Run) -> None:
    ran = run("suppressions", *words)
    assert (ran.code, ran.out) == (3, "")
    assert f"ses-streams: brokers {no_broker}: " in ran.err
    assert "Connection refused" in ran.err


def test_a_topic_that_is_missing_is_named_with_what_to_do(
    world: World, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SES_STREAMS_TOPIC_PREFIX", "nobody.")
    looking, writing = run("suppressions", "list"), run("suppressions", "add", ANN, "--why", "x")
    assert (looking.code, writing.code) == (3, 3)
    assert "no topic nobody.suppressions: ses-streams topics create, unless SES_STREAMS_TOPIC_PREFIX" in looking.err
    assert "no topic nobody.instructions: ses-streams topics create" in writing.err


def test_a_csv_is_imported_line_by_line_and_a_bad_line_is_told_by_its_number(
    world: World, run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "list.csv"
    file.write_text(
        "\ufeffE-Mail;Name;Reason;At\r\n"
        'Ann@example.com;"Ann; the first";BOUNCE;2026-01-02T03:04:05Z\r\n'
        "bob@example.net;Bob;;\r\n"
        "not an address;Carla;;\r\n"
        "\r\n"
        "dora@example.org;Dora;SPITE;\r\n"
        "eve@example.com;Eve;complaint;2 January\r\n",
        encoding="utf-8",
    )
    ran = run("suppressions", "import", str(file), "--why", "the old system's list")
    assert ran.code == 1
    assert {told["recipient"]: (told["reason"], told["written"], told["why"]) for told in _told(world)} == {
        ANN: ("HARD_BOUNCE", "Ann@example.com", "the old system's list"),
        BOB: ("MANUAL", None, "the old system's list"),
    }
    assert {told["at"] for told in _told(world) if told["recipient"] == ANN} == {1_767_323_045_000}
    lines = ran.err.splitlines()
    assert [line.partition(":")[0] for line in lines[:3]] == ["line 4", "line 6", "line 7"]
    assert lines[3] == "2 recipients told to be suppressed, acknowledged: HARD_BOUNCE 1, MANUAL 1"
    assert lines[4] == "3 lines cannot be used"
    assert "@" not in ran.err


def test_one_address_a_line_is_imported_and_a_dry_run_writes_nothing(no_broker: str, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_text("\ufeffann@example.com\n\nBob <bob@example.net>\n", encoding="utf-8")
    ran = run("suppressions", "import", str(file), "--dry-run", "--json")
    assert ran.code == 0
    assert [record["recipient"] for record in _records(ran.out, "mail.Instruction")] == [ANN, BOB]
    assert ran.err == "2 recipients would be suppressed: MANUAL 2\n"


def test_what_is_no_utf8_no_json_or_no_suppression_is_a_bad_line(no_broker: str, run: Run, tmp_path: Path) -> None:
    text, ndjson = tmp_path / "list.txt", tmp_path / "list.ndjson"
    text.write_bytes(b"ann@example.com\nm\xfcller@example.com\n")
    ndjson.write_text('{"recipient": "ann@example.com"}\n{"recipient": 7}\n{"rec\n[]\n{"mail.Suppression": null}\n')
    assert "line 2: this is no mail address" in run("suppressions", "import", str(text), "--dry-run").err
    ran = run("suppressions", "import", str(ndjson), "--dry-run")
    assert ran.code == 1
    assert [line.partition(":")[0] for line in ran.err.splitlines()[:4]] == ["line 2", "line 3", "line 4", "line 5"]


@pytest.mark.parametrize("name", ["list.ndjson", "list.csv"])
def test_what_is_exported_can_be_imported_again(name: str, listed: World, run: Run, tmp_path: Path) -> None:
    file = tmp_path / name
    exported = run("suppressions", "export", str(file))
    assert (exported.code, exported.out, exported.err) == (0, "", "3 recipients written\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert run("suppressions", "import", str(file)).code == 0
    told = {(told["recipient"], told["scope"]): told for told in _told(listed)}
    assert set(told) == {(ANN, "*"), (BOB, "*"), (DORA, "newsletter"), (DORA, "offers")}
    bob = told[BOB, "*"]
    assert (bob["reason"], bob["until"], bob["at"], bob["written"]) == (
        "MANUAL",
        NOON + 30 * DAY,
        NOON,
        "Bob@example.net",
    )


def test_export_writes_csv_to_stdout_and_ndjson_where_json_is_asked_for(listed: World, run: Run) -> None:
    rows = list(csv.DictReader(run("suppressions", "export", "-").out.splitlines()))
    assert [row["address"] for row in rows] == [ANN, "Bob@example.net", DORA, DORA]
    assert [record["recipient"] for record in _records(run("suppressions", "export", "-", "--json").out)] == [
        ANN,
        BOB,
        DORA,
    ]


def test_an_export_that_fails_leaves_the_older_file_as_it_was(no_broker: str, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("as it was")
    assert run("suppressions", "export", str(file)).code == 3
    assert [path.name for path in tmp_path.iterdir()] == ["list.csv"]
    assert file.read_text() == "as it was"
    assert run("suppressions", "export", str(tmp_path / "no" / "list.csv")).code == 3

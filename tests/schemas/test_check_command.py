"""`ses-streams schemas check` on our own schemas, and on copies that somebody has spoiled."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from streams.cli.schemas import app
from streams.schemas.checks import check_schemas
from streams.schemas.files import schema_home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return Path(shutil.copytree(schema_home(), tmp_path / "schemas"))


def edit(path: Path, change: Callable[[Any], Any]) -> None:
    schema = json.loads(path.read_text("utf-8"))
    change(schema)
    path.write_text(json.dumps(schema), "utf-8")


def faults(home: Path) -> list[tuple[str, str]]:
    return [(finding.schema, finding.check) for finding in check_schemas(home) if finding.fault]


def test_our_own_schemas_are_sound() -> None:
    said = CliRunner().invoke(app, ["check"])
    assert (said.exit_code, said.stdout.splitlines()[-1]) == (0, "sound")


def test_json_is_one_object_a_line_for_each_check_of_each_schema() -> None:
    said = CliRunner().invoke(app, ["check", "--json"])
    rows = [json.loads(line) for line in said.stdout.splitlines()]
    assert {row["check"] for row in rows} == {"parse", "docs", "default", "lock", "evolution", "example"}
    assert len(rows) == 6 * 12
    assert all(row["ok"] for row in rows)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda s: s["fields"].pop(1), {"lock", "evolution", "example"}),
        (
            lambda s: s["fields"].append({"name": "note", "type": "string", "doc": "New."}),
            {"lock", "evolution", "example"},
        ),
        (lambda s: s["fields"][4].update(type="bytes"), {"lock", "example"}),
        (lambda s: s["fields"][0].pop("doc"), {"docs"}),
        (lambda s: s["fields"][4].update(default=3), {"parse"}),
        (lambda s: s.update(name="Again"), {"parse"}),
        (lambda s: s.update(type="nonsense"), {"parse"}),
    ],
)
def test_a_spoiled_schema_is_found_by(home: Path, change: Callable[[Any], Any], found: set[str]) -> None:
    edit(home / "mail.Retry.avsc", change)
    assert {check for name, check in faults(home) if name == "mail.Retry"} == found


def test_a_file_that_is_no_json_is_a_fault_and_no_crash(home: Path) -> None:
    (home / "mail.Retry.avsc").write_text("{", "utf-8")
    assert faults(home) == [("*.avsc", "parse")]


def test_an_enum_without_a_default_symbol_is_a_fault(home: Path) -> None:
    edit(home / "mail.Suppression.avsc", lambda s: s["fields"][1]["type"].pop("default"))
    assert faults(home) == [("mail.Suppression", "default")]


def test_a_changed_send_wants_a_new_id_for_the_outcome_too(home: Path) -> None:
    new = {"name": "note", "type": "string", "default": "", "doc": "New."}
    edit(home / "mail.Send.avsc", lambda s: s["fields"].append(new))
    assert [name for name, check in faults(home) if check == "lock"] == ["mail.Outcome", "mail.Send"]


def test_the_row_that_the_lock_check_asks_for_mends_it(home: Path) -> None:
    new = {"name": "note", "type": "string", "default": "", "doc": "New."}
    edit(home / "mail.Retry.avsc", lambda s: s["fields"].append(new))
    (fault,) = [finding.fault for finding in check_schemas(home) if finding.check == "lock" and finding.fault]
    row = json.loads("{" + fault[fault.index('"id"') : fault.rindex(" (")] + "}")
    old = {"schema": "mail.Retry", "version": "v2", "role": "retries", "subject": "ses.retries-value"}
    edit(home / "lock.json", lambda lock: lock["schemas"].append({**old, **row}))
    assert [found for found in faults(home) if found[1] == "lock"] == []


def test_an_id_given_twice_is_a_fault(home: Path) -> None:
    edit(home / "lock.json", lambda lock: lock["schemas"][0].update(id=lock["schemas"][1]["id"]))
    assert ("mail.SendRequest", "lock") in faults(home)


def test_a_released_schema_may_not_go(home: Path) -> None:
    (home / "mail.LoopFlag.avsc").unlink()
    assert ("mail.LoopFlag", "evolution") in faults(home)


def test_a_schema_without_an_example_is_a_fault(home: Path) -> None:
    for path in (home / "examples").glob("mail.Retry.*"):
        path.unlink()
    assert faults(home) == [("mail.Retry", "example")]


def test_an_example_that_leaves_something_out_is_a_fault(home: Path) -> None:
    edit(home / "examples" / "mail.Retry.mailbox-full.json", lambda example: example.pop("because"))
    assert faults(home) == [("mail.Retry", "example")]


def test_the_command_says_what_is_wrong_and_ends_with_1(home: Path) -> None:
    edit(home / "mail.Retry.avsc", lambda s: s["fields"].pop(1))
    said = CliRunner().invoke(app, ["check", "--dir", str(home)])
    assert said.exit_code == 1
    assert "FAULT  mail.Retry  evolution: v1 cannot read today: recipient is not in what was written" in said.stdout

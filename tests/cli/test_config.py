"""`ses-streams config`: what counts, and where it comes from; never a secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streams.settings import known


def _rows(out: str) -> dict[str, dict[str, Any]]:
    return {row["setting"]: row for row in map(json.loads, out.splitlines())}


def test_every_setting_is_one_json_object_on_a_line(run: Callable[..., Any]) -> None:
    ran = run("config", "--json")
    assert (ran.code, ran.err) == (0, "")
    rows = _rows(ran.out)
    assert list(rows) == [setting.name for setting in known()]
    assert rows["web.port"] == {
        "setting": "web.port",
        "variable": "SES_STREAMS_WEB__PORT",
        "value": 8080,
        "default": 8080,
        "from": "default",
        "about": "Port to listen on; 0 takes a free one.",
    }
    assert all(row["about"].endswith(".") for row in rows.values())


def test_where_a_value_comes_from_is_said(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "my.toml"
    file.write_text('group = "g"\npartitions = 6\n')
    monkeypatch.setenv("SES_STREAMS_PARTITIONS", "8")
    rows = _rows(run("--config", str(file), "config", "--json").out)
    said = {name: (rows[name]["value"], rows[name]["from"]) for name in ("group", "partitions", "replication")}
    assert said == {"group": ("g", "file"), "partitions": (8, "env"), "replication": (3, "default")}


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_secret_is_only_said_to_be_set(
    form: tuple[str, ...], run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SES_STREAMS_WEB__TOKEN", "canary-of-many-letters")
    ran = run("config", *form)
    assert "canary" not in ran.out + ran.err
    assert "(set)" in ran.out


def test_the_table_for_people_holds_every_word_even_on_a_narrow_terminal(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    out = run("config").out
    lines = {line.split()[0]: line.split()[1:] for line in out.splitlines()}
    assert lines["web.port"] == ["8080", "default"]
    assert lines["web.token"] == ["-", "default"]
    assert lines["dispatch.enabled"] == ["false", "default"]
    assert {setting.name for setting in known()} <= set(lines)


def test_what_is_wrong_is_said_instead(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SES_STREAMS_BROKER", "x")
    assert run("config") == (
        2,
        "",
        "ses-streams: SES_STREAMS_BROKER is no setting; did you mean SES_STREAMS_BROKERS?\n",
    )


def test_only_what_was_changed_is_shown_where_that_is_asked(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("config", "--changed") == (0, "", "every setting is at its default\n")
    monkeypatch.setenv("SES_STREAMS_PARTITIONS", "24")
    monkeypatch.setenv("SES_STREAMS_REPLICATION", "3")  # said, and no other than it was
    monkeypatch.setenv("SES_STREAMS_LOG__KEY", "canary")
    rows = _rows(run("config", "--changed", "--json").out)
    assert {name: (row["value"], row["default"]) for name, row in rows.items()} == {
        "partitions": (24, 4),
        "log.key": ("(set)", None),
    }


def test_one_setting_is_shown_by_either_name_and_a_table_by_its_own(run: Callable[..., Any]) -> None:
    for name in ("web.port", "SES_STREAMS_WEB__PORT"):
        assert list(_rows(run("config", name, "--json").out)) == ["web.port"]
    assert {name.partition(".")[0] for name in _rows(run("config", "retry", "--json").out)} == {"retry"}


def test_a_setting_that_there_is_not_is_refused_with_the_one_that_was_meant(run: Callable[..., Any]) -> None:
    ran = run("config", "web.prot")
    assert (ran.code, ran.out) == (2, "")
    assert "did you mean web.port?" in ran.err

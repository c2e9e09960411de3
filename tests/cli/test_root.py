"""The command line: answers at once, says what is wrong in words, and ends with the code that it documents."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from streams import __version__
from streams.cli import COMMANDS, NEXT, Command, imported
from streams.errors import BadSettings, SchemaUnknown, Unusable, WorldFailed

ROOT = Path(__file__).resolve().parents[2]
LISTED = [command for command in COMMANDS if command.heading]


def test_help_lists_every_command_under_its_heading(run: Callable[..., Any]) -> None:
    ran = run("--help")
    assert ran.code == 0
    for command in LISTED:
        assert f" {command.name} " in ran.out
        assert command.summary in ran.out
        assert f" {command.heading} " in ran.out
    assert "Exit codes: 0 done" in ran.out


def test_help_imports_no_command() -> None:
    program = "import sys; import streams.cli\ntry: streams.cli.main(['--help'])\nexcept SystemExit: pass\n"
    program += "print(*sorted(m for m in sys.modules), file=sys.stderr)"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stderr.split()
    heavy = {"faust", "aiokafka", "fastavro", "pydantic", "aiohttp", "numpy", "confluent_kafka", "prometheus_client"}
    assert heavy & set(said) == set()
    assert not [name for name in said if name.startswith("streams.cli.")]


def test_the_version_is_the_packages(run: Callable[..., Any]) -> None:
    assert run("--version") == (0, f"ses-streams {__version__}\n", "")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_can_be_imported_and_explains_itself(command: Command, run: Callable[..., Any]) -> None:
    assert imported(command).name == command.name
    ran = run(command.name, "--help")
    assert ran.code == 0
    assert f"ses-streams {command.name}" in ran.out


def test_python_dash_m_is_the_same_command() -> None:
    said = subprocess.run([sys.executable, "-m", "streams", "--version"], capture_output=True, text=True, check=True)
    assert said.stdout == f"ses-streams {__version__}\n"


def test_a_misspelt_command_is_refused_with_the_one_that_was_meant(run: Callable[..., Any]) -> None:
    ran = run("workr")
    assert ran.code == 2
    assert "worker" in ran.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadSettings("first thing\nsecond thing"), 2),
        (WorldFailed("brokers 127.0.0.1:1: refused"), 3),
        (WorldFailed("no.eml: No such file or directory"), 3),
        (SchemaUnknown("id 7"), 3),
        (Unusable("NOT_AVRO", "short"), 3),
    ],
)
def test_an_error_of_ours_is_one_line_each_on_stderr_and_a_code(
    error: Exception, code: int, run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("streams.settings.load", fail)
    ran = run("config")
    assert (ran.code, ran.out) == (code, "")
    told = [*str(error).splitlines(), *([NEXT] if "broker" in str(error) else [])]
    assert ran.err.splitlines() == [f"ses-streams: {line}" for line in told]


def test_an_error_that_names_the_next_command_itself_is_left_alone(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise WorldFailed("brokers b:9092 have no topic ses.sends: ses-streams topics create")

    monkeypatch.setattr("streams.settings.load", fail)
    assert run("config").err == "ses-streams: brokers b:9092 have no topic ses.sends: ses-streams topics create\n"


def test_a_command_that_is_named_to_people_is_one_that_there_is() -> None:
    pages = [*(ROOT / "streams").rglob("*.py"), *(ROOT / "docs").rglob("*.md"), ROOT / "README.md"]
    named = {name for page in pages for name in re.findall(r"`ses-streams ([a-z][a-z-]*)", page.read_text("utf-8"))}
    assert {"doctor", "topics", "config"} <= named | {NEXT.split()[2]}
    assert named - {command.name for command in COMMANDS} == set()


def test_a_fault_of_ours_says_so_and_names_nobody(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    who = "tirili@example.com"

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(who)

    monkeypatch.setattr("streams.settings.load", fail)
    ran = run("config")
    assert ran.code == 4
    assert "a fault of ses-streams itself" in ran.err
    assert "RuntimeError" in ran.err
    assert "tirili" not in ran.err
    assert "at example.com>" in ran.err


def test_a_worker_that_the_world_failed_ends_with_three(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = {0: 0, 1: 3}
    for engine, code in ends.items():
        monkeypatch.setattr("streams.cli.serving.set_up_logs", lambda *_, **__: None)
        monkeypatch.setattr("streams.app.run", lambda _, engine=engine: engine)
        assert run("worker").code == code


def test_on_a_terminal_a_worker_that_failed_names_the_next_command(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.cli.serving.set_up_logs", lambda *_, **__: None)
    monkeypatch.setattr("streams.app.run", lambda _: 1)
    assert run("worker").err == ""  # a log for programs
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert run("worker").err == f"ses-streams: {NEXT}\n"


def test_a_worker_that_goes_the_long_way_says_so(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("streams.cli.serving.set_up_logs", lambda *_, **__: None)
    monkeypatch.setattr("streams.app.run", lambda _: 0)
    run("worker")
    assert "pip install ./kernel" not in caplog.text
    monkeypatch.setattr("streams.hops.compiled.kernel", None)
    run("worker")
    assert "not installed: a worker does half as much; pip install ./kernel" in caplog.text


def test_a_worker_that_may_send_and_knows_no_region_ends_with_two_and_the_setting(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("streams.cli.serving.set_up_logs", lambda *_, **__: None)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("SES_STREAMS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SES_STREAMS_DISPATCH__ENABLED", "true")
    ran = run("worker")
    assert ran.code == 2
    assert "no client of SES's API: You must specify a region; set SES_STREAMS_DISPATCH__REGION" in ran.err


def test_a_worker_with_bad_settings_does_not_start(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.app.run", lambda _: pytest.fail("started"))
    monkeypatch.setenv("SES_STREAMS_PARTITIONS", "0")
    ran = run("worker")
    assert ran.code == 2
    assert ran.err.startswith("ses-streams: SES_STREAMS_PARTITIONS=0: ")


def _commands() -> Iterator[tuple[str, Any]]:
    """Yield each command that people see, by all its words."""
    for command in COMMANDS:
        found = imported(command)
        inner = getattr(found, "commands", {"": found})
        yield from ((f"{command.name} {word}".strip(), one) for word, one in inner.items() if command.heading)


@pytest.mark.parametrize(("name", "command"), list(_commands()))
def test_help_flows_on_a_terminal_of_eighty_columns_and_names_every_option_whole(
    name: str, command: Any, run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = run(*name.split(), "--help").out
    words = [word for option in command.params for word in option.opts if word.startswith("-")]
    assert [word for word in words if word not in shown] == []
    assert "SES_STREAMS_BROKE…" not in shown
    assert [part for part in command.help.split("\n\n") if "\n" in part] == []

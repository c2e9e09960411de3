"""`ses-streams simulate`: says where it is, runs until told to stop, and counts; wrong words are refused at once."""

from __future__ import annotations

import signal
import smtplib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import orjson
import pytest

from streams.cli.simulating import settings_of
from streams.errors import BadSettings
from streams.simulator.words import Conditions, Form, SimulatorSettings

Start = Callable[..., "subprocess.Popen[str]"]

GIVEN = {
    "host": "127.0.0.1",
    "port": 0,
    "smtp_port": 0,
    "smtp_login": None,
    "events": None,
    "form": "events",
    "send_events": True,
    "delay_ms": 200,
    "repeat": 0,
    "disorder": False,
    "rate": 1000,
    "quota": -1,
    "throttle": 0,
    "fail": 0,
    "fail_after": 0,
    "hang": 0,
    "latency_ms": 0,
    "pause": False,
    "verify": False,
    "more": None,
    "seed": 1,
    "json": False,
}
MAIL = {
    "FromEmailAddress": "shop@example.com",
    "Destination": {"ToAddresses": ["gone@bigmail.example"]},
    "Content": {"Simple": {"Subject": {"Data": "Your order"}, "Body": {"Text": {"Data": "It is on its way."}}}},
}


@pytest.fixture
def start() -> Iterator[Start]:
    """Return what starts the command; it is killed if it is still there at the end."""
    started: list[subprocess.Popen[str]] = []

    def starts(*words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "streams", "simulate", "--port", "0", "--smtp-port", "0", *words]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield starts
    for one in started:
        one.kill()
        one.communicate()


def _send(url: str) -> str:
    request = Request(f"{url}/v2/email/outbound-emails", data=orjson.dumps(MAIL), method="POST")  # noqa: S310 - http, on this machine
    with urlopen(request, timeout=10) as answer:  # noqa: S310 - as above
        return str(orjson.loads(answer.read())["MessageId"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_takes_mail_and_counts_when_told_to_stop(
    start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    file = tmp_path / "events.ndjson"
    process = start("--json", "--delay-ms", "0", "--events", f"file:{file}")
    assert process.stdout is not None
    where = orjson.loads(process.stdout.readline())["simulator"]
    named = _send(where["api_url"])
    with smtplib.SMTP(where["smtp_host"], where["smtp_port"], timeout=10) as client:
        client.sendmail("shop@example.com", ["ann@example.org"], "From: shop@example.com\r\n\r\nhello\r\n")
    while file.stat().st_size == 0 or len(file.read_bytes().splitlines()) < 4:
        assert process.poll() is None
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert orjson.loads(out)["simulated"] == {
        "accepted": 2,
        "refused": {},
        "events": {"Bounce": 1, "Delivery": 1, "Send": 2},
        "waiting": 0,
        "undelivered": 0,
    }
    assert f"API     {where['api_url']}" in err
    assert "stopped: 2 mails accepted" in err
    assert named in file.read_text()


def test_without_json_nothing_is_on_stdout(start: Start) -> None:
    process = start("--rate", "14", "--quota", "50000", "--smtp-login", "mailer:word")
    assert process.stderr is not None
    said = [process.stderr.readline() for _ in range(6)]
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, "")
    assert said[2].split() == ["SMTP", said[2].split()[1], "your", "login"]
    assert said[4] == "  limits  14 recipients/s, 50,000 in 24 hours\n"


def test_trouble_that_was_asked_for_is_said(start: Start) -> None:
    process = start("--pause", "--fail", "0.1", "--set", "outage=a.example,b.example")
    assert process.stderr is not None
    said = [process.stderr.readline() for _ in range(7)]
    assert said[5] == "  trouble fail 0.1, paused, outage a.example b.example\n"


def test_a_file_that_takes_no_more_ends_it_with_words(start: Start) -> None:
    process = start("--json", "--delay-ms", "0", "--events", "file:/dev/full")
    assert process.stdout is not None
    _send(orjson.loads(process.stdout.readline())["simulator"]["api_url"])
    _, err = process.communicate(timeout=20)
    assert process.returncode == 3
    assert err.splitlines()[-1] == "ses-streams: cannot write /dev/full: No space left on device"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--set", "speed=1"), "--set wants NAME=VALUE with one of certificate, "),
        (("--set", "sandbox"), "--set wants NAME=VALUE with one of certificate, "),
        (("--set", "sandbox=perhaps"), "--set sandbox has no use for perhaps"),
        (("--set", "connections=-1"), "--set connections has no use for -1"),
        (("--set", "refuse=Nothing"), "refuse must be null or one of "),
        (("--form", "telegram"), "--form is one of events, notifications, both"),
        (("--events", "pigeon:post"), "events go to file:PATH, sns:URL or kafka, not to pigeon:post"),
        (("--smtp-login", "mailer"), "--smtp-login wants USER:PASSWORD"),
    ],
)
def test_wrong_words_are_refused_with_what_would_be_right(
    run: Callable[..., Any], words: tuple[str, ...], said: str
) -> None:
    ran = run("simulate", *words)
    assert ran.code == 2
    assert said in ran.err


def test_the_options_of_the_command_are_the_settings_of_a_simulator() -> None:
    assert settings_of(GIVEN) == SimulatorSettings()
    more = ["outage=A.example, b.example", "suppress=true", "message-bytes=1000", "verified=example.com"]
    given = GIVEN | {"more": more, "form": "both", "pause": True, "rate": 5.0, "smtp_login": "mailer:a:b"}
    assert settings_of(given) == SimulatorSettings(
        conditions=Conditions(rate=5.0, paused=True, outage=("a.example", "b.example")),
        form=Form.BOTH,
        suppress=True,
        message_bytes=1000,
        verified=("example.com",),
        smtp_login=("mailer", "a:b"),
    )


def test_the_sandbox_has_its_own_limits_unless_others_are_given() -> None:
    assert settings_of(GIVEN | {"more": ["sandbox=true"]}).conditions == Conditions(rate=1.0, quota=200.0)
    own = settings_of(GIVEN | {"more": ["sandbox=true"], "rate": 2.0, "quota": 10.0})
    assert own.conditions == Conditions(rate=2.0, quota=10.0)


def test_a_ratio_is_no_more_than_one() -> None:
    with pytest.raises(BadSettings, match="fail must be a share from 0 to 1"):
        settings_of(GIVEN | {"fail": 2})

"""Logs: whatever is written, by whomever, no address leaves; what remains can still be followed."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from streams.observe.fingerprint import Fingerprints
from streams.observe.logs import set_up_logs
from streams.settings import Log, LogFormat, LogLevel

WHO = "Tirili.Piep@example.com"
LOCAL = "tirili"


@pytest.fixture(params=list(LogFormat))
def written(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """Set up logging into a buffer, in each format, and leave everything as it was."""
    buffer = io.StringIO()
    with _logging(Log(format=request.param, key=SecretStr("k"), level=LogLevel.INFO), buffer):
        yield buffer


def _said(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    assert text, "nothing was written at all"
    assert LOCAL not in text.lower()
    assert "example.com" in text, "the domain stays"
    return text


def test_an_address_in_a_message_becomes_a_fingerprint(written: io.StringIO) -> None:
    logging.getLogger("x").info(f"to {WHO}")  # noqa: G004  # that it is put in by hand is the point
    assert re.search(r"to <[0-9a-f]{10} at example\.com>", _said(written))


def test_an_address_in_arguments_becomes_a_fingerprint(written: io.StringIO) -> None:
    logging.getLogger("x").warning("to %s and %r in %s", WHO, [WHO], {"to": WHO})
    assert len(set(re.findall(r"<[0-9a-f]{10} at example\.com>", _said(written)))) == 1


def test_an_address_in_an_exception_its_cause_and_its_notes_becomes_a_fingerprint(written: io.StringIO) -> None:
    error = ValueError(f"550 5.1.1 <{WHO}>: no such user")
    error.add_note(f"while writing to {WHO}")
    error.__cause__ = KeyError(WHO)
    logging.getLogger("x").error("failed for %s", WHO, exc_info=error)
    said = _said(written)
    assert "ValueError" in said
    assert "KeyError" in said


def test_an_address_in_a_stack_becomes_a_fingerprint(written: io.StringIO) -> None:
    logging.getLogger("x").info("to %s", WHO, stack_info=True)
    assert "Stack (most recent call last)" in _said(written)


def test_an_address_in_an_error_that_nobody_caught_becomes_a_fingerprint(written: io.StringIO) -> None:
    error = RuntimeError(f"no mailbox {WHO}")
    sys.excepthook(RuntimeError, error, None)
    assert "no mailbox <" in _said(written)


def test_an_address_in_an_error_of_a_thread_becomes_a_fingerprint(written: io.StringIO) -> None:
    def fail() -> None:
        raise RuntimeError(f"no mailbox {WHO}")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    assert "no mailbox <" in _said(written)


def test_an_address_in_a_warning_becomes_a_fingerprint(written: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"odd address {WHO}", stacklevel=1)
    _said(written)


def test_a_line_below_the_level_is_not_written(written: io.StringIO) -> None:
    logging.getLogger("x").debug("quiet")
    assert written.getvalue() == ""


@contextmanager
def _logging(settings: Log, stream: io.StringIO, worker: str | None = None) -> Iterator[None]:
    """Log into a buffer as is set, and leave everything as it was."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, sys.excepthook, threading.excepthook
    try:
        set_up_logs(settings, stream, worker)
        yield
    finally:
        root.handlers[:], level, sys.excepthook, threading.excepthook = before
        root.setLevel(level)
        logging.captureWarnings(capture=False)


def _line(settings: Log, *words: object, worker: str | None = None) -> str:
    """Return the one line that one process writes of a message."""
    buffer = io.StringIO()
    with _logging(settings, buffer, worker):
        logging.getLogger("a.b").warning(*words)
    (line,) = buffer.getvalue().splitlines()
    return line


def test_a_json_line_is_one_object_with_the_time_in_utc() -> None:
    said = json.loads(_line(Log(format=LogFormat.JSON), "two\nlines"))
    assert (said["level"], said["logger"], said["message"]) == ("warning", "a.b", "two\nlines")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", said["at"])
    assert set(said) == {"at", "level", "worker", "logger", "message"}


def test_a_json_line_says_who_wrote_it_and_where_in_a_topic_it_is_about() -> None:
    words = ("%s/%d: offsets %d..%d were deleted before they were read", "ses.sends", 3, 17, 20)
    said = json.loads(_line(Log(format=LogFormat.JSON), *words, worker="pod-1"))
    assert {name: said[name] for name in ("worker", "topic", "partition", "offset")} == {
        "worker": "pod-1",
        "topic": "ses.sends",
        "partition": 3,
        "offset": 17,
    }
    assert json.loads(_line(Log(format=LogFormat.JSON), "x"))["worker"].endswith(f"-{os.getpid()}")


class _Terminal(io.StringIO):
    """A buffer that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("form", "stream", "is_json"),
    [
        (LogFormat.AUTO, _Terminal, False),
        (LogFormat.AUTO, io.StringIO, True),
        (LogFormat.TEXT, io.StringIO, False),
        (LogFormat.JSON, _Terminal, True),
    ],
)
def test_people_get_lines_where_they_look_and_machines_get_json(
    form: LogFormat, stream: type[io.StringIO], is_json: bool
) -> None:
    buffer = stream()
    with _logging(Log(format=form), buffer):
        logging.getLogger("a.b").warning("words")
    assert buffer.getvalue().startswith("{") is is_json
    assert LogFormat.AUTO is Log().format


@pytest.mark.parametrize("form", list(LogFormat))
def test_with_a_key_a_log_can_be_followed_over_restarts_and_workers(form: LogFormat) -> None:
    def fingerprints(*keys: str | None) -> list[str]:
        lines = [_line(Log(format=form, key=None if key is None else SecretStr(key)), "to %s", WHO) for key in keys]
        return [re.findall(r"<([0-9a-f]{10}) at example\.com>", line)[0] for line in lines]

    one, two = fingerprints("a secret", "a secret")
    assert one == two
    own, again = fingerprints(None, None)
    assert own == again, "log and page of one process agree on who is who"
    assert len({one, *fingerprints("another"), own}) == 3


@pytest.mark.parametrize(
    "written_as",
    [
        WHO,
        f"<{WHO}>",
        f"Name <{WHO}>",
        f"'{WHO}'",
        f"b'{WHO}'",
        f"mailto:{WHO}",
        f"{WHO}.",
        f"({WHO})",
        f"{WHO},eve@example.org",
        WHO.replace("@", "%40"),
        '"tirili piep"@example.com',
        "bounce+tirili=example.com@list.example.com",
        "tirili@[192.0.2.1] example.com",
        f"https://example.com/u?to={WHO}&x=1",
        f"rfc822;{WHO}",
        "känäry-tirili@bücher.example.com",
    ],
)
def test_an_address_is_hidden_however_it_is_written(written_as: str) -> None:
    hidden = Fingerprints(b"k").scrub(written_as)
    assert LOCAL not in hidden.lower()
    assert "piep" not in hidden.lower()


@given(st.from_regex(r"[a-zA-Z0-9.!#$&*+/=?^_`{|}~-]{1,30}", fullmatch=True), st.sampled_from(" \n\t<>,;:\"'()[]"))
def test_no_local_part_survives_between_any_two_marks(local: str, mark: str) -> None:
    hidden = Fingerprints(b"k").scrub(f"{mark}{local}@example.com{mark}")
    assert "@" not in hidden
    assert re.fullmatch(rf"{re.escape(mark)}<[0-9a-f]{{10}} at example\.com>{re.escape(mark)}", hidden)


def test_the_same_person_has_the_same_fingerprint_and_another_key_another() -> None:
    one, other = Fingerprints(b"one"), Fingerprints(b"other")
    assert one.of("Bob@Example.com") == one.of("<bob@example.com>") == Fingerprints(b"one").of("bob@example.com")
    assert one.of("bob@example.com") != one.of("eve@example.com")
    assert one.of("bob@example.com") != other.of("bob@example.com")
    assert Fingerprints().of("bob@example.com") != Fingerprints().of("bob@example.com")


@pytest.mark.parametrize("text", ["", "@property", "a @ b", "user at example.com", "100 % of 3 @ 4"])
def test_what_is_no_address_stays_as_it_is(text: str) -> None:
    assert Fingerprints(b"k").scrub(text) == text

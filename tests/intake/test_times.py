"""A time is what is written, in UTC, or it is no time: never now."""

from __future__ import annotations

import time

import pytest

from streams.intake.times import read_time, time_or_none

BASE = 1_770_110_100_250


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-02-03T09:15:00.250Z", BASE),
        ("2026-02-03T09:15:00.25Z", BASE),
        ("2026-02-03T09:15:00.250999Z", BASE),
        ("2026-02-03T09:15:00.250999999Z", BASE),
        ("2026-02-03t09:15:00.250z", BASE),
        ("2026-02-03 09:15:00.250", BASE),
        (" 2026-02-03T10:15:00.250+01:00\n", BASE),
        ("2026-02-03T05:15:00.250-0400", BASE),
        ("2026-02-03T09:15:00Z", BASE - 250),
        ("1970-01-01T00:00:00Z", 0),
        ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
    ],
)
def test_iso_8601_in_its_many_dresses_is_read(written: str, expected: int) -> None:
    assert read_time(written) == expected


@pytest.mark.parametrize(
    "written",
    [
        "",
        "now",
        "yesterday",
        "1770110100250",
        "Tue, 3 Feb 2026 09:15:00 GMT",
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "1969-12-31T23:59:59.999Z",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_what_is_no_time_is_none(written: str) -> None:
    assert time_or_none(written) is None


def test_a_time_without_a_zone_is_utc_wherever_we_are(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Pacific/Auckland")
        time.tzset()
        assert read_time("2026-02-03T09:15:00.250") == BASE
    time.tzset()


@pytest.mark.parametrize("value", [None, 0, 1.5, True, [], {}, ["2026-02-03T09:15:00Z"]])
def test_what_is_not_even_text_is_none(value: object) -> None:
    assert time_or_none(value) is None

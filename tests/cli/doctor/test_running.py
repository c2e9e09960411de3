"""Groups are asked side by side; one that hangs, refuses or falls over becomes a finding, and the rest is told."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from streams.cli.doctor import brokers
from streams.cli.doctor.finding import Finding, Level, Rule
from streams.cli.doctor.run import run
from streams.cli.doctor.table import Check
from streams.cli.doctor.world import World
from streams.errors import WorldFailed
from streams.settings import Settings

WELL = Rule("WELL", Level.OK, "well")
WORLD = World(Settings(), now=0, patience_s=0.05)
FAR = World(Settings(), now=0, patience_s=60)


def check(name: str, look: Callable[[World], list[Finding]], *, by_brokers: bool = False) -> Check:
    return Check(name, "", (WELL,), look, by_brokers)


def well(_: World) -> list[Finding]:
    return [WELL.found()]


def fails(_: World) -> list[Finding]:
    raise WorldFailed("the world is away")


def falls_over(_: World) -> list[Finding]:
    raise ValueError("ann@example.com")


def told(*checks: Check, world: World = WORLD, only: frozenset[str] | None = None) -> list[tuple[str, str]]:
    names = frozenset(each.name for each in checks) if only is None else only
    return [(each.check.name, one.rule.name) for each in run(checks, names, world) for one in each.findings]


def test_one_that_hangs_is_left_behind_and_the_others_are_told() -> None:
    forever = threading.Event()

    def hangs(_: World) -> list[Finding]:
        forever.wait()
        return []

    assert told(check("brokers", well), check("slow", hangs)) == [("brokers", "WELL"), ("slow", "NO_ANSWER")]
    forever.set()


def test_they_are_asked_side_by_side() -> None:
    both = threading.Barrier(2, timeout=30)

    def meets(_: World) -> list[Finding]:
        both.wait()
        return [WELL.found()]

    assert told(check("brokers", meets), check("other", meets), world=FAR) == [("brokers", "WELL"), ("other", "WELL")]


def test_one_that_is_refused_says_why() -> None:
    found = run((check("brokers", well), check("other", fails)), frozenset({"other"}), WORLD)
    assert [(one.rule.name, one.words) for one in found[0].findings] == [
        ("FAILED", "it could not be asked: the world is away")
    ]


def test_one_whose_question_times_out_says_so() -> None:
    def late(_: World) -> list[Finding]:
        raise TimeoutError

    assert told(check("brokers", well), check("other", late)) == [("brokers", "WELL"), ("other", "NO_ANSWER")]


def test_one_that_falls_over_tells_no_value() -> None:
    found = run((check("brokers", well), check("other", falls_over)), frozenset({"other"}), WORLD)
    assert [one.rule.name for one in found[0].findings] == ["FAILED"]
    assert "ann" not in found[0].findings[0].words
    assert "ValueError" in found[0].findings[0].words


@pytest.mark.parametrize("only", ["brokers", "topics"])
def test_where_no_broker_answers_what_needs_one_is_not_asked_and_the_cause_is_told(only: str) -> None:
    def refused(_: World) -> list[Finding]:
        return [brokers.REFUSED.found(where="kafka:9092")]

    asked: list[str] = []

    def topics(_: World) -> list[Finding]:
        asked.append("topics")
        return []

    checks = (check("brokers", refused), check("topics", topics, by_brokers=True))
    found = told(*checks, only=frozenset({only}))
    assert asked == []
    assert ("brokers", "BROKER_REFUSED") in found
    assert (("topics", "NOT_ASKED") in found) is (only == "topics")

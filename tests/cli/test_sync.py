"""`ses-streams suppressions sync-ses`: what each list lacks follows from the rules, is said, and done when told to."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from streams.cli.sync_plan import Plan, Push, plan_sync
from streams.dispatch.account import Listed, ListReason, SuppressionList
from streams.settings.dispatch import Dispatch
from streams.simulator.server import Simulator
from streams.simulator.words import SimulatorSettings
from tests.builders import DAY, NOON
from tests.cli.conftest import Run, World

ANN, BOB = "ann@example.com", "bob@example.net"
BOUNCE, COMPLAINT = ListReason.BOUNCE, ListReason.COMPLAINT
EVENT = {"message_id": "m-1", "kind": "HARD_BOUNCED", "status": None, "at": NOON}


def _ours(recipient: str = ANN, reason: str = "HARD_BOUNCE", **fields: Any) -> dict[str, Any]:
    whole = {"scope": "*", "since": NOON, "until": None, "evidence": [], "streams": [], "written": None}
    return {"recipient": recipient, "reason": reason, **whole, **fields}


def _theirs(address: str = ANN, reason: ListReason = BOUNCE, at: int = NOON) -> Listed:
    return Listed(address, reason, at)


UPPER = _theirs("Ann@Example.com", COMPLAINT, NOON + 5)
PUSHED = Push(ANN, BOUNCE)


@pytest.mark.parametrize(
    ("ours", "theirs", "released", "expected"),
    [
        pytest.param([], [], {}, Plan(), id="nothing on either side"),
        pytest.param([_ours()], [UPPER], {}, Plan(both=1), id="the case of an address makes no difference"),
        pytest.param([], [UPPER], {}, Plan(pull=(UPPER,)), id="SES has it, we do not"),
        pytest.param([], [_theirs(), UPPER], {}, Plan(pull=(UPPER,)), id="two spellings are one recipient"),
        pytest.param([_ours(until=NOON + DAY)], [UPPER], {}, Plan(pull=(UPPER,)), id="ours has an end, SES's has none"),
        pytest.param([_ours(scope="news")], [UPPER], {}, Plan(pull=(UPPER,)), id="ours is for one stream only"),
        pytest.param([_ours()], [], {}, Plan(push=(PUSHED,)), id="a hard bounce is news to SES"),
        pytest.param(
            [_ours(reason="COMPLAINT", written="Ann@example.com")],
            [],
            {},
            Plan(push=(Push("Ann@example.com", COMPLAINT),)),
            id="a complaint too, in the case that SES wrote",
        ),
        pytest.param([_ours(reason="MANUAL")], [], {}, Plan(), id="an operator's word is ours alone"),
        pytest.param([_ours(reason="UNSUBSCRIBED", scope="news")], [], {}, Plan(), id="so is a stream that was left"),
        pytest.param([_ours(until=NOON + DAY)], [], {}, Plan(), id="SES's list knows no end"),
        pytest.param([], [UPPER], {ANN: NOON + 4}, Plan(pull=(UPPER,)), id="released before SES listed it"),
        pytest.param([], [UPPER], {ANN: NOON + 5}, Plan(delete=(UPPER,)), id="released since SES listed it"),
        pytest.param(
            [], [_theirs(), UPPER], {ANN: NOON + 9}, Plan(delete=(_theirs(), UPPER)), id="each spelling must go"
        ),
        pytest.param([_ours()], [], {ANN: NOON}, Plan(), id="released, and hop 2 has yet to hear of it"),
        pytest.param([_ours(since=NOON + 1)], [], {ANN: NOON}, Plan(push=(PUSHED,)), id="bounced again since"),
        pytest.param([_ours(since=NOON + 9)], [UPPER], {ANN: NOON + 8}, Plan(both=1), id="so SES's entry stays"),
        pytest.param(
            [_ours(reason="SES_LIST")], [], {}, Plan(release=(ANN,)), id="SES has dropped what we had from it"
        ),
        pytest.param(
            [_ours(reason="SES_LIST", evidence=[EVENT])], [], {}, Plan(), id="an event says so: perhaps the global list"
        ),
    ],
)
def test_what_is_to_be_done_follows_from_both_lists(
    ours: list[dict[str, Any]], theirs: list[Listed], released: dict[str, int], expected: Plan
) -> None:
    assert plan_sync(ours, theirs, released) == expected


@pytest.fixture
def ses(run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dispatch]:
    """Run the simulator in a thread, with nobody on its list, and let the settings name it."""
    del run
    monkeypatch.setattr("streams.cli.syncing.SuppressionList", partial(SuppressionList, pace_s=0))
    loop, simulator = asyncio.new_event_loop(), Simulator(SimulatorSettings(api_port=0, smtp_port=None))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(simulator.start(), loop).result(10)
    monkeypatch.setenv("SES_STREAMS_DISPATCH__ENDPOINT_URL", simulator.api_url)
    yield Dispatch(endpoint_url=simulator.api_url)
    asyncio.run_coroutine_threadsafe(simulator.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def _at_ses(settings: Dispatch, *put: Push) -> dict[str, ListReason]:
    """Put entries on SES's list, and return what is on it."""

    async def ask() -> dict[str, ListReason]:
        async with SuppressionList(settings, pace_s=0) as account:
            for one in put:
                await account.put(*one)
            return {entry.address: entry.reason async for entry in account.list()}

    return asyncio.run(ask())


def _told(world: World) -> dict[str, tuple[str, str, str | None]]:
    heard = world.heard("instructions", "mail.Instruction")
    return {key: (told["action"], told["reason"], told["written"]) for key, told in heard if told is not None}


@pytest.fixture
def both(world: World, ses: Dispatch) -> World:
    """Give two lists of which each lacks something, and one recipient whom an operator has released since."""
    _at_ses(ses, Push("Ann@Example.com", BOUNCE), Push("eve@example.com", COMPLAINT))
    world.say("suppressions", "mail.Suppression", BOB, _ours(BOB, written="Bob@example.net"))
    world.say("suppressions", "mail.Suppression", "fred@example.com", _ours("fred@example.com", "SES_LIST"))
    for recipient, at, scope in (
        ("eve@example.com", 4_000_000_000_000, "*"),
        ("eve@example.com", 1_000_000_000_000, "*"),  # came later, and is older all the same
        (ANN, 4_000_000_000_000, "newsletter"),  # says nothing about every stream
    ):
        release = {"recipient": recipient, "action": "RELEASE", "at": at, "scope": scope}
        world.say("instructions", "mail.Instruction", recipient, release)
    return world


def test_without_apply_it_only_says_what_it_would_do(both: World, ses: Dispatch, run: Run) -> None:
    ran = run("suppressions", "sync-ses", "--json")
    assert ran.code == 0
    assert [json.loads(line) for line in ran.out.splitlines()] == [
        {"do": "suppress here", "address": "Ann@Example.com", "reason": "SES_LIST", "done": False},
        {"do": "put at SES", "address": "Bob@example.net", "reason": "BOUNCE", "done": False},
    ]
    assert ran.err.endswith("nothing is done: say --apply\n")
    assert ran.err.count("left alone without --delete-released") == 2
    assert "@" not in ran.err
    assert _at_ses(ses) == {"Ann@Example.com": BOUNCE, "eve@example.com": COMPLAINT}
    assert {action for action, *_ in _told(both).values()} == {"RELEASE"}


def test_applied_each_list_gets_what_it_lacks_and_loses_nothing(both: World, ses: Dispatch, run: Run) -> None:
    ran = run("suppressions", "sync-ses", "--apply", "--json")
    assert ran.code == 0, ran.err
    assert {json.loads(line)["done"] for line in ran.out.splitlines()} == {True}
    assert _at_ses(ses) == {"Ann@Example.com": BOUNCE, "eve@example.com": COMPLAINT, "Bob@example.net": BOUNCE}
    assert _told(both) == {
        ANN: ("SUPPRESS", "SES_LIST", "Ann@Example.com"),
        "eve@example.com": ("RELEASE", "MANUAL", None),
    }


def test_delete_released_takes_off_either_list_whom_the_other_let_go(both: World, ses: Dispatch, run: Run) -> None:
    ran = run("suppressions", "sync-ses", "--apply", "--delete-released")
    assert (ran.code, ran.out) == (0, "")
    assert _at_ses(ses) == {"Ann@Example.com": BOUNCE, "Bob@example.net": BOUNCE}
    assert _told(both)["fred@example.com"] == ("RELEASE", "MANUAL", None)
    assert ran.err.splitlines()[-2:] == ["2 instructions written", "2 entries of SES's list changed"]


def test_two_lists_that_agree_leave_nothing_to_do(world: World, ses: Dispatch, run: Run) -> None:
    _at_ses(ses, Push(ANN, BOUNCE))
    world.say("suppressions", "mail.Suppression", ANN, _ours())
    said = "1 entry at SES, 1 of them stopped here too\nthere is nothing to do\n"
    assert run("suppressions", "sync-ses") == (0, "", said)


def test_one_direction_leaves_the_other_alone(both: World, ses: Dispatch, run: Run) -> None:
    assert run("suppressions", "sync-ses", "--apply", "--push", "--no-progress").code == 0
    assert "Bob@example.net" in _at_ses(ses)
    assert _told(both)[ANN][0] == "RELEASE"
    _at_ses(ses, Push("new@example.com", BOUNCE))
    before = _at_ses(ses)
    both.say("suppressions", "mail.Suppression", "dora@example.org", _ours("dora@example.org"))
    assert run("suppressions", "sync-ses", "--apply", "--pull").code == 0
    assert _at_ses(ses) == before
    assert _told(both)[ANN][0] == "SUPPRESS"


def test_an_ses_that_does_not_answer_ends_with_three(
    world: World, run: Run, monkeypatch: pytest.MonkeyPatch, no_ses: str
) -> None:
    ran = run("suppressions", "sync-ses")
    assert (ran.code, ran.out) == (3, "")
    assert "SES's suppression list: list_suppressed_destinations failed with" in ran.err
    assert "next: ses-streams doctor" in ran.err


@pytest.fixture
def no_ses(run: Run, monkeypatch: pytest.MonkeyPatch) -> str:
    """Name an SES where nobody listens."""
    del run
    monkeypatch.setattr("streams.dispatch.account._TRIES", 1)
    url = "http://127.0.0.1:9"
    monkeypatch.setenv("SES_STREAMS_DISPATCH__ENDPOINT_URL", url)
    return url

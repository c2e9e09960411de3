"""`why` and `trace` on a broker: a small day of records and what the hops made of it, asked without a worker."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from streams.answers.why import why
from streams.emit.publish import Publisher
from streams.hops.by_message import ByMessage
from streams.hops.by_recipient import ByRecipient
from streams.settings import Settings
from streams.topics import changelog_name, topic_name
from tests.builders import CODEC, HOUR, MINUTE, POLICY, Bench, bounce, event, send
from tests.cli.conftest import Run, World

TOKEN = "a-token-that-is-long-enough"  # noqa: S105 - opens nothing


class Day:
    """A day that both hops have heard, at the time of this test, and that lies on the topics now."""

    def __init__(self, world: World) -> None:
        """Begin with nothing heard."""
        self._world = world
        self._joined, self._stood = Bench(ByMessage(CODEC, POLICY.join)), Bench(ByRecipient(CODEC, POLICY))
        self._records: list[tuple[str, bytes, bytes | None]] = []
        self.now = time.time_ns() // 1_000_000 - 5_000

    def hear(self, topic: str, record: dict[str, Any], key: str | None = None) -> None:
        """Let the hops hear one record."""
        name = {"sends": "mail.Send", "feedback": "mail.Feedback", "send-requests": "mail.SendRequest"}[topic]
        value = CODEC.encode(name, record)
        self._records.append((topic, (key or record["message_id"]).encode(), value))
        if topic != "send-requests":
            before = len(self._joined.emitted)
            self._joined.work(topic, [value], self.now)
            outcomes = [(k, v) for t, k, v in self._joined.emitted[before:] if t == "outcomes"]
            self._records += [("outcomes", k, v) for k, v in outcomes]
            if outcomes:
                self._stood.work("outcomes", [v for _, v in outcomes], self.now)

    def publish(self) -> Settings:
        """Put all of it on the topics, and what the hops keep into their changelogs."""
        settings = self._world.settings
        with Publisher(settings.brokers, idempotent=False) as publisher:
            for topic, key, value in self._records:
                publisher.publish(topic_name(settings.topic_prefix, topic), key, value)
            for table, bench in (("lives", self._joined), ("standings", self._stood)):
                for key, kept in bench.table.values.items():
                    changelog = changelog_name(f"{settings.topic_prefix}group", table)
                    publisher.publish(changelog, key, b"an older word")
                    publisher.publish(changelog, key, kept)
        return settings

    def standing(self, address: str) -> bytes | None:
        """Return what hop 2 keeps of somebody."""
        return self._stood.table.values.get(address.encode())


Ask = Callable[..., Any]


@pytest.fixture
def day(world: World, monkeypatch: pytest.MonkeyPatch) -> Day:
    """Give a day on which five things happened to five people."""
    monkeypatch.setenv("SES_STREAMS_GROUP", f"{world.settings.topic_prefix}group")
    monkeypatch.setenv("SES_STREAMS_PARTITIONS", "2")
    told = Day(world)
    at = told.now - HOUR
    for name in ("hard", "complaint", "loop-1", "loop-2", "chain-1", "chain-2"):
        person, number = name.partition("-")[0], int(name.partition("-")[2] or 1)
        told.hear(
            "sends",
            send(name, recipients=[f"{person}@example.com"], sent_at=at, request_id=f"r-{person}", attempt=number),
        )
    told.hear("sends", send("bare", from_address="", sent_at=at))
    simple: dict[str, Any] = {"content": ("mail.Simple", {"subject": "s", "text": "t", "html": None})}
    request = {"request_id": "r-hard", "requested_at": at - 1, "from_address": "shop@example.net", "stream": "receipts"}
    told.hear("send-requests", {**request, "to": ["hard@example.com"], **simple}, "r-hard")
    told.hear("feedback", event("DELIVERY", "hard", "hard@example.com", occurred_at=at + 1_000))
    hard = bounce("Permanent", "General", "5.1.1", message_id="hard", occurred_at=at + MINUTE)
    hard["recipients"][0]["address"] = "hard@example.com"
    told.hear("feedback", hard)
    told.hear("feedback", event("COMPLAINT", "complaint", "complaint@example.com", complaint_type="abuse"))
    for number in (1, 2):
        answered = bounce("Transient", "General", message_id=f"loop-{number}", occurred_at=at + number)
        answered["recipients"][0]["address"] = "loop@example.com"
        told.hear("feedback", answered)
        full = bounce(
            "Transient", "General", "4.2.1", message_id=f"chain-{number}", occurred_at=told.now - MINUTE + number
        )
        full["recipients"][0]["address"] = "chain@example.com"
        told.hear("feedback", full)
    told.hear("feedback", event("DELIVERY", "unmatched", "unmatched@example.com", occurred_at=at))
    told.publish()
    return told


def test_why_is_answered_from_the_changelog_alone_and_by_the_same_rules(day: Day, run: Run) -> None:
    for person, reason in (("hard", "HARD_BOUNCE"), ("complaint", "COMPLAINT"), ("loop", None), ("chain", None)):
        address = f"{person}@example.com"
        ran = run("why", f"{person.upper()} <{address.upper()}>", "--json")
        said = json.loads(ran.out)
        assert (said["recipient"], said["reason"]) == (address, reason)
        assert ran.code == (reason is not None)
        expected = json.loads(why(address, day.standing(address), POLICY, day.now).model_dump_json())
        assert said | {"asked_at": ""} == expected | {"asked_at": ""}


def test_why_shows_people_the_evidence_the_rule_and_a_command_in_one_line(
    day: Day, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")  # narrower than the command
    shown = run("why", "hard@example.com").out
    assert "No: their mailbox bounced for good." in shown
    assert "a hard bounce: for good" in shown
    assert "\n    ses-streams suppressions release hard@example.com --why 'WHY, AND WHO ASKED'\n" in shown
    looping = run("why", "loop@example.com").out
    assert "2 answers to shop@example.net" in " ".join(looping.split())
    assert "ses-streams loops clear loop@example.com" in looping
    waits = run("why", "chain@example.com").out
    assert "attempt 3 of r-chain, because of SOFT_BOUNCED Transient/General" in " ".join(waits.split())
    assert "Yes, as far as is known" in run("why", "nobody@example.com").out


def test_trace_tells_each_life_to_its_end(day: Day, run: Run) -> None:
    for message_id, kinds, far in (
        ("hard", ["REQUESTED", "SENT", "SES_SAID", "SES_SAID"], ["HARD_BOUNCED"]),
        ("loop-2", ["SENT", "SES_SAID"], ["AUTO_REPLIED"]),
        ("chain-2", ["SENT", "SES_SAID"], ["SOFT_BOUNCED"]),
        ("unmatched", ["SES_SAID"], []),
    ):
        ran = run("trace", message_id, "--json")
        said = json.loads(ran.out)
        assert [step["kind"] for step in said["steps"]] == kinds
        assert [one["kind"] for one in said["furthest"]] == far
        assert all(step["place"] is not None for step in said["steps"])
        assert (ran.code, said["search"]["complete"]) == (0, True)


def test_trace_shows_people_what_overrides_what_and_what_is_ahead(day: Day, run: Run) -> None:
    shown = run("trace", "<hard@eu-west-1.amazonses.com>").out
    order = ["asked for", "handed to SES by API", "delivered", "HARD_BOUNCED is further than DELIVERED", "bounced: P"]
    places = [shown.index(words) for words in order]
    assert places == sorted(places)
    assert "2 of 2 facts found" in shown
    assert "waits 30 min for it" in run("trace", "unmatched").out
    assert "attempt 3 is due for chain@example.com" in run("trace", "chain-2").out


def test_what_lies_outside_of_the_times_looked_at_is_found_by_a_deep_look_alone(
    day: Day, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.emit.windows.CLOSE", (3 * HOUR, -2 * HOUR))
    monkeypatch.setattr("streams.emit.windows.WIDE", (3 * HOUR, -2 * HOUR))
    ran = run("trace", "hard", "--json")
    assert (ran.code, json.loads(ran.out)["search"]["says"][:20]) == (1, "0 of 2 facts found; ")
    deep = run("trace", "hard", "--json", "--deep")
    assert (deep.code, json.loads(deep.out)["search"]["complete"]) == (0, True)


def test_a_mail_that_nobody_knows_is_found_to_be_unknown(day: Day, run: Run) -> None:
    ran = run("trace", "m-404", "--deep")
    assert ran.code == 1
    assert "Nothing is known of it" in ran.out
    assert "ses-streams why" not in ran.out
    assert "ses-streams why ADDRESS" in run("trace", "ann@example.com", "--deep").out


def test_of_a_mail_whose_sender_nobody_named_none_is_shown(day: Day, run: Run) -> None:
    out = run("trace", "bare", "--deep").out
    assert ("from " in out.splitlines()[2], "stream receipts" in out) == (False, True)


def test_wrong_words_and_a_world_that_fails_end_as_documented(run: Run, no_broker: str) -> None:
    assert run("why", "no address").code == 2
    assert run("trace", " ").code == 2
    assert run("why", "ann@example.com", "--url", "ftp://example.com").code == 2
    failed = run("why", "ann@example.com")
    assert (failed.code, "ann@" in failed.err) == (3, False)
    nobody = run("why", "ann@example.com", "--url", "http://127.0.0.1:9")
    assert (nobody.code, "nobody listens there; without --url the topics are read" in nobody.err) == (3, True)


async def test_a_worker_is_asked_with_the_token_and_an_address_never_in_the_path(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SES_STREAMS_WEB__TOKEN", TOKEN)
    asked: list[tuple[str, str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append((request.path, request.headers.get("Authorization", ""), await request.text()))
        if request.path.endswith("m-404"):
            return web.json_response({"detail": "x"}, status=404, content_type="application/problem+json")
        if request.path.endswith("m-403"):
            return web.json_response({"detail": "set a token"}, status=403, content_type="application/problem+json")
        return web.json_response(text=why("ann@example.com", None, POLICY, 0).model_dump_json())

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server:
        url = str(server.make_url(""))
        known = await asyncio.to_thread(run, "why", "Ann@example.com", "--json", "--url", url)
        unknown = await asyncio.to_thread(run, "trace", "m-404", "--json", "--url", url)
        refused = await asyncio.to_thread(run, "trace", "m-403", "--url", url)
        nobody = await asyncio.to_thread(run, "trace", "m-1", "--url", url)
    assert (known.code, json.loads(known.out)["recipient"]) == (0, "ann@example.com")
    assert (unknown.code, json.loads(unknown.out)["known"]) == (1, False)
    assert (refused.code, "says 403: set a token" in refused.err) == (3, True)
    assert (nobody.code, "says 200: which is no answer of ses-streams" in nobody.err) == (3, True)
    bearer = f"Bearer {TOKEN}"
    assert asked[:2] == [
        ("/api/v1/why", bearer, '{"address": "ann@example.com"}'),
        ("/api/v1/messages/m-404", bearer, ""),
    ]

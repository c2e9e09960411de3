"""The road by SQS in time that jumps: nothing is deleted before it has landed, and nothing is held for ever."""

from __future__ import annotations

import asyncio
import json
from random import Random

import pytest

from streams.emit.landing import Full, NotLanded
from streams.errors import WorldFailed
from streams.inlets.sqs.calls import Why
from tests.builders import CODEC
from tests.inlets.sqs.twin import HIDDEN_S, Quay, Queue, Reader, event, play, time, until, well


def test_what_lands_is_deleted_in_calls_for_ten() -> None:
    async def story() -> None:
        queue, quay = Queue(), Quay()
        queue.send(*map(event, range(100)))
        reader = Reader(queue, quay)
        await reader.road.start()
        await until(lambda: not queue.kept)
        await reader.road.stop()
        assert sorted(quay.ids()) == sorted(f"m-{number}" for number in range(100))
        assert queue.largest["delete"] == 10
        assert queue.calls["delete"] <= 20
        assert reader.items() == {"landed": 100}

    play(story())


def test_a_message_is_deleted_only_after_its_records_are_acknowledged() -> None:
    async def story() -> None:
        queue, quay = Queue(), Quay(act=lambda: (20.0, None))
        queue.send(event(1))
        reader = Reader(queue, quay)
        await reader.road.start()
        await asyncio.sleep(19)
        assert (queue.deleted, quay.landed) == ([], [])
        await until(lambda: not queue.kept)
        assert quay.ids() == ["m-1"]
        await reader.road.stop()

    play(story())


def test_a_message_that_takes_long_stays_hidden_all_the_while() -> None:
    async def story() -> None:
        queue, quay = Queue(), Quay(act=lambda: (10.5 * HIDDEN_S, None))
        queue.send(event(1))
        reader = Reader(queue, quay)
        await reader.road.start()
        await until(lambda: not queue.kept)
        await reader.road.stop()
        assert (queue.handed_out, quay.ids()) == (1, ["m-1"])
        assert queue.calls["hide"] >= 10
        assert reader.figure("ses_sqs_expired_total") == 0

    play(story())


def test_a_message_that_is_handed_out_again_meanwhile_is_deleted_by_its_newer_handle() -> None:
    async def story() -> None:
        queue, quay = Queue(), Quay(act=lambda: (4.0 * HIDDEN_S, None))
        away = (0.01, Why.NETWORK, False)
        queue.trouble = lambda call: away if call == "hide" and 1 < time() < HIDDEN_S + 1 else well(call)
        queue.send(event(1))
        reader = Reader(queue, quay)
        await reader.road.start()
        await until(lambda: queue.handed_out == 2)
        await until(lambda: bool(quay.landed))
        await until(lambda: not queue.kept, 1)
        assert (quay.ids(), queue.handed_out) == (["m-1"], 2)
        assert reader.figure("ses_sqs_expired_total") == 1
        await reader.road.stop()

    play(story())


def test_what_does_not_land_is_shown_again_and_lands_later() -> None:
    async def story() -> None:
        ends = [NotLanded, NotLanded, None]
        queue, quay = Queue(), Quay(act=lambda: (0.01, ends.pop(0) if ends else None))
        queue.send(event(1))
        reader = Reader(queue, quay)
        await reader.road.start()
        await until(lambda: not queue.kept)
        await reader.road.stop()
        assert (quay.ids(), queue.handed_out) == (["m-1"], 3)
        assert reader.items() == {"failed": 2, "landed": 1}
        assert time() < HIDDEN_S, "it was given back, not left until its time was over"

    play(story())


def test_a_full_house_waits_and_gives_nothing_back() -> None:
    async def story() -> None:
        ends = [Full, Full, Full, None]
        queue, quay = Queue(), Quay(act=lambda: (0.01, ends.pop(0) if ends else None))
        queue.send(event(1))
        reader = Reader(queue, quay)
        await reader.road.start()
        await until(lambda: not queue.kept)
        await reader.road.stop()
        assert (quay.ids(), queue.handed_out) == (["m-1"], 1)

    play(story())


def test_brokers_that_are_away_for_an_hour_do_not_use_up_a_queue_s_patience() -> None:
    async def story() -> None:
        queue, quay = Queue(), Quay(act=lambda: (10.0, NotLanded))
        queue.send(*map(event, range(100)))
        reader = Reader(queue, quay)
        await reader.road.start()
        await asyncio.sleep(5)
        quay.silent_since = time() - 5
        await asyncio.sleep(3_600)
        assert queue.handed_out <= 150  # an hour of trying would be thousands
        quay.act, quay.silent_since = (lambda: (0.01, None)), None
        await until(lambda: not queue.kept)
        await reader.road.stop()
        assert set(quay.ids()) == {f"m-{number}" for number in range(100)}

    play(story())


def test_poison_becomes_a_dead_letter_with_its_bytes_is_deleted_and_its_neighbours_go_on() -> None:
    async def story() -> None:
        queue, quay = Queue(), Quay()
        poison = [b"not json", b'{"eventType": "Send", "mail": {}}', b"\xff\xfe", b'{"x": "%s"}' % (b"y" * 500_000)]
        queue.send(event(1), *poison, event(2))
        reader = Reader(queue, quay)
        await reader.road.start()
        await until(lambda: not queue.kept)
        await reader.road.stop()
        letters = [CODEC.decode("mail.DeadLetter", one.value) for one in quay.landed if one.role == "dead-letters"]
        assert sorted(quay.ids()) == ["m-1", "m-2"]
        assert {letter["value"] for letter in letters} == set(poison)
        assert {letter["topic"] for letter in letters} == {"sqs:events"}

    play(story())


def test_what_says_nothing_of_a_mail_is_deleted_and_is_nothing() -> None:
    async def story() -> None:
        queue, quay = Queue(), Quay()
        confirmation = {"Type": "SubscriptionConfirmation", "Message": "You have chosen", "SubscribeURL": "https://x"}
        tested = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}
        queue.send(*(json.dumps(one).encode() for one in (confirmation, tested)))
        queue.send(b"Successfully validated SNS topic for Amazon SES event publishing.")
        reader = Reader(queue, quay)
        await reader.road.start()
        await until(lambda: not queue.kept)
        await reader.road.stop()
        assert (quay.landed, reader.items()) == ([], {"nothing": 3})

    play(story())


def test_a_message_that_could_not_be_deleted_is_not_landed_again_when_it_comes_again() -> None:
    async def story() -> None:
        queue, quay = Queue(), Quay()
        away = True
        queue.trouble = lambda call: (0.01, Why.SERVER, False) if call == "delete" and away else well(call)
        queue.send(event(1))
        reader = Reader(queue, quay)
        await reader.road.start()
        await until(lambda: bool(quay.landed))
        await asyncio.sleep(10 * HIDDEN_S)
        away = False
        await until(lambda: not queue.kept)
        await reader.road.stop()
        assert quay.ids() == ["m-1"]

    play(story())


def test_a_stop_finishes_what_is_in_hand_or_shows_it_to_others_at_once() -> None:
    async def story() -> None:
        queue = Queue()
        chance = Random(7)
        quay = Quay(act=lambda: (chance.choice((0.5, 60.0)), None))
        queue.send(*map(event, range(40)))
        reader = Reader(queue, quay)
        await reader.road.start()
        await asyncio.sleep(1)
        await reader.road.stop()
        assert queue.deleted, "nothing was finished"
        assert queue.kept, "nothing was left"
        assert queue.shown() == len(queue.kept)
        assert {f"m-{one.removeprefix('id-')}" for one in queue.deleted} <= set(quay.ids())

    play(story())


@pytest.mark.parametrize("why", [Why.MISSING, Why.DENIED, Why.CREDENTIALS])
@pytest.mark.parametrize("call", ["receive", "delete", "hide"])
def test_what_nobody_mends_by_waiting_ends_a_start(call: str, why: Why) -> None:
    async def story() -> None:
        queue = Queue(trouble=lambda asked: (0.01, why, False) if asked == call else well(asked))
        reader = Reader(queue, Quay())
        with pytest.raises(WorldFailed, match="events"):
            await reader.road.start()
        await reader.road.stop()

    play(story())


@pytest.mark.parametrize("why", [Why.MISSING, Why.DENIED, Why.CREDENTIALS, Why.THROTTLED, Why.NETWORK, Why.SERVER])
def test_what_goes_amiss_later_is_said_asked_for_ever_more_seldom_and_waited_out(why: Why) -> None:
    async def story() -> None:
        queue, quay = Queue(), Quay()
        reader = Reader(queue, quay)
        await reader.road.start()
        await asyncio.sleep(60)
        queue.trouble = lambda _: (0.01, why, False)
        before = queue.calls["receive"]
        await asyncio.sleep(600)
        assert 0 < queue.calls["receive"] - before < 100
        assert list(reader.road.troubles)
        assert reader.figure("ses_sqs_failed_calls_total") > 0
        queue.trouble = well
        queue.send(event(1))
        await until(lambda: not queue.kept)
        assert list(reader.road.troubles) == []
        await reader.road.stop()
        assert reader.failures == []

    play(story())


def test_an_empty_queue_is_asked_no_more_than_the_long_poll_allows() -> None:
    async def story() -> None:
        queue = Queue()
        reader = Reader(queue, Quay(), wait_seconds=20)
        await reader.road.start()
        await asyncio.sleep(600)
        await reader.road.stop()
        assert queue.calls["receive"] <= 2 * 600 / 20 + 4

    play(story())


def test_a_fault_of_ours_ends_the_whole_and_says_where_without_what(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        queue, quay = Queue(), Quay()
        queue.send(event(1))
        reader = Reader(queue, quay)

        def broken(*_: object) -> None:
            raise ValueError("ann@example.org")

        monkeypatch.setattr("streams.inlets.sorting.open_envelopes", broken)
        await reader.road.start()
        await until(lambda: bool(reader.failures))
        await reader.road.stop()
        (failure,) = reader.failures
        assert "ValueError" in str(failure)
        assert "ann@" not in str(failure)
        assert not queue.deleted

    play(story())


TROUBLES = (Why.THROTTLED, Why.NETWORK, Why.SERVER, Why.OTHER, Why.CROWDED)


def days(seed: int) -> None:
    """Play one day on which anything goes amiss and readers come and go, and then an hour in which all is well."""

    async def story() -> None:
        chance = Random(seed)
        queue, quay = Queue(), Quay()
        share = chance.choice((0.0, 0.1, 0.4))
        calm = False

        def trouble(_: str) -> tuple[float, Why | None, bool]:
            if calm or chance.random() > share:
                return chance.choice((0.01, 0.01, 3.0)), None, True
            return chance.choice((0.01, 8.0)), chance.choice(TROUBLES), chance.random() < 0.5

        def act() -> tuple[float, type[Full | NotLanded] | None]:
            if calm or chance.random() > share:
                return chance.choice((0.01, 0.01, 1.0, 70.0)), None
            return chance.choice((0.01, 10.0)), chance.choice((Full, NotLanded))

        queue.trouble, quay.act = trouble, act
        queue.entry = lambda: chance.choice(TROUBLES) if not calm and chance.random() < share / 2 else None
        sent = 0
        for _ in range(chance.randrange(1, 5)):
            reader = Reader(queue, quay, chance.random, visibility_seconds=chance.choice((5, HIDDEN_S)))
            await reader.road.start()
            for _ in range(chance.randrange(1, 6)):
                more = chance.randrange(30)
                queue.send(*map(event, range(sent, sent + more)))
                sent += more
                await asyncio.sleep(chance.choice((0.1, 5, 60, 900)))
            if chance.random() < 0.5:
                await reader.road.stop()
            else:
                await die()
            assert reader.failures == []
            landed = {one.removeprefix("m-") for one in quay.ids()}
            assert {one.removeprefix("id-") for one in queue.deleted} <= landed
        calm = True
        reader = Reader(queue, quay, chance.random)
        await reader.road.start()
        await until(lambda: not queue.kept, 7_200)
        await reader.road.stop()
        assert set(quay.ids()) == {f"m-{number}" for number in range(sent)}
        assert reader.failures == []
        assert reader.figure("ses_sqs_in_hand") == 0

    play(story())


async def die() -> None:
    """End all that runs besides us, as a kill does: what is in hand is in nobody's."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    mine = {task for task in others if "story" not in repr(task.get_coro()) and "wait_for" not in repr(task.get_coro())}
    for task in mine:
        task.cancel()
    await asyncio.gather(*mine, return_exceptions=True)


@pytest.mark.parametrize("first", range(0, 200, 50))
def test_on_no_day_is_anything_deleted_that_did_not_land_or_left_behind(first: int) -> None:
    for seed in range(first, first + 50):
        try:
            days(seed)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error

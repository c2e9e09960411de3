"""Subscriptions are confirmed where that is wanted, and listed for a person where not; endings are only listed."""

from __future__ import annotations

import json
import logging

import pytest

from streams.inlets.sns.confirm import Confirmations, Taken
from streams.inlets.sns.fetch import Redirected, Unreachable
from streams.inlets.sns.message import Kind
from streams.inlets.sns.refusal import Refusal
from streams.inlets.sns.verify import Genuine
from tests.builders import NOON
from tests.inlets.signing import TOKEN, Clock, Shelf, Signer

SNS = Signer()
CONFIRM = f"https://{SNS.host}/?Action=ConfirmSubscription&TopicArn={SNS.topic}&Token={TOKEN}"


def question(kind: Kind = Kind.SUBSCRIPTION, **others: str) -> Genuine:
    return Genuine(kind, SNS.confirmation(kind, **others), NOON)


def shelf() -> Shelf:
    return Shelf({CONFIRM: b"<ConfirmSubscriptionResponse/>"})


async def test_a_subscription_is_confirmed_where_that_is_wanted() -> None:
    aws = shelf()
    desk = Confirmations(aws, Clock(), confirm=True)
    assert await desk.take(question()) is Taken.CONFIRMED
    assert aws.asked == [CONFIRM]
    assert desk.pending() == []


async def test_a_subscription_waits_for_a_person_where_it_is_not() -> None:
    aws, clock = shelf(), Clock()
    desk = Confirmations(aws, clock, confirm=False)
    assert await desk.take(question()) is Taken.LISTED
    clock.now += 20_000
    assert await desk.take(question()) is Taken.LISTED
    assert aws.asked == []
    (one,) = desk.pending()
    assert (one.topic_arn, one.kind, one.since, one.count) == (SNS.topic, Kind.SUBSCRIPTION, NOON, 2)
    assert one.url == CONFIRM


async def test_a_person_confirms_what_waits_for_one_topic() -> None:
    aws, other = shelf(), Signer(topic="other")
    desk = Confirmations(aws, Clock(), confirm=False)
    await desk.take(question())
    await desk.take(Genuine(Kind.SUBSCRIPTION, other.confirmation(), NOON))
    assert await desk.confirm(SNS.topic) == 1
    assert aws.asked == [CONFIRM]
    assert [one.topic_arn for one in desk.pending()] == [other.topic]
    assert await desk.confirm(SNS.topic) == 0


@pytest.mark.parametrize("trouble", [Unreachable("HTTP 500"), Redirected("HTTP 302"), TimeoutError(), OSError("gone")])
async def test_what_could_not_be_confirmed_comes_again_and_waits_meanwhile(trouble: Exception) -> None:
    aws = Shelf({CONFIRM: trouble})
    desk = Confirmations(aws, Clock(), confirm=True)
    assert await desk.take(question()) is Refusal.NOT_CONFIRMED
    assert len(desk.pending()) == 1
    assert await desk.confirm(SNS.topic) == 0
    assert len(desk.pending()) == 1
    aws.files[CONFIRM] = b""
    assert await desk.take(question()) is Taken.CONFIRMED
    assert desk.pending() == []


@pytest.mark.parametrize("confirm", [True, False])
async def test_the_end_of_a_subscription_is_listed_and_its_url_is_never_followed(confirm: bool) -> None:
    aws = shelf()
    desk = Confirmations(aws, Clock(), confirm=confirm)
    assert await desk.take(question(Kind.UNSUBSCRIPTION)) is Taken.LISTED
    assert await desk.confirm(SNS.topic) == 0
    (one,) = desk.pending()
    assert (one.kind, one.url) == (Kind.UNSUBSCRIPTION, None)
    assert aws.asked == []


@pytest.mark.parametrize("confirm", [True, False])
async def test_a_url_that_does_something_else_is_refused_and_not_even_listed(confirm: bool) -> None:
    aws = shelf()
    desk = Confirmations(aws, Clock(), confirm=confirm)
    wrong = question(SubscribeURL=CONFIRM.replace("ConfirmSubscription", "DeleteTopic"))
    assert await desk.take(wrong) is Refusal.SUBSCRIBE_URL
    assert desk.pending() == []
    assert aws.asked == []


async def test_the_list_is_bounded_and_the_oldest_goes_first() -> None:
    desk = Confirmations(shelf(), Clock(), confirm=False, most=3)
    for number in range(5):
        token = f"{number}"
        await desk.take(question(Token=token, SubscribeURL=CONFIRM.replace(TOKEN, token)))
    assert [one.url for one in desk.pending()] == [CONFIRM.replace(TOKEN, token) for token in "234"]


async def test_a_notification_is_no_confirmation() -> None:
    with pytest.raises(ValueError, match="confirms nothing"):
        await Confirmations(shelf(), Clock(), confirm=True).take(Genuine(Kind.NOTIFICATION, SNS.fields(), NOON))


@pytest.mark.parametrize("file", [b"", Unreachable("HTTP 500"), OSError(CONFIRM)])
async def test_neither_token_nor_url_is_ever_written(file: bytes | Exception, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    told = []
    for confirm in (True, False):
        desk = Confirmations(Shelf({CONFIRM: file}), Clock(), confirm=confirm)
        for kind in (Kind.SUBSCRIPTION, Kind.UNSUBSCRIPTION):
            told += [repr(await desk.take(question(kind))), repr(question(kind)), str(question(kind))]
        await desk.confirm(SNS.topic)
        told.append(f"{desk.pending()}")
    written = caplog.text + "".join(record.getMessage() for record in caplog.records) + json.dumps(told)
    assert SNS.topic in caplog.text
    assert TOKEN not in written
    assert "https://" not in written

"""The intake's sources at AWS: each queue and each SNS topic of the settings, there and leading to us.

Where none is named that is said, and AWS is not asked. Whom a topic tells besides us is nobody's business.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from streams.cli.doctor.finding import Finding, Level, Rule
from streams.cli.doctor.ses_rules import CREDENTIALS
from streams.cli.doctor.world import World
from streams.settings import Settings

NONE = Rule("NO_SOURCES", Level.OK, "the settings name no SNS topic and no queue: this is for `ses-streams intake`")
MISSING = Rule(
    "SOURCE_MISSING",
    Level.WRONG,
    "{kind} {name}: there is none in that account and region",
    "set SES_STREAMS_INTAKE__SNS__TOPICS or __SQS__QUEUES to one that is there",
)
DENIED = Rule("SOURCE_DENIED", Level.WRONG, "{kind} {name}: we may not ask for it", "allow {action} on it")
UNREACHABLE = Rule(
    "SOURCE_UNREACHABLE",
    Level.WRONG,
    "{kind} {name}: no answer from AWS ({why})",
    "let this machine reach it, or set SES_STREAMS_INTAKE__SQS__ENDPOINT_URL",
    world=True,
)
NO_REDRIVE = Rule(
    "QUEUE_WITHOUT_DEAD_LETTERS",
    Level.ADVICE,
    "queue {name} has no dead-letter queue: what we never delete it hands out until it expires",
    "give it a RedrivePolicy: aws sqs set-queue-attributes",
)
WAITING = Rule(
    "QUEUE_WAITS",
    Level.ADVICE,
    "queue {name}: about {count:,} messages wait",
    "run `ses-streams intake`, or more of them",
)
UNHEARD = Rule(
    "TOPIC_TELLS_NOBODY",
    Level.WRONG,
    "SNS topic {name} has no subscription by https or SQS: its messages reach no intake",
    "aws sns subscribe --topic-arn {arn} --protocol https --notification-endpoint https://YOUR-HOST{path}",
)
UNCONFIRMED = Rule(
    "SUBSCRIPTION_PENDING",
    Level.WRONG,
    "SNS topic {name}: its subscription waits to be confirmed",
    "set SES_STREAMS_INTAKE__SNS__CONFIRM=true and let SNS ask again, or confirm it by hand",
)
SHA1 = Rule(
    "SIGNED_BY_SHA1",
    Level.ADVICE,
    "SNS topic {name} signs by SHA-1",
    "aws sns set-topic-attributes --topic-arn {arn} --attribute-name SignatureVersion --attribute-value 2",
)
FINE = Rule("SOURCES_FINE", Level.OK, "{count} at AWS answer: {names}")
RULES = (NONE, MISSING, DENIED, CREDENTIALS, UNREACHABLE, NO_REDRIVE, WAITING, UNHEARD, UNCONFIRMED, SHA1, FINE)
_MANY = 10_000
_REACH_US = ("https", "sqs", "http")
_PENDING = "PendingConfirmation"
_ACTIONS = {"queue": "sqs:GetQueueAttributes", "SNS topic": "sns:GetTopicAttributes, sns:ListSubscriptionsByTopic"}


class Source(NamedTuple):
    """One queue or topic: what AWS says of it, or by which of our words for trouble the question ended."""

    kind: str
    name: str
    attributes: Mapping[str, str] = {}
    subscriptions: Sequence[tuple[str, str]] = ()
    """Protocol and ARN of each."""
    trouble: str = ""
    why: str = ""


def look(world: World) -> list[Finding]:
    """Ask AWS for each source of the settings."""
    intake = world.settings.intake
    if not intake.sns.topics and not intake.sqs.queues:
        return [NONE.found()]
    return list(judge(asyncio.run(_sources(world.settings, world.patience_s)), intake.sns.path))


def judge(sources: Sequence[Source], path: str) -> Iterator[Finding]:
    """Yield what is wrong with the sources, or that nothing is."""
    found = [one for source in sources for one in _of(source, path)]
    yield from found
    if not any(one.rule.level is Level.WRONG for one in found):
        yield FINE.found(count=len(sources), names=", ".join(one.name.rpartition(":")[2] for one in sources))


def _of(source: Source, path: str) -> Iterator[Finding]:
    """Yield what is wrong with one source."""
    name = source.name.rpartition(":")[2]
    if source.trouble:
        rule = {"missing": MISSING, "denied": DENIED, "credentials": CREDENTIALS}.get(source.trouble, UNREACHABLE)
        yield rule.found(kind=source.kind, name=name, why=source.why, action=_ACTIONS[source.kind], service=source.kind)
    elif source.kind == "queue":
        waiting = int(source.attributes.get("ApproximateNumberOfMessages", 0))
        if waiting >= _MANY:
            yield WAITING.found(name=name, count=waiting)
        if not json.loads(source.attributes.get("RedrivePolicy", "{}")):
            yield NO_REDRIVE.found(name=name)
    else:
        reach = [arn for protocol, arn in source.subscriptions if protocol in _REACH_US]
        if not reach:
            yield UNHEARD.found(name=name, arn=source.name, path=path)
        elif all(arn == _PENDING for arn in reach):
            yield UNCONFIRMED.found(name=name)
        if source.attributes.get("SignatureVersion", "1") == "1":
            yield SHA1.found(name=name, arn=source.name)


async def _sources(settings: Settings, patience_s: float) -> list[Source]:
    """Ask for all of them at the same time."""
    asked = [_queue(settings, url, patience_s) for url in settings.intake.sqs.queues]
    asked += [_topic(arn, patience_s) for arn in settings.intake.sns.topics]
    return list(await asyncio.gather(*asked))


async def _queue(settings: Settings, url: str, patience_s: float) -> Source:
    from streams.errors import BadSettings
    from streams.inlets.sqs.aws import name_of_queue, open_queue
    from streams.inlets.sqs.calls import Amiss

    name = name_of_queue(url)
    try:
        async with asyncio.timeout(patience_s), open_queue(settings.intake.sqs, url) as queue:
            return Source("queue", name, await queue.attributes())
    except Amiss as error:
        return Source("queue", name, trouble=error.why.value, why=error.why.value)
    except (BadSettings, TimeoutError) as error:
        return Source("queue", name, trouble="network", why=type(error).__name__)


async def _topic(arn: str, patience_s: float) -> Source:
    from aiobotocore.config import AioConfig
    from aiobotocore.session import get_session

    from streams.dispatch.trouble import TROUBLES, name_of
    from streams.inlets.sqs.trouble import amiss

    limits = AioConfig(connect_timeout=patience_s, read_timeout=patience_s, retries={"total_max_attempts": 1})
    try:
        async with (
            asyncio.timeout(patience_s),
            get_session().create_client("sns", region_name=arn.split(":")[3], config=limits) as sns,
        ):
            attributes: Mapping[str, Any] = await sns.get_topic_attributes(TopicArn=arn)
            told: Mapping[str, Any] = await sns.list_subscriptions_by_topic(TopicArn=arn)
    except TROUBLES as error:
        code = name_of(error)
        trouble = "missing" if code.startswith("NotFound") else amiss("", "", error).why.value
        return Source("SNS topic", arn, trouble=trouble, why=code)
    reached = [(one["Protocol"], one["SubscriptionArn"]) for one in told.get("Subscriptions", ())]
    return Source("SNS topic", arn, attributes.get("Attributes", {}), reached)

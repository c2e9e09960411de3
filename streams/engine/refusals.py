"""What an error of the brokers means for a worker, as a table: what it says, and what is to be done about it.

What is in the table stops the worker. aiokafka would log some of these and wait for ever, and go on behind others.
What is not in it and passes by itself (a leader that moves, a coordinator that loads) is tried again by aiokafka.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from aiokafka import errors
from aiokafka.errors import KafkaError

from streams.errors import WorldFailed

CHECK = "Run: ses-streams topics check"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One error: what it *says* to people, and what to do *then*."""

    error: type[KafkaError]
    says: str
    then: str


REFUSALS = (
    Refusal(
        errors.InvalidSessionTimeoutError,
        "the brokers do not allow this session timeout",
        "Set SES_STREAMS_ENGINE__SESSION_TIMEOUT_MS between their group.min.session.timeout.ms and "
        "group.max.session.timeout.ms",
    ),
    Refusal(
        errors.GroupAuthorizationFailedError,
        "this user may not use the consumer group",
        "Allow it READ on the group (kafka-acls)",
    ),
    Refusal(
        errors.TopicAuthorizationFailedError,
        "this user may not use the topic",
        "Allow it READ and WRITE on our topics (kafka-acls). " + CHECK,
    ),
    Refusal(
        errors.ClusterAuthorizationFailedError,
        "this user may not write idempotently",
        "Allow it IDEMPOTENT_WRITE on the cluster (kafka-acls)",
    ),
    Refusal(
        errors.InconsistentGroupProtocolError,
        "the group has members of another kind",
        "Does another program use it? Set SES_STREAMS_GROUP to a name of our own",
    ),
    Refusal(errors.InvalidGroupIdError, "the brokers refuse the group's name", "Set SES_STREAMS_GROUP"),
    Refusal(
        errors.UnknownMemberIdError,
        "another worker has taken this one's place in the group",
        "Give each worker a SES_STREAMS_ENGINE__INSTANCE_ID of its own",
    ),
    Refusal(errors.UnknownTopicOrPartitionError, "the topic or the partition is not there", CHECK),
    Refusal(errors.InvalidTopicError, "the brokers refuse the topic's name", "Set SES_STREAMS_TOPIC_PREFIX"),
    Refusal(
        errors.MessageSizeTooLargeError,
        "a record is larger than the topic takes",
        "Raise the topic's max.message.bytes, and start again: nothing was acknowledged",
    ),
    Refusal(
        errors.RecordListTooLargeError,
        "a batch is larger than the topic's segments",
        "Raise the topic's segment.bytes, and start again: nothing was acknowledged",
    ),
    Refusal(
        errors.RecordTooLargeError,
        "a record is larger than what is fetched at a time",
        "Lower the topic's max.message.bytes, or delete the record (kafka-delete-records)",
    ),
    Refusal(
        errors.CorruptRecordException,
        "a record is damaged where the broker keeps it",
        "Move the partition's lead to another replica (kafka-leader-election). Without one, what follows can only be "
        "had by moving the group's offset past it (kafka-consumer-groups --reset-offsets)",
    ),
    Refusal(
        errors.InvalidTimestampError,
        "this worker's clock is too far from the broker's",
        "Set the clocks right (timedatectl), and start again: nothing was acknowledged",
    ),
    Refusal(
        errors.NotEnoughReplicasError,
        "too few replicas are in step with their leader",
        "Bring brokers back, or lower the topic's min.insync.replicas",
    ),
    Refusal(
        errors.NotEnoughReplicasAfterAppendError,
        "too few replicas are in step with their leader",
        "Bring brokers back, or lower the topic's min.insync.replicas",
    ),
    Refusal(
        errors.OutOfOrderSequenceNumber,
        "a batch before this one is missing from the log",
        "Has a broker lost what it acknowledged? Start again: what was not acknowledged is done again",
    ),
    Refusal(
        errors.UnknownProducerId,
        "the broker has forgotten this producer",
        "Start again: what was not acknowledged is done again",
    ),
    Refusal(
        errors.ProducerFenced,
        "another producer has this one's id",
        "Start again: what was not acknowledged is done again",
    ),
    Refusal(
        errors.KafkaStorageError,
        "the broker's disk fails",
        "Look at the broker; its partitions need another leader",
    ),
)
BY_ERROR = {refusal.error: refusal for refusal in REFUSALS}
_BY_NAME = {
    name: each for name, each in vars(errors).items() if isinstance(each, type) and issubclass(each, KafkaError)
}
_WORD = re.compile(r"[A-Za-z]+")


def kind_of(error: BaseException) -> type[BaseException]:
    """Return what kind of error it is: aiokafka puts the name of some into the words of a plain KafkaError."""
    if type(error) is KafkaError:
        for word in _WORD.findall(str(error)):
            named = _BY_NAME.get(word)
            if named is not None and named is not KafkaError:
                return named
    return type(error)


def passes(error: BaseException) -> bool:
    """Return whether an error passes by itself, so that the same may be tried again."""
    kind = kind_of(error)
    again = (errors.RebalanceInProgressError, errors.IllegalGenerationError, errors.UnknownMemberIdError)
    return issubclass(kind, again) or bool(getattr(kind, "retriable", False))


def words(error: BaseException) -> str:
    """Return what the brokers say, and what is to be done about it; never another's words, which may hold anything."""
    kind = kind_of(error)
    refusal = next((BY_ERROR[each] for each in kind.__mro__ if each in BY_ERROR), None)
    if refusal is None:
        return f"the brokers refuse ({kind.__name__})"
    return f"{refusal.says} ({kind.__name__}). {refusal.then}"


def refused(error: BaseException, where: str) -> WorldFailed:
    """Return what stops the worker because of *error*: where it was, and `words`."""
    return WorldFailed(f"{where}: {words(error)}")

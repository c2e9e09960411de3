"""Every error that ses-streams raises on purpose, in one tree.

Two kinds of trouble: a record that cannot be used (`Unusable`) becomes a dead letter and its neighbours go on;
a world that fails us (`WorldFailed`) stops the worker, so that nothing is acknowledged that is not done.
No message here may hold a mail address.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

WORLD_FAILED = 3
"""The exit code of a command, and of a worker, that the world failed."""


NO_TOPIC = "ses-streams topics create, unless SES_STREAMS_TOPIC_PREFIX or SES_STREAMS_GROUP is wrong"
"""What to do where a topic is missing: whoever mistypes a prefix would make a whole set of them."""


class SesStreamsError(Exception):
    """The root of the tree."""


class Unusable(SesStreamsError):
    """A record that cannot be used; *reason* is a symbol of mail.DeadReason, *detail* is for people."""

    def __init__(self, reason: str, detail: str = "") -> None:
        """Keep the symbol apart from the words: the symbol is a metric label, the words are not."""
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class WorldFailed(SesStreamsError):
    """The broker, the disk or the registry failed us; the worker stops and says where."""


def cannot_listen(host: str, port: int | None, error: OSError, mend: str) -> WorldFailed:
    """Return what to say of a port that is taken, or a host that is not ours; asyncio says the address once more."""
    why = str(error.strerror).rpartition(": ")[2]
    return WorldFailed(f"cannot listen on {host}:{port}: {why}; {mend}")


class SchemaUnknown(WorldFailed):
    """No schema is known for an id or a subject, and the registry cannot be asked."""


class MustAsk(SesStreamsError):
    """Something must be asked of the world before values can be read: no failure, only not now and not here.

    *ask* asks whatever it takes to read some values. It blocks for seconds, so whoever has a loop calls it in a thread;
    it raises WorldFailed where nobody answers. After it, the same work is tried again from its beginning.
    """

    def __init__(self, words: str, ask: Callable[[Sequence[bytes | None]], None]) -> None:
        """Keep how to ask."""
        super().__init__(words)
        self.ask = ask


class SchemaUnsupported(SesStreamsError):
    """A schema of ours uses a part of Avro for which no reader or writer is made yet: a fault of ours, at the start."""


class NotOurs(SesStreamsError):
    """A key was looked up whose partition another worker has: ask that one."""


class NotReady(SesStreamsError):
    """A key was looked up whose state is not at hand now: it recovers, moves, or we may have lost it. Ask later."""


class BadSettings(SesStreamsError):
    """A setting is missing, unknown or out of range."""

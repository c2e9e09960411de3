"""A worker that is careless with what data, time or load do to it, for the checker to see: ``python offhand.py HOW``.

quiet: what cannot be used is passed over, and not set aside. agape: any share of it is set aside, and nothing stops.
forgetful: an event that comes again counts again. pushy: feedback goes out without waiting for its Send. swayed: the
last word wins, and not the furthest. rooted: records are worked on where they lie. talkative: addresses are logged.
hoarding: every chunk is kept for ever. dropping: feedback that has waited too long is forgotten.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from streams.cli import main
from streams.decide import lifecycle
from streams.decide.lifecycle import Heard
from streams.emit.dead import DeadLetters
from streams.emit.rekey import Rekeying
from streams.engine.limit import Limit
from streams.hops.by_message import ByMessage
from streams.mail.life import Life, Parked
from streams.pipeline import Chunk, Effects, Recall

HOARD_BYTES = 1_000_000
_work, _overdue = ByMessage.work, lifecycle.overdue
_hoard: list[bytes] = []


def _nothing(*_: Any) -> None:
    pass


def _again(life: Life, marks: Sequence[bytes], now: int) -> Heard:
    return Heard(life._replace(touched_at=now, answered=True), tuple(marks))


def _at_once(*_: Any) -> bool:
    return False


def _last(*_: Any) -> bool:
    return True


def _here(_: Rekeying, __: Effects, ___: Chunk, places: Any, keys: Any, ____: int) -> Any:
    del keys
    return places


def _talk(self: ByMessage, chunk: Chunk, recall: Recall, now: int) -> Effects:
    logging.getLogger("streams").warning("about someone@example.org and others: %d records", len(chunk))
    return _work(self, chunk, recall, now)


def _drop(life: Life, now: int) -> tuple[Life, tuple[Parked, ...]]:
    return _overdue(life, now)[0], ()


def _keep(self: ByMessage, chunk: Chunk, recall: Recall, now: int) -> Effects:
    _hoard.append(b"." * HOARD_BYTES + b"".join(value or b"" for value in chunk.values))
    return _work(self, chunk, recall, now)


HOW: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    "quiet": (DeadLetters, "add", _nothing),
    "agape": (Limit, "check", _nothing),
    "forgetful": (lifecycle, "hear", _again),
    "pushy": (lifecycle, "has_room", _at_once),
    "swayed": (lifecycle, "_further", _last),
    "rooted": (Rekeying, "here", _here),
    "talkative": (ByMessage, "work", _talk),
    "dropping": (lifecycle, "overdue", _drop),
    "hoarding": (ByMessage, "work", _keep),
}

if __name__ == "__main__":
    owner, name, broken = HOW[sys.argv[1]]
    setattr(owner, name, broken)
    sys.argv[1:] = ["worker"]
    os.environ["SES_STREAMS_ENGINE__COMPILED"] = "false"  # what is broken here would not be called
    main()

"""The last few things that hop 2 said of people: suppressed, released, in a loop, out of it; for the status page.

What a chunk emitted is kept as it was written, and read only when somebody looks: the hop pays next to nothing. These
bytes name people. They stay in memory, they are few, and an address leaves here only for those who showed the token;
all others get a fingerprint.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any, NamedTuple

from streams.errors import SesStreamsError
from streams.observe.fingerprint import Fingerprints
from streams.pipeline import Batch
from streams.schemas.codec import Codec

KEPT = 40
_STATUS = re.compile(r"[245](\.\d{1,3}){2}")
_SCHEMAS = {"suppressions": "mail.Suppression", "loops": "mail.LoopFlag"}


class Said(StrEnum):
    """What was said of somebody."""

    SUPPRESSED = "suppressed"
    RELEASED = "released"
    LOOPING = "looping"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing said of one person; times are ms since the epoch.

    who: a fingerprint; *address* is None for those who may not see it. evidence: message ids, newest first.
    """

    at: int
    said: Said
    who: str
    address: str | None
    reason: str | None = None
    scope: str | None = None
    until: int | None = None
    evidence: tuple[tuple[str | None, str, str | None], ...] = ()
    replies: int | None = None


_SAID = {"suppressions": (Said.SUPPRESSED, Said.RELEASED), "loops": (Said.LOOPING, Said.CLEARED)}
"""What a record says, and what a null in its place says."""


class _Kept(NamedTuple):
    at: int
    role: str
    key: bytes
    value: bytes | None


class Recent:
    """Keeps the last things said; `saw` is called with what each chunk emitted."""

    def __init__(self, codec: Codec, fingerprints: Fingerprints, now: Callable[[], int]) -> None:
        """Begin with nothing."""
        self._codec, self._fingerprints, self._now = codec, fingerprints, now
        self._kept: deque[_Kept] = deque(maxlen=KEPT)

    def saw(self, outputs: Mapping[str, Batch]) -> None:
        """Keep what a chunk said of people, the last few of it."""
        for role in _SCHEMAS:
            batch = outputs.get(role)
            if batch is not None:
                first = max(len(batch.keys) - KEPT, 0)
                pairs = zip(islice(batch.keys, first, None), islice(batch.values, first, None), strict=True)
                now = self._now()
                self._kept.extend(_Kept(now, role, key, value) for key, value in pairs)

    def notices(self, *, named: bool) -> list[Notice]:
        """Return what is kept, newest first; with addresses only where *named*."""
        return [notice for kept in reversed(self._kept) if (notice := self._read(kept, named=named)) is not None]

    def _read(self, kept: _Kept, *, named: bool) -> Notice | None:
        address, nothing = kept.key.decode(errors="replace"), kept.value is None
        said = _SAID[kept.role][nothing]
        who, shown = self._fingerprints.of(address), address if named else None
        if kept.value is None:
            return Notice(at=kept.at, said=said, who=who, address=shown)
        try:
            record = self._codec.decode(_SCHEMAS[kept.role], kept.value)
        except SesStreamsError:
            return None  # we wrote it a moment ago ourselves; whatever it is, a page that fails would not help
        return Notice(
            at=kept.at,
            said=said,
            who=who,
            address=shown,
            reason=record.get("reason"),
            scope=self._fingerprints.scrub(record["scope"]) if record.get("scope") else None,  # whatever they call it
            until=record["until"],
            replies=record.get("replies"),
            evidence=_evidence(record["evidence"]),
        )


def _evidence(records: Iterable[Mapping[str, Any]]) -> tuple[tuple[str | None, str, str | None], ...]:
    """Return message id, kind and status of each event that it rests on, newest first."""
    newest = sorted(records, key=lambda one: -int(one["at"]))
    return tuple((one["message_id"], one.get("kind", ""), _code(one.get("status"))) for one in newest)


def _code(status: str | None) -> str | None:
    """Return a status that is a code; what else stands there is somebody's words, and may name people."""
    return status if status is not None and _STATUS.fullmatch(status) else None

"""Turns what was counted into label values from closed lists, so that nobody outside can make a series.

A mailbox domain becomes a provider; SES's words keep their spelling if they are known; a stream must be on the allow
list or among the first to be seen. What has no word becomes `other`, and is counted, so that a silent loss of detail
shows. A domain, an address or a free text must never pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from streams.observe.catalogue import METRICS, Metric
from streams.observe.provider import provider_of
from streams.observe.words import CLOSED, OTHER, UNKNOWN

FIRST_STREAMS = 50
"""How many streams get a label of their own where no allow-list is set."""
_STREAM_LENGTH = 64

_BY_PROVIDER = frozenset(metric.name for metric in METRICS.values() if metric.labels[-1:] == ("provider",))

Rule = Callable[[str], str]


def by_provider(counts: Mapping[tuple[str, ...], int]) -> dict[tuple[str, ...], int]:
    """Return the counts with a provider wherever they name a domain.

    First of all, because a chunk can name thousands of domains, and what follows costs more for each key.
    """
    shorter: dict[tuple[str, ...], int] = {}
    for key, count in counts.items():
        short = (*key[:-1], provider_of(key[-1])) if key[0] in _BY_PROVIDER else key
        shorter[short] = shorter.get(short, 0) + count
    return shorter


def latencies_by_provider(latencies: Mapping[str, Sequence[int]]) -> dict[str, list[int]]:
    """Return the latencies with providers for domains."""
    shorter: dict[str, list[int]] = {}
    for domain, durations in latencies.items():
        shorter.setdefault(provider_of(domain), []).extend(durations)
    return shorter


class Labels:
    """The rules of all metrics' labels; remembers which streams it has seen, and what it dropped."""

    def __init__(self, streams: Sequence[str] = ()) -> None:
        """Take the allow-list of streams; without one, the first 50 seen are allowed."""
        self.dropped: Counter[str] = Counter()
        self.streams: dict[str, None] = dict.fromkeys(streams)
        self.room = len(self.streams) or FIRST_STREAMS
        """How many streams may have a label of their own."""
        self._rules = {
            metric.name: tuple(self._rule(metric, label) for label in metric.labels) for metric in METRICS.values()
        }

    def resolve(self, name: str, values: Sequence[str]) -> tuple[str, ...]:
        """Return the label values of one series; KeyError or ValueError where the catalogue has no such metric."""
        return tuple(rule(value) for rule, value in zip(self._rules[name], values, strict=True))

    def _rule(self, metric: Metric, label: str) -> Rule:
        if label == "stream":
            return self._stream
        words = CLOSED.get(f"{metric.name}.{label}", CLOSED.get(label))
        return str if words is None else self._closed(label, words)

    def _closed(self, label: str, words: Sequence[str]) -> Rule:
        """Return the rule that knows *words* in any case, as SES's two APIs spell them."""
        known = {word.lower(): word for word in words} | {"": UNKNOWN}

        def rule(value: str) -> str:
            word = known.get(value) or known.get(value.lower())
            if word is None:
                self.dropped[label] += 1
                return OTHER
            return str(word)

        return rule

    def _stream(self, value: str) -> str:
        """Return the stream's own name while there is room and it looks like a name; never an address."""
        if value in self.streams:
            return value
        if not value:
            return UNKNOWN
        if len(self.streams) < self.room and len(value) <= _STREAM_LENGTH and "@" not in value and value.isprintable():
            self.streams[value] = None
            return value
        self.dropped["stream"] += 1
        return OTHER

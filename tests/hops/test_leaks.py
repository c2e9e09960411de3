"""What a worker published before it died, and remembered nothing of, is put right by whoever does its work again.

A chunk ends where a fetch happens to end. The one that a dead worker was at, and the one in which its heir hears the
same facts again, need not end at the same place; so what the first one said must not outlive what the second one knows.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.hops.by_recipient import ByRecipient
from tests.builders import CODEC, HOUR, NOON, POLICY, Bench, outcome

KINDS = ("DELIVERED", "HARD_BOUNCED", "SOFT_BOUNCED", "COMPLAINED", "NOT_SPAM", "AUTO_REPLIED", "UNSUBSCRIBED")
TOLD = ("suppressions", "loops", "waiting")
FACTS = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 200), st.sampled_from(("m-1", "m-2"))), max_size=6)


def chunk(bench: Bench, facts: list[tuple[str, int, str]]) -> None:
    """Let a worker hear *facts* as one chunk."""
    records: list[Any] = [outcome(kind, NOON + hours * HOUR, message_id) for kind, hours, message_id in facts]
    bench.work("outcomes", [CODEC.encode("mail.Outcome", record) for record in records], NOON + 300 * HOUR)


def last_of(emitted: list[tuple[str, bytes, bytes | None]]) -> dict[str, bytes]:
    """Return the last value of each compacted topic; a null is none."""
    last = {topic: value for topic, _, value in emitted if topic in TOLD}
    return {topic: value for topic, value in last.items() if value is not None}


@given(FACTS, FACTS, FACTS)
def test_what_was_published_and_forgotten_does_not_outlive_what_is_known(
    before: list[tuple[str, int, str]], leaked: list[tuple[str, int, str]], more: list[tuple[str, int, str]]
) -> None:
    died, heir, calm = (Bench(ByRecipient(CODEC, POLICY)) for _ in range(3))
    for bench in (died, heir, calm):
        chunk(bench, before)
    told = len(died.emitted)
    chunk(died, leaked)  # published; the changelog never heard of it
    chunk(heir, leaked + more)
    for fact in leaked + more:
        chunk(calm, [fact])
    lying = [*heir.emitted[:told], *died.emitted[told:], *heir.emitted[told:]]  # as they stand in the topics
    assert last_of(lying) == last_of(calm.emitted)

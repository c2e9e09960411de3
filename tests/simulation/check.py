"""What must hold when a day is over and its faults are mended. Each function yields, in words, what does not.

It asks the stories (what was told), SES's own notes (what was sent), the logs, and the same day without faults, played
by the hops alone. None of it asks a worker what it believes, but for the state that it has stored.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from faust.types import TP

from streams.errors import WorldFailed
from tests.builders import CODEC
from tests.simulation.broker import fold
from tests.simulation.calm import calm, facts_of_life, facts_of_standing
from tests.simulation.disk import in_place_of_rocksdb
from tests.simulation.hops import POLICY
from tests.simulation.ses import Call
from tests.simulation.simulation import Day
from tests.simulation.stories import MINUTE, PEOPLE

UNREAD = 5 * MINUTE
"""A word of SES that lies on a topic for so long has been heard, whatever happened: half of what a doubt lasts."""
BY_DISPATCH = {"FAILED", "SUPPRESSED", "LOOPING", "EXPIRED"}


def check(day: Day) -> list[str]:
    """Return all that is amiss."""
    if day.wrong:
        return list(day.wrong)
    return [wrong for look in LOOKS for wrong in look(day)]


def failures(day: Day) -> Iterator[str]:
    """Workers may fail for what the world did to them, and for nothing else."""
    for error in [*day.yard.failures, *day.loop.errors]:
        if not isinstance(error, WorldFailed):
            yield f"a worker failed by itself: {error!r} {getattr(error, '__notes__', '')}"


def at_rest(day: Day) -> Iterator[str]:
    """All is worked off, committed, and owned by somebody who runs."""
    for tp in day.inputs():
        end, committed = day.broker.end(tp), day.broker.committed.get(tp, 0)
        if end != committed:
            yield f"{tp.topic}/{tp.partition}: committed up to {committed} of {end}"


def outcomes(day: Day) -> Iterator[str]:
    """Every outcome that was due is there, nothing else is, and an id means one thing however often it is said.

    Not so of dispatch's mails: what is said again after a crash may know the Send for which SES's own event stood in,
    and when dispatch ends a request, the time is its own.
    """
    said: dict[str, tuple[bytes, dict[str, Any]]] = {}
    for tp, offset, _, value in day.broker.rows("outcomes"):
        if value is None or _is_spoilt(day, value):
            continue
        record = CODEC.decode("mail.Outcome", value)
        first = said.setdefault(record["outcome_id"], (value, record))
        if first[0] != value and record["recipient"] not in PEOPLE:
            differs = sorted(name for name in record if record[name] != first[1][name])
            yield f"outcomes/{tp.partition} {offset}: {record['outcome_id']} says something else: {differs}"
    due = {one for story in day.stories for one in story.outcomes}
    ours = [one for _, one in said.values() if one["recipient"] not in PEOPLE]
    found = {(one["message_id"], one["recipient"], one["kind"]) for one in ours}
    yield from (f"lost: {one}" for one in sorted(due - found))
    yield from (f"nobody said so: {one}" for one in sorted(found - due))
    expected = calm(day.stories).outcomes
    for one in ours:
        if one != expected.get(one["outcome_id"]):
            yield f"{one['message_id']} {one['kind']} is not what it is on a calm day"


def _is_spoilt(day: Day, value: bytes) -> bool:
    return any(value == one.value for story in day.stories for one in story.spoilt)


def dead_letters(day: Day) -> Iterator[str]:
    """What nobody can read is set aside with its bytes and its place, and nothing else is."""
    spoilt = {id(one) for story in day.stories for one in story.spoilt}
    values = {(one.topic, one.key, one.value) for story in day.stories for one in story.spoilt}
    due = {
        (tp.topic, tp.partition, offset): one.value
        for one, tp, offset in day.published
        if id(one) in spoilt or (one.topic, one.key, one.value) in values
    }
    found = {}
    for _, _, _, value in day.broker.rows("dead-letters"):
        letter = CODEC.decode("mail.DeadLetter", value or b"")
        found[letter["topic"], letter["partition"], letter["offset"]] = letter["value"]
    yield from (f"no dead letter of {place}" for place in sorted(due.keys() - found.keys()))
    yield from (f"a dead letter of {place}, which can be read" for place in sorted(found.keys() - due.keys()))
    yield from (f"the dead letter of {place} has other bytes" for place in due if found.get(place) != due[place])


def state(day: Day) -> Iterator[str]:
    """A store holds what its changelog adds up to, and knows how far it is."""
    seen = Counter[TP]()
    for worker in day.workers():
        for tp in sorted(worker.actives() & worker.stores.keys()):
            store, log = worker.stores[tp], day.broker.logs[tp]
            seen[tp] += 1
            folded = fold(log.rows)
            if store.position != len(log.rows):
                yield f"{tp.topic}/{tp.partition}: the store is at {store.position} of {len(log.rows)}"
            values = store.recall(list(folded))
            day.disks.refuses.clear()  # nobody wrote so late that it was heard of
            with in_place_of_rocksdb(day.disks):  # what was kept last is written before all is read
                held = sum(map(len, store.values(1000)))
            if values != list(folded.values()) or held != len(folded):
                yield f"{tp.topic}/{tp.partition}: the store is not what the changelog adds up to"
    for tp in day.broker.logs:
        if tp.topic.endswith("changelog") and seen[tp] != 1:
            yield f"{tp.topic}/{tp.partition} has {seen[tp]} owners"


def facts(day: Day) -> Iterator[str]:
    """What is known of every message and of every person is what is known on a calm day."""
    expected = calm(day.stories)
    lives, standings = _folded(day, "g-lives-changelog"), _folded(day, "g-standings-changelog")
    for key in sorted(lives.keys() | expected.lives.keys()):
        if not key.startswith(b"0103-") and facts_of_life(lives.get(key)) != facts_of_life(expected.lives.get(key)):
            yield f"the life of {key.decode()} is not what it is on a calm day"
    for key in sorted(standings.keys() | expected.standings.keys()):
        ours, theirs = standings.get(key), expected.standings.get(key)
        if key.decode() not in PEOPLE and facts_of_standing(ours) != facts_of_standing(theirs):
            yield f"the standing of {key.decode()} is not what it is on a calm day"


def _folded(day: Day, changelog: str) -> dict[bytes, bytes]:
    """Return a whole table; a key lives in one partition."""
    found: dict[bytes, bytes] = {}
    for tp, log in day.broker.logs.items():
        if tp.topic == changelog:
            found |= fold(log.rows)
    return found


def suppressions(day: Day) -> Iterator[str]:
    """Nobody is suppressed without a reason, and nobody with one is not."""
    due = {one for story in day.stories for one in story.suppressed}
    said = {key.decode() for key in day.broker.latest["suppressions"]} - set(PEOPLE)
    yield from (f"{one} is not suppressed" for one in sorted(due - said))
    yield from (f"{one} is suppressed" for one in sorted(said - due))


def ends(day: Day) -> Iterator[str]:
    """Every request ends for everybody, and dispatch says so once."""
    yield from (f"{one}: no end for {whom}" for one, whom in day.open_requests())
    by_dispatch: defaultdict[tuple[str, int, str], set[str]] = defaultdict(set)
    for _, _, _, value in day.broker.rows("outcomes"):
        if value is not None and not _is_spoilt(day, value):
            record = CODEC.decode("mail.Outcome", value)
            if record["kind"] in BY_DISPATCH:
                name = record["request_id"], record["attempt"], record["recipient"]
                by_dispatch[name].add(record["kind"])
    yield from (f"{name} ended more than once: {kinds}" for name, kinds in by_dispatch.items() if len(kinds) > 1)


def sent_once(day: Day) -> Iterator[str]:
    """Nobody gets an attempt again but in doubt, after SES had its time, and while SES has not said that it has it."""
    words = _words_of_ses(day)
    last: dict[tuple[str, int, str], Call] = {}
    for call in day.ses.calls:
        for recipient in call.recipients:
            name = call.request_id, call.attempt, recipient
            was = last.get(name)
            last[name] = call
            if was is None or was.was_denied:
                continue
            if call.began < was.began + POLICY.dispatch.doubt:
                yield f"{name} was called again after {call.began - was.began} ms, in the midst of doubt"
            if was.message_id is not None and words.get(was.message_id, call.began) < call.began - UNREAD:
                yield f"{name} was sent again, and SES's word that it has it had been there for long"


def _words_of_ses(day: Day) -> dict[str, int]:
    """Return since when (ms) a topic says that SES has a message."""
    since: dict[str, int] = {}
    for topic, name in (("feedback", "mail.Feedback"), ("settlements", "mail.Settlement")):
        for tp, offset, _, value in day.broker.rows(topic):
            if value is None or _is_spoilt(day, value):
                continue
            message_id = CODEC.decode(name, value)["message_id"]
            at = day.broker.logs[tp].times[offset]
            since[message_id] = min(at, since.get(message_id, at))
    return since


LOOKS: tuple[Callable[[Day], Iterator[str]], ...] = (
    failures,
    at_rest,
    outcomes,
    dead_letters,
    state,
    facts,
    suppressions,
    ends,
    sent_once,
)

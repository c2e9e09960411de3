"""At most once: random lives of a request, with answers, silences, crashes and repeats, and what holds in each."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.mail.address import normal_address
from streams.mail.letter import Accepted, Answer, Refused, Silent, Unsent
from streams.mail.request import Phase
from tests.builders import DAY, NOON
from tests.dispatch.bench import MINUTE, SECOND, DispatchBench, request, retry, settlement

PEOPLE = ("ann@example.com", "bob@example.org", "cid@example.net")
CODES = (
    "MessageRejected",
    "InternalServiceErrorException",
    "TooManyRequestsException",
    "SendingPausedException",
    "Odd",
)

answers = st.sampled_from(
    [
        ("accepted", ""),
        ("accepted", ""),
        *(("refused", code) for code in CODES),
        ("silent", "timeout"),
        ("silent but there", "timeout"),
        ("unsent", "connection"),
        ("unsent", "timeout"),
    ]
)
people = st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=3, unique=True)
person = st.sampled_from(PEOPLE)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), people, st.integers(1, 2)),
        st.tuples(st.just("retry"), person, st.integers(1, 3)),
        st.tuples(st.just("answer"), answers),
        st.tuples(st.just("crash"), st.booleans()),
        st.tuples(st.just("settle")),
        st.tuples(st.just("auto_reply"), person | st.just("")),
        st.tuples(st.just("hold"), person, st.booleans()),
        st.tuples(st.just("pass_time"), st.sampled_from((SECOND, 10 * SECOND, MINUTE, 12 * MINUTE))),
    ),
    max_size=14,
)


class World:
    """SES as it is, whatever the worker hears of it: which mail it has, and by whom an answer came."""

    def __init__(self) -> None:
        self.bench = DispatchBench()
        self.asked = False
        self.has: list[tuple[str, int, tuple[str, ...]]] = []
        self.called: Counter[tuple[int, str]] = Counter()
        self.certainly_not: Counter[tuple[int, str]] = Counter()
        self.answered_at: dict[str, int] = {}
        self.seen = 0

    def run(self, said: tuple[str, str] = ("accepted", ""), *, hear: bool = True) -> None:
        """Let all calls that wait end in one way; without *hear* the worker dies before it knows."""
        bench = self.bench
        bench.road.script = [self._answer(said, len(self.has) + n) for n, _ in enumerate(bench.errands)]
        results = bench.run_errands()
        for letter, (_, heard) in zip(bench.road.carried[self.seen :], results, strict=True):
            names = tuple(map(normal_address, letter.recipients))
            self._note(names, letter.attempt)
            sure = isinstance(heard.answer, Refused | Unsent) and hear
            for name in names:
                self.called[letter.attempt, name] += 1
                self.certainly_not[letter.attempt, name] += sure
            if said[0] in {"accepted", "silent but there"}:
                self.has.append((f"s-{len(self.has)}", letter.attempt, names))
        self.seen = len(bench.road.carried)
        if hear:
            bench.hear(results)

    def _note(self, names: tuple[str, ...], attempt: int) -> None:
        """Check, at the moment of the call, that nobody is called who must not be."""
        assert len(set(names)) == len(names)
        late = [name for name in names if self.answered_at.get(name, self.seen) < self.seen]
        assert late == [], "a mail that got an auto-reply went again"
        doubts = self.bench.counts["ses_doubts_total", "sent_again"]
        for name in names:
            perhaps = self.called[attempt, name] - self.certainly_not[attempt, name]
            assert perhaps <= doubts, f"attempt {attempt} went out {perhaps + 1} times, and {doubts} doubts ran out"

    def _answer(self, said: tuple[str, str], number: int) -> Answer:
        """Return what SES answers."""
        kind, word = said
        now = self.bench.now
        match kind:
            case "accepted":
                return Accepted(f"s-{number}", now)
            case "refused":
                return Refused(word, "", now)
            case "unsent":
                return Unsent(word, now)
            case _:
                return Silent(word, now)

    def ask(self, to: list[str], attempt: int) -> None:
        """Let the request come, or come again; the first attempt is always for all three."""
        self.asked = True
        self.bench.ask(request("r-1", *(PEOPLE if attempt == 1 else to), attempt=attempt))

    def retry(self, person: str, attempt: int) -> None:
        """Let a retry come."""
        self.bench.retry(retry(recipient=person, attempt=attempt))

    def answer(self, said: tuple[str, str]) -> None:
        """Let all calls that are under way end in one way."""
        self.run(said)

    def crash(self, calls_begun: bool) -> None:
        """Let the worker end, before its calls begin or after SES has them."""
        if calls_begun:
            self.run(hear=False)
        self.bench.begin_anew()

    def settle(self) -> None:
        """Let SES's events of all that it has come, for the first time or again."""
        for message_id, attempt, names in self.has:
            self.bench.settle(settlement("ACCEPTED", message_id, attempt=attempt, recipients=list(names)))

    def auto_reply(self, person: str) -> None:
        """Let a machine answer the last mail; without a *person* nobody knows whose."""
        if not self.has:
            return
        message_id, attempt, _ = self.has[-1]
        self.bench.settle(settlement("AUTO_REPLIED", message_id, attempt=attempt, recipient=person))
        for one in (person,) if person else PEOPLE:
            self.answered_at.setdefault(one, self.seen + len(self.bench.errands) - 1)

    def hold(self, person: str, holding: bool) -> None:
        """Let something else wait to be sent to a person again, or no longer."""
        if holding:
            self.bench.tell("waiting", person, "mail.Waiting", recipient=person, holding=True, since=NOON)
        else:
            self.bench.forget("waiting", person)

    def pass_time(self, milliseconds: int) -> None:
        """Let time pass; calls that begin meanwhile wait for their answer."""
        bench = self.bench
        end = bench.now + milliseconds
        while (due := bench.table.next_due()) is not None and due <= end:
            bench.now = max(bench.now, due)
            bench.wake(bench.table.take_due())
        bench.now = end

    def end(self) -> None:
        """Let all that was held go on, SES answer, and the days pass."""
        for person in PEOPLE:
            self.bench.forget("waiting", person)
        for _ in range(60):
            self.run()
            if self.bench.table.values and self.bench.stored().is_over:
                return
            self.pass_time(10 * MINUTE)


def check(world: World) -> None:
    """Check what holds after each step: nothing is stuck, and what is written down is all that is known."""
    bench = world.bench
    if not bench.table.values:
        return
    stored = bench.stored()
    names = [one.name for one in stored.tries]
    assert len(names) == len(set(names))
    if not stored.is_over:
        assert bench.table.next_due() is not None, "it waits, and nobody will look at it again"


@settings(max_examples=1_000)
@given(steps)
def test_no_life_sends_an_attempt_twice_to_anybody_and_every_life_ends(life: list[tuple[Any, ...]]) -> None:
    world = World()
    for what, *details in life:
        getattr(world, what)(*details)
        check(world)
    if world.asked:
        world.end()
        assert {one.phase for one in world.bench.stored().tries} <= {Phase.SENT, Phase.ENDED}
        world.bench.pass_time(8 * DAY)
        left = world.bench.table.values and world.bench.stored()
        assert not left or (left.answered and not left.record), "only a machine's answer is remembered longer"
        world.bench.pass_time(90 * DAY)
        assert world.bench.table.values == {}


@given(st.lists(st.integers(1, 2), min_size=1, max_size=6))
def test_a_request_that_comes_again_is_counted_and_never_sent(attempts: list[int]) -> None:
    bench = DispatchBench()
    for attempt in attempts:
        bench.ask(request(attempt=attempt))
        bench.work_off()
    assert sorted(letter.attempt for letter in bench.road.carried) == sorted(set(attempts))
    assert bench.counts["ses_duplicates_total", "send-requests"] == len(attempts) - len(set(attempts))


def test_a_request_that_comes_twice_in_one_chunk_is_sent_once() -> None:
    bench = DispatchBench()
    bench.ask(request(), request(), request())
    bench.work_off()
    bench.pass_time(DAY)
    assert len(bench.road.carried) == 1
    assert bench.counts["ses_duplicates_total", "send-requests"] == 2


def test_a_retry_and_a_new_request_of_the_same_attempt_reach_each_person_once() -> None:
    bench = DispatchBench()
    bench.ask(request("r-1", *PEOPLE))
    bench.work_off()
    bench.retry(retry(recipient=PEOPLE[0], attempt=2))
    bench.ask(request("r-1", *PEOPLE, attempt=2))
    bench.retry(retry(recipient=PEOPLE[1], attempt=2))
    bench.work_off()
    bench.pass_time(MINUTE)
    reached = [(letter.attempt, person) for letter in bench.road.carried for person in letter.recipients]
    assert len(reached) == len(set(reached)) == 6

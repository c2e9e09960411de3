"""How the answers look on a terminal: the sentence first, then what it rests on, then what to do about it.

An operator gave the address, so it may be shown here; it goes to stdout alone. What servers and senders wrote is made
harmless before a terminal sees it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from streams.answers.evidence import WaitsFor
from streams.answers.model import Trace, Verdict, Why
from streams.answers.said import Rule
from streams.answers.steps import Concluded, Step, StepKind
from streams.cli.shown import harmless

_VERDICTS = {Verdict.YES: "bold green", Verdict.SOME_STREAMS: "bold yellow", Verdict.NO: "bold red"}
_BAD = frozenset({"HARD_BOUNCED", "COMPLAINED", "REJECTED", "RENDERING_FAILED", "FAILED"})
_MARKS = {
    StepKind.REQUESTED: "?",
    StepKind.SENT: ">",
    StepKind.SES_SAID: "<",
    StepKind.RETRY_DUE: "@",
    StepKind.DEAD_LETTER: "x",
    StepKind.SILENCE: ".",
}

_WAITS = {WaitsFor.TIME: "for its time", WaitsFor.TURN: "for its turn", WaitsFor.BARRED: "barred"}


def print_why(answer: Why) -> None:
    """Print whether we may write to somebody, and why."""
    console = Console(highlight=False)
    console.print(_text(answer.recipient, "bold"))
    console.print(_text(answer.answer, _VERDICTS[answer.verdict]))
    for title, rows in (
        ("What stands against them", list(_grounds(answer))),
        ("What was heard", list(_evidence(answer))),
        ("What waits to be sent again", list(_waits(answer))),
    ):
        if rows:
            console.print(_headed(title, _grid(rows)))
    _print_lift(console, answer)


def _grounds(answer: Why) -> Iterator[tuple[Text, ...]]:
    """Yield a row for each ground."""
    for ground in answer.grounds:
        style = "red" if ground.holds else "dim"
        scope = "every stream" if ground.scope == "*" else f"stream {ground.scope}"
        until = "for good" if ground.until is None else f"until {_minute(ground.until)}"
        holds = "holds" if ground.holds else "is over"
        words = f"{scope}, since {_minute(ground.since)}, {until}; undone by {ground.undone_by}"
        yield _text(holds, style), _text(ground.reason, style), _ruled(words, ground.because)
    if answer.loop is not None:
        loop = answer.loop
        words = f"{loop.replies} answers to {loop.local_address}, until {_minute(loop.until)}"
        yield _text("holds", "yellow"), _text("LOOP", "yellow"), _ruled(words, loop.because)


def _evidence(answer: Why) -> Iterator[tuple[Text, ...]]:
    """Yield a row for each thing that was heard; a rule is said once for what follows each other by it."""
    before = None
    for one in answer.evidence:
        until = "" if one.until is None else f" until {_minute(one.until)}"
        style = "" if one.counts else "dim"
        head = _text(f"{one.kind} {'counts' if one.counts else 'does not count'}{until}", style)
        details = (one.status, None if one.stream is None else f"stream {one.stream}", one.by and f"by {one.by}")
        about = ", ".join(filter(None, details))
        lines = [head, *(_text(words) for words in (one.message_id, about) if words)]
        if one.because != before:
            lines.append(_text(one.because.says, "dim"))
        yield _text(_minute(one.at), style), Text("\n").join(lines)
        before = one.because


def _waits(answer: Why) -> Iterator[tuple[Text, ...]]:
    """Yield a row for each retry that waits, and one where an answer is awaited."""
    for wait in answer.retries:
        what = f"attempt {wait.attempt} of {wait.request_id}, because of {wait.because}"
        yield _text(_minute(wait.due_at)), _text(_WAITS[wait.waits_for]), _ruled(what, wait.rule)
    if answer.probe_at is not None:
        yield _text(_minute(answer.probe_at)), _text("asked"), _text("a retry went out, and its result is awaited")


def _print_lift(console: Console, answer: Why) -> None:
    """Print how to take away what stands against somebody; commands in one line each, to be copied."""
    if answer.lift:
        console.print(_headed("To lift it", Group()))
    for lift in answer.lift:
        console.print(Padding(_text(lift.does), (0, 0, 0, 2)))
        if lift.command is not None:
            console.print(_text(f"    {lift.command}", "cyan"), soft_wrap=True)


def print_trace(answer: Trace) -> None:
    """Print the life of one mail."""
    console = Console(highlight=False)
    console.print(_text(answer.message_id, "bold"))
    console.print(_text(answer.answer, "bold"))
    about = (
        answer.from_address and f"from {answer.from_address}",
        answer.stream and f"stream {answer.stream}",
        answer.request_id and f"request {answer.request_id}",
        None if answer.attempt is None else f"attempt {answer.attempt}",
    )
    if any(about):
        console.print(_text(", ".join(filter(None, about)), "dim"))
    if answer.steps:
        console.print(_headed("What happened", _grid(map(_step, answer.steps))))
    if answer.ahead:
        rows = [(_text(_minute(one.at)), _ruled(one.says, one.because)) for one in answer.ahead]
        console.print(_headed("Ahead", _grid(rows)))
    console.print()
    console.print(_text(answer.search.says, "green" if answer.search.complete else "yellow"))
    if answer.others:
        console.print(_text(f"other attempts of its request: {', '.join(answer.others)}"))
    if any(step.concluded for step in answer.steps):
        console.print(_text("what holds for a recipient now, all mails heard: ses-streams why ADDRESS", "dim"))
    elif "@" in answer.message_id:
        console.print(_text("of an address instead of a mail: ses-streams why ADDRESS", "dim"))


def _step(step: Step) -> tuple[Text, ...]:
    """Return the row of one step: when, which way it went, and what it led to."""
    lines = [
        _text(step.says),
        _text(_where(step), "dim"),
        *(line for one in step.concluded for line in _concluded(one)),
    ]
    return _text(_second(step.at)), _text(_MARKS[step.kind], "bold"), Text("\n").join(lines)


def _where(step: Step) -> str:
    """Return the rule of a step, and where its record lies."""
    place = step.place
    lies = "" if place is None else f"[{place.topic}/{place.partition} at {place.offset}]"
    return lies if step.because.name == "heard" else f"{step.because.says} {lies}"


def _concluded(one: Concluded) -> Iterator[Text]:
    """Yield the lines about one recipient."""
    style = ("red" if one.kind in _BAD else "green") if one.furthest else "dim"
    unmatched = "" if one.matched else ", unmatched"
    yield Text.assemble((one.kind, style), f" {harmless(one.recipient) or 'nobody is named'}{unmatched}")
    yield _text(f"  {one.because.says}", "dim")
    yield from (_text(f"  {follows}") for follows in one.follows)


def _headed(title: str, body: RenderableType) -> RenderableType:
    return Group(Text(f"\n{title}", "bold"), Padding(body, (0, 0, 0, 2)))


def _grid(rows: Iterable[tuple[Text, ...]]) -> Table:
    """Return rows as columns, of which the last takes what is left."""
    table = Table.grid(padding=(0, 1, 0, 0))
    for number, row in enumerate(rows):
        if not number:
            for place in range(len(row)):
                table.add_column(overflow="fold", no_wrap=place < len(row) - 1)
        table.add_row(*row)
    return table


def _ruled(words: str, rule: Rule) -> Text:
    """Return words, and below them the rule."""
    above = f"{harmless(words)}\n" if words else ""
    return Text.assemble(above, (rule.says, "dim"))


def _text(words: str, style: str = "") -> Text:
    return Text(harmless(words), style)


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%MZ}"


def _second(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%SZ}"

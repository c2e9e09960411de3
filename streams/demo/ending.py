"""How the show ends: the reconciliation as a table for people, and the summary as one JSON object for machines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from streams.demo.audit import Fault, Thing, Verdict
from streams.demo.loop.ending import Looped, loop_notes, loop_summary
from streams.demo.scene import Scene
from streams.demo.view import words

FAULTS_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """How fast it went: *events* sends and SES events in *seconds*; *measured* says in words what that is.

    cpu_us: processor time of the worker for each event, microseconds; None where it could not be told.
    steps: the worker's own account of its time for each event, microseconds, by step; steps overlap, and some wait.
    alone: nobody but the broker worked beside it, and there was work all the time: only then these mean anything.
    """

    measured: str
    events: int
    seconds: float
    cpu_us: float | None = None
    rss_bytes: int | None = None
    steps: dict[str, float]
    alone: bool = False

    @property
    def per_second(self) -> float:
        """Events a second."""
        return self.events / self.seconds if self.seconds > 0 else 0.0


def faults_of(verdict: Verdict, loop: Looped | None) -> tuple[list[Fault], list[Fault]]:
    """Return what is lost and what is wrong, of the day and of the closed loop."""
    lost, wrong = ((), ()) if loop is None else (loop.lost, loop.wrong)
    return (
        [*verdict.lost, *(Fault(thing=Thing.REQUEST, what=what) for what in lost)],
        [*verdict.wrong, *(Fault(thing=Thing.REQUEST, what=what) for what in wrong)],
    )


def summary(scene: Scene, verdict: Verdict, speed: Speed, repeats: int, loop: Looped | None = None) -> dict[str, Any]:
    """Return the summary: counts are of different things, however often they were written."""
    lost, wrong = faults_of(verdict, loop)
    return {
        "messages": scene.messages,
        "seed": scene.seed,
        "sends": scene.sends,
        "feedback": scene.events,
        "outcomes": dict(scene.kinds),
        "suppressions": dict(scene.suppressed),
        "duplicates": scene.duplicates,
        "unmatched": scene.unmatched,
        "dead_letters": scene.letters,
        "lost": len(lost),
        "wrong": len(wrong),
        "sent_twice": 0 if loop is None else loop.verdict.sent_twice,
        "kills": scene.kills,
        "outcomes_written_again": repeats,
        "elapsed_s": round(scene.elapsed, 1),
        "events_per_s": round(speed.per_second),
        "measured": speed.measured,
        "worker": _of_worker(speed),
        "closed_loop": None if loop is None else loop_summary(loop),
        "faults": [f"{fault.thing}: {fault.what}" for fault in [*lost, *wrong][:FAULTS_SHOWN]],
    }


def _of_worker(speed: Speed) -> dict[str, Any]:
    """Return the summary's figures of the worker."""
    return {
        "events": speed.events,
        "seconds": round(speed.seconds, 2),
        "events_per_s": round(speed.per_second),
        "cpu_us_per_event": None if speed.cpu_us is None else round(speed.cpu_us, 1),
        "rss_mib": None if speed.rss_bytes is None else speed.rss_bytes >> 20,
        "steps_us_per_event": {step: round(us, 2) for step, us in speed.steps.items()},
    }


def closing(scene: Scene, verdict: Verdict, speed: Speed, repeats: int, loop: Looped | None = None) -> RenderableType:
    """Return the last page."""
    lost, wrong = faults_of(verdict, loop)
    said = f"lost: {len(lost)}, wrong: {len(wrong)}"
    said += "" if loop is None else f", sent twice: {loop.verdict.sent_twice:,}"
    colour = "red" if lost or wrong else "green"
    big = Panel.fit(Text(said, style=f"bold {colour}"), border_style=colour, padding=(0, 3))
    looped = () if loop is None else loop_notes(loop)
    notes = [Text(note, style="bright_black") for note in (*looped, *_notes(scene, speed, repeats))]
    faults = [Text(f"{fault.thing}: {fault.what}", style="red") for fault in [*lost, *wrong][:FAULTS_SHOWN]]
    rest = len(lost) + len(wrong) - len(faults)
    if rest:
        faults.append(Text(f"and {rest:,} more", style="red"))
    title = Text("The ledger against the topics", style="bold")
    table = _table(verdict, loop, lost, wrong)
    return Padding(Group(title, "", table, "", *faults, *notes, "", big), (1, 2, 1, 2))


def _table(verdict: Verdict, loop: Looped | None, lost: list[Fault], wrong: list[Fault]) -> Table:
    """Return what was due, what came out, and what is amiss, a thing a row."""
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="bright_black")
    for number, name in enumerate(("", "due", "came out", "lost", "wrong")):
        table.add_column(name, justify="right" if number else "left")
    due, found = dict(verdict.due), dict(verdict.found)
    if loop is not None:
        due[Thing.REQUEST], found[Thing.REQUEST] = loop.verdict.due, loop.verdict.ends.total()
    for thing, count in due.items():
        counts = f"{count:,}", f"{found[thing]:,}"
        amiss = (_zero(sum(fault.thing is thing for fault in faults)) for faults in (lost, wrong))
        table.add_row(thing.value, *counts, *amiss)
    return table


def _notes(scene: Scene, speed: Speed, repeats: int) -> list[str]:
    """Return what the reader should know besides."""
    found = [
        f"{scene.duplicates:,} events came twice and counted once",
        f"{scene.unmatched:,} outcomes are of mails that nobody told us of",
        f"{speed.per_second:,.0f} events/s: {speed.measured}",
    ]
    if speed.alone and speed.cpu_us is not None:
        found.append(f"the worker took {speed.cpu_us:.1f} us of processor time an event")
        steps = ", ".join(f"{words(step)} {us:.1f}" for step, us in speed.steps.items())
        found.append(f"us an event by step, side by side and waits included: {steps}")
    if scene.kills:
        found.append(
            f"kills without warning: {scene.kills}; {repeats:,} outcomes came out again, under the ids they had"
        )
    return found


def _zero(count: int) -> Text:
    return Text(f"{count:,}", style="bold red" if count else "green")

"""What `ses-streams suppressions sync-ses` does: read both lists, say what differs, and, where it is told to, mend it.

What is to be done is decided in sync_plan.py. Towards SES it goes at one request a second, which is all that SES takes;
towards us it goes by instructions, as everything does that an operator decides.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import orjson

from streams.cli.desk import Desk
from streams.cli.options import now
from streams.cli.shown import Bar, counted, people
from streams.cli.sync_plan import Plan, plan_sync
from streams.decide.instruction import Action
from streams.dispatch.account import Listed, SuppressionList
from streams.emit.instruct import Word, instruction
from streams.emit.topic import Topic
from streams.errors import Unusable
from streams.mail.address import normal_address
from streams.mail.suppression import EVERY_STREAM, SuppressionReason

_NAME = "mail.Instruction"


class Asked(NamedTuple):
    """What the operator asked for; *by* and *why* go into our instructions."""

    pull: bool
    push: bool
    delete_released: bool
    apply: bool
    as_json: bool
    by: str
    why: str


def run(asked: Asked, *, progress: bool | None, brokers: str | None) -> None:
    """Sync; see the command's help for the rest."""
    asyncio.run(_run(asked, Desk(brokers), progress))


async def _run(asked: Asked, desk: Desk, progress: bool | None) -> None:
    """Look, plan, say, and do."""
    async with SuppressionList(desk.settings.dispatch) as ses:
        with Bar("reading SES's list", shown=progress) as bar:
            theirs = await _listed(ses, bar)
        released = _released(desk)
        with desk.table("suppressions", "mail.Suppression") as records:
            found = plan_sync(records, theirs, released)
        chosen = _chosen(found, asked)
        _say_plan(found, asked, len(theirs))
        if asked.apply:
            _do_here(chosen, asked, desk)
            await _do_there(chosen, asked, ses, progress)
        else:
            _say_steps(chosen, asked, done=False)
    if not asked.apply:
        people("nothing is done: say --apply" if any(chosen[:-1]) else "there is nothing to do")
    desk.close()


async def _listed(ses: SuppressionList, bar: Bar) -> list[Listed]:
    """Return SES's whole list."""
    theirs: list[Listed] = []
    async for entry in ses.list():
        theirs.append(entry)
        bar.told(len(theirs), None)
    return theirs


def _released(desk: Desk) -> dict[str, int]:
    """Return recipient to when an operator last released it for every stream: as far back as instructions are kept."""
    latest: dict[str, int] = {}
    with Bar("reading what was released") as bar, Topic(desk.settings, "instructions") as topic:
        for row in topic.to_the_end(bar.told):
            try:
                told = desk.codec.decode(_NAME, row.value or b"")
            except Unusable as why:
                desk.faults.add(f"{topic.name}/{row.partition} at offset {row.offset}: {why}")
                continue
            if told["action"] == Action.RELEASE and told["scope"] == EVERY_STREAM:
                latest[told["recipient"]] = max(told["at"], latest.get(told["recipient"], 0))
    return latest


def _chosen(found: Plan, asked: Asked) -> Plan:
    """Return that part of the plan that was asked for."""
    return Plan(
        pull=found.pull if asked.pull else (),
        push=found.push if asked.push else (),
        release=found.release if asked.pull and asked.delete_released else (),
        delete=found.delete if asked.push and asked.delete_released else (),
        both=found.both,
    )


def _do_here(chosen: Plan, asked: Asked, desk: Desk) -> None:
    """Write the instructions for our own list."""
    with desk.outbox(_NAME) as outbox:
        for entry in chosen.pull:
            recipient = normal_address(entry.address)
            written = None if recipient == entry.address else entry.address
            word, reason = Word(asked.by, entry.at, asked.why), SuppressionReason.SES_LIST.value
            outbox.write(_NAME, instruction(recipient, Action.SUPPRESS, word, reason=reason, written=written))
        for recipient in chosen.release:
            outbox.write(_NAME, instruction(recipient, Action.RELEASE, Word(asked.by, now(), asked.why)))
    _say_steps(chosen._replace(push=(), delete=()), asked, done=True)
    people(f"{counted(len(chosen.pull) + len(chosen.release), 'instruction')} written")


async def _do_there(chosen: Plan, asked: Asked, ses: SuppressionList, progress: bool | None) -> None:
    """Change SES's list, one request a second; what was done stays done where one fails, and the rest by a next run."""
    steps: list[tuple[Plan, Callable[..., Awaitable[Any]], tuple[Any, ...]]] = [
        *((Plan(push=(one,)), ses.put, one) for one in chosen.push),
        *((Plan(delete=(one,)), ses.delete, (one.address,)) for one in chosen.delete),
    ]
    shown = False if asked.as_json and sys.stdout.isatty() else progress  # the bar and the lines would cross
    with Bar("changing SES's list", shown=shown) as bar:
        for number, (step, call, arguments) in enumerate(steps, 1):
            await call(*arguments)
            _say_steps(step, asked, done=True)
            bar.told(number, len(steps))
    people(f"{counted(len(steps), 'entry', 'entries')} of SES's list changed")


def _say_plan(found: Plan, asked: Asked, at_ses: int) -> None:
    """Say in numbers what differs, a line for each kind of difference that there is."""
    alone = "" if asked.delete_released else "; left alone without --delete-released"
    rows = (
        (found.pull, "to be suppressed here as SES_LIST", "" if asked.pull else "; not asked for"),
        (found.push, "to be put on SES's list", "" if asked.push else "; not asked for"),
        (found.release, "stopped here only because SES had them, which has dropped them", alone),
        (found.delete, "on SES's list, released here since", alone),
    )
    people(f"{counted(at_ses, 'entry', 'entries')} at SES, {found.both:,} of them stopped here too")
    for differ, what, but in rows:
        if differ:
            people(f"{len(differ):>9,}  {what}{but}")


def _say_steps(steps: Plan, asked: Asked, *, done: bool) -> None:
    """Print each step as a line of JSON, where that is wanted."""
    if not asked.as_json:
        return
    rows = [
        *(("suppress here", entry.address, SuppressionReason.SES_LIST) for entry in steps.pull),
        *(("release here", recipient, None) for recipient in steps.release),
        *(("put at SES", entry.address, entry.reason) for entry in steps.push),
        *(("delete at SES", entry.address, entry.reason) for entry in steps.delete),
    ]
    for step, address, reason in rows:
        line = {"do": step, "address": address, "reason": reason, "done": done}
        sys.stdout.write(orjson.dumps(line).decode() + "\n")
    sys.stdout.flush()

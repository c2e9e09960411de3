"""Asks the groups side by side, each in a thread and within its time; what fails or is late becomes a finding.

The threads are daemons: one that hangs in somebody's library does not keep the command from ending.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from streams.cli.doctor.finding import FAILED, NO_ANSWER, NOT_ASKED, Finding
from streams.cli.doctor.table import BROKERS, Check
from streams.cli.doctor.world import World
from streams.errors import SesStreamsError

QUESTIONS = 4
"""A group asks a few questions, each of which may take as long as our patience."""


class Told(NamedTuple):
    """What a group found."""

    check: Check
    findings: Sequence[Finding]


def run(checks: Sequence[Check], only: frozenset[str], world: World) -> list[Told]:
    """Return what the groups named in *only* found, in order; and the brokers', where these keep others from asking."""
    return asyncio.run(_run(checks, only, world))


async def _run(checks: Sequence[Check], only: frozenset[str], world: World) -> list[Told]:
    wanted = [check for check in checks if check.name in only]
    first = next(check for check in checks if check.name == BROKERS)
    depends = any(check.by_brokers for check in wanted)
    knocked = asyncio.ensure_future(_asked(first, world)) if depends or first in wanted else None

    async def one(check: Check) -> Told:
        if knocked is not None and check is first:
            return Told(check, await knocked)
        if knocked is not None and check.by_brokers and not _opened(await knocked):
            return Told(check, [NOT_ASKED.found(why="no broker answers")])
        return Told(check, await _asked(check, world))

    told = list(await asyncio.gather(*map(one, wanted)))
    if knocked is not None and first not in wanted and not _opened(await knocked):
        told.insert(0, Told(first, await knocked))
    return told


def _opened(findings: Iterable[Finding]) -> bool:
    """Tell whether some broker let us in."""
    return any(not one.rule.world for one in findings)


async def _asked(check: Check, world: World) -> Sequence[Finding]:
    """Return what a group finds, or why it finds nothing."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[Finding]] = loop.create_future()

    def give(found: list[Finding]) -> None:
        if not answer.done():
            answer.set_result(found)

    def ask() -> None:
        try:
            found = check.look(world)
        except TimeoutError:
            found = [NO_ANSWER.found(seconds=world.patience_s, longer=world.patience_s * 3)]
        except SesStreamsError as error:
            found = [FAILED.found(why=error)]
        except Exception as error:  # noqa: BLE001 - a check that falls over must not take the others along
            found = [FAILED.found(why=f"{type(error).__name__}, which is a fault of ses-streams; please report it")]
        if not loop.is_closed():
            loop.call_soon_threadsafe(give, found)

    threading.Thread(target=ask, name=f"doctor {check.name}", daemon=True).start()
    seconds = world.patience_s * QUESTIONS
    try:
        async with asyncio.timeout(seconds):
            return await answer
    except TimeoutError:
        return [NO_ANSWER.found(seconds=seconds, longer=world.patience_s * 3)]

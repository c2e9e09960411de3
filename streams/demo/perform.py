"""From the command's words to its exit code: sets the stage, plays the show, prints how it ended, clears up."""

from __future__ import annotations

import signal
import sys
import time
from types import FrameType
from typing import NoReturn

import orjson
from rich.console import Console
from rich.text import Text

from streams.demo.ending import closing, faults_of, summary
from streams.demo.plan import Plan
from streams.demo.run import Result, Show
from streams.demo.screen import Screen, screen_on
from streams.demo.stage import Stage
from streams.errors import WorldFailed

INTERRUPTED = 130
"""What shells return for a command that Ctrl-C ended."""
BAD = 1
KEEP_LOOK_S = 1.0


def perform(plan: Plan, *, json: bool, keep: bool) -> int:
    """Play *plan*; return 0 where nothing is lost and nothing is wrong.

    Args:
        plan: what to play.
        json: print the summary as one JSON object on stdout, and everything else on stderr.
        keep: leave everything running afterwards, until Ctrl-C.

    Raises:
        WorldFailed: a part did not start, or ended by itself.

    """
    begun = time.monotonic()
    console = Console(stderr=json)
    before = signal.signal(signal.SIGTERM, _interrupt)  # so that a polite end clears up as Ctrl-C does
    try:
        with (
            Stage(plan) as stage,
            screen_on(console) as screen,
        ):
            result = _played(plan, stage, screen, begun)
            screen.show(result.scene)
            _tell(result, screen, json=json)
            if keep:
                _keep(stage, screen)
            return BAD if any(faults_of(result.verdict, result.loop)) else 0
    except KeyboardInterrupt:
        console.print("\nended early; everything that was started is stopped", style="yellow")
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, before)


def _played(plan: Plan, stage: Stage, screen: Screen, begun: float) -> Result:
    try:
        return Show(plan, stage, screen, begun).play()
    except WorldFailed as error:
        raise stage.explained(error) from error


def _tell(result: Result, screen: Screen, *, json: bool) -> None:
    parts = result.scene, result.verdict, result.speed, result.repeats, result.loop
    screen.say(closing(*parts))
    if json:
        sys.stdout.write(orjson.dumps(summary(*parts)).decode() + "\n")
        sys.stdout.flush()


def _keep(stage: Stage, screen: Screen) -> None:
    """Stay up until Ctrl-C; that is then no failure."""
    url = stage.worker.url
    for said in (
        "  All of it stays up; Ctrl-C ends it.",
        f"  status page {url} (token {stage.worker.token})",
        f"  {url}metrics",
        f"  {url}health/ready",
        f"  broker {stage.brokers}",
        f"  log {stage.worker.log}",
        *([] if stage.ses is None else [f"  simulated SES {stage.ses.url}"]),
    ):
        screen.say(Text(said, no_wrap=True, overflow="ignore"))
    try:
        while True:
            stage.worker.check()
            time.sleep(KEEP_LOOK_S)
    except KeyboardInterrupt:
        return


def _interrupt(_: int, __: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt

"""How a fault test rigs a worker: it says what shall go wrong in its next life. `rigged.py` has what can."""

from __future__ import annotations

import json
import time

from tests.faults.process import Worker
from tests.faults.stage import Stage
from tests.faults.watch import run

LOOK_S = 0.5
Rig = tuple[str | int | float, ...]
"""A rig's name, and its words."""


def rigged(stage: Stage, name: str, *rigs: Rig, **settings: object) -> Worker:
    """Return the worker of this name, started, with *rigs*; without any, nothing is wrong with it."""
    file = stage.home / f"{name}.rig.json"
    file.write_text(json.dumps(rigs), "utf-8")
    return run(stage, name, ("-m", "tests.faults.rigged", str(file)), **settings)


def wait_until_quiet(stage: Stage, seconds: float = 8) -> None:
    """Wait until no outcome has come for so long: what is missing then from a broken worker is lost, and not slow."""
    came, since = -1, time.monotonic()
    while time.monotonic() - since < seconds:
        stage.lag()  # reads on
        if len(stage.evidence.outcomes) != came:
            came, since = len(stage.evidence.outcomes), time.monotonic()
        time.sleep(LOOK_S)

"""How a fault test rigs a worker: it says what shall go wrong in its next life; `rigged.py` has what there is."""

from __future__ import annotations

import json

from tests.faults.process import Worker
from tests.faults.stage import Stage
from tests.faults.watch import run

Rig = tuple[str | int | float, ...]
"""A rig's name, and its words."""


def rigged(stage: Stage, name: str, *rigs: Rig, **settings: object) -> Worker:
    """Return the worker of this name, started, with *rigs*; without any, nothing is wrong with it."""
    file = stage.home / f"{name}.rig.json"
    file.write_text(json.dumps(rigs), "utf-8")
    return run(stage, name, ("-m", "tests.faults.rigged", str(file)), **settings)

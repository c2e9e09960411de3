"""A worker of the product that gives the world a few seconds: ``python impatient.py MILLISECONDS``.

Its own patience is no setting: 40 s for a request, 100 s for the group, 30 s for a registry. All else is as
`python -m streams worker`.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import streams.app
from streams.cli import main
from streams.engine import asking
from streams.engine.config import EngineConfig
from streams.settings import Settings

PATIENCE_MS = int(sys.argv[1])
_usual = streams.app.engine_config


def _hurried(settings: Settings) -> EngineConfig:
    return replace(_usual(settings), request_timeout=PATIENCE_MS // 2, rebalance_timeout=PATIENCE_MS // 2)


streams.app.engine_config = _hurried
asking.PATIENCE_S = PATIENCE_MS / 1000

if __name__ == "__main__":
    sys.argv[1:] = ["worker"]
    main()

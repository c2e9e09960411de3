"""How the commands that run until they are told to stop begin and end: settings, log, exit code.

With --json a line is said of each. What they serve stands in the front doors, app.py and bridge.py.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import typer

from streams import __version__
from streams.cli import NEXT
from streams.cli.shown import people
from streams.errors import WORLD_FAILED
from streams.observe.logs import set_up_logs
from streams.settings import LogFormat, Settings, load_settings


def settings_and_log(what: str, *, as_json: bool) -> Settings:
    """Return the settings, with the log as they say, but JSON where JSON is wanted."""
    settings = load_settings()
    form = {"format": LogFormat.JSON} if as_json else {}
    set_up_logs(settings.log.model_copy(update=form), worker=settings.engine.instance_id)
    if as_json:
        _say(started=what, version=__version__, brokers=settings.brokers, group=settings.group, port=settings.web.port)
    return settings


def serve(what: str, run: Callable[[Settings], int], settings: Settings, *, as_json: bool) -> None:
    """Run it until it is told to stop; ends with exit code 3 where the world failed it."""
    code = WORLD_FAILED if run(settings) != 0 else 0
    if as_json:
        _say(stopped=what, code=code)
    if code:
        if sys.stderr.isatty():
            people(f"ses-streams: {NEXT}")
        raise typer.Exit(code)


def _say(**words: str | int) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()

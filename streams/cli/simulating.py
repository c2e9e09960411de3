"""What `ses-streams simulate` does: start a simulator, say where it is, wait to be told to stop, and add up.

Its words are in simulate.py; what an SES does is no business of the command line.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import orjson

from streams.errors import BadSettings
from streams.observe.logs import set_up_logs
from streams.settings import Log, LogFormat, LogLevel, load_settings
from streams.simulator.server import Simulator
from streams.simulator.words import Conditions, Form, SimulatorSettings

_CONDITIONS = frozenset(field.name for field in fields(Conditions))
_SETTINGS = frozenset(field.name for field in fields(SimulatorSettings)) - {"conditions"}
_SANDBOX = {"rate": 1.0, "quota": 200.0}
"""What an account in the sandbox may send, where nothing else is said (SES developer guide, "Request production
access")."""


def run(given: Mapping[str, Any]) -> None:
    """Run a simulator until SIGTERM or Ctrl-C; *given* are the command's options by name.

    Raises:
        BadSettings: the options do not fit together.
        WorldFailed: a port is taken, or events cannot go out.

    """
    settings = settings_of(given)
    by_kafka = load_settings() if "kafka" in settings.events else None
    form = LogFormat.JSON if given["json"] else LogFormat.TEXT
    set_up_logs(Log(level=LogLevel.WARNING, format=form))
    asyncio.run(_run(Simulator(settings, kafka=by_kafka), json=given["json"]))


def settings_of(given: Mapping[str, Any]) -> SimulatorSettings:
    """Return the simulator's settings.

    Raises:
        BadSettings: a word that is unknown or does not fit.

    """
    more = dict(_pair(word) for word in given["more"] or ())
    words = {name: value for name, value in given.items() if value is not None} | more
    limits = _SANDBOX if more.get("sandbox") is True else {}
    conditions = {name: value for name, value in words.items() if name in _CONDITIONS} | {"paused": given["pause"]}
    for name, value in limits.items():
        if given[name] == getattr(Conditions(), name):
            conditions[name] = value
    chosen = {name: value for name, value in words.items() if name in _SETTINGS}
    return SimulatorSettings(**chosen | _translated(words), conditions=Conditions().changed(conditions))


def _pair(word: str) -> tuple[str, Any]:
    """Return NAME=VALUE as a name and a value.

    Raises:
        BadSettings: nobody knows the name, or the value does not fit.

    """
    name, equals, written = word.partition("=")
    name = name.strip().replace("-", "_")
    if not equals or name not in MORE:
        raise BadSettings(f"--set wants NAME=VALUE with one of {', '.join(sorted(MORE))}, not {word}")
    try:
        return name, MORE[name](written.strip())
    except ValueError:
        raise BadSettings(f"--set {name} has no use for {written}") from None


def _words(written: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in written.split(",") if part.strip())


def _switch(written: str) -> bool:
    if written not in {"true", "false"}:
        raise ValueError(written)
    return written == "true"


def _count(written: str) -> int:
    if not written.isdecimal():
        raise ValueError(written)
    return int(written)


MORE: Mapping[str, Callable[[str], Any]] = {
    "outage": _words,
    "refuse": str,
    "region": str,
    "sandbox": _switch,
    "verified": _words,
    "configuration_sets": _words,
    "suppress": _switch,
    "certificate": Path,
    "key": Path,
    "message_bytes": _count,
    "connections": _count,
    "remember": _count,
    "patience_ms": float,
}
"""What --set knows, and how each is read; the rest has options of its own."""


def _translated(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the words whose names or types are the command line's own."""
    login = given.get("smtp_login")
    user, colon, password = (login or "").partition(":")
    if login is not None and not colon:
        raise BadSettings("--smtp-login wants USER:PASSWORD")
    if given["form"] not in set(Form):
        raise BadSettings(f"--form is one of {', '.join(Form)}")
    return {
        "api_port": given["port"],
        "form": Form(given["form"]),
        "events": tuple(given.get("events", ())),
        "smtp_login": (user, password) if colon else None,
    }


async def _run(simulator: Simulator, *, json: bool) -> None:
    """Start, wait, stop."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    await simulator.start()
    _say_where(simulator, json=json)
    stopping, failing = asyncio.create_task(told.wait()), asyncio.create_task(simulator.failed())
    try:
        await asyncio.wait({stopping, failing}, return_when=asyncio.FIRST_COMPLETED)
        if failing.done():
            failing.result()
    finally:
        await _end(simulator, stopping, failing)
    _say_counts(simulator, json=json)


async def _end(simulator: Simulator, *tasks: asyncio.Task[Any]) -> None:
    """Stop the simulator and those who wait for it."""
    await simulator.stop()
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await task


def _say_where(simulator: Simulator, *, json: bool) -> None:
    """Say where it listens, once it does."""
    settings = simulator.settings
    if json:
        where = {
            "api_url": simulator.api_url,
            "smtp_host": settings.host,
            "smtp_port": simulator.smtp_port,
            "seed": settings.seed,
            "region": settings.region,
            "events": settings.events,
        }
        _print({"simulator": where})
    goes = ", ".join(settings.events) or "nowhere (--events file:PATH, sns:URL or kafka)"
    lines = [
        "an SES at home; Ctrl-C stops it",
        f"  API     {simulator.api_url}   any credentials, region {settings.region}",
        f"  SMTP    {settings.host}:{simulator.smtp_port}   {_login_words(settings)}",
        f"  events  {goes}",
        f"  limits  {_limit_words(settings.conditions)}",
        f"  steer   {simulator.api_url}/simulator/conditions, /sent, /health, /reset",
    ]
    trouble = _trouble_words(settings.conditions)
    if trouble:
        lines.insert(-1, f"  trouble {trouble}")
    sys.stderr.write("".join(line + "\n" for line in lines))


def _login_words(settings: SimulatorSettings) -> str:
    login = "any login" if settings.smtp_login is None else "your login"
    return login if settings.certificate is None else f"{login}, STARTTLS"


def _limit_words(conditions: Conditions) -> str:
    a_day = "no daily quota" if conditions.quota < 0 else f"{conditions.quota:,.0f} in 24 hours"
    return f"{conditions.rate:,.10g} recipients/s, {a_day}"


def _trouble_words(conditions: Conditions) -> str:
    """Return what is not as it would be by itself, but for the limits."""
    calm = asdict(Conditions())
    found = {name: value for name, value in asdict(conditions).items() if value != calm[name]}
    told = {name: value for name, value in found.items() if name not in {"rate", "quota"}}
    return ", ".join(name if value is True else f"{name} {_written(value)}" for name, value in told.items())


def _written(value: object) -> str:
    return " ".join(value) if isinstance(value, tuple) else f"{value:g}" if isinstance(value, float) else str(value)


def _say_counts(simulator: Simulator, *, json: bool) -> None:
    """Say what was done."""
    counts = simulator.counts()
    if json:
        _print({"simulated": counts})
    refused = ", ".join(f"{number:,} {code}" for code, number in counts["refused"].items()) or "none"
    told = ", ".join(f"{number:,} {kind}" for kind, number in counts["events"].items()) or "none"
    sys.stderr.write(f"stopped: {counts['accepted']:,} mails accepted\n  refused {refused}\n  events  {told}\n")
    left = {"not yet due": counts["waiting"], "undelivered": counts["undelivered"]}
    for words, number in left.items():
        if number:
            sys.stderr.write(f"  {words}: {number:,} events\n")


def _print(line: dict[str, Any]) -> None:
    sys.stdout.write(orjson.dumps(line).decode() + "\n")
    sys.stdout.flush()

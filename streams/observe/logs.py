"""Standard logging, as text for people or JSON for machines, with no address in it whoever wrote the line.

Lines for people where a terminal shows them, JSON otherwise, unless a setting says. A line of JSON says which process
wrote it, and where in a topic it is about, so that lines of many workers can be laid beside each other.

Our own code logs no address. This is the belt to those braces: libraries and tracebacks quote what they were given, so
every line is scrubbed as it leaves, message, arguments and exception alike, and so is what Python itself prints of an
error that nobody caught. Which lines are written, and where, is decided here and nowhere else.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import socket
import sys
import threading
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import TextIO

from streams.observe.fingerprint import Fingerprints
from streams.observe.places import place_of
from streams.settings import Log, LogFormat

_TALKATIVE = ("botocore", "aiobotocore")
"""Libraries that write whole requests at debug level, and so whole mails: subjects and texts are in no pattern."""
_OWN = secrets.token_bytes(32)
"""The key where none is set: so that a person looks the same in the log and on the page."""


class Lines(logging.Formatter):
    """One record as one line of text; the traceback, if any, below it."""

    def __init__(self, fingerprints: Fingerprints) -> None:
        """Keep what hides addresses."""
        super().__init__()
        self._fingerprints = fingerprints

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, scrubbed."""
        error = self._error(record)
        line = f"{_time(record)} {record.levelname:<8} {record.name}: {record.getMessage()}"
        return self._fingerprints.scrub(f"{line}\n{error}" if error else line)

    def _error(self, record: logging.LogRecord) -> str:
        """Return the traceback, or nothing. Never kept in the record: there it would be unscrubbed."""
        told = "".join(traceback.format_exception(*record.exc_info)).rstrip() if record.exc_info else ""
        return f"{told}\n{record.stack_info}".strip() if record.stack_info else told


class Objects(Lines):
    """One record as one JSON object on one line."""

    def __init__(self, fingerprints: Fingerprints, worker: str) -> None:
        """Keep, too, the name of the process."""
        super().__init__(fingerprints)
        self._worker = worker

    def format(self, record: logging.LogRecord) -> str:
        """Return the object; a place and an `error` are there only where there is one."""
        scrub = self._fingerprints.scrub
        message = scrub(record.getMessage())
        said: dict[str, str | int] = {
            "at": _time(record),
            "level": record.levelname.lower(),
            "worker": self._worker,
            "logger": record.name,
            "message": message,
            **place_of(message),
        }
        error = self._error(record)
        if error:
            said["error"] = scrub(error)
        return json.dumps(said, ensure_ascii=False)


def set_up_logs(settings: Log, stream: TextIO | None = None, worker: str | None = None) -> None:
    """Make the root logger write to *stream* (stderr), and nothing else; errors that nobody caught go there too.

    *worker* is the name of this process among others; without one it is the host's name and the process id.
    """
    fingerprints = fingerprints_of(settings)
    handler = logging.StreamHandler(stream)
    name = f"{socket.gethostname()}-{os.getpid()}" if worker is None else worker
    handler.setFormatter(
        Objects(fingerprints, name) if _is_json(settings.format, handler.stream) else Lines(fingerprints)
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.level.upper())
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(root.level, logging.INFO))
    logging.captureWarnings(capture=True)
    catch_the_uncaught()


def _is_json(form: LogFormat, stream: TextIO) -> bool:
    """Tell whether lines are for machines: as is set, else wherever no terminal shows them."""
    return form is LogFormat.JSON or (form is LogFormat.AUTO and not stream.isatty())


def fingerprints_of(settings: Log) -> Fingerprints:
    """Return what hides addresses; without a key of the settings, by one that all of this process shares."""
    return Fingerprints(_OWN if settings.key is None else settings.key.get_secret_value().encode())


def catch_the_uncaught() -> None:
    """Let errors that nobody caught go through logging, where they are scrubbed."""
    sys.excepthook = _uncaught
    threading.excepthook = lambda args: _uncaught(
        args.exc_type, args.exc_value if args.exc_value is not None else args.exc_type(), args.exc_traceback
    )


def _uncaught(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger("streams").critical("an error that nobody expected", exc_info=(kind, error, where))


def _time(record: logging.LogRecord) -> str:
    """Return when the record was made, as all our times are shown."""
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"

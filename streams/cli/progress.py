"""What one run of `ingest` has done, in a file, so that the next one goes on where this one was killed.

A source is noted once all that came of it is acknowledged by the brokers; the file is replaced at a stroke, so that
there is always a whole one. Sources are noted by a digest of name, size and time (or S3's ETag): names may hold what
nobody should find here. One that was not read to its end is read again from its beginning: repeats do no harm, for an
event's id comes from its content, and gzip cannot be entered in the middle.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

from streams.errors import BadSettings, WorldFailed
from streams.intake.sources import Source

EVERY_S = 2.0
"""Between two writings; a kill costs what was read since the last one."""

_FIRST_LINE = "ses-streams ingest: digests of what is read and acknowledged, 1"
_SHARE = 20  # writing a long list may take this part of the time


class Progress:
    """Notes what is read, and knows what was."""

    def __init__(self, path: Path, acknowledged: Callable[[], None]) -> None:
        """Go on with the file at *path*; *acknowledged* returns once all that was handed over is safe.

        Raises:
            BadSettings: there is a file, and it is none of ours; it is left alone.

        """
        self._path, self._acknowledged = path, acknowledged
        self._done = _read(path)
        self._open: list[str] = []
        self._due = time.monotonic() + EVERY_S

    def knows(self, source: Source, /) -> bool:
        """Tell whether *source* was read and acknowledged."""
        return source.identity is not None and _digest(source.identity) in self._done

    def finished(self, source: Source, /) -> None:
        """Take down that *source* is read; note it in the file now and then."""
        if source.identity is not None:
            self._open.append(_digest(source.identity))
        if time.monotonic() >= self._due:
            self.note()

    def note(self) -> None:
        """Wait for the brokers, then note what is read.

        Raises:
            WorldFailed: the brokers did not acknowledge, or the file cannot be written.

        """
        self._acknowledged()
        begun = time.monotonic()
        self._done.update(self._open)
        self._open.clear()
        try:
            _replace(self._path, "".join(f"{line}\n" for line in (_FIRST_LINE, *sorted(self._done))))
        except OSError as error:
            raise WorldFailed(f"cannot write {self._path}: {error.strerror}") from error
        now = time.monotonic()
        self._due = now + max(EVERY_S, _SHARE * (now - begun))


def _digest(identity: str) -> str:
    return blake2b(identity.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def _read(path: Path) -> set[str]:
    """Return what the file says; nothing where there is none."""
    try:
        first, *lines = path.read_text("utf-8").split("\n") if path.exists() else (_FIRST_LINE,)
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"cannot read {path}, in which progress should be noted: {type(error).__name__}") from error
    if first != _FIRST_LINE:
        raise BadSettings(f"{path} is no file in which ses-streams ingest notes its progress; it is left alone")
    return {line for line in lines if line}


def _replace(path: Path, text: str) -> None:
    """Put *text* into the file at a stroke: a machine that dies leaves the old file or the new one."""
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

"""Apache Kafka's MirrorMaker, and its command for a group's offsets: what copies a cluster to another, as processes.

    with Mirror(directory, properties) as mirror:  # properties are those of connect-mirror-maker.sh
        ...

The jars are got as those of the broker are (`jars.py`), into var/mirror: `mirror/pom.xml` names them.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.kafka.jars import HERE, HOME, NoKafka, jars_of, java
from tests.kafka.node import LOGGING

PROJECT = HERE / "mirror"
STOP_TIMEOUT_S = 20.0
COMMAND_TIMEOUT_S = 60.0
_QUICK = ("-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""As a broker of a test: it lives a minute."""


def mirror_jars() -> Path:
    """Return the directory of the jars, after getting them where they are not there yet; NoKafka where they cannot."""
    return jars_of(PROJECT, HOME.with_name("mirror"))


def no_mirror() -> str:
    """Return why MirrorMaker cannot run here; an empty text where it can."""
    try:
        java()
        mirror_jars()
    except NoKafka as exc:
        return str(exc)
    return ""


def classes(home: Path) -> list[str]:
    """Return Java's words for these jars, with a log for people on stdout that is set up in *home*."""
    logging = home / "log4j2.xml"
    logging.write_text(LOGGING)
    return [java(), *_QUICK, f"-Dlog4j2.configurationFile={logging}", "-cp", f"{mirror_jars()}/*"]


class Mirror:
    """One MirrorMaker in dedicated mode; *properties* is the text of its file."""

    def __init__(self, home: Path, properties: str) -> None:
        """Write it all down; nothing runs yet."""
        home.mkdir(parents=True, exist_ok=True)
        self.log, self._home, self._file = home / "mirror.log", home, home / "mirror.properties"
        self._file.write_text(properties)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it; whoever waits for something looks at the other cluster."""
        words: Sequence[str] = [*classes(self._home), "org.apache.kafka.connect.mirror.MirrorMaker", str(self._file)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                words, cwd=self._home, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """Kill it: the cluster that it reads from is gone, and it would wait for it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_TIMEOUT_S)

    def last_words(self, lines: int = 30) -> str:
        """Return the end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

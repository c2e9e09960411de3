"""The peer in Kafka Streams: its jars got by Maven, its few classes compiled, both once, into var/peers/kafka-streams.

What it does is in kafka-streams/Peer.java. KAFKA_LIBS is not looked at: a broker's jars are not all that it wants.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from tests.kafka.jars import NoKafka, jars_of, java

HERE = Path(__file__).resolve().parent / "kafka-streams"
HOME = HERE.parents[3] / "var" / "peers" / "kafka-streams"
JVM = ("-XX:+UseG1GC", "-Xmx1g", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
COMPILE_TIMEOUT_S = 120


def command() -> list[str]:
    """Return the command line that runs it.

    Raises:
        NoKafka: a part of it cannot be had here.
    """
    libs = jars_of(HERE, HOME)
    return [java(), *JVM, "-cp", f"{_classes(libs)}{os.pathsep}{libs}/*", "Peer"]


def why_not() -> str:
    """Return why it cannot run here; an empty text where it can."""
    try:
        command()
    except NoKafka as exc:
        return str(exc)
    return ""


def _classes(libs: Path) -> Path:
    """Return the directory of the classes, after compiling them where these sources and jars have none yet."""
    sources = sorted(HERE.glob("*.java"))
    made_of = b"\0".join(path.read_bytes() for path in (*sources, HERE / "jars.sha256"))
    classes = HOME / f"classes-{hashlib.sha256(made_of).hexdigest()[:12]}"
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not classes.is_dir():
            for old in HOME.glob("classes-*"):
                shutil.rmtree(old)
            _compile(sources, libs, classes)
    return classes


def _compile(sources: list[Path], libs: Path, classes: Path) -> None:
    """Compile into a directory beside, and put it in place when it is whole."""
    compiler = shutil.which("javac")
    if compiler is None:
        raise NoKafka("a Java compiler, 17 or newer, is not on PATH (Debian: apt-get install openjdk-17-jdk-headless)")
    fresh = HOME / "fresh-classes"
    shutil.rmtree(fresh, ignore_errors=True)
    words = ["--release", "17", "-Xlint:all,-processing", "-Werror", "-cp", f"{libs}/*", "-d", str(fresh)]
    done = subprocess.run(
        [compiler, *words, *map(str, sources)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=COMPILE_TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        raise NoKafka(f"the peer in Kafka Streams does not compile:\n{done.stderr.decode(errors='replace')[-2000:]}")
    fresh.rename(classes)

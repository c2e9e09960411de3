"""Apache Kafka's jars: got once by Maven, held against known checksums, kept in var/kafka.

KAFKA_LIBS names another directory of jars, for those who have Kafka already.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOME = HERE.parent.parent / "var" / "kafka"
LIBS = HOME / "libs"
CHECKSUMS = HERE / "jars.sha256"
GET_TIMEOUT_S = 600


class NoKafka(Exception):
    """Apache Kafka cannot be had here; the words say what is missing and how to get it."""


def java() -> str:
    """Return the path of a Java that runs Kafka's broker (17 or newer).

    Raises:
        NoKafka: there is none.
    """
    found = shutil.which("java")
    if found is None:
        raise NoKafka("Java 17 or newer is not on PATH (Debian: apt-get install openjdk-17-jre-headless)")
    return found


def jars() -> Path:
    """Return the directory of the jars, after getting them where they are not there yet.

    Raises:
        NoKafka: Maven is missing, cannot get them, or got others than we know.
    """
    given = os.environ.get("KAFKA_LIBS")
    return Path(given) if given else jars_of(HERE, HOME)


def jars_of(project: Path, home: Path) -> Path:
    """Return the directory, in *home*, of the jars that a *project* names: by its pom.xml and its jars.sha256.

    Raises:
        NoKafka: Maven is missing, cannot get them, or got others than we know.
    """
    libs, checksums = home / "libs", project / CHECKSUMS.name
    if not _all_there(libs, checksums):
        home.mkdir(parents=True, exist_ok=True)
        with (home / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # tests may run side by side, and all of them begin here
            if not _all_there(libs, checksums):
                _get(project, libs)
    return libs


def why_not() -> str:
    """Return why Apache Kafka cannot run here; an empty text where it can."""
    try:
        java()
        jars()
    except NoKafka as exc:
        return str(exc)
    return ""


def _get(project: Path, libs: Path) -> None:
    """Get the jars into a directory beside, and put it in place when it is whole."""
    maven = shutil.which("mvn")
    if maven is None:
        raise NoKafka("Maven is not on PATH (Debian: apt-get install maven), nor does KAFKA_LIBS name a broker's jars")
    fresh = libs.with_name("fresh")
    shutil.rmtree(fresh, ignore_errors=True)
    words = ["dependency:copy-dependencies", f"-DoutputDirectory={fresh}", "-DincludeScope=runtime"]
    got = subprocess.run(
        [maven, "-B", "-q", "-f", str(project / "pom.xml"), *words],
        cwd=project,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=GET_TIMEOUT_S,
        check=False,
    )
    if got.returncode != 0:
        raise NoKafka(f"Maven could not get the jars of {project.name}:\n{got.stdout.decode(errors='replace')[-2000:]}")
    wrong = different(fresh, project / CHECKSUMS.name)
    if wrong:
        raise NoKafka(f"jars that Maven got are not those of {CHECKSUMS.name}: {', '.join(wrong)}")
    shutil.rmtree(libs, ignore_errors=True)
    fresh.rename(libs)


def _all_there(libs: Path, checksums: Path) -> bool:
    return all((libs / name).is_file() for name in _known(checksums))


def different(libs: Path = LIBS, checksums: Path = CHECKSUMS) -> list[str]:
    """Return the names of jars that are missing, unknown, or whose bytes are not those that we know."""
    known = _known(checksums)
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in libs.glob("*.jar")}
    return sorted(name for name in known.keys() | found.keys() if known.get(name) != found.get(name))


def _known(checksums: Path) -> dict[str, str]:
    lines = checksums.read_text().splitlines()
    return {name: checksum for checksum, name in (line.split() for line in lines if line)}

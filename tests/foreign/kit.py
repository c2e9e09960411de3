"""The kit's producers, got ready once in var/kit: their libraries fetched by their own lock files, and built.

A language is there or it is not: what is missing is said in words, and tests/conftest.py's `need` judges of it.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from streams.cli.kit_files import kit_files, write_kit

HOME = Path(__file__).resolve().parents[2] / "var" / "kit"
GET_TIMEOUT_S = 280
RUN_TIMEOUT_S = 60

Words = list[str]


class Language(NamedTuple):
    """A language of the kit: the program that it needs, how its producer is got ready, and how that is run."""

    name: str
    tool: str
    get: Words
    run: Words
    debian: str


PYTHON = Language("python", sys.executable, [], [sys.executable, "publish.py"], "python3")
OTHERS = (
    Language(
        "java",
        "mvn",
        ["mvn", "-B", "-q", "dependency:copy-dependencies"],
        ["java", "-XX:TieredStopAtLevel=1", "-cp", "target/dependency/*", "Publish.java"],
        "openjdk-17-jdk maven",
    ),
    Language("go", "go", ["go", "build", "-o", "publish", "."], ["./publish"], "golang"),
    Language("node", "npm", ["npm", "ci", "--ignore-scripts"], ["node", "publish.mjs"], "nodejs npm"),
)


class NotHere(Exception):
    """A language cannot be had on this machine; the words say what is missing."""


def ready(language: Language) -> Path:
    """Return the directory of a language's producer, got ready.

    Raises:
        NotHere: its program is missing, or cannot get what it needs.

    """
    if shutil.which(language.tool) is None:
        raise NotHere(f"{language.tool} is not on PATH (Debian: apt-get install {language.debian})")
    home = HOME / language.name
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests may run side by side
        mark = hashlib.sha256(repr(sorted(kit_files().items())).encode()).hexdigest()
        done = home / "ready"
        if not done.exists() or done.read_text() != mark:
            done.unlink(missing_ok=True)
            _get(language, home / "kit")
            done.write_text(mark)
    return home / "kit" / language.name


def why_not(language: Language) -> str:
    """Return why a language cannot be had here; an empty text where it can."""
    try:
        ready(language)
    except NotHere as why:
        return str(why)
    return ""


def _get(language: Language, kit: Path) -> None:
    shutil.rmtree(kit, ignore_errors=True)
    write_kit(kit)
    if language.get:
        got = _run(language.get, kit / language.name, GET_TIMEOUT_S)
        if got.returncode != 0:
            raise NotHere(f"{' '.join(language.get)} failed:\n{(got.stdout + got.stderr)[-2000:]}")


def run(language: Language, *words: str, kit: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a language's producer, of another *kit* than the ready one where it is said; return how it ended."""
    where = ready(language) if kit is None else kit / language.name
    return _run([*language.run, *words], where, RUN_TIMEOUT_S)


def _run(words: Words, where: Path, timeout: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, cwd=where, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False
    )

"""The peers' own virtual environments, one a library: what they want of others conflicts with ours and with each other.

Made once into var/peers from requirements/NAME.txt, which pins all by hashes; made anew when that file changes. What a
peer does is none of its business. `python -m benchmarks.join.peers.venvs` pins requirements/NAME.in anew.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
HOME = ROOT / "var" / "peers"
REQUIREMENTS = HERE / "requirements"
PATIENCE_S = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A peer: the module that is run, the environment it lives in, and what it is told besides."""

    module: str
    venv: str
    variables: Mapping[str, str] = field(default_factory=dict)


PROGRAMS: Mapping[str, Program] = {
    "faust": Program(module="faust_stock", venv="faust"),
    "faust-memory": Program(module="faust_stock", venv="faust", variables={"BENCH_STORE": "memory"}),
    "quix": Program(module="quix", venv="quix"),
    "bytewax": Program(module="bytewax_flow", venv="bytewax"),
    "plain": Program(module="plain", venv="plain"),
    "floor": Program(module="floor", venv="plain"),
}


class NoVenv(Exception):
    """An environment cannot be had here."""


def command(name: str) -> list[str]:
    """Return the command line of a peer, after making its environment where that is missing.

    Raises:
        NoVenv: it cannot be made.
    """
    program = PROGRAMS[name]
    return [str(_python(program.venv)), "-m", f"{__package__}.{program.module}"]


def variables(name: str) -> dict[str, str]:
    """Return what a peer finds in its environment beside what the driver tells it."""
    return {"PYTHONPATH": str(ROOT), **PROGRAMS[name].variables}


def why_not(name: str) -> str:
    """Return why a peer cannot run here; an empty text where it can."""
    try:
        command(name)
    except NoVenv as exc:
        return str(exc)
    return ""


def _python(venv: str) -> Path:
    """Return the interpreter of an environment that has just what is pinned."""
    pins = REQUIREMENTS / f"{venv}.txt"
    mark = hashlib.sha256(pins.read_bytes()).hexdigest()
    home = HOME / venv
    ready = home / ".ready"
    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME / f"{venv}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists() or ready.read_text() != mark:
            print(f"making {home.relative_to(ROOT)}: once", file=sys.stderr)
            shutil.rmtree(home, ignore_errors=True)
            _do(sys.executable, "-m", "venv", str(home))
            pip = (str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
            _do(*pip, "--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", str(pins))
            ready.write_text(mark)
    return home / "bin" / "python"


def _do(*words: str) -> None:
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
    except subprocess.TimeoutExpired as late:
        raise NoVenv(f"{' '.join(words)} took more than {PATIENCE_S} s") from late
    if done.returncode != 0:
        raise NoVenv(f"{' '.join(words)} failed:\n{done.stderr[-2000:]}")


def pin(*more: str) -> None:
    """Pin each environment by hashes; `--upgrade` chooses every version anew."""
    uv = Path(sys.executable).with_name("uv")
    for asked in sorted(REQUIREMENTS.glob("*.in")):
        _do(
            *(str(uv), "pip", "compile", str(asked), "--quiet", "--universal", "--python-version", "3.11"),
            *("--generate-hashes", "--no-emit-index-url", "--no-header", "--no-annotate", *more),
            *("-o", str(asked.with_suffix(".txt"))),
        )


if __name__ == "__main__":
    pin(*sys.argv[1:])

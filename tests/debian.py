"""Programs from Debian's (or Ubuntu's) packages, unpacked into var/tools: no root, nothing installed, nothing started.

apt-get downloads and checks signatures, dpkg unpacks. Where the machine has no lists of packages, as in a bare
container, they are fetched into a directory of our own.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from pathlib import Path

TOOLS = Path(__file__).resolve().parent.parent / "var" / "tools"
GET_TIMEOUT_S = 600


class NoPackage(Exception):
    """A package cannot be had here; the words say why."""


def program(name: str) -> Path | None:
    """Return a program from PATH, or as `make tools` unpacked it; None where there is none."""
    found = shutil.which(name) or shutil.which(name, path=str(TOOLS / "usr/bin"))
    return None if found is None else Path(found)


def get(*packages: str) -> None:
    """Unpack *packages* into var/tools; what they depend on must be named too.

    Raises:
        NoPackage: there is no apt-get here, or it cannot get one of them.
    """
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        raise NoPackage(
            f"no apt-get here: install {', '.join(packages)} as your system does it; PATH is looked at first"
        )
    TOOLS.mkdir(parents=True, exist_ok=True)
    with (TOOLS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        fresh = TOOLS / "fresh"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        _download(packages, fresh)
        for archive in sorted(fresh.glob("*.deb")):
            _run(["dpkg", "-x", str(archive), str(TOOLS)], fresh)
        shutil.rmtree(fresh)


def _download(packages: tuple[str, ...], into: Path) -> None:
    """Download *packages*, by the machine's own lists if it has some."""
    try:
        _run(["apt-get", "download", *packages], into)
    except NoPackage:
        for kept in ("lists/partial", "archives/partial"):
            (TOOLS / "apt" / kept).mkdir(parents=True, exist_ok=True)
        ours = (
            "-o",
            f"Dir::State::lists={TOOLS}/apt/lists",
            "-o",
            f"Dir::Cache={TOOLS}/apt",
            "-o",
            "APT::Sandbox::User=",
        )
        _run(["apt-get", *ours, "update"], into)
        _run(["apt-get", *ours, "download", *packages], into)


def _run(words: list[str], where: Path) -> None:
    done = subprocess.run(words, cwd=where, capture_output=True, text=True, timeout=GET_TIMEOUT_S, check=False)
    if done.returncode:
        raise NoPackage(f"{' '.join(words)}: {done.stderr.strip()}")

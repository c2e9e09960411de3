"""Where a Chromium is: on PATH, under any of its names. It needs many libraries, so it is installed, not unpacked."""

from __future__ import annotations

import os
import shutil
import subprocess

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = ("chromium", "fonts-liberation")
INSTALL_TIMEOUT_S = 600


class NoBrowser(Exception):
    """None can be had here; the words say why, and what to do."""


def find() -> str | None:
    """Return the path of a Chromium, None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def install() -> None:
    """Install Debian's package.

    Raises:
        NoBrowser: this is no Debian, or one needs to be root.
    """
    told = f"install a Chromium (Debian: apt-get install {' '.join(PACKAGES)}); it is found on PATH as any of {NAMES}"
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise NoBrowser(told)
    for words in (["update"], ["install", "--yes", "--no-install-recommends", *PACKAGES]):
        done = subprocess.run(
            ["apt-get", *words],
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT_S,
            check=False,
        )
        if done.returncode:
            raise NoBrowser(f"apt-get {words[0]}: {done.stderr.strip()}; {told}")

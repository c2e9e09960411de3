"""``make tools``: a Chromium to look at the page with, where PATH has none."""

from __future__ import annotations

import sys

from tests.browser.chromium import NoBrowser, find, install


def main() -> int:
    """Return the exit code: 0 where it is there, 3 where it cannot be had."""
    try:
        if find() is None:
            install()
    except NoBrowser as exc:
        print(exc, file=sys.stderr)
        return 3
    print(f"chromium: {find()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

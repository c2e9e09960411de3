"""``make tools``: promtool and Prometheus from Debian's package, where PATH has none."""

from __future__ import annotations

import sys

from tests.debian import NoPackage, get, program


def main() -> int:
    """Return the exit code: 0 where they are there, 3 where they cannot be had."""
    names = ("promtool", "prometheus")
    try:
        if not all(map(program, names)):
            get("prometheus")
    except NoPackage as exc:
        print(exc, file=sys.stderr)
        return 3
    for name in names:
        print(f"{name}: {program(name)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

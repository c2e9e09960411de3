"""Where the schema files live: beside the package in a wheel, at the root of the repository in a checkout.

One function, so that nobody else guesses paths. The directory holds `mail.*.avsc` (today's schemas), `lock.json`,
`examples/` and `released/vN/*.avsc`. Nothing here reads or understands a schema.
"""

from __future__ import annotations

from pathlib import Path

_SHIPPED = Path(__file__).parent / "_files"  # the wheel carries the repository's schemas/ under this name
_CHECKOUT = Path(__file__).parents[2] / "schemas"


def schema_home() -> Path:
    """Return the directory of the schema files; raises FileNotFoundError where a package was built without them."""
    for home in (_SHIPPED, _CHECKOUT):
        if (home / "lock.json").is_file():
            return home
    message = f"no schemas in {_SHIPPED}: the package was built without its schemas/ directory"
    raise FileNotFoundError(message)

"""Variables that were meant to be settings, and are none, for their first words are misspelt: SES_STREAM_BROKERS.

`load` refuses a misspelt word behind the right first words; these it never sees, and nobody reads them.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping

from streams.settings.load import PREFIX, known

_NEARLY = re.compile(r"^SES[_-]?STREAMS?[_-]+(?=[A-Z])")


def nearly_settings(environ: Mapping[str, str] | None = None) -> list[tuple[str, str]]:
    """Return each such variable of the environment with the one that was probably meant."""
    names = [setting.variable for setting in known()]
    found = []
    for name in sorted(os.environ if environ is None else environ):
        plain = _NEARLY.sub(PREFIX, name.upper())
        if plain.startswith(PREFIX) and not name.startswith(PREFIX):
            found.append((name, next(iter(difflib.get_close_matches(plain, names, n=1)), plain)))
    return found

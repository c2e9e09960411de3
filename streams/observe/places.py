"""Reads where in a topic a log line is about, so that a machine can filter by it: topic, partition, offset.

The engine and the hops have one way to write a place, `ses.sends/3 offset 17` or `ses.sends/3: offsets 17..20 ...`, and
errors carry it in their words; so it is read here, in one place, and not handed over beside the words at each of fifty.
A path, a version or a share of something is no place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_PLACE = re.compile(
    r"""(?<![\w./@-])(?P<topic>(?=[\d._-]*[A-Za-z])[A-Za-z0-9._-]{1,249})   # a topic's name, which has a letter
        /(?P<partition>\d{1,5})(?![\w/-]|\.\d)                             # not HTTP/1.1, and no path
        (?::?(?:\ at)?\ offsets?\ (?P<offset>\d+))?""",
    re.VERBOSE,
)


def place_of(words: str) -> Mapping[str, str | int]:
    """Return the first place that *words* name, by what it consists of; nothing where they name none."""
    found = _PLACE.search(words)
    if found is None:
        return {}
    place: dict[str, str | int] = {"topic": found["topic"], "partition": int(found["partition"])}
    if found["offset"] is not None:
        place["offset"] = int(found["offset"])
    return place

"""Events made odd in one place: what holds for every event is tried on these."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

Path = tuple[str | int, ...]
"""The way from an event to something in it: names and places."""


def ways(node: object, here: Path = ()) -> Iterator[Path]:
    """Yield the way to every node below *node*."""
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for step, value in inner:
        yield (*here, step)
        yield from ways(value, (*here, step))


def changed(tree: Any, path: Path, value: Any, *, gone: bool) -> Any:
    """Return a copy of *tree* with one node replaced, or gone."""
    found = copy.deepcopy(tree)
    node = found
    for step in path[:-1]:
        node = node[step]
    if gone:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return found

"""Python source that is being written: lines, indentation, fresh names, and the constants that the lines speak of.

What reading.py and writing.py share. A made function costs a half to a quarter of the general interpreter of schemas,
since it has no loop over fields and no look-up by type. Only our own schema files become code, never a registry's,
and their words enter it as constants or by repr().
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Source:
    """Lines of one function, with its constants."""

    def __init__(self, **constants: Any) -> None:
        """Start at the left margin."""
        self._lines: list[str] = []
        self._depth = 0
        self._count = 0
        self._constants: dict[str, Any] = constants

    def add(self, *lines: str) -> None:
        """Append lines at the present depth."""
        self._lines += ["    " * self._depth + line for line in lines]

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Append *head* and indent what is added inside."""
        self.add(head)
        self._depth += 1
        start = len(self._lines)
        yield
        if len(self._lines) == start:
            self.add("pass")
        self._depth -= 1

    def name(self) -> str:
        """Return a local name that nobody has used."""
        self._count += 1
        return f"v{self._count}"

    def constant(self, value: Any) -> str:
        """Return the name under which the lines know *value*."""
        name = f"C{len(self._constants)}"
        self._constants[name] = value
        return name

    def function(self, name: str) -> Callable[[Any], Any]:
        """Run the lines and return the function that they define under *name*."""
        defined: dict[str, Any] = dict(self._constants)
        code = compile("\n".join(self._lines) + "\n", f"<{name} made from a schema>", "exec")
        exec(code, defined)  # noqa: S102 - our own schema files only; see the module's first paragraph
        made: Callable[[Any], Any] = defined[name]
        return made

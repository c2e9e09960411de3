"""People of a day of mail: each is in one place only, so that whoever is found tells where the leak begins.

Everybody's name holds a mark that nothing else holds, and no domain does: a domain may be shown. Addresses come in
every shape that SES or a producer may write.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

MARK = re.compile(r"zq[0-9]{5}qz", re.IGNORECASE)

SHAPES: Mapping[str, Callable[[str], str]] = {
    "plain": lambda mark: f"{mark}@example.com",
    "plus": lambda mark: f"{mark}+news@example.com",
    "upper": lambda mark: f"{mark.upper()}@EXAMPLE.COM",
    "quoted": lambda mark: f'"{mark} of sales"@example.com',
    "apostrophe": lambda mark: f"{mark}'brien@example.com",
    "percent": lambda mark: f"{mark}%example.org@example.com",
    "smtputf8": lambda mark: f"{mark}jörg@example.com",
    "idn": lambda mark: f"{mark}@bücher.example",
    "named": lambda mark: f"Ann <{mark}@example.com>",
    "literal": lambda mark: f"{mark}@[192.0.2.1]",
}
"""How an address may be written."""


WORDS = "words"
"""The shape of what somebody wrote, which is no address."""


class Person(NamedTuple):
    """Somebody: where they were put, how their address is written, and their mark."""

    place: str
    shape: str
    mark: str
    address: str


class People:
    """Everybody there is; whoever is asked for is new."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self.known: dict[str, Person] = {}
        self._shape = "plain"

    def shaped(self, shape: str) -> People:
        """Let those who come be written so."""
        self._shape = shape
        return self

    def at(self, place: str) -> str:
        """Return the address of somebody new, who is put at *place*."""
        mark = f"zq{len(self.known):05d}qz"
        person = Person(place, self._shape, mark, SHAPES[self._shape](mark))
        self.known[mark] = person
        return person.address

    def bare(self, place: str) -> str:
        """Return such an address for where nothing but an address that SES takes will do."""
        kept, self._shape = self._shape, "plain"
        address = self.at(place)
        self._shape = kept
        return address

    def words(self, place: str) -> str:
        """Return what somebody new wrote: a name, a subject, a text, which are nobody's business either."""
        mark = MARK.findall(self.bare(place))[0]
        self.known[mark] = self.known[mark]._replace(shape=WORDS)
        return f"Dear {mark}"

"""Who gets mail: invented people at invented mailbox providers, with the skew of real lists.

A few providers hold most mailboxes, a few recipients get most mail, and one role address gets far more than its
share (a hot key). No address can exist: every domain ends in `.example` (RFC 2606). No clock, no chance of its own:
numbers come in.
"""

from __future__ import annotations

from bisect import bisect
from itertools import accumulate

PROVIDERS = (
    ("gmail.example", 38),
    ("outlook.example", 17),
    ("yahoo.example", 8),
    ("gmx.example", 7),
    ("icloud.example", 6),
    ("comcast.example", 5),
)
"""Mailbox providers and their share of all mailboxes in per cent; the rest are firms with a domain of their own.

They are twins of real ones (streams/observe/provider.py): the demo's metrics have providers, and nobody's mailbox.
"""

AILING, AILING_EVERY = "gmx.example", 3
"""Every third story of people of its own, which is mostly one of a bounce, is told of one provider: it bounces most."""

FIRMS = 400
HOT = "oncall@firm-007.example"
"""The role address that every alert goes to."""

SKEW = 2.2
"""An exponent: of 100 mails, about 35 go to the first 10 % of the people."""


def _words(text: str) -> list[str]:
    return text.split()


_FIRST = _words(
    "ada amir anna bao carla chidi clara dana diego edith elif emil esra fatima felix greta hana hugo ines ivan jana "
    "jonas kaya lars leila lena liam luca maja malik marta mei mina nadia nils noor olga omar paula pedro priya rana "
    "rosa samir sofia tariq tessa tomas uma vera viktor wanda yara yuki zoe"
)
_LAST = _words(
    "acker adler baker berg bianchi blom braun castro cohen costa diaz dubois egger farah fischer ford garcia haas "
    "hahn ito jansen keller khan klein kovacs kraus lang leroy lima lopez maier marino meyer moreau nagy novak okoye "
    "olsen park patel petrov pinto reyes rossi santos sato silva singh sommer torres vogel wagner weber wolf yilmaz zhu"
)
_SHARES = tuple(accumulate(share for _, share in PROVIDERS))


def domain_of(number: int) -> str:
    """Return the mail domain of the person with this number, by the providers' shares."""
    place = (number * 2654435761 >> 7) % 100  # Knuth's multiplicative hash: neighbours do not share a provider
    found = bisect(_SHARES, place)
    return PROVIDERS[found][0] if found < len(PROVIDERS) else f"firm-{number % FIRMS:03d}.example"


def own_domain_of(number: int) -> str:
    """Return the mail domain of a person whom only one story is told of."""
    return AILING if number % AILING_EVERY == 0 else domain_of(number)


def person(number: int) -> str:
    """Return the address of the person with this number: one number, one person, for ever."""
    return at_domain(number, domain_of(number))


def at_domain(number: int, domain: str) -> str:
    """Return the address of the person with this number, had they their mailbox at *domain*."""
    first = _FIRST[number % len(_FIRST)]
    last = _LAST[number // len(_FIRST) % len(_LAST)]
    return f"{first}.{last}.{number}@{domain}"


def regular(chance: float, people: int) -> str:
    """Return one of *people* regular recipients for a *chance* in [0, 1); a small chance is a frequent reader."""
    return person(int(people * chance**SKEW))

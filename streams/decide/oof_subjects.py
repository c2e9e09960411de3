"""The words with which the subjects of auto-replies begin, by language.

A person may write any of these, and "Re: Out of Office" is a person's answer to a machine; so a subject is never a
sign by itself (autoreply.py), and counts only from its first word on. No headers here.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_SEEN = "seen in the rules of Discourse, Sisimai, osTicket or alaveteli"
_SAID = "what mail programs in that language write; in none of those rules"


class Prefix(NamedTuple):
    """One beginning of a subject; *language* as in BCP 47."""

    begins: str
    language: str
    source: str


PREFIXES = (
    Prefix("Auto:", "en", _SEEN),
    Prefix("Auto Reply", "en", _SAID),
    Prefix("Auto-Reply", "en", _SAID),
    Prefix("Autoreply", "en", _SAID),
    Prefix("Auto Response", "en", _SEEN),
    Prefix("Auto-Response", "en", _SAID),
    Prefix("Automatic reply", "en", _SEEN),
    Prefix("Out of Office", "en", _SEEN),
    Prefix("Out-of-Office", "en", _SAID),
    Prefix("Out of the Office", "en", _SAID),
    Prefix("Away from my mail", "en", _SAID),  # the BSD vacation program's own words
    Prefix("Abwesenheitsnotiz", "de", _SEEN),
    Prefix("Automatische Antwort", "de", _SAID),  # Outlook
    Prefix("Réponse automatique", "fr", _SEEN),
    Prefix("Respuesta automática", "es", _SEEN),
    Prefix("Fuera de la oficina", "es", _SAID),
    Prefix("Fuori sede", "it", _SEEN),
    Prefix("Risposta automatica", "it", _SAID),
    Prefix("Risposta Non al computer", "it", _SEEN),
    Prefix("Automatisch antwoord", "nl", _SEEN),
    Prefix("Afwezig", "nl", _SAID),  # Afwezigheid too
    Prefix("Autosvar", "sv", _SEEN),  # Danish and Norwegian too
    Prefix("Automatisk svar", "sv", _SEEN),  # Danish and Norwegian too
    Prefix("Frånvaro", "sv", _SEEN),
    Prefix("Automaattinen vastaus", "fi", _SAID),
    Prefix("Resposta automática", "pt", _SAID),
    Prefix("自動応答", "ja", _SAID),
)

_TAGS = re.compile(r"(?:\s*\[[^\[\]]{0,40}\])*\s*")  # [External], [EXT]: put before the subject by gateways
_FOLDED = tuple((prefix.begins.casefold(), prefix) for prefix in PREFIXES)


def prefix_of(subject: str) -> Prefix | None:
    """Return the prefix with which a decoded subject begins, whatever its case; None where it begins otherwise."""
    tags = _TAGS.match(subject)
    bare = subject[tags.end() if tags else 0 :].casefold()
    return next((prefix for begins, prefix in _FOLDED if bare.startswith(begins)), None)

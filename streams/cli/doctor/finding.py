"""What a check can say: a rule with its words and its fix, and a finding that fills them in.

Words and fixes are templates, so that the page and the command say the same. Nothing here asks anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    ADVICE = "advice"
    """It works, and could work better or more safely."""
    WRONG = "wrong"
    """Mail is lost, late or counted wrongly, or will be."""
    UNKNOWN = "cannot tell"


class Rule(NamedTuple):
    """One thing that a check can find. *world*: somebody whom we need does not answer, or refuses us."""

    name: str
    level: Level
    words: str
    fix: str = ""
    world: bool = False

    def found(self, **said: object) -> Finding:
        """Return the finding that this is so; *said* fills in the words."""
        return Finding(self, said)


class Finding(NamedTuple):
    """A rule, and what was seen."""

    rule: Rule
    said: Mapping[str, object]

    @property
    def words(self) -> str:
        """What is so."""
        return self.rule.words.format_map(self.said)

    @property
    def fix(self) -> str:
        """The next command, or the setting; empty where nothing is to be done."""
        return self.rule.fix.format_map(self.said)


NOT_ASKED = Rule("NOT_ASKED", Level.UNKNOWN, "not looked at: {why}")
NO_ANSWER = Rule(
    "NO_ANSWER",
    Level.UNKNOWN,
    "no answer within {seconds:g} s",
    "look again; --patience {longer:g} waits longer",
    world=True,
)
FAILED = Rule("FAILED", Level.UNKNOWN, "it could not be asked: {why}", "mend that first, and look again", world=True)
ANY_CHECK = (NOT_ASKED, NO_ANSWER, FAILED)
"""What every check can say."""

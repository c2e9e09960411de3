"""docs/doctor.md, made of the table of checks: all that the doctor can find, and how each is mended."""

from __future__ import annotations

import re

from streams.cli.markdown import page, table

_WORDS = """`ses-streams doctor` looks at what commonly goes wrong around a worker, and says how each thing is mended.
Run it where a worker runs, with its settings. It changes nothing, sends nothing and joins no group; each question has
a time-out, and the groups are asked side by side. Whether a mail passes through the workers,
`ses-streams probe` [shows](simulator.md#a-mail-that-only-passes-through-ses-streams-probe).

    ses-streams doctor                            # everything
    ses-streams doctor --only brokers,topics      # some groups
    ses-streams doctor --json                     # one object a finding: group, finding, level, words, fix

Exit codes: 0 nothing is wrong (advice there may be), 1 something is, 2 wrong words or settings, 3 brokers, SES or
another whom we need do not answer. Levels: `ok`; `advice`, it works and could be better; `wrong`, mail is lost, late
or counted wrongly, or will be; `cannot tell`, with the reason. Neither a secret nor a mail address is shown.

Every group can also end with `NOT_ASKED` (no broker answers, so it was not tried), `NO_ANSWER` (its time was up) or
`FAILED` (somebody refused the question).
"""
_BLANK = re.compile(r"\{([a-z_]+)[^}]*\}")


def doctor_page() -> str:
    """Return docs/doctor.md."""
    from streams.cli.doctor.table import CHECKS

    parts = []
    for check in CHECKS:
        rows = [(f"`{one.name}`", one.level.value, _plain(one.words), _plain(one.fix) or "-") for one in check.rules]
        parts += [f"## {check.name}", check.about, table(("finding", "level", "what is so", "what to do"), rows)]
    return page("Doctor", _WORDS, *parts)


def _plain(words: str) -> str:
    """Return a template with its blanks as words of a page."""
    return _BLANK.sub(lambda blank: f"*{blank[1]}*", words).strip()

"""What SES found when it received a mail: spam, a virus, and whether its From is who it says.

SES says so in the notification's receipt, and in headers that it writes before a mail that it keeps in S3. A verdict
that speaks for a mail counts only from the receipt: headers anybody can write. One that speaks against it counts from
either.

SPF and DKIM are not asked. A delivery report has no sender in its envelope, is signed by few servers, and comes from
whichever server had the mail last: most genuine ones would fail, and to pass proves only that somebody has a domain of
their own. DMARC is the one verdict about From, and its FAIL counts where the domain's owner asks for that (quarantine,
reject); what makes a forged report harmless is not this but hop 1, which knows to whom we wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from streams.intake.fields import mapping, word
from streams.intake.mime import Headers

_FAIL, _PASS = "fail", "pass"
_SEVERE = frozenset({"reject", "quarantine"})


class Verdicts(NamedTuple):
    """What SES found.

    unwanted: spam, a virus, or a From whose owner disowns it. vouched: From is who it says (DMARC passed).
    """

    unwanted: bool = False
    vouched: bool = False


def by_receipt(receipt: Mapping[str, Any]) -> Verdicts:
    """Return what a notification's receipt says; missing, odd and DISABLED verdicts say nothing."""
    dmarc = _status(receipt, "dmarcVerdict")
    disowned = dmarc == _FAIL and (word(receipt.get("dmarcPolicy")) or "").lower() in _SEVERE
    bad = any(_status(receipt, name) == _FAIL for name in ("spamVerdict", "virusVerdict"))
    return Verdicts(bad or disowned, dmarc == _PASS and not bad)


def by_headers(head: Headers) -> Verdicts:
    """Return what the headers of a mail that SES kept say against it; nothing there speaks for it."""
    said = (value for name in ("x-ses-spam-verdict", "x-ses-virus-verdict") for value in head.get(name, ()))
    return Verdicts(any(value.strip().lower() == _FAIL for value in said))


def _status(receipt: Mapping[str, Any], name: str) -> str:
    return (word(mapping(receipt.get(name)).get("status")) or "").lower()

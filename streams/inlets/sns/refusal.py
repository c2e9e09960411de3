"""Why a post is not taken, and what its sender hears: one table.

SNS never tries again what was answered with 4xx, and tries again what was answered with 5xx. So 4xx is for messages
that are themselves at fault; where the fault may be ours, the network's or the clock's for a while, the answer is 503.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Refusal(StrEnum):
    """Every reason there is, as the metric's label says it."""

    TOO_LARGE = "too_large"
    INCOMPLETE = "incomplete"
    UNSIGNED = "unsigned"
    NOT_JSON = "not_json"
    NOT_SNS = "not_sns"
    HEADER_MISMATCH = "header_mismatch"
    TOPIC = "topic"
    SIGNATURE_VERSION = "signature_version"
    CERTIFICATE_URL = "certificate_url"
    REGION = "region"
    BUSY = "busy"
    CERTIFICATE_REDIRECTED = "certificate_redirected"
    CERTIFICATE_UNREACHABLE = "certificate_unreachable"
    CERTIFICATE_BAD = "certificate_bad"
    SIGNATURE = "signature"
    EXPIRED = "expired"
    FUTURE = "future"
    REPLAYED = "replayed"
    SUBSCRIBE_URL = "subscribe_url"
    NOT_CONFIRMED = "not_confirmed"

    @property
    def status(self) -> int:
        """Return the HTTP status of the answer."""
        return ANSWERS[self].status

    @property
    def words(self) -> str:
        """Return the reason in one line, for whoever set the topic up; it tells a forger nothing new."""
        return ANSWERS[self].words

    @property
    def may_pass(self) -> bool:
        """Tell whether the same post may be taken later."""
        return self.status >= 500  # noqa: PLR2004 - where HTTP's server errors begin


class Answer(NamedTuple):
    """What the sender hears."""

    status: int
    words: str


ANSWERS: dict[Refusal, Answer] = {
    Refusal.TOO_LARGE: Answer(413, "larger than any message of SNS"),
    Refusal.INCOMPLETE: Answer(503, "its body did not come whole, or not in time"),
    Refusal.UNSIGNED: Answer(400, "nothing vouches for it: switch raw message delivery off for this subscription"),
    Refusal.NOT_JSON: Answer(400, "not one JSON object in UTF-8, or a name in it twice"),
    Refusal.NOT_SNS: Answer(400, "not a message as SNS writes it: a field is missing, or not of its form"),
    Refusal.HEADER_MISMATCH: Answer(400, "the headers x-amz-sns-* tell of another message"),
    Refusal.TOPIC: Answer(403, "not one of the topics that are taken here"),
    Refusal.SIGNATURE_VERSION: Answer(403, "signed in a version that is not taken: set the topic's SignatureVersion"),
    Refusal.CERTIFICATE_URL: Answer(403, "names a certificate that is not SNS's"),
    Refusal.REGION: Answer(403, "names a certificate of another region than its topic's"),
    Refusal.BUSY: Answer(503, "too many at a time: come again"),
    Refusal.CERTIFICATE_REDIRECTED: Answer(503, "SNS's host sends us elsewhere for its certificate: we do not go"),
    Refusal.CERTIFICATE_UNREACHABLE: Answer(503, "its certificate cannot be had now"),
    # Not 4xx: where our clock is wrong, or AWS names a new region's certificates otherwise, messages are not at fault.
    Refusal.CERTIFICATE_BAD: Answer(503, "its certificate is out of date, or not of the kind that SNS signs with"),
    Refusal.SIGNATURE: Answer(403, "the signature is not of this message"),
    # Not 4xx: where our clock is ahead, every message looks so, and SNS would give up all of them at once.
    Refusal.EXPIRED: Answer(503, "older than SNS ever tries, or our clock is wrong"),
    Refusal.FUTURE: Answer(503, "from the future: our clock is wrong"),  # in a while it is not from the future any more
    Refusal.REPLAYED: Answer(200, "we have it already: SNS asks again where our answer was lost"),
    Refusal.SUBSCRIBE_URL: Answer(403, "its SubscribeURL does not confirm this very subscription"),
    Refusal.NOT_CONFIRMED: Answer(503, "the subscription could not be confirmed now"),
}

"""What follows from a refusal: whether SES may take the mail after all, when, and whether to go on sending at all.

SES names its errors by code, and two things may share one: "too fast" and "enough for today" are both Throttling, and
only the words tell them apart. One table decides, codes and words side by side, API and SMTP in one. Words of our own
(`connection`) stand in it too, for calls that never reached SES. Nothing here raises: the last row answers for
everything that SES may say tomorrow.

Sources: SESv2 API reference, SendEmail and Common Errors; SES API v1 reference, Common Errors; SES developer guide,
"Amazon SES SMTP response codes" and "Amazon SES sending quota errors".
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from streams.mail.policy import MINUTE

ANY = ""
SECOND = 1_000


class Action(StrEnum):
    """What follows for the request, and for the line of all requests."""

    END = "end"
    """The request ends as FAILED."""
    AGAIN = "again"
    """The request is tried again after a few seconds, a few times."""
    SLOW = "slow"
    """The request is tried again, as often as need be; the line goes slower."""
    STOP = "stop"
    """The request waits, and so does the line: nothing goes out for a rest, then one mail asks."""


class Refusal(NamedTuple):
    """One row: a code (lower case, ? is any digit) and words, each ANY or to be found; the first row that fits decides.

    reason: symbol that an Outcome FAILED bears; empty is the code as it came. may_pass: whether the mail may be tried
    again hours later, once dispatch has given up. rest: how long the line stops (ms), of STOP only.
    """

    code: str
    words: str
    action: Action
    reason: str
    may_pass: bool
    because: str
    rest: int = 0


_END, _AGAIN, _SLOW, _STOP = Action.END, Action.AGAIN, Action.SLOW, Action.STOP
_LATER, _NEVER = True, False
_SPEED, _DAY = "maximum sending rate", "daily message quota"
_QUOTA_REST, _ACCOUNT_REST, _LOGIN_REST, _NET_REST = MINUTE, 5 * MINUTE, MINUTE, 5 * SECOND

REFUSALS = (
    # By words first: what SES says of the day's quota and of the account holds under whatever code it comes.
    Refusal(ANY, _DAY, _STOP, "DailyQuotaExceeded", _LATER, "the window rolls: room comes back by itself", _QUOTA_REST),
    Refusal(ANY, _SPEED, _SLOW, "Throttling", _LATER, "the rate is spent for this second"),
    Refusal(
        ANY, "sending suspended", _STOP, "AccountSuspendedException", _NEVER, "the account, any mail", _ACCOUNT_REST
    ),
    Refusal(ANY, "paused for this account", _STOP, "SendingPausedException", _LATER, "as above", _ACCOUNT_REST),
    # SESv2 API
    Refusal("toomanyrequestsexception", ANY, _SLOW, ANY, _LATER, "HTTP 429: too many requests in too short a time"),
    Refusal("limitexceededexception", ANY, _STOP, ANY, _LATER, "a limit of the account, mostly the day's", _QUOTA_REST),
    Refusal("sendingpausedexception", "configuration set", _AGAIN, ANY, _LATER, "that set alone; others go on"),
    Refusal("sendingpausedexception", ANY, _STOP, ANY, _LATER, "the account's sending is paused", _ACCOUNT_REST),
    Refusal("accountsuspendedexception", ANY, _STOP, ANY, _NEVER, "restricted until AWS lifts it", _ACCOUNT_REST),
    Refusal("messagerejected", ANY, _END, ANY, _NEVER, "content, or an address that is not verified"),
    Refusal("mailfromdomainnotverifiedexception", ANY, _END, ANY, _NEVER, "a record in DNS is missing: fix it first"),
    Refusal("notfoundexception", ANY, _END, ANY, _NEVER, "no such template or configuration set"),
    Refusal("badrequestexception", ANY, _END, ANY, _NEVER, "the same request is as bad the next time"),
    Refusal("internalserviceerrorexception", ANY, _AGAIN, ANY, _LATER, "HTTP 500: a fault of SES"),
    # Common to AWS's APIs
    Refusal("internalfailure", ANY, _AGAIN, ANY, _LATER, "HTTP 500: a fault of SES"),
    Refusal("internalerror", ANY, _AGAIN, ANY, _LATER, "HTTP 500: a fault of SES"),
    Refusal("serviceunavailable", ANY, _AGAIN, ANY, _LATER, "HTTP 503: AWS says to try again"),
    Refusal("serviceunavailableexception", ANY, _AGAIN, ANY, _LATER, "HTTP 503: AWS says to try again"),
    Refusal("requesttimeout", ANY, _AGAIN, ANY, _LATER, "SES did not get the whole request in time"),
    Refusal("throttling", ANY, _SLOW, ANY, _LATER, "the rate of requests"),
    Refusal("throttlingexception", ANY, _SLOW, ANY, _LATER, "HTTP 400: the rate of requests"),
    Refusal("requestlimitexceeded", ANY, _SLOW, ANY, _LATER, "the rate of requests"),
    Refusal("accessdeniedexception", ANY, _AGAIN, ANY, _LATER, "a policy, perhaps of this one From: others may pass"),
    Refusal("accessdenied", ANY, _AGAIN, ANY, _LATER, "a policy, perhaps of this one From: others may pass"),
    Refusal("expiredtoken", ANY, _STOP, ANY, _LATER, "our login, any mail", _LOGIN_REST),
    Refusal("expiredtokenexception", ANY, _STOP, ANY, _LATER, "our login, any mail", _LOGIN_REST),
    Refusal("requestexpired", ANY, _STOP, ANY, _LATER, "our clock is wrong, for any mail", _LOGIN_REST),
    Refusal("incompletesignature", ANY, _STOP, ANY, _LATER, "our login, any mail", _LOGIN_REST),
    Refusal("invalidsignatureexception", ANY, _STOP, ANY, _LATER, "our login, any mail", _LOGIN_REST),
    Refusal("signaturedoesnotmatch", ANY, _STOP, ANY, _LATER, "our login, any mail", _LOGIN_REST),
    Refusal("invalidclienttokenid", ANY, _STOP, ANY, _LATER, "our login, any mail", _LOGIN_REST),
    Refusal("unrecognizedclientexception", ANY, _STOP, ANY, _LATER, "our login, any mail", _LOGIN_REST),
    Refusal("missingauthenticationtoken", ANY, _STOP, ANY, _LATER, "our login, any mail", _LOGIN_REST),
    Refusal("missingauthenticationtokenexception", ANY, _STOP, ANY, _LATER, "our login, any mail", _LOGIN_REST),
    Refusal("optinrequired", ANY, _STOP, ANY, _LATER, "the account has not signed up for SES", _LOGIN_REST),
    Refusal("notauthorized", ANY, _AGAIN, ANY, _LATER, "a policy, perhaps of this one From: others may pass"),
    Refusal("validationerror", ANY, _END, ANY, _NEVER, "the same request is as bad the next time"),
    # SES API v1, whose codes gateways in front of SES still speak
    Refusal("mailfromdomainnotverified", ANY, _END, ANY, _NEVER, "a record in DNS is missing: fix it first"),
    Refusal("configurationsetdoesnotexist", ANY, _END, ANY, _NEVER, "no such configuration set"),
    Refusal("configurationsetsendingpaused", ANY, _AGAIN, ANY, _LATER, "that set alone; others go on"),
    Refusal("configurationsetsendingpausedexception", ANY, _AGAIN, ANY, _LATER, "that set alone; others go on"),
    Refusal("accountsendingpaused", ANY, _STOP, ANY, _LATER, "the account's sending is paused", _ACCOUNT_REST),
    Refusal("accountsendingpausedexception", ANY, _STOP, ANY, _LATER, "the account's sending is paused", _ACCOUNT_REST),
    Refusal("templatedoesnotexist", ANY, _END, ANY, _NEVER, "no such template"),
    # SMTP; "4xx: try again after 5 s, 10 s, 30 s, then 20 min; 5xx: fix it first", says the developer guide
    Refusal("421", ANY, _SLOW, ANY, _LATER, "too many connections at a time"),
    Refusal("451", ANY, _AGAIN, ANY, _LATER, "temporary service failure, or SES waited too long for us"),
    Refusal("454", "throttling", _SLOW, ANY, _LATER, "throttling without saying which"),
    Refusal("454", ANY, _AGAIN, ANY, _LATER, "temporary service or authentication failure"),
    Refusal("530", ANY, _STOP, ANY, _LATER, "our login, any mail", _LOGIN_REST),
    Refusal("535", ANY, _STOP, ANY, _LATER, "our login, any mail", _LOGIN_REST),
    Refusal("552", ANY, _END, ANY, _NEVER, "message too long"),
    Refusal("553", ANY, _END, ANY, _NEVER, "an address that SES does not take"),
    Refusal(
        "554", "access denied", _AGAIN, "AccessDenied", _LATER, "a policy, perhaps of this one From: others may pass"
    ),
    Refusal("554", ANY, _END, ANY, _NEVER, "rejected: content, or an address that is not verified"),
    Refusal("4??", ANY, _AGAIN, ANY, _LATER, "RFC 5321 4.2.1: a transient negative answer"),
    Refusal("5??", ANY, _END, ANY, _NEVER, "RFC 5321 4.2.1: a permanent negative answer"),
    Refusal("http429", ANY, _SLOW, ANY, _LATER, "too many requests, says whoever stands before SES"),
    Refusal("http4??", ANY, _AGAIN, ANY, _LATER, "not SES's own words: whoever stands before it may change"),
    # Our own words: it did not reach SES, or we did not let it
    Refusal("connection", ANY, _STOP, ANY, _LATER, "SES is out of reach, for any mail", _NET_REST),
    Refusal("tls", ANY, _STOP, ANY, _LATER, "no encryption comes about, for any mail", _NET_REST),
    Refusal("credentials", ANY, _STOP, ANY, _LATER, "we have no login, for any mail", _LOGIN_REST),
    Refusal("settings", ANY, _STOP, ANY, _LATER, "no host comes of our settings, for any mail", _LOGIN_REST),
    Refusal("timeout", ANY, _AGAIN, ANY, _LATER, "it may be quicker the next time"),
    Refusal("closed", ANY, _AGAIN, ANY, _LATER, "this worker is ending; the next one goes on"),
    Refusal("unreadable", ANY, _AGAIN, ANY, _LATER, "what answers is not SES, for now"),
    Refusal("norecipients", ANY, _END, ANY, _NEVER, "nobody to send it to"),
    Refusal("toomanyrecipients", ANY, _END, ANY, _NEVER, "SES takes 50 recipients a message"),
    Refusal("badaddress", ANY, _END, ANY, _NEVER, "SES would refuse the whole mail for it"),
    Refusal("badheader", ANY, _END, ANY, _NEVER, "it would be no header, or somebody else's"),
    Refusal("messagetoolarge", ANY, _END, ANY, _NEVER, "SES takes 40 MB a message"),
    Refusal("templatebysmtp", ANY, _END, ANY, _NEVER, "SES's templates are for its API"),
    Refusal(ANY, ANY, _AGAIN, ANY, _NEVER, "the honest default: a few calls do no harm, hours of them help nobody"),
)


def refusal_of(code: str, text: str) -> Refusal:
    """Return what follows from a refusal, with its reason filled in.

    *code* is SES's name for it, an SMTP code, or a word of ours; *text* SES's words, which are looked at and not kept.
    """
    row = _row(code.lower(), next((words for words in _WORDS if words in text.lower()), ANY))
    return row if row.reason else row._replace(reason=code or "unknown")


def may_pass(reason: str) -> bool:
    """Tell whether a mail that ended as FAILED for *reason* may be tried again hours later."""
    by_reason = next((row for row in REFUSALS if row.reason.lower() == reason.lower() != ANY), None)
    return (by_reason or _row(reason.lower(), ANY)).may_pass


_WORDS = tuple(row.words for row in REFUSALS if row.words)


@lru_cache(maxsize=1024)
def _row(code: str, words: str) -> Refusal:
    """Return the first row that fits; few combinations exist, so each is looked up once."""
    return next(row for row in REFUSALS if row.words in (ANY, words) and _is(row.code, code))


def _is(pattern: str, code: str) -> bool:
    """Tell whether a row's code is *code*: ANY, or the same but for digits where the row has question marks."""
    if pattern == ANY:
        return True
    return len(pattern) == len(code) and all(
        p == c or (p == "?" and c.isdigit()) for p, c in zip(pattern, code, strict=True)
    )

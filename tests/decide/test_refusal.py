"""The table of refusals: every row can be reached and says what it should, and so does what nobody foresaw."""

from __future__ import annotations

import pytest

from streams.decide.refusal import ANY, REFUSALS, Action, may_pass, refusal_of

END, AGAIN, SLOW, STOP = Action.END, Action.AGAIN, Action.SLOW, Action.STOP


@pytest.mark.parametrize(
    ("code", "text", "action", "reason", "later"),
    [
        # SESv2 API reference, SendEmail
        ("TooManyRequestsException", "Too many requests.", SLOW, "TooManyRequestsException", True),
        ("TooManyRequestsException", "Maximum sending rate exceeded.", SLOW, "Throttling", True),
        ("TooManyRequestsException", "Daily message quota exceeded.", STOP, "DailyQuotaExceeded", True),
        ("LimitExceededException", "", STOP, "LimitExceededException", True),
        ("SendingPausedException", "", STOP, "SendingPausedException", True),
        (
            "SendingPausedException",
            "Sending is paused for configuration set main",
            AGAIN,
            "SendingPausedException",
            True,
        ),
        ("AccountSuspendedException", "", STOP, "AccountSuspendedException", False),
        ("MessageRejected", "Email address is not verified.", END, "MessageRejected", False),
        ("MailFromDomainNotVerifiedException", "", END, "MailFromDomainNotVerifiedException", False),
        ("NotFoundException", "Template x does not exist", END, "NotFoundException", False),
        ("BadRequestException", "", END, "BadRequestException", False),
        ("InternalServiceErrorException", "", AGAIN, "InternalServiceErrorException", True),
        # SES API v1 reference, Common Errors: the words split the two throttles
        ("Throttling", "Maximum sending rate exceeded.", SLOW, "Throttling", True),
        ("Throttling", "Daily message quota exceeded.", STOP, "DailyQuotaExceeded", True),
        ("Throttling", "Rate exceeded", SLOW, "Throttling", True),
        ("MessageRejected", "Sending suspended for this account.", STOP, "AccountSuspendedException", False),
        ("MessageRejected", "Sending paused for this account. For more", STOP, "SendingPausedException", True),
        ("AccountSendingPausedException", "", STOP, "AccountSendingPausedException", True),
        ("ConfigurationSetSendingPausedException", "", AGAIN, "ConfigurationSetSendingPausedException", True),
        ("ConfigurationSetDoesNotExist", "", END, "ConfigurationSetDoesNotExist", False),
        # our login concerns every mail; a policy perhaps one From
        ("UnrecognizedClientException", "", STOP, "UnrecognizedClientException", True),
        ("SignatureDoesNotMatch", "", STOP, "SignatureDoesNotMatch", True),
        ("AccessDeniedException", "is not authorized to perform ses:SendEmail", AGAIN, "AccessDeniedException", True),
        # SES developer guide, SMTP response codes
        ("421", "Too many concurrent SMTP connections", SLOW, "421", True),
        ("451", "Temporary service failure", AGAIN, "451", True),
        ("454", "Throttling failure: Maximum sending rate exceeded.", SLOW, "Throttling", True),
        ("454", "Throttling failure: Daily message quota exceeded.", STOP, "DailyQuotaExceeded", True),
        ("454", "Temporary authentication failure", AGAIN, "454", True),
        ("530", "Authentication required", STOP, "530", True),
        ("535", "Authentication Credentials Invalid", STOP, "535", True),
        ("552", "Message is too long.", END, "552", False),
        ("553", "Invalid email address", END, "553", False),
        ("554", "Message rejected: Email address is not verified.", END, "554", False),
        ("554", "Access denied: User is not authorized", AGAIN, "AccessDenied", True),
        # RFC 5321 4.2.1
        ("450", "", AGAIN, "450", True),
        ("501", "Invalid RCPT TO address provided", END, "501", False),
        # a gateway's bare status is no SMTP code
        ("HTTP429", "", SLOW, "HTTP429", True),
        ("HTTP403", "", AGAIN, "HTTP403", True),
        # our own words
        ("connection", "", STOP, "connection", True),
        ("credentials", "", STOP, "credentials", True),
        ("timeout", "", AGAIN, "timeout", True),
        ("BadAddress", "", END, "BadAddress", False),
        ("TooManyRecipients", "", END, "TooManyRecipients", False),
        # what nobody foresaw
        ("SomethingNewException", "tomorrow", AGAIN, "SomethingNewException", False),
        ("", "", AGAIN, "unknown", False),
    ],
)
def test_a_refusal_means(code: str, text: str, action: Action, reason: str, later: bool) -> None:
    row = refusal_of(code, text)
    assert (row.action, row.reason) == (action, reason)
    assert row.may_pass == later
    assert may_pass(row.reason) == later


def test_case_does_not_matter() -> None:
    assert refusal_of("TOOMANYREQUESTSEXCEPTION", "").action is SLOW
    assert refusal_of("x", "DAILY MESSAGE QUOTA EXCEEDED").action is STOP


def test_the_last_row_fits_everything() -> None:
    assert (REFUSALS[-1].code, REFUSALS[-1].words) == (ANY, ANY)


def test_no_row_is_hidden_by_one_above_it() -> None:
    for number, row in enumerate(REFUSALS):
        for above in REFUSALS[:number]:
            hides = above.code in (ANY, row.code) and above.words in (ANY, row.words)
            assert not hides, f"{row} can never be reached below {above}"


def test_a_line_that_stops_rests_for_a_time_and_no_other_does() -> None:
    assert [row for row in REFUSALS if (row.action is STOP) != (row.rest > 0)] == []


def test_every_row_says_why() -> None:
    assert [row for row in REFUSALS if not row.because] == []

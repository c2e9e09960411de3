"""What an error of a call to SQS means: a table from AWS's codes to a word of ours, and what an operator can do.

What is MISSING, DENIED or wants CREDENTIALS ends a start: somebody has to mend it. Later the same passes for a change
that somebody is making, and is waited out as all else is. AWS's own sentences are left out: they name who asked, and
a role's session is often named after somebody's mail address.
"""

from __future__ import annotations

from typing import NamedTuple

import aiohttp
from botocore import exceptions as boto

from streams.dispatch.trouble import SERVER_ERROR, TROUBLES, name_of
from streams.inlets.sqs.calls import Amiss, Why

FATAL = frozenset({Why.MISSING, Why.DENIED, Why.CREDENTIALS})
"""At the start, these do not pass by waiting."""

RAISED = TROUBLES
"""All that a call raises for what the world does."""

_PREFIX = "AWS.SimpleQueueService."  # of SQS's codes from before its JSON protocol; awsQueryCompatible keeps them


class Row(NamedTuple):
    """What some codes, or errors of botocore, mean."""

    why: Why
    codes: tuple[str, ...]
    errors: tuple[type[Exception], ...]
    advice: str


ROWS = (
    Row(
        Why.GONE,  # the second stands for "does not exist or is not available for visibility timeout change"
        ("ReceiptHandleIsInvalid", "InvalidParameterValue", "MessageNotInflight"),
        (),
        "the message is no longer ours",
    ),
    Row(
        Why.MISSING,
        ("NonExistentQueue", "QueueDoesNotExist", "QueueDeletedRecently", "InvalidAddress"),
        (),
        "there is no such queue; check the account, the name and the region in intake.sqs.queues",
    ),
    Row(
        Why.DENIED,
        (
            "AccessDenied",
            "AccessDeniedException",
            "AuthorizationError",
            "OptInRequired",
            "KmsAccessDenied",
            "KMS.AccessDeniedException",
            "KmsDisabled",
            "KMS.DisabledException",
            "KmsNotFound",
            "KMS.NotFoundException",
            "KmsInvalidState",
            "KMS.InvalidStateException",
            "KmsOptInRequired",
        ),
        (),
        "allow us sqs:ReceiveMessage, sqs:DeleteMessage and sqs:ChangeMessageVisibility on it, and kms:Decrypt on its "
        "key where it is encrypted",
    ),
    Row(
        Why.CREDENTIALS,
        (
            "InvalidClientTokenId",
            "InvalidAccessKeyId",
            "UnrecognizedClientException",
            "SignatureDoesNotMatch",
            "InvalidSignatureException",
            "IncompleteSignature",
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "ExpiredToken",
            "ExpiredTokenException",
            "InvalidSecurity",
        ),
        (
            boto.NoCredentialsError,
            boto.PartialCredentialsError,
            boto.CredentialRetrievalError,
            boto.NoAuthTokenError,
            boto.TokenRetrievalError,
            boto.SSOError,
        ),
        "AWS's default chain (environment, profile, container, instance) gives no credentials that AWS takes",
    ),
    Row(
        Why.THROTTLED,
        (
            "RequestThrottled",
            "RequestThrottledException",
            "Throttling",
            "ThrottlingException",
            "ThrottledException",
            "TooManyRequestsException",
            "RequestLimitExceeded",
            "SlowDown",
            "KmsThrottled",
            "KMS.ThrottlingException",
        ),
        (),
        "AWS throttles us; we ask less often",
    ),
    Row(Why.CROWDED, ("OverLimit",), (), "SQS lets no more messages of it be in hand: some reader deletes none"),
    Row(
        Why.NETWORK,
        ("RequestTimeout",),
        (boto.HTTPClientError, boto.ConnectionError, aiohttp.ClientError, OSError),
        "SQS cannot be reached; check the way there, or intake.sqs.endpoint_url",
    ),
    Row(Why.SERVER, ("InternalError", "InternalFailure", "ServiceUnavailable"), (), "SQS failed on its side"),
)
_BY_CODE = {code: row for row in ROWS for code in row.codes}
_OTHER = Row(Why.OTHER, (), (), "see SQS's documentation of this word")


def amiss(queue: str, call: str, error: Exception) -> Amiss:
    """Return what *error* of a call means."""
    row = _row_of(error)
    return Amiss(row.why, f"queue {queue}: {call} ended with {name_of(error)}: {row.advice}")


def why_of(code: str) -> Why:
    """Return what the code of a single entry means."""
    return _BY_CODE.get(code.removeprefix(_PREFIX), _OTHER).why


def _row_of(error: Exception) -> Row:
    if isinstance(error, boto.ClientError):
        row = _BY_CODE.get(name_of(error).removeprefix(_PREFIX))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if row is None and status >= SERVER_ERROR:
            return _BY_CODE["InternalError"]
        return _OTHER if row is None else row
    return next((row for row in ROWS if isinstance(error, row.errors)), _OTHER)

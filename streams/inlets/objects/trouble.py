"""What an error of a call to S3 means: a table from AWS's codes to a word of ours, and what an operator can do.

What concerns one object alone (MISSING, CHANGED, ARCHIVED) is final: nobody mends it by asking again. All else is the
world's. AWS's own sentences are left out: they name who asked, and a role's session is often named after somebody.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import aiohttp
from botocore import exceptions as boto

from streams.dispatch.trouble import SERVER_ERROR, TROUBLES, name_of
from streams.emit.records import scrub_path
from streams.errors import SesStreamsError


class Why(StrEnum):
    """Why S3 did not do what it was asked."""

    MISSING = "missing"
    CHANGED = "changed"
    ARCHIVED = "archived"
    EMPTY = "empty"
    """A part of nothing was asked for."""
    BUCKET = "bucket"
    DENIED = "denied"
    CREDENTIALS = "credentials"
    THROTTLED = "throttled"
    NETWORK = "network"
    SERVER = "server"
    OTHER = "other"


FINAL = frozenset({Why.MISSING, Why.CHANGED, Why.ARCHIVED})
"""Of one object, and not to be mended by asking again."""

RAISED = TROUBLES
"""All that a call, or the reading of its answer, raises for what the world does."""


class Amiss(SesStreamsError):
    """A call that S3 did not answer as asked; the words name the object and what to do."""

    def __init__(self, why: Why, words: str) -> None:
        """Keep both."""
        super().__init__(words)
        self.why = why


class Row(NamedTuple):
    """What some codes, or errors of botocore, mean. A code that is a number is a status without words: HEAD's, 304."""

    why: Why
    codes: tuple[str, ...]
    errors: tuple[type[Exception], ...]
    advice: str


ROWS = (
    Row(Why.MISSING, ("NoSuchKey", "NoSuchVersion", "404"), (), "it is not there any more"),
    Row(Why.CHANGED, ("PreconditionFailed", "412"), (), "it was changed while it was read; read it again"),
    Row(Why.ARCHIVED, ("InvalidObjectState",), (), "it is archived; restore it first"),
    Row(Why.EMPTY, ("InvalidRange", "416"), (), "it is empty"),
    Row(
        Why.BUCKET,
        (
            "NoSuchBucket",
            "InvalidBucketName",
            "PermanentRedirect",
            "AuthorizationHeaderMalformed",
            "IllegalLocationConstraintException",
            "301",
        ),
        (boto.ParamValidationError,),
        "there is no such bucket in this region; check its name and intake.objects.region",
    ),
    Row(
        Why.DENIED,
        (
            "AccessDenied",
            "AllAccessDisabled",
            "AccountProblem",
            "403",
            "KMS.AccessDeniedException",
            "KMS.DisabledException",
            "KMS.NotFoundException",
            "KMS.KMSInvalidStateException",
        ),
        (),
        "allow us s3:GetObject on it and s3:ListBucket on its bucket (without which S3 also says so of what is not "
        "there), and kms:Decrypt on its key where it is encrypted",
    ),
    Row(
        Why.CREDENTIALS,
        ("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "RequestTimeTooSkewed"),
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
    Row(Why.THROTTLED, ("SlowDown", "Throttling", "RequestLimitExceeded", "503"), (), "S3 throttles us"),
    Row(
        Why.NETWORK,
        ("RequestTimeout",),
        (boto.HTTPClientError, boto.ConnectionError, boto.IncompleteReadError, aiohttp.ClientError, OSError),
        "S3 cannot be reached, or breaks off; check the way there, or intake.objects.endpoint_url",
    ),
    Row(Why.SERVER, ("InternalError", "ServiceUnavailable", "500"), (), "S3 failed on its side"),
)
_BY_CODE = {code: row for row in ROWS for code in row.codes}
_OTHER = Row(Why.OTHER, (), (), "see S3's documentation of this word")


def amiss(what: str, error: Exception) -> Amiss:
    """Return what *error* means for *what*, an object or a prefix as `s3://...`."""
    row = _row_of(error)
    return Amiss(row.why, f"{scrub_path(what)}: {name_of(error)}: {row.advice}")


def _row_of(error: Exception) -> Row:
    if isinstance(error, boto.ClientError):
        row = _BY_CODE.get(name_of(error))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if row is None and status >= SERVER_ERROR:
            return _BY_CODE["InternalError"]
        return _BY_CODE.get(str(status), _OTHER) if row is None else row
    return next((row for row in ROWS if isinstance(error, row.errors)), _OTHER)

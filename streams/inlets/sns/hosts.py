"""Where SNS lives: from a topic's ARN to the one host, the one form of URL and the few names that belong to it.

URLs come from outside and are compared, as text, with what the ARN says they must be. Nothing is parsed that two
parsers could read in two ways: no user, port, query, fragment, escape, backslash or letter beyond ASCII has a place.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import parse_qsl, quote

from streams.inlets.sns.refusal import Refusal

_SUFFIXES = {"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn"}
_ARN = re.compile(r"arn:(aws|aws-cn|aws-us-gov):sns:([a-z0-9-]{3,30}):[0-9]{12}:[A-Za-z0-9_.-]{1,256}")
_CERTIFICATE = re.compile(
    r"https://(sns\.[a-z0-9-]{3,30}\.amazonaws\.com(?:\.cn)?)/SimpleNotificationService-[0-9a-f]{16,64}\.pem"
)
_QUERY = re.compile(r"[A-Za-z0-9_.:&=%-]{1,2048}")
# Names of signing certificates that follow no rule: aws-sdk-java-v2, SnsHostProvider.
_ODD_NAMES = {
    "us-gov-west-1": "sns-us-gov-west-1.amazonaws.com",
    "us-gov-east-1": "sns-us-gov-west-1.amazonaws.com",
    "cn-north-1": "sns-cn-north-1.amazonaws.com.cn",
    "cn-northwest-1": "sns-cn-northwest-1.amazonaws.com.cn",
}


class Place(NamedTuple):
    """Where a certificate is, and the names of which it must bear one."""

    url: str
    names: frozenset[str]


class Home(NamedTuple):
    """The region of a topic, as its host and the names of its certificates."""

    host: str
    names: frozenset[str]


def is_topic(arn: str) -> bool:
    """Tell whether text is the whole ARN of an SNS topic, in a partition that we know the hosts of."""
    return _ARN.fullmatch(arn) is not None


def home_of(topic_arn: str) -> Home:
    """Return where a topic's messages are signed.

    Raises:
        ValueError: it is no topic's ARN.

    """
    found = _ARN.fullmatch(topic_arn)
    if found is None:
        raise ValueError("no ARN of an SNS topic")
    partition, region = found.groups()
    suffix = _SUFFIXES[partition]
    usual = "sns.amazonaws.com" if partition == "aws" else _ODD_NAMES.get(region, "")
    return Home(f"sns.{region}.{suffix}", frozenset({usual, f"sns-signing.{region}.{suffix}"} - {""}))


def certificate_place(url: str, home: Home) -> Place | Refusal:
    """Return where the certificate is, if the URL is one of SNS, and of the topic's own region."""
    found = _CERTIFICATE.fullmatch(url)
    if found is None:
        return Refusal.CERTIFICATE_URL
    return Place(url, home.names) if found[1] == home.host else Refusal.REGION


def confirmation_url(url: str, topic_arn: str, token: str) -> str | None:
    """Return the URL that confirms a subscription, if that is what *url* does; it is written anew, not handed on."""
    start = f"https://{home_of(topic_arn).host}/?"
    query = url.removeprefix(start)
    if query == url or not _QUERY.fullmatch(query):
        return None
    asked = sorted(parse_qsl(query, keep_blank_values=True))
    if asked != [("Action", "ConfirmSubscription"), ("Token", token), ("TopicArn", topic_arn)]:
        return None
    return f"{start}Action=ConfirmSubscription&TopicArn={quote(topic_arn, safe=':')}&Token={quote(token, safe='')}"

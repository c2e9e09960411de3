"""Where SNS lives, and all the places that only look like it: none of them is ever asked for anything."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.inlets.sns.certificates import Certificates
from streams.inlets.sns.hosts import Place, certificate_place, confirmation_url, home_of, is_topic
from streams.inlets.sns.refusal import Refusal
from streams.inlets.sns.verify import Verifier
from tests.inlets.signing import TOKEN, Clock, Shelf, Signer

SNS = Signer()
HOME = home_of(SNS.topic)
FILE = "SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"

ELSEWHERE = [
    # The host only looks like SNS's.
    f"https://sns.eu-west-1.amazonaws.com.evil.example/{FILE}",
    f"https://sns.eu-west-1.amazonaws.com@evil.example/{FILE}",
    f"https://sns.eu-west-1.amazonaws.com:pass@evil.example/{FILE}",
    f"https://user@sns.eu-west-1.amazonaws.com/{FILE}",
    f"https://evil.example#@sns.eu-west-1.amazonaws.com/{FILE}",
    f"https://evil.example/sns.eu-west-1.amazonaws.com/{FILE}",
    f"https://evil.example?https://sns.eu-west-1.amazonaws.com/{FILE}",
    f"https://evil.example\\.sns.eu-west-1.amazonaws.com/{FILE}",
    f"https://evil.example\\@sns.eu-west-1.amazonaws.com/{FILE}",
    f"https://evilsns.eu-west-1.amazonaws.com/{FILE}",
    f"https://a.sns.eu-west-1.amazonaws.com/{FILE}",
    f"https://sns.eu-west-1.amazonaws.com./{FILE}",
    f"https://sns.eu-west-1.amazonaws.comm/{FILE}",
    f"https://sns.eu-west-1.amazonaws.com.cnn/{FILE}",
    f"https://sns.evil.example/.amazonaws.com/{FILE}",
    f"https://sns.evil.example%2f.amazonaws.com/{FILE}",
    f"https://sns.a.b.amazonaws.com/{FILE}",
    f"https://sns.eu-west-1-amazonaws.com/{FILE}",
    f"https://snsXeu-west-1.amazonaws.com/{FILE}",
    f"https://sns.eu-west-1.amazonawsXcom/{FILE}",
    f"https://sns..amazonaws.com/{FILE}",
    f"https://sns.amazonaws.com/{FILE}",
    f"https://SNS.EU-WEST-1.AMAZONAWS.COM/{FILE}",
    f"https://sns.eu-west-1\u3002amazonaws.com/{FILE}",  # a full stop that IDNA takes for a dot
    f"https://sns.eu-west-1.amazonaws.com\uff0f{FILE}",  # a slash that is none
    f"https://\u0455ns.eu-west-1.amazonaws.com/{FILE}",  # a Cyrillic letter
    f"https://sns.eu-west-\u0661.amazonaws.com/{FILE}",  # a digit, to \d
    f"https://sns%2eeu-west-1.amazonaws.com/{FILE}",
    f"https://sns.eu-west-1.amazonaws.com%40evil.example/{FILE}",
    f"https://sns.eu-west-1.amazonaws.com%00.evil.example/{FILE}",
    f"https://sns.eu-west-1.amazonaws.com\t/{FILE}",
    f"https://sns.eu-west-1.amazonaws.com\r\nHost: evil.example/{FILE}",
    # Somebody else's files under Amazon's name.
    f"https://s3.amazonaws.com/bucket/{FILE}",
    f"https://bucket.s3.amazonaws.com/{FILE}",
    f"https://sns.s3.eu-west-1.amazonaws.com/{FILE}",
    f"https://s3.eu-west-1.amazonaws.com/sns/{FILE}",
    # Not the way there.
    f"http://sns.eu-west-1.amazonaws.com/{FILE}",
    f"HTTPS://sns.eu-west-1.amazonaws.com/{FILE}",
    f"https:/sns.eu-west-1.amazonaws.com/{FILE}",
    f"https:\\\\sns.eu-west-1.amazonaws.com/{FILE}",
    f"//sns.eu-west-1.amazonaws.com/{FILE}",
    f"ftp://sns.eu-west-1.amazonaws.com/{FILE}",
    f"https://sns.eu-west-1.amazonaws.com:443/{FILE}",
    f"https://sns.eu-west-1.amazonaws.com:8443/{FILE}",
    f" https://sns.eu-west-1.amazonaws.com/{FILE}",
    f"https://sns.eu-west-1.amazonaws.com/{FILE}\n",
    f"https://sns.eu-west-1.amazonaws.com/{FILE} ",
    # Not the file.
    f"https://sns.eu-west-1.amazonaws.com//{FILE}",
    f"https://sns.eu-west-1.amazonaws.com/x/{FILE}",
    f"https://sns.eu-west-1.amazonaws.com/../{FILE}",
    f"https://sns.eu-west-1.amazonaws.com/{FILE}?",
    f"https://sns.eu-west-1.amazonaws.com/{FILE}?a=b",
    f"https://sns.eu-west-1.amazonaws.com/{FILE}#",
    f"https://sns.eu-west-1.amazonaws.com/{FILE};a",
    "https://sns.eu-west-1.amazonaws.com/",
    "https://sns.eu-west-1.amazonaws.com/evil.pem",
    "https://sns.eu-west-1.amazonaws.com/?Action=ListTopics&.pem",
    "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-.pem",
    "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdeg0123456789abcdef.pem",
    "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789ABCDEF0123456789abcdef.pem",
    f"https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-{'0' * 1000}.pem",
    "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdefXpem",
    "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem/..",
    "",
    "file:///etc/passwd",
    "https://127.0.0.1/latest/meta-data/",
    "https://[::1]/",
]
OTHER_REGIONS = [
    f"https://sns.eu-west-2.amazonaws.com/{FILE}",
    f"https://sns.eu-west-1.amazonaws.com.cn/{FILE}",
    f"https://sns.us-gov-west-1.amazonaws.com/{FILE}",
    f"https://sns.evil.amazonaws.com/{FILE}",
]


def test_the_place_of_a_certificate_is_the_host_of_its_topic() -> None:
    found = certificate_place(SNS.url, HOME)
    assert isinstance(found, Place)
    assert found.url == f"https://sns.eu-west-1.amazonaws.com/{FILE}"
    assert found.names == {"sns.amazonaws.com", "sns-signing.eu-west-1.amazonaws.com"}


@pytest.mark.parametrize(
    ("urls", "why"), [(ELSEWHERE, Refusal.CERTIFICATE_URL), (OTHER_REGIONS, Refusal.REGION)], ids=["no", "region"]
)
async def test_a_certificate_elsewhere_is_refused_and_nobody_asks_for_it(urls: list[str], why: Refusal) -> None:
    shelf, clock = Shelf(), Clock()
    verifier = Verifier([SNS.topic], Certificates(shelf, clock), clock)
    genuine = SNS.signed(SNS.fields())
    for url in urls:
        body = json.dumps(genuine | {"SigningCertURL": url}).encode()
        assert await verifier.check(body, {}) is why, url
    assert shelf.asked == []


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:sns:eu-west-1:123456789012:",
        "arn:aws:sns:eu-west-1:12345678901:mail",
        "arn:aws:sns:eu/west:123456789012:mail",
        "arn:aws:sns:EU-west-1:123456789012:mail",
        "arn:aws:sns:eu-west-1:\u0661\u0662\u0663456789012:mail",
        "arn:aws-iso:sns:us-iso-east-1:123456789012:mail",
        "arn:aws:sqs:eu-west-1:123456789012:mail",
        "arn:aws:sns:eu-west-1:123456789012:mail\n",
        "arn:aws:sns:*:123456789012:mail",
    ],
)
def test_what_is_no_topic_has_no_home(arn: str) -> None:
    assert not is_topic(arn)
    with pytest.raises(ValueError, match="no ARN"):
        home_of(arn)


def test_the_longest_topic_and_a_fifo_one_are_topics() -> None:
    assert is_topic(f"arn:aws:sns:eu-west-1:123456789012:{'a' * 251}.fifo")


CONFIRM = f"https://{SNS.host}/?Action=ConfirmSubscription&TopicArn={SNS.topic}&Token={TOKEN}"


@pytest.mark.parametrize(
    "url",
    [
        CONFIRM,
        CONFIRM.replace(SNS.topic, SNS.topic.replace(":", "%3A")),
        f"https://{SNS.host}/?Token={TOKEN}&Action=ConfirmSubscription&TopicArn={SNS.topic}",
    ],
)
def test_the_url_that_confirms_this_subscription_is_known_however_it_is_written(url: str) -> None:
    assert confirmation_url(url, SNS.topic, TOKEN) == CONFIRM


@pytest.mark.parametrize(
    "url",
    [
        CONFIRM.replace("https", "http"),
        CONFIRM.replace(SNS.host, "evil.example"),
        CONFIRM.replace(SNS.host, f"{SNS.host}.evil.example"),
        CONFIRM.replace(SNS.host, f"{SNS.host}@evil.example"),
        CONFIRM.replace(SNS.host, f"{SNS.host}:443"),
        CONFIRM.replace(SNS.host, SNS.host.upper()),
        CONFIRM.replace(SNS.host, "sns.eu-west-2.amazonaws.com"),
        CONFIRM.replace("/?", "?"),
        CONFIRM.replace("/?", "/confirm?"),
        CONFIRM.replace("/?", "/%3f"),
        CONFIRM.replace("ConfirmSubscription", "DeleteTopic"),
        CONFIRM.replace("ConfirmSubscription", "confirmsubscription"),
        CONFIRM.replace(TOKEN, "0" * len(TOKEN)),
        CONFIRM.replace(TOKEN, ""),
        CONFIRM.replace(":mail", ":other"),
        f"{CONFIRM}&Action=DeleteTopic",
        f"{CONFIRM}&action=DeleteTopic",
        f"{CONFIRM}&AuthenticateOnUnsubscribe=true",
        f"{CONFIRM};Action=DeleteTopic",
        f"{CONFIRM}#x",
        f"{CONFIRM}\n",
        f"{CONFIRM} ",
        f"{CONFIRM}\r\nX: y",
        f"{CONFIRM}@evil.example",
        f" {CONFIRM}",
        "",
        "http://169.254.169.254/latest/meta-data/",
    ],
)
def test_a_url_that_does_anything_else_is_not_followed(url: str) -> None:
    assert confirmation_url(url, SNS.topic, TOKEN) is None


# Pieces out of which to make URLs that nearly are SNS's.
WORDS = """
https http :// / \\ @ : 443 ? # . %2e %40 \u3002 sns eu-west-1 amazonaws com cn evil.example & = \x00 \u00e9
SimpleNotificationService- 0123456789abcdef .pem Action ConfirmSubscription TopicArn Token
"""
PIECES = st.lists(st.sampled_from([*WORDS.split(" "), SNS.topic, SNS.host, TOKEN]), max_size=20).map("".join)
NEARLY = st.sampled_from([SNS.url, CONFIRM, *ELSEWHERE])


@st.composite
def mangled(draw: st.DrawFn) -> str:
    """Put anything into the middle of a URL that nearly is one."""
    whole = draw(NEARLY)
    start = draw(st.integers(0, len(whole)))
    end = draw(st.integers(start, min(start + 8, len(whole))))
    return whole[:start] + draw(PIECES | st.text(max_size=8)) + whole[end:]


@given(url=mangled() | PIECES | st.text(max_size=100))
def test_whatever_url_is_named_only_the_one_form_is_ever_fetched(url: str) -> None:
    found = certificate_place(url, HOME)
    if isinstance(found, Place):
        assert found.url == url
        start, end = f"https://{SNS.host}/SimpleNotificationService-", ".pem"
        assert url.startswith(start)
        assert url.endswith(end)
        assert set(url[len(start) : -len(end)]) <= set("0123456789abcdef")
    assert confirmation_url(url, SNS.topic, TOKEN) in {None, CONFIRM}

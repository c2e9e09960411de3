"""Laws over all posts: nothing raises, nothing forged is taken, nobody outside SNS is asked for anything.

A message of SNS is changed in every way there is; whatever is still taken says, field by field, what SNS signed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.inlets.sns.canonical import is_signed, string_to_sign
from streams.inlets.sns.certificates import Certificates
from streams.inlets.sns.message import SIGNED, Kind, Message, read_message
from streams.inlets.sns.refusal import Refusal
from streams.inlets.sns.verify import Genuine, Verifier
from tests.inlets.signing import Clock, Shelf, Signer, certificate, headers_of, rsa_key
from tests.inlets.sns.test_hosts import ELSEWHERE, OTHER_REGIONS, PIECES

SNS, OTHER, FORGER = Signer(), Signer(topic="other"), Signer(key=rsa_key(serial=1))
TWIN = "arn:aws:sns:eu-west-1:123456789012:twin"
GENUINE: list[dict[str, Any]] = [
    SNS.fields("plain"),
    SNS.fields('{"eventType": "Bounce"}', Subject="Amazon SES Email Event Notification"),
    SNS.fields("x\nMessageId\n00000000-0000-0000-0000-00000000beef\nSubject\nhello"),
    SNS.fields("\u00fc \u20ac \U0001f600 \x00 \x7f"),
    SNS.confirmation(),
    SNS.confirmation(Kind.UNSUBSCRIPTION),
]
SAID = {string_to_sign(Kind(fields["Type"]), fields): fields for fields in GENUINE}
POSTS = [SNS.sign(fields, version) for fields in GENUINE for version in ("1", "2")]
NAMES = sorted({name for post in POSTS for name in json.loads(post)})
FORGED_PEM = certificate(FORGER.key, SNS.name)


class Internet(Shelf):
    """SNS has its certificate; everybody else offers the forger's, for whatever is asked."""

    async def __call__(self, url: str) -> bytes:
        """Return a certificate."""
        self.asked.append(url)
        return SNS.pem() if url == SNS.url else FORGED_PEM


def taken(body: bytes, headers: dict[str, str] | None = None) -> Genuine | None:
    """Check a post, hold the laws, and return the message if it is taken."""

    async def check() -> Genuine | Refusal:
        clock, internet = Clock(), Internet()
        answer = await Verifier([SNS.topic, TWIN], Certificates(internet, clock), clock).check(body, headers or {})
        start = f"https://{SNS.host}/SimpleNotificationService-"
        assert all(url.startswith(start) and url.endswith(".pem") and url.isascii() for url in internet.asked)
        return answer

    found = asyncio.run(check())
    if isinstance(found, Refusal):
        return None
    assert isinstance(found, Genuine)
    assert found.fields in GENUINE
    assert found.kind == found.fields["Type"]
    return found


def test_every_genuine_post_is_taken() -> None:
    assert all(taken(post, headers_of(json.loads(post))) for post in POSTS)


@given(post=st.sampled_from(POSTS), where=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
@settings(max_examples=400)
def test_no_byte_can_be_changed_so_that_it_says_something_else(post: bytes, where: float, byte: int) -> None:
    at = int(where * len(post))
    taken(post[:at] + bytes([byte]) + post[at + 1 :])


def test_each_byte_flipped_in_turn_says_the_same_or_is_refused() -> None:
    post = POSTS[3]
    refused = sum(taken(post[:at] + bytes([post[at] ^ 1]) + post[at + 1 :]) is None for at in range(len(post)))
    assert refused > len(post) * 0.6  # the rest is what is not signed: white space, and where to unsubscribe


@given(post=st.sampled_from(POSTS), cut=st.floats(0, 1), put=st.binary(max_size=30), end=st.floats(0, 1))
def test_no_piece_can_be_cut_out_or_put_in(post: bytes, cut: float, put: bytes, end: float) -> None:
    start = int(cut * len(post))
    taken(post[:start] + put + post[start + int(end * 40) :])


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | PIECES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
VALUES = ANYTHING | st.sampled_from(
    [
        *(value for fields in GENUINE for value in fields.values()),
        *ELSEWHERE,
        *OTHER_REGIONS,
        SNS.url,
        TWIN,
        "0",
        "1",
        "2",
        FORGER.url.replace("0123", "dead"),
        *(FORGER.signed(fields, version)["Signature"] for fields in GENUINE for version in ("1", "2")),
        *(SNS.signed(fields, version)["Signature"] for fields in GENUINE for version in ("1", "2")),
    ]
)


@given(post=st.sampled_from(POSTS), instead=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4), data=st.data())
@settings(max_examples=400)
def test_no_field_can_be_exchanged(post: bytes, instead: dict[str, Any], data: st.DataObject) -> None:
    fields = json.loads(post) | instead
    for name in data.draw(st.lists(st.sampled_from(NAMES), max_size=1)):
        fields.pop(name, None)
    taken(json.dumps(fields).encode(errors="replace"))


@given(
    fields=st.sampled_from(GENUINE),
    version=st.sampled_from(["1", "2"]),
    url=st.sampled_from([*ELSEWHERE, *OTHER_REGIONS, SNS.url.replace("0123", "dead"), SNS.url]),
)
@settings(max_examples=300)
def test_who_signs_by_a_certificate_of_ones_own_is_believed_only_on_the_host_of_sns(
    fields: dict[str, Any], version: str, url: str
) -> None:
    forged = FORGER.signed(fields | {"Message": "forged"}, version) | {"SigningCertURL": url}
    body = json.dumps(forged).encode(errors="replace")
    if url == SNS.url.replace("0123", "dead"):
        return  # on SNS's own host there are SNS's certificates alone
    assert taken(body) is None


@given(body=st.binary(max_size=300) | ANYTHING.map(lambda value: json.dumps(value).encode(errors="replace")))
def test_whatever_is_posted_is_answered(body: bytes) -> None:
    assert taken(body) is None


@given(
    post=st.sampled_from(POSTS),
    headers=st.dictionaries(
        st.sampled_from(["x-amz-sns-message-type", "X-AMZ-SNS-MESSAGE-ID", "x-amz-sns-topic-arn"])
        | st.text(max_size=9),
        st.text(max_size=40) | st.sampled_from(["Notification", SNS.topic, OTHER.topic]),
        max_size=4,
    ),
)
def test_whatever_headers_say_only_what_is_signed_is_believed(post: bytes, headers: dict[str, str]) -> None:
    taken(post, headers)


def readings(text: str, names: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Yield every set of fields of these names whose signed text is *text*."""
    name, *rest = names
    if not text.startswith(f"{name}\n"):
        return
    value = text.removeprefix(f"{name}\n")
    if not rest:
        if value.endswith("\n"):
            yield {name: value[:-1]}
        return
    end = value.find(f"\n{rest[0]}\n")
    while end >= 0:
        for others in readings(value[end + 1 :], tuple(rest)):
            yield {name: value[:end], **others}
        end = value.find(f"\n{rest[0]}\n", end + 1)


def other_readings(fields: dict[str, Any]) -> list[dict[str, str]]:
    """Return what else could have been signed, by the text that was."""
    text = string_to_sign(Kind(fields["Type"]), fields).decode()
    forms = [SIGNED[Kind.NOTIFICATION], SIGNED[Kind.SUBSCRIPTION]]
    forms += [tuple(name for name in form if name != "Subject") for form in forms[:1]]
    return [found for names in forms for found in readings(text, names) if found != fields]


WORDS = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type", "x", ""]
LINES = st.lists(st.sampled_from([*WORDS, *GENUINE[0].values(), *GENUINE[4].values()]), max_size=16).map("\n".join)
SHAPES = st.permutations(["MessageId", "Subject", "Timestamp", "TopicArn", "Type", "SubscribeURL", "Token"]).map(
    lambda names: "\n".join(f"{name}\n{(GENUINE[1] | GENUINE[4])[name]}" for name in names)
)
TRAPS = [
    "forged\nMessageId\n00000000-0000-0000-0000-00000000beef\nSubject\nhello",
    "forged\nMessageId\n00000000-0000-0000-0000-00000000beef\nTimestamp\n" + GENUINE[0]["Timestamp"],
]


def test_a_text_that_plays_at_fields_could_be_read_in_other_ways_if_fields_had_no_form() -> None:
    assert all(other_readings(GENUINE[0] | {"Message": trap}) for trap in TRAPS)


@given(message=LINES | SHAPES | st.sampled_from(TRAPS), fields=st.sampled_from(GENUINE))
@settings(max_examples=300)
def test_what_is_signed_can_be_read_in_one_way_alone(message: str, fields: dict[str, Any]) -> None:
    """Whoever may publish text must not be able to have SNS sign two messages at once."""
    signed = SNS.signed(fields | {"Message": message})
    for forged in other_readings(fields | {"Message": message}):
        beside = {name: signed[name] for name in ("SignatureVersion", "Signature", "SigningCertURL")}
        read = read_message(json.dumps(forged | beside).encode(), {}, 100_000)
        if isinstance(read, Message):  # by its type it is of another kind, of which other fields are signed
            assert not is_signed(read, SNS.key.public_key())

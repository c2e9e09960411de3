"""What is taken for a message of SNS, and the reason for which everything else is not: each reason by its own post."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streams.inlets.sns.certificates import Certificates
from streams.inlets.sns.fetch import Redirected, Unreachable
from streams.inlets.sns.message import Kind
from streams.inlets.sns.refusal import ANSWERS, Refusal
from streams.inlets.sns.verify import AHEAD_MS, Genuine, Verifier
from tests.builders import DAY, HOUR, NOON
from tests.inlets.signing import Clock, Shelf, Signer, certificate, curve_key, headers_of, iso, rsa_key

SNS = Signer()
OTHER_KEY = rsa_key(serial=1)


def verifier(shelf: Shelf | None = None, clock: Clock | None = None, **choices: Any) -> Verifier:
    clock = clock or Clock()
    topics = choices.pop("topics", [SNS.topic])
    return Verifier(topics, Certificates(shelf or Shelf.of(SNS), clock), clock, **choices)


async def check(body: bytes, headers: dict[str, str] | None = None, **choices: Any) -> Genuine | Refusal:
    return await verifier(**choices).check(body, headers or {})


@pytest.mark.parametrize("version", ["1", "2"])
async def test_a_message_of_sns_is_genuine_in_either_version(version: str) -> None:
    fields = SNS.fields('{"eventType": "Bounce"}\nÜ €', Subject="Amazon SES Email Event Notification")
    found = await check(SNS.sign(fields, version), headers_of(fields))
    assert found == Genuine(Kind.NOTIFICATION, fields, NOON)
    assert (found.text, found.topic_arn, found.message_id) == (fields["Message"], SNS.topic, fields["MessageId"])


@pytest.mark.parametrize("kind", [Kind.SUBSCRIPTION, Kind.UNSUBSCRIPTION])
async def test_a_confirmation_of_sns_is_genuine(kind: Kind) -> None:
    fields = SNS.confirmation(kind)
    assert await check(SNS.sign(fields), headers_of(fields)) == Genuine(kind, fields, NOON)


@pytest.mark.parametrize("region", ["us-gov-west-1", "cn-north-1", "me-south-1"])
async def test_each_partition_has_its_own_hosts(region: str) -> None:
    there = Signer(region)
    assert isinstance(await check(there.post(), shelf=Shelf.of(there), topics=[there.topic]), Genuine)


@pytest.mark.parametrize(
    ("region", "name"),
    [
        ("me-south-1", "sns-signing.me-south-1.amazonaws.com"),
        ("us-gov-east-1", "sns-us-gov-west-1.amazonaws.com"),
        ("cn-northwest-1", "sns-cn-northwest-1.amazonaws.com.cn"),
    ],
)
async def test_a_region_whose_certificates_have_a_name_of_their_own_is_known(region: str, name: str) -> None:
    there = Signer(region)
    there.name = name
    assert isinstance(await check(there.post(), shelf=Shelf.of(there), topics=[there.topic]), Genuine)


async def test_what_is_not_signed_is_not_handed_on() -> None:
    loose = SNS.signed(SNS.fields()) | {
        "MessageAttributes": {"a": {"Type": "String"}},
        "SubscribeURL": "x",
        "Token": "t",
    }
    found = await check(json.dumps(loose).encode())
    assert isinstance(found, Genuine)
    assert set(found.fields) == {"Type", "MessageId", "TopicArn", "Message", "Timestamp"}


async def test_a_subject_of_null_is_no_subject() -> None:
    assert isinstance(await check(json.dumps(SNS.signed(SNS.fields()) | {"Subject": None}).encode()), Genuine)


async def test_a_genuine_message_does_not_show_what_is_in_it() -> None:
    found = await check(SNS.post("ann@example.com"))
    assert "ann@example.com" not in f"{found!r} {found!s} {found}"


def changed(**others: Any) -> bytes:
    """Return a genuine message in which fields were changed after it was signed; ... takes one out."""
    made = SNS.signed(SNS.fields()) | others
    return json.dumps({name: value for name, value in made.items() if value is not ...}).encode()


NOT_OF_SNS: dict[str, bytes] = {
    "no type": changed(Type=...),
    "another type": changed(Type="Goodbye"),
    "a type that is a list": changed(Type=["Notification"]),
    "a type in lower case": changed(Type="notification"),
    "no message": changed(Message=...),
    "a message that is an object": changed(Message={"eventType": "Bounce"}),
    "no id": changed(MessageId=...),
    "an id with a line break": changed(MessageId="00000000-0000-0000-0000-000000000001\nSubject\nx"),
    "an id that is none": changed(MessageId="1"),
    "no topic": changed(TopicArn=...),
    "a topic that is a number": changed(TopicArn=5),
    "no time": changed(Timestamp=...),
    "a time without a zone": changed(Timestamp="2026-09-21T12:00:00.000"),
    "a time that cannot be": changed(Timestamp="2026-13-41T12:00:00.000Z"),
    "a time with a line break": changed(Timestamp=f"{iso(NOON)}\n"),
    "no version": changed(SignatureVersion=...),
    "a version that is a number": changed(SignatureVersion=2),
    "no place of a certificate": changed(SigningCertURL=...),
    "the place of a certificate as Lambda spells it": changed(SigningCertURL=..., SigningCertUrl=SNS.url),
    "an empty signature": changed(Signature=""),
    "a signature that is null": changed(Signature=None),
    "a signature beyond base64": changed(Signature="%%%%"),
    "a signature without its end": changed(Signature="YWJ"),
    "an endless signature": changed(Signature="AAAA" * 600),
    "a subject of two lines": changed(Subject="a\nb"),
    "half an emoji": changed(Message="\ud83d"),
    "a confirmation without a token": json.dumps(SNS.signed(SNS.confirmation()) | {"Token": None}).encode(),
}


@pytest.mark.parametrize("body", NOT_OF_SNS.values(), ids=NOT_OF_SNS.keys())
async def test_what_has_not_the_form_of_a_message_is_none(body: bytes) -> None:
    shelf = Shelf.of(SNS)
    assert await check(body, shelf=shelf) is Refusal.NOT_SNS
    assert shelf.asked == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"Notification"',
        b"null",
        b"\xff{}",
        b"\xef\xbb\xbf{}",
        b'{"a": NaN}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a": ' + b"9" * 10_000 + b"}",
        b"Successfully validated SNS topic for Amazon SES event publishing.",
        b'{"Type": "Notification", "Type": "Notification"}',
        b'{"a": {"b": 1, "b": 1}}',
        b"Type=Notification&Message=x",
    ],
)
async def test_what_is_no_json_object_is_none(body: bytes) -> None:
    assert await check(body) is Refusal.NOT_JSON


async def test_a_name_that_is_there_twice_is_not_read_in_two_ways() -> None:
    body = SNS.post("genuine").replace(b'"Message": ', b'"Message": "forged", "Message": ')
    assert b"forged" in body
    assert await check(body) is Refusal.NOT_JSON


async def test_a_post_of_the_largest_size_is_taken_and_one_byte_more_is_not() -> None:
    body = SNS.post("x" * 5000)
    assert isinstance(await check(body, max_body=len(body)), Genuine)
    assert await check(body, max_body=len(body) - 1) is Refusal.TOO_LARGE


async def test_raw_delivery_is_told_apart_since_nothing_vouches_for_it() -> None:
    assert await check(b'{"eventType": "Bounce"}', {"X-Amz-Sns-RawDelivery": "true"}) is Refusal.UNSIGNED
    assert await check(SNS.post(), {"x-amz-sns-rawdelivery": "true"}) is Refusal.UNSIGNED
    assert isinstance(await check(SNS.post(), {"x-amz-sns-rawdelivery": "false"}), Genuine)


async def test_a_message_without_a_signature_is_unsigned() -> None:
    assert await check(changed(Signature=...)) is Refusal.UNSIGNED


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("x-amz-sns-message-type", "SubscriptionConfirmation"),
        ("X-Amz-Sns-Message-Id", "00000000-0000-0000-0000-000000000000"),
        ("x-amz-sns-topic-arn", "arn:aws:sns:eu-west-1:123456789012:other"),
    ],
)
async def test_headers_that_tell_of_another_message_give_it_away(header: str, value: str) -> None:
    fields = SNS.fields()
    said = {name: word for name, word in headers_of(fields).items() if name != header.lower()}
    assert await check(SNS.sign(fields), said | {header: value}) is Refusal.HEADER_MISMATCH


@pytest.mark.parametrize(
    "topic",
    [
        "arn:aws:sns:eu-west-1:123456789012:mail2",
        "arn:aws:sns:eu-west-1:123456789012:Mail",
        "arn:aws:sns:eu-west-1:123456789012:mai",
        "arn:aws:sns:eu-west-1:210987654321:mail",
        "arn:aws:sns:eu-west-2:123456789012:mail",
        " arn:aws:sns:eu-west-1:123456789012:mail",
        "arn:aws:sns:eu-west-1:123456789012:mail:1",
        "arn:aws:sns:*:*:*",
        "",
    ],
)
@pytest.mark.parametrize("make", [SNS.fields, SNS.confirmation])
async def test_a_topic_that_is_not_allowed_is_refused_before_anything_is_fetched(
    topic: str, make: Callable[..., dict[str, Any]]
) -> None:
    shelf = Shelf.of(SNS)
    assert await check(SNS.sign(make(TopicArn=topic)), shelf=shelf) is Refusal.TOPIC
    assert shelf.asked == []


async def test_where_no_topic_is_allowed_nothing_is_taken() -> None:
    assert await check(SNS.post(), topics=[]) is Refusal.TOPIC


def test_a_topic_that_is_none_cannot_be_allowed() -> None:
    with pytest.raises(ValueError, match="no ARN"):
        verifier(topics=["arn:aws:sns:eu-west-1:123456789012:*"])


def test_a_version_that_sns_does_not_have_cannot_be_asked_for() -> None:
    with pytest.raises(ValueError, match="1 and 2"):
        verifier(versions=["0"])


@pytest.mark.parametrize("version", ["0", "3", "", "1 ", "SHA256"])
async def test_a_version_that_sns_does_not_have_is_refused(version: str) -> None:
    shelf = Shelf.of(SNS)
    assert await check(changed(SignatureVersion=version), shelf=shelf) is Refusal.SIGNATURE_VERSION
    assert shelf.asked == []


async def test_sha_1_can_be_refused_and_then_calling_it_version_2_does_not_help() -> None:
    body = SNS.sign(SNS.fields(), "1")
    assert await check(body, versions=["2"]) is Refusal.SIGNATURE_VERSION
    relabelled = body.replace(b'"SignatureVersion": "1"', b'"SignatureVersion": "2"')
    assert relabelled != body
    assert await check(relabelled, versions=["2"]) is Refusal.SIGNATURE


async def test_the_signature_of_another_message_is_of_no_use() -> None:
    fields = SNS.fields("a")
    assert await check(SNS.sign(fields).replace(b'"Message": "a"', b'"Message": "b"')) is Refusal.SIGNATURE


async def test_the_signature_of_another_key_is_of_no_use() -> None:
    assert await check(Signer(key=OTHER_KEY).post()) is Refusal.SIGNATURE


@pytest.mark.parametrize("size", [1, 255, 257, 512])
async def test_a_signature_of_another_size_is_of_no_use(size: int) -> None:
    assert await check(changed(Signature="AAAA" * (size // 3) + "AA==")) is Refusal.SIGNATURE


@pytest.mark.parametrize("field", ["Message", "MessageId", "Timestamp", "TopicArn", "Type", "SubscribeURL", "Token"])
async def test_each_signed_field_of_a_confirmation_counts(field: str) -> None:
    twin = "arn:aws:sns:eu-west-1:123456789012:twin"
    instead = {
        "Message": "x",
        "MessageId": "00000000-0000-0000-0000-000000000000",
        "Timestamp": iso(NOON - 1000),
        "TopicArn": twin,
        "Type": Kind.UNSUBSCRIPTION.value,
        "SubscribeURL": "https://evil.example/",
        "Token": "0",
    }
    forged = SNS.signed(SNS.confirmation()) | {field: instead[field]}
    assert await check(json.dumps(forged).encode(), topics=[SNS.topic, twin]) is Refusal.SIGNATURE


@pytest.mark.parametrize("subject", ["added", ""])
async def test_a_subject_cannot_be_put_on_or_taken_off(subject: str) -> None:
    assert await check(changed(Subject=subject)) is Refusal.SIGNATURE
    with_one = SNS.signed(SNS.fields(Subject=subject))
    del with_one["Subject"]
    assert await check(json.dumps(with_one).encode()) is Refusal.SIGNATURE


async def test_a_message_that_plays_at_fields_cannot_be_cut_in_another_way() -> None:
    """The signed text is lines; whoever may publish text could else have SNS sign two messages at once."""
    inner = "00000000-0000-0000-0000-00000000beef"
    whole = SNS.signed(SNS.fields(f"forged\nMessageId\n{inner}\nSubject\nhello"))
    forged = whole | {"Message": "forged", "MessageId": inner}
    forged["Subject"] = f"hello\nMessageId\n{whole['MessageId']}"
    assert isinstance(await check(json.dumps(whole).encode()), Genuine)
    assert await check(json.dumps(forged).encode()) is Refusal.NOT_SNS


async def test_a_message_is_taken_up_to_its_age_and_not_beyond() -> None:
    body, clock = SNS.post(), Clock()
    one = verifier(clock=clock)
    clock.now = NOON + HOUR
    assert isinstance(await one.check(body, {}), Genuine)
    clock.now = NOON + HOUR + 1
    assert await one.check(body, {}) is Refusal.EXPIRED


async def test_a_message_from_the_future_waits() -> None:
    assert isinstance(await check(SNS.post(Timestamp=iso(NOON + AHEAD_MS))), Genuine)
    assert await check(SNS.post(Timestamp=iso(NOON + AHEAD_MS + 1))) is Refusal.FUTURE


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (Redirected("HTTP 302"), Refusal.CERTIFICATE_REDIRECTED),
        (Unreachable("HTTP 500"), Refusal.CERTIFICATE_UNREACHABLE),
        (TimeoutError(), Refusal.CERTIFICATE_UNREACHABLE),
        (RuntimeError("what nobody thought of"), Refusal.CERTIFICATE_UNREACHABLE),
        (b"", Refusal.CERTIFICATE_BAD),
        (b"<html>welcome to our network</html>", Refusal.CERTIFICATE_BAD),
        (SNS.pem()[:-100], Refusal.CERTIFICATE_BAD),
        (SNS.pem(ends=NOON - 1000), Refusal.CERTIFICATE_BAD),
        (SNS.pem(begins=NOON + 1000), Refusal.CERTIFICATE_BAD),
        (certificate(SNS.key, "sns.amazonaws.com.evil.example"), Refusal.CERTIFICATE_BAD),
        (certificate(SNS.key, "sns-signing.eu-west-2.amazonaws.com"), Refusal.CERTIFICATE_BAD),
        (certificate(SNS.key, "example.com"), Refusal.CERTIFICATE_BAD),
        (certificate(curve_key(), SNS.name), Refusal.CERTIFICATE_BAD),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
async def test_a_certificate_that_is_not_as_it_must_be_is_refused(file: bytes | Exception, why: Refusal) -> None:
    assert await check(SNS.post(), shelf=Shelf({SNS.url: file})) is why


async def test_a_key_of_1024_bits_signs_nothing_even_if_it_signed() -> None:
    weak = Signer(key=rsa_key(1024))
    assert await check(weak.post(), shelf=Shelf.of(weak)) is Refusal.CERTIFICATE_BAD


async def test_a_certificate_that_ends_is_not_used_after_its_end_though_it_is_kept() -> None:
    clock, shelf = Clock(), Shelf({SNS.url: SNS.pem(ends=NOON + 2 * DAY)})
    one = verifier(shelf, clock, max_age_ms=30 * DAY)
    body = SNS.post()
    clock.now = NOON + DAY
    assert isinstance(await one.check(body, {}), Genuine)
    clock.now = NOON + 2 * DAY + 1000
    assert await one.check(body, {}) is Refusal.CERTIFICATE_BAD


def test_every_reason_has_its_answer_and_only_what_may_pass_is_asked_for_again() -> None:
    assert set(ANSWERS) == set(Refusal)
    assert {why for why in Refusal if why.may_pass} == {
        Refusal.INCOMPLETE,
        Refusal.EXPIRED,
        Refusal.BUSY,
        Refusal.CERTIFICATE_REDIRECTED,
        Refusal.CERTIFICATE_UNREACHABLE,
        Refusal.CERTIFICATE_BAD,
        Refusal.FUTURE,
        Refusal.NOT_CONFIRMED,
    }
    assert {why.status for why in Refusal} <= {200, 400, 403, 413, 503}
    assert all(why.words and "\n" not in why.words for why in Refusal)


def test_the_page_for_operators_has_every_reason_and_its_answer() -> None:
    page = (Path(__file__).parents[3] / "docs" / "intake.md").read_text("utf-8")
    written = [line for line in page.splitlines() if re.match(r"\| `[a-z_]+` \| \d{3} ", line)]
    assert written == [f"| `{why}` | {why.status} | {why.words} |" for why in Refusal]

"""An unmodified boto3 sends through it, and is refused as by SES."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import orjson
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from streams.simulator.refusals import REFUSALS
from streams.simulator.virus import EICAR
from tests.simulator.conftest import Run, simple, template


def _refused(call: Any, **words: Any) -> tuple[str, int, str]:
    """Return SES's name for an error, its status, and its words."""
    with pytest.raises(ClientError) as error:
        call(**words)
    said = error.value.response
    return said["Error"]["Code"], said["ResponseMetadata"]["HTTPStatusCode"], said["Error"]["Message"]


def _raw(*to: str, text: str = "It is on its way.", **headers: str) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Example Shop <shop@example.com>", ", ".join(to), "Ihre Bestellung: Öl"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail.as_bytes()


def test_a_simple_mail_is_sent_and_delivered(run: Run) -> None:
    running = run()
    tags = [{"Name": "stream", "Value": "receipts"}]
    sent = running.client.send_email(**simple("Ann <Ann@example.org>", EmailTags=tags, ConfigurationSetName="events"))
    send, delivery = running.events()
    assert send["mail"]["messageId"] == delivery["mail"]["messageId"] == sent["MessageId"]
    assert send["mail"]["destination"] == delivery["delivery"]["recipients"] == ["Ann@example.org"]
    assert send["mail"]["tags"]["stream"] == ["receipts"]
    assert send["mail"]["tags"]["ses:configuration-set"] == ["events"]
    assert send["mail"]["source"] == "Example Shop <shop@example.com>"


def test_headers_lists_and_files_of_a_simple_mail_are_read(run: Run) -> None:
    running = run()
    words = simple("ann@example.org")
    words["Destination"] |= {"CcAddresses": ["bob@example.org"], "BccAddresses": ["eve@example.org"]}
    words["Content"]["Simple"] |= {
        "Headers": [{"Name": "X-Order", "Value": "17"}],
        "Attachments": [{"FileName": "a.txt", "RawContent": b"hello"}],
    }
    running.client.send_email(**words, ReplyToAddresses=["desk@example.com"])
    mail = running.events()[0]["mail"]
    headers = {header["name"]: header["value"] for header in mail["headers"]}
    assert mail["destination"] == ["ann@example.org", "bob@example.org", "eve@example.org"]
    assert (headers["Cc"], headers["Reply-To"], headers["X-Order"]) == ("bob@example.org", "desk@example.com", "17")
    assert "eve@example.org" not in str(mail["headers"])


def test_a_raw_mail_is_sent_to_its_own_headers_or_to_the_destination(run: Run) -> None:
    running = run()
    raw = _raw("ann@example.org", Cc="bob@example.org", Bcc="eve@example.org", Message_ID="<own@example.com>")
    running.client.send_email(Content={"Raw": {"Data": raw}})
    running.client.send_email(Content={"Raw": {"Data": raw}}, Destination={"ToAddresses": ["zoe@example.org"]})
    first, second = (event["mail"] for event in running.events() if event["eventType"] == "Send")
    assert first["destination"] == ["ann@example.org", "bob@example.org", "eve@example.org"]
    assert second["destination"] == ["zoe@example.org"]
    assert first["source"] == "Example Shop <shop@example.com>"
    assert first["commonHeaders"]["subject"] == "Ihre Bestellung: Öl"
    assert first["commonHeaders"]["messageId"] == "<own@example.com>"
    assert "eve@example.org" not in str(first["headers"])


def test_a_raw_mail_may_carry_its_configuration_set_and_tags(run: Run) -> None:
    running = run()
    raw = _raw("ann@example.org", X_SES_CONFIGURATION_SET="events", X_SES_MESSAGE_TAGS="stream=news, request_id=r-1")
    tags = [{"Name": "stream", "Value": "receipts"}]
    running.client.send_email(Content={"Raw": {"Data": raw}}, EmailTags=tags)
    mail = running.events()[0]["mail"]
    found = {name: mail["tags"][name] for name in ("stream", "request_id", "ses:configuration-set")}
    assert found == {"stream": ["receipts"], "request_id": ["r-1"], "ses:configuration-set": ["events"]}
    assert not [header for header in mail["headers"] if header["name"].upper().startswith("X-SES-")]


def test_a_template_is_filled_in(run: Run) -> None:
    running = run()
    content = {"Subject": "Welcome, {{name}}", "Text": "Hello {{ user.first }}", "Html": "<p>{{name}}</p>"}
    running.client.create_email_template(TemplateName="welcome", TemplateContent=content)
    assert running.client.get_email_template(TemplateName="welcome")["TemplateContent"] == content
    running.client.send_email(**template("welcome", '{"name": "Ann", "user": {"first": "Ann"}}'))
    send, delivery = running.events()
    assert send["mail"]["commonHeaders"]["subject"] == "Welcome, Ann"
    assert delivery["eventType"] == "Delivery"


def test_a_template_without_its_data_is_accepted_and_fails_later(run: Run) -> None:
    running = run()
    content = {"Subject": "Hello", "Text": "Hello {{name}}"}
    running.client.create_email_template(TemplateName="welcome", TemplateContent=content)
    assert running.client.send_email(**template("welcome", "{}"))["MessageId"]
    (failed,) = running.events()
    assert failed["eventType"] == "Rendering Failure"
    assert failed["failure"] == {
        "templateName": "welcome",
        "errorMessage": "Attribute 'name' is not present in the rendering data.",
    }


def test_templates_are_kept_changed_and_dropped(run: Run) -> None:
    client = run().client
    for name in ("b", "a"):
        client.create_email_template(TemplateName=name, TemplateContent={"Subject": name})
    assert [one["TemplateName"] for one in client.list_email_templates()["TemplatesMetadata"]] == ["a", "b"]
    client.update_email_template(TemplateName="a", TemplateContent={"Subject": "new"})
    assert client.get_email_template(TemplateName="a")["TemplateContent"] == {"Subject": "new"}
    client.delete_email_template(TemplateName="a")
    assert _refused(client.get_email_template, TemplateName="a")[:2] == ("NotFoundException", 404)
    again = _refused(client.create_email_template, TemplateName="b", TemplateContent={})
    assert again[0] == "AlreadyExistsException"
    assert _refused(client.send_email, **template("a", "{}"))[:2] == ("NotFoundException", 404)


@pytest.mark.parametrize("code", REFUSALS)
def test_every_error_reaches_the_sdk_by_name_and_status(run: Run, code: str) -> None:
    running = run(refuse=code)
    row = REFUSALS[code]
    assert _refused(running.client.send_email, **simple("ann@example.org")) == (code, row.http, row.words)
    assert running.kinds() == []


@pytest.mark.parametrize(
    "words",
    [
        simple(*(f"p{number}@example.org" for number in range(51))),
        simple(),
        simple("nobody"),
        simple("ann@example.org", Content={}),
        simple("ann@example.org", Content={"Simple": {"Subject": {"Data": "x"}, "Body": {}}}),
        simple("ann@example.org", EmailTags=[{"Name": "stream", "Value": "not good"}]),
        simple("ann@example.org", Content={"Template": {"TemplateContent": {"Text": "x"}, "TemplateData": "{"}}),
        simple("ann@example.org", FromEmailAddress=""),
    ],
)
def test_a_bad_request_is_refused(run: Run, words: dict[str, Any]) -> None:
    assert _refused(run().client.send_email, **words)[:2] == ("BadRequestException", 400)


def test_too_fast_is_refused_in_the_words_of_ses(run: Run) -> None:
    running = run(rate=2, clock=1_790_000_000_000)
    client = running.client
    for _ in range(2):
        client.send_email(**simple("ann@example.org"))
    said = ("TooManyRequestsException", 429, "Maximum sending rate exceeded.")
    assert _refused(client.send_email, **simple("ann@example.org")) == said


def test_the_account_says_its_quota_and_keeps_it(run: Run) -> None:
    running = run(quota=3, rate=50)
    client = running.client
    client.send_email(**simple("ann@example.org", "bob@example.org", "success@simulator.amazonses.com"))
    account = client.get_account()
    assert account["SendQuota"] == {"Max24HourSend": 3.0, "MaxSendRate": 50.0, "SentLast24Hours": 2.0}
    assert (account["SendingEnabled"], account["EnforcementStatus"]) == (True, "HEALTHY")
    said = ("LimitExceededException", 400, "Daily message quota exceeded.")
    assert _refused(client.send_email, **simple("ann@example.org", "bob@example.org")) == said


def test_sending_can_be_paused_and_resumed(run: Run) -> None:
    client = run(paused=True).client
    assert client.get_account()["SendingEnabled"] is False
    assert _refused(client.send_email, **simple("ann@example.org"))[0] == "SendingPausedException"
    client.put_account_sending_attributes(SendingEnabled=True)
    assert client.get_account()["SendingEnabled"] is True
    client.send_email(**simple("ann@example.org"))


def test_a_sender_is_verified_before_it_may_send(run: Run) -> None:
    client = run(verify=True).client
    assert _refused(client.send_email, **simple("ann@example.org"))[0] == "MessageRejected"
    made = client.create_email_identity(EmailIdentity="example.com")
    assert (made["IdentityType"], made["VerifiedForSendingStatus"]) == ("DOMAIN", True)
    assert client.get_email_identity(EmailIdentity="example.com")["VerificationStatus"] == "SUCCESS"
    assert [one["IdentityName"] for one in client.list_email_identities()["EmailIdentities"]] == ["example.com"]
    client.send_email(**simple("ann@example.org"))
    assert _refused(client.create_email_identity, EmailIdentity="example.com")[0] == "AlreadyExistsException"
    client.delete_email_identity(EmailIdentity="example.com")
    assert _refused(client.get_email_identity, EmailIdentity="example.com")[0] == "NotFoundException"


def test_the_suppression_list_keeps_the_case_and_holds_mail_back_in_any(run: Run) -> None:
    running = run()
    client = running.client
    odd = "Ann+1/2@Example.org"
    client.put_suppressed_destination(EmailAddress=odd, Reason="COMPLAINT")
    found = client.get_suppressed_destination(EmailAddress=odd)["SuppressedDestination"]
    assert (found["EmailAddress"], found["Reason"]) == (odd, "COMPLAINT")
    assert _refused(client.get_suppressed_destination, EmailAddress=odd.lower())[:2] == ("NotFoundException", 404)
    assert _refused(client.delete_suppressed_destination, EmailAddress=odd.lower())[0] == "NotFoundException"
    assert client.send_email(**simple(odd.lower()))["MessageId"]
    send, bounce = running.events()
    assert (send["eventType"], bounce["bounce"]["bounceSubType"]) == ("Send", "OnAccountSuppressionList")
    client.delete_suppressed_destination(EmailAddress=odd)
    client.send_email(**simple(odd.lower()))
    assert running.kinds()[2:] == ["Send", "Delivery"]


def test_the_suppression_list_comes_in_pages_and_by_reason_and_date(run: Run) -> None:
    running = run(clock=1_790_000_000_000)
    client = running.client
    for number in range(7):
        reason = "BOUNCE" if number % 2 else "COMPLAINT"
        client.put_suppressed_destination(EmailAddress=f"p{number}@example.org", Reason=reason)
    listed, token = [], None
    while True:
        words = {"PageSize": 3} | ({} if token is None else {"NextToken": token})
        page = client.list_suppressed_destinations(**words)
        listed.append([one["EmailAddress"].partition("@")[0] for one in page["SuppressedDestinationSummaries"]])
        token = page.get("NextToken")
        if token is None:
            break
    assert listed == [["p0", "p1", "p2"], ["p3", "p4", "p5"], ["p6"]]
    by_reason = client.list_suppressed_destinations(Reasons=["BOUNCE"])["SuppressedDestinationSummaries"]
    assert {one["Reason"] for one in by_reason} == {"BOUNCE"}
    assert len(by_reason) == 3
    early = client.list_suppressed_destinations(EndDate=1_700_000_000)["SuppressedDestinationSummaries"]
    late = client.list_suppressed_destinations(StartDate=1_700_000_000)["SuppressedDestinationSummaries"]
    assert (len(early), len(late)) == (0, 7)
    assert _refused(client.list_suppressed_destinations, NextToken="?")[0] == "InvalidNextTokenException"
    assert _refused(client.list_suppressed_destinations, PageSize=0)[0] == "BadRequestException"


def test_in_the_sandbox_there_is_no_list_to_write(run: Run) -> None:
    client = run(sandbox=True).client
    assert client.get_account()["ProductionAccessEnabled"] is False
    refused = _refused(client.put_suppressed_destination, EmailAddress="ann@example.org", Reason="BOUNCE")
    assert refused[0] == "BadRequestException"


def test_hard_bounces_and_complaints_go_on_the_list_where_that_is_asked(run: Run) -> None:
    running = run(suppress=True)
    client = running.client
    client.send_email(**simple("gone@bigmail.example", "Complain@bigmail.example", "notspam@bigmail.example"))
    client.send_email(**simple("bounce@simulator.amazonses.com", "robot@bigmail.example"))
    listed = client.list_suppressed_destinations()["SuppressedDestinationSummaries"]
    found = {one["EmailAddress"]: one["Reason"] for one in listed}
    assert found == {"Complain@bigmail.example": "COMPLAINT", "gone@bigmail.example": "BOUNCE"}
    attributes = client.get_suppressed_destination(EmailAddress="gone@bigmail.example")["SuppressedDestination"]
    bounces = [event["bounce"]["feedbackId"] for event in running.events() if "bounce" in event]
    assert attributes["Attributes"]["FeedbackId"] in bounces


@pytest.mark.parametrize("where", ["text", "raw", "attachment", "part"])
def test_the_eicar_test_string_is_taken_and_then_rejected(run: Run, where: str) -> None:
    running = run()
    mail = EmailMessage()
    mail["From"], mail["To"] = "shop@example.com", "ann@example.org"
    mail.set_content("see the file")
    mail.add_attachment(EICAR.encode(), maintype="application", subtype="octet-stream", filename="a.bin")  # in base64
    assert EICAR.encode() not in mail.as_bytes()
    words = simple("ann@example.org")
    match where:
        case "text":
            words["Content"]["Simple"]["Body"]["Text"]["Data"] = f"look: {EICAR}"
        case "attachment":
            words["Content"]["Simple"]["Attachments"] = [{"FileName": "a.bin", "RawContent": EICAR.encode()}]
        case "raw":
            words["Content"] = {"Raw": {"Data": _raw("ann@example.org", text=EICAR)}}
        case "part":
            words["Content"] = {"Raw": {"Data": mail.as_bytes()}}
    assert running.client.send_email(**words)["MessageId"]
    send, reject = running.events()
    assert (send["eventType"], reject["reject"]) == ("Send", {"reason": "Bad content"})


def test_a_mail_may_be_taken_and_answered_with_an_error(run: Run) -> None:
    running = run(fail_after=1)
    said = _refused(running.client.send_email, **simple("ann@example.org"))
    assert said[:2] == ("InternalServiceErrorException", 500)
    assert running.kinds() == ["Send", "Delivery"]


def test_a_mail_may_be_answered_with_an_error_and_not_taken(run: Run) -> None:
    running = run(fail=1)
    assert _refused(running.client.send_email, **simple("ann@example.org"))[1] == 500
    assert running.kinds() == []


def test_a_mail_may_be_taken_and_never_answered(run: Run) -> None:
    running = run(hang=1)
    with pytest.raises(ReadTimeoutError):
        running.client_waiting(0.5).send_email(**simple("ann@example.org"))
    assert running.kinds() == ["Send", "Delivery"]
    running.stop()  # does not hang for it


def test_trouble_meets_the_same_mails_for_the_same_seed(run: Run) -> None:
    def met(seed: int) -> list[int]:
        client = run(seed=seed, fail=0.3, throttle=0.2).client
        statuses = []
        for _ in range(40):
            try:
                statuses.append(client.send_email(**simple("ann@example.org"))["ResponseMetadata"]["HTTPStatusCode"])
            except ClientError as error:
                statuses.append(error.response["ResponseMetadata"]["HTTPStatusCode"])
        return statuses

    first = met(5)
    assert set(first) == {200, 429, 500}
    assert met(5) == first
    assert met(6) != first


def test_the_same_seed_and_the_same_time_give_the_same_events(run: Run) -> None:
    def told() -> list[bytes]:
        running = run(seed=9, clock=1_790_000_000_000)
        client = running.client
        for to in ("full-1@bigmail.example", "complain@bigmail.example", "slow-2@bigmail.example"):
            client.send_email(**simple(to))
        running.events()
        return sorted(one.body for one in running.told)

    assert told() == told()


def test_an_operation_that_is_not_there_is_said_to_be_unknown(run: Run) -> None:
    assert _refused(run().client.list_contact_lists)[:2] == ("UnknownOperationException", 404)


_TEXT = {"Simple": {"Subject": {"Data": "Hi"}, "Body": {"Text": {"Data": "Hello"}}}}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"{}",
        orjson.dumps({"Content": "x"}),
        orjson.dumps({"Content": {"Raw": {"Data": "no base64!"}}}),
        orjson.dumps({"Content": {"Simple": {"Subject": {"Data": 1}, "Body": {"Text": {"Data": "x"}}}}}),
        orjson.dumps(
            {"Content": {"Simple": {"Subject": {"Data": "x"}, "Body": {"Text": {"Data": "x"}}, "Headers": "x"}}}
        ),
        orjson.dumps({"Content": _TEXT, "Destination": {"ToAddresses": "ann@example.org"}}),
        orjson.dumps({"Content": _TEXT, "EmailTags": [1]}),
        orjson.dumps({"Content": {"Simple": {"Body": {"Text": {"Data": "x"}}}}}),
    ],
)
def test_a_request_of_another_shape_is_refused(run: Run, body: bytes) -> None:
    request = Request(f"{run().url}/v2/email/outbound-emails", data=body, method="POST")  # noqa: S310 - http, here
    with pytest.raises(HTTPError) as error:
        urlopen(request, timeout=10)  # noqa: S310 - as above
    with error.value as answer:
        assert (answer.code, answer.headers["x-amzn-ErrorType"]) == (400, "BadRequestException")


@pytest.mark.parametrize("path", ["identities", "templates", "suppression/addresses"])
def test_a_record_of_another_shape_is_refused(run: Run, path: str) -> None:
    method = "PUT" if "suppression" in path else "POST"
    request = Request(f"{run().url}/v2/email/{path}", data=b'{"TemplateName": 1}', method=method)  # noqa: S310 - http, here
    with pytest.raises(HTTPError) as error:
        urlopen(request, timeout=10)  # noqa: S310 - as above
    with error.value as answer:
        assert (answer.code, answer.headers["x-amzn-ErrorType"]) == (400, "BadRequestException")


def test_an_answer_takes_its_time_where_that_is_asked(run: Run) -> None:
    client = run(latency_ms=150).client
    begun = time.monotonic()
    client.send_email(**simple("ann@example.org"))
    assert time.monotonic() - begun >= 0.15


def test_who_waits_in_vain_is_let_go_at_the_end(run: Run) -> None:
    running = run(hang=1)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(_refused, running.client_waiting(60).send_email, **simple("ann@example.org"))
        while not running.simulator.desk.sent:
            time.sleep(0.01)
        running.stop()
        assert answer.result(30)[1] == 503


def test_names_and_dates_are_taken_apart(run: Run) -> None:
    running = run()
    raw = _raw(
        "ann@example.org", Cc='"Doe, Ann" <ann@example.net>, bob@example.net', Date="Mon, 21 Sep 2026 14:13:20 +0000"
    )
    running.client.send_email(Content={"Raw": {"Data": raw}})
    common = running.events()[0]["mail"]["commonHeaders"]
    assert common["cc"] == ['"Doe, Ann" <ann@example.net>', "bob@example.net"]
    assert common["date"] == "Mon, 21 Sep 2026 14:13:20 +0000"


def test_otherwise_nobody_goes_on_the_list_by_themselves(run: Run) -> None:
    client = run().client
    for _ in range(2):
        client.send_email(**simple("gone@bigmail.example", "complain@bigmail.example"))
    assert client.list_suppressed_destinations()["SuppressedDestinationSummaries"] == []

"""smtplib sends through it: the same mails, the same answers, as SMTP says them."""

from __future__ import annotations

import smtplib
import ssl
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from streams.errors import WorldFailed
from streams.simulator.refusals import REFUSALS
from streams.simulator.virus import EICAR
from tests.simulator.conftest import Run, Running

LOGIN = ("mailer", "not a secret")


def _mail(*to: str, text: str = "It is on its way.", **headers: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Example Shop <shop@example.com>", ", ".join(to), "Your order"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail


class Client(smtplib.SMTP):
    """smtplib, and the last thing that it was told."""

    def send_one(self, mail: EmailMessage, sender: str = "shop@example.com", *to: str) -> tuple[int, str]:
        """Send one mail command by command; return the answer that it ends with."""
        self.ehlo_or_helo_if_needed()
        for code, words in (self.mail(sender), *(self.rcpt(one) for one in to or [mail["To"]])):
            if code >= 400:
                return code, words.decode()
        code, words = self.data(mail.as_bytes(policy=SMTP))
        return code, words.decode()


def _client(running: Running) -> Client:
    return Client("127.0.0.1", running.simulator.smtp_port, timeout=10)


def _send(running: Running, mail: EmailMessage, *to: str) -> tuple[int, str]:
    with _client(running) as client:
        return client.send_one(mail, "shop@example.com", *to)


def test_a_mail_is_sent_and_its_id_comes_in_the_answer(run: Run) -> None:
    running = run()
    code, words = _send(running, _mail("ann@example.org"), "Ann@example.org")
    send, delivery = running.events()
    assert (code, words) == (250, f"Ok {send['mail']['messageId']}")
    assert delivery["delivery"]["recipients"] == ["Ann@example.org"]
    assert send["mail"]["source"] == "shop@example.com"
    assert send["mail"]["tags"]["ses:operation"] == ["SendSmtpEmail"]
    assert send["mail"]["headers"][0]["name"] == "Received"


def test_smtplibs_own_way_to_send_works_for_one_and_for_many(run: Run) -> None:
    running = run()
    with smtplib.SMTP("127.0.0.1", running.simulator.smtp_port) as client:
        assert client.send_message(_mail("ann@example.org", "robot@bigmail.example")) == {}
        assert client.send_message(_mail("gone@bigmail.example")) == {}
    assert sorted(running.kinds()) == ["Bounce", "Bounce", "Delivery", "Delivery", "Send", "Send"]


def test_the_headers_for_ses_are_read_and_taken_out(run: Run) -> None:
    running = run()
    headers = {"X_SES_CONFIGURATION_SET": "events", "X_SES_MESSAGE_TAGS": "stream=news, request_id=r-1"}
    _send(running, _mail("ann@example.org", **headers))
    mail = running.events()[0]["mail"]
    found = {name: mail["tags"][name] for name in ("stream", "request_id", "ses:configuration-set")}
    assert found == {"stream": ["news"], "request_id": ["r-1"], "ses:configuration-set": ["events"]}
    assert not [header for header in mail["headers"] if header["name"].upper().startswith("X-SES-")]


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("TooManyRequestsException", (454, "Throttling failure: Maximum sending rate exceeded.")),
        ("LimitExceededException", (454, "Throttling failure: Daily message quota exceeded.")),
        ("MessageRejected", (554, "Message rejected: Message rejected by the simulator.")),
        ("AccountSuspendedException", (554, "Message rejected: Sending suspended for this account.")),
        ("SendingPausedException", (554, "Message rejected: Sending paused for this account.")),
        ("MailFromDomainNotVerifiedException", (554, "Message rejected: Custom MAIL FROM domain is not verified.")),
        ("NotFoundException", (554, "Transaction failed: Configuration set does not exist.")),
        ("BadRequestException", (554, "Transaction failed: The request is not valid.")),
        ("InternalServiceErrorException", (451, "Temporary service failure.")),
    ],
)
def test_every_error_has_its_code_and_words(run: Run, code: str, answer: tuple[int, str]) -> None:
    assert code in REFUSALS
    running = run(refuse=code)
    assert _send(running, _mail("ann@example.org")) == answer
    assert running.kinds() == []


def test_too_fast_is_said_in_the_words_of_ses(run: Run) -> None:
    running = run(rate=1, clock=1_790_000_000_000)
    assert _send(running, _mail("ann@example.org"))[0] == 250
    assert _send(running, _mail("ann@example.org")) == (454, "Throttling failure: Maximum sending rate exceeded.")


def test_an_unverified_sender_is_named(run: Run) -> None:
    code, words = _send(run(verify=True), _mail("ann@example.org"))
    assert code == 554
    assert words.startswith("Message rejected: Email address is not verified.")
    assert words.endswith("US-EAST-1: shop@example.com")


def test_a_bad_address_is_refused_at_once(run: Run) -> None:
    running = run()
    assert _send(running, _mail("ann@example.org"), "ann") == (553, "Transaction failed: Invalid email address.")
    with _client(running) as client:
        assert client.send_one(_mail("ann@example.org"), "nobody")[0] == 553


def test_a_mail_that_is_too_long_is_refused(run: Run) -> None:
    running = run(message_bytes=2000)
    with _client(running) as client:
        client.ehlo()
        assert client.esmtp_features["size"] == "2000"
        assert client.send_one(_mail("ann@example.org", text="word\n" * 1000))[0] == 552
    assert _send(running, _mail("ann@example.org"))[0] == 250


def test_fifty_recipients_are_taken_and_one_more_is_not(run: Run) -> None:
    running = run()
    to = [f"p{number}@example.org" for number in range(51)]
    assert _send(running, _mail("ann@example.org"), *to[:50])[0] == 250
    assert _send(running, _mail("ann@example.org"), *to) == (
        554,
        "Transaction failed: Recipient count exceeds 50.",
    )


def test_any_login_will_do_and_none_is_needed(run: Run) -> None:
    running = run()
    with _client(running) as client:
        assert client.login("anybody", "anything")[0] == 235
        assert client.send_one(_mail("ann@example.org"))[0] == 250


def test_a_configured_login_is_demanded(run: Run) -> None:
    running = run(smtp_login=LOGIN)
    with _client(running) as client:
        code, _ = client.send_one(_mail("ann@example.org"))
        assert code == 530
        with pytest.raises(smtplib.SMTPAuthenticationError) as error:
            client.login("mailer", "wrong")
        assert (error.value.smtp_code, error.value.smtp_error) == (535, b"Authentication Credentials Invalid")
    for mechanism in ("PLAIN", "LOGIN"):
        with _client(running) as client:
            client.ehlo()
            client.esmtp_features["auth"] = mechanism
            assert client.login(*LOGIN)[0] == 235
            assert client.send_one(_mail("ann@example.org"))[0] == 250


def test_too_many_connections_are_turned_away_until_one_ends(run: Run) -> None:
    running = run(connections=2)
    first, second = _client(running), _client(running)
    with pytest.raises(smtplib.SMTPConnectError) as error:
        _client(running)
    assert error.value.smtp_code == 421
    first.quit()
    second.noop()
    for _ in range(50):  # our side hears of the end a moment later
        try:
            _client(running).quit()
            break
        except smtplib.SMTPConnectError:
            continue
    else:
        pytest.fail("the place of the first was never free again")
    second.quit()


@pytest.mark.parametrize("packed", [False, True])
def test_the_eicar_test_string_is_taken_and_then_rejected(run: Run, packed: bool) -> None:
    running = run()
    mail = _mail("ann@example.org", text="see the file" if packed else EICAR)
    if packed:
        mail.add_attachment(EICAR.encode(), maintype="application", subtype="octet-stream", filename="a.bin")
    assert (EICAR.encode() in mail.as_bytes()) is not packed
    assert _send(running, mail)[0] == 250
    assert running.kinds() == ["Send", "Reject"]


def test_a_mail_may_be_taken_and_answered_with_a_failure(run: Run) -> None:
    running = run(fail_after=1)
    assert _send(running, _mail("ann@example.org")) == (451, "Temporary service failure.")
    assert running.kinds() == ["Send", "Delivery"]


def test_a_mail_may_be_taken_and_never_answered(run: Run) -> None:
    running = run(hang=1)
    client = Client("127.0.0.1", running.simulator.smtp_port, timeout=0.5)
    with client, pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
        client.send_one(_mail("ann@example.org"))
    assert running.kinds() == ["Send", "Delivery"]


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # the refused STARTTLS leaves its socket to the collector
def test_starttls_is_offered_where_there_is_a_certificate(run: Run, tmp_path: Path) -> None:
    certificate = _certificate(tmp_path)
    running = run(certificate=certificate)
    trusting = ssl.create_default_context(cafile=str(certificate))
    with Client("localhost", running.simulator.smtp_port, timeout=10) as client:
        assert client.starttls(context=trusting)[0] == 220
        assert client.login("anybody", "anything")[0] == 235
        assert client.send_one(_mail("ann@example.org"))[0] == 250
    assert running.events()[0]["mail"]["tags"]["ses:source-tls-version"] == ["TLSv1.3"]
    with _client(run()) as client:
        client.ehlo()
        assert not client.has_extn("starttls")


def test_a_certificate_that_is_not_there_is_named(run: Run, tmp_path: Path) -> None:
    with pytest.raises(WorldFailed, match=r"no certificate and key in .*missing\.pem"):
        run(certificate=tmp_path / "missing.pem")


def test_a_fault_of_the_simulators_own_quotes_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    running = run()
    monkeypatch.setattr(running.simulator.desk, "hand_in", None)
    assert _send(running, _mail("ann@example.org")) == (451, "Temporary service failure.")


def test_odd_bytes_in_headers_do_no_harm(run: Run) -> None:
    running = run()
    raw = (
        b"From: shop@example.com\r\nTo: ann@example.org\r\nSubject: \xff\xfe =?nope?q?x?=\r\n\tand on\r\n\r\nhello\r\n"
    )
    with _client(running) as client:
        client.sendmail("shop@example.com", ["ann@example.org"], raw)
    assert running.events()[0]["mail"]["commonHeaders"]["subject"].endswith("and on")


def _certificate(folder: Path) -> Path:
    """Return a self-made certificate for localhost, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    own = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / "own.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + own)
    return file

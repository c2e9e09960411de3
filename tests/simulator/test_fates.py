"""What becomes of a mail, address by address."""

from __future__ import annotations

import pytest

from streams.simulator.fates import MAILBOXES, MINUTE, WORDS, Times
from streams.simulator.words import Conditions
from tests.simulator.lives import NOON, Bench

GONE = "Bounce Permanent/General 5.1.1"
AUTO_REPLY = "Bounce Transient/General"
DELAY = "DeliveryDelay TransientCommunicationFailure 4.4.1"

MAILBOX = {
    "success": ["Delivery"],
    "bounce": [GONE],
    "ooto": ["Delivery", AUTO_REPLY],
    "complaint": ["Delivery", "Complaint abuse"],
    "suppressionlist": ["Bounce Permanent/Suppressed 5.1.1"],
}
ALWAYS = {
    "gone": [GONE],
    "toolarge": ["Bounce Transient/MessageTooLarge 5.3.4"],
    "content": ["Bounce Transient/ContentRejected 5.6.0"],
    "attachment": ["Bounce Transient/AttachmentRejected 5.6.1"],
    "complain": ["Delivery", "Complaint abuse"],
    "angry": ["Delivery", "Complaint abuse"],
    "notspam": ["Delivery", "Complaint not-spam"],
    "robot": ["Delivery", AUTO_REPLY],
    "responder": ["Delivery", "Received"],
    "late": ["Delivery", GONE],
    "open": ["Delivery", "Open", "Click"],
    "silent": [],
    "anna.maria": ["Delivery"],
    "gone-3": ["Delivery"],  # a number means nothing behind a word that takes none
    "full-many": ["Delivery"],
}
FIRST_N = {
    "full": "Bounce Transient/MailboxFull 4.2.2",
    "busy": "Bounce Transient/General 4.3.2",
    "nodomain": "Bounce Transient/General 5.4.4",
    "undetermined": "Bounce Undetermined/Undetermined 5.0.0",
}


@pytest.mark.parametrize("label", ["", "+order17"])
@pytest.mark.parametrize("name", MAILBOX)
def test_the_mailbox_simulator_answers_as_ses_says(name: str, label: str) -> None:
    bench = Bench()
    for address in (f"{name}{label}@simulator.amazonses.com", f"{name.upper()}{label}@Simulator.AmazonSES.com"):
        assert bench.told(address) == ["Send", *MAILBOX[name]]


def test_no_other_address_is_known_at_the_mailbox_simulator() -> None:
    assert Bench().told("gonee@simulator.amazonses.com") == ["Send", GONE]
    assert Bench().told("robot@simulator.amazonses.com") == ["Send", GONE]


@pytest.mark.parametrize("word", ALWAYS)
def test_a_word_says_what_becomes_of_every_mail(word: str) -> None:
    bench = Bench()
    for address in (f"{word}@bigmail.example", f"{word}+7@bigmail.example", f"{word.upper()}@BigMail.example"):
        assert bench.told(address) == ["Send", *ALWAYS[word]]


@pytest.mark.parametrize("word", FIRST_N)
def test_a_number_says_how_many_mails_bounce_before_one_arrives(word: str) -> None:
    bench = Bench()
    told = [bench.told(f"{word}-2+x@bigmail.example")[1:] for _ in range(4)]
    assert told == [[FIRST_N[word]], [FIRST_N[word]], ["Delivery"], ["Delivery"]]
    assert bench.told(f"{word}-2+y@bigmail.example") == ["Send", FIRST_N[word]]  # another address counts by itself
    assert bench.told(f"{word}-0@bigmail.example") == ["Send", "Delivery"]
    assert [bench.told(f"{word}@bigmail.example")[1:] for _ in range(3)] == [[FIRST_N[word]]] * 3


def test_a_number_says_how_many_delays_come_before_a_delivery() -> None:
    bench = Bench()
    assert bench.told("slow-3@bigmail.example") == ["Send", DELAY, DELAY, DELAY, "Delivery"]
    assert bench.told("slow@bigmail.example") == ["Send", DELAY, "Delivery"]
    assert bench.told("slow-0@bigmail.example") == ["Send", "Delivery"]


def test_a_vacation_is_announced_once_a_minute() -> None:
    bench = Bench()
    told = []
    for at in (0, 1, MINUTE - 1, MINUTE, MINUTE + 1):
        bench.now = NOON + at
        told.append(bench.told("vacation@bigmail.example")[1:])
    answered, silent = ["Delivery", AUTO_REPLY], ["Delivery"]
    assert told == [answered, silent, silent, answered, silent]


def test_a_provider_that_does_not_answer_delays_and_then_bounces_softly() -> None:
    bench = Bench(Conditions(outage=("bigmail.example",)))
    assert bench.told("anna@BigMail.example") == ["Send", DELAY, "Bounce Transient/General 4.4.7"]
    assert bench.told("anna@outpost.example") == ["Send", "Delivery"]


def test_every_word_of_the_tables_is_tested_here() -> None:
    assert set(MAILBOXES) == set(MAILBOX)
    by_number = {word for word, fate in WORDS.items() if fate.times is Times.FIRST_N}
    assert by_number == set(FIRST_N)
    assert set(WORDS) - by_number <= set(ALWAYS) | {"slow", "vacation"}


def test_every_row_of_the_tables_has_its_reason() -> None:
    assert all(fate.because for fate in (*MAILBOXES.values(), *WORDS.values()))

"""Mailbox providers: whole domains only, so that nobody picks a label by picking a domain."""

from __future__ import annotations

import pytest

from streams.mail.address import normal_address
from streams.observe.provider import DOMAINS, Provider, provider_of


@pytest.mark.parametrize(
    ("domain", "provider"),
    [
        ("gmail.com", "gmail"),
        ("googlemail.com", "gmail"),
        ("hotmail.fr", "outlook"),
        ("live.co.uk", "outlook"),
        ("msn.com", "outlook"),
        ("yahoo.co.jp", "yahoo"),
        ("ymail.com", "yahoo"),
        ("aol.com", "aol"),
        ("me.com", "icloud"),
        ("gmx.at", "gmx"),
        ("web.de", "web_de"),
        ("bk.ru", "mail_ru"),
        ("ya.ru", "yandex"),
        ("pm.me", "proton"),
        ("comcast.net", "comcast"),
        ("wanadoo.fr", "orange"),
        ("simulator.amazonses.com", "amazon_simulator"),
        ("example.com", "other"),
        ("gmail.com.example", "other"),
        ("gmail.example", "gmail"),
        ("web-de.example", "web_de"),
        ("firm.example", "other"),
        ("notgmail.com", "other"),
        ("mail.gmail.com", "other"),
        ("", "other"),
    ],
)
def test_a_domain_belongs_to_its_provider_and_a_likeness_to_none(domain: str, provider: str) -> None:
    assert provider_of(domain) == provider


def test_every_provider_but_other_has_a_domain_and_every_domain_is_in_normal_form() -> None:
    assert set(DOMAINS.values()) == set(Provider) - {Provider.OTHER}
    for domain in DOMAINS:
        assert normal_address(f"x@{domain}") == f"x@{domain}"
        assert "." in domain.strip(".")

"""Which mailbox provider a domain belongs to: a table of whole domains, so that the label stays a closed list.

Whose mail is late or bounces is asked by provider, never by recipient. Only the providers' own domains stand here;
company domains that they host would need a look-up in DNS for every new one, and count as `other`. Never match by a
pattern: then whoever picks a domain would pick a label.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Provider(StrEnum):
    """A mailbox provider, as a label value."""

    GMAIL = "gmail"
    OUTLOOK = "outlook"
    YAHOO = "yahoo"
    AOL = "aol"
    ICLOUD = "icloud"
    GMX = "gmx"
    WEB_DE = "web_de"
    MAIL_RU = "mail_ru"
    YANDEX = "yandex"
    PROTON = "proton"
    COMCAST = "comcast"
    ORANGE = "orange"
    AMAZON_SIMULATOR = "amazon_simulator"
    OTHER = "other"


_COUNTRIES: tuple[tuple[Provider, str, str], ...] = (
    # provider, name before the dot, endings
    (Provider.OUTLOOK, "outlook", "com at be cl co.id co.il co.th com.ar com.au com.br com.gr com.tr com.vn cz"),
    (Provider.OUTLOOK, "outlook", "de dk es fr hu ie in it jp kr lv my ph pt sa sg sk"),
    (Provider.OUTLOOK, "hotmail", "com be ca ch cl co.id co.il co.jp co.kr co.nz co.th co.uk co.za com.ar com.au"),
    (Provider.OUTLOOK, "hotmail", "com.br com.hk com.tr com.tw com.vn cz de dk es fi fr gr hu it my nl no ph pt se"),
    (Provider.OUTLOOK, "live", "com at be ca cl cn co.kr co.uk co.za com.ar com.au com.mx com.my com.ph com.pt"),
    (Provider.OUTLOOK, "live", "com.sg de dk fi fr hk ie in it jp nl no ru se"),
    (Provider.YAHOO, "yahoo", "com at be bg ca cl co.id co.il co.in co.jp co.kr co.nz co.th co.uk co.za com.ar"),
    (Provider.YAHOO, "yahoo", "com.au com.br com.cn com.co com.hk com.mx com.my com.pe com.ph com.sg com.tr com.tw"),
    (Provider.YAHOO, "yahoo", "com.ve com.vn cz de dk ee es fi fr gr hu ie in it lt lv nl no pl pt ro se sk"),
    (Provider.AOL, "aol", "com co.uk de fr it es ca com.au com.br com.mx jp nl se"),
    (Provider.GMX, "gmx", "de net at ch com co.uk es eu fr info org us tm pm li biz"),
    (Provider.YANDEX, "yandex", "ru com by kz ua com.tr uz"),
)
_ALONE: tuple[tuple[Provider, str], ...] = (
    (Provider.GMAIL, "gmail.com googlemail.com"),
    (Provider.OUTLOOK, "msn.com passport.com windowslive.com"),
    (Provider.YAHOO, "ymail.com rocketmail.com myyahoo.com"),
    (Provider.AOL, "aim.com love.com verizon.net netscape.net"),
    (Provider.ICLOUD, "icloud.com me.com mac.com"),
    (Provider.WEB_DE, "web.de"),
    (Provider.MAIL_RU, "mail.ru bk.ru inbox.ru list.ru internet.ru"),
    (Provider.YANDEX, "ya.ru narod.ru"),
    (Provider.PROTON, "proton.me protonmail.com protonmail.ch pm.me"),
    (Provider.COMCAST, "comcast.net xfinity.com"),
    (Provider.ORANGE, "orange.fr wanadoo.fr"),
    (Provider.AMAZON_SIMULATOR, "simulator.amazonses.com"),
)

DOMAINS: Mapping[str, Provider] = {
    f"{name}.{ending}": provider for provider, name, endings in _COUNTRIES for ending in endings.split()
} | {domain: provider for provider, domains in _ALONE for domain in domains.split()}
"""Every domain that is known, lower case."""

_MADE_UP = {f"{provider.value.replace('_', '-')}.example": provider for provider in Provider}
"""A twin for each provider where nobody can have a mailbox (RFC 2606): for the demo, and for whoever tries rules."""


def provider_of(domain: str) -> str:
    """Return the provider's label for a domain in normal form (lower case); `other` for all the rest."""
    return (DOMAINS.get(domain) or _MADE_UP.get(domain, Provider.OTHER)).value

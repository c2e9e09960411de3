"""What people see who follow a link for leaving: one page with a button, and the same page with what came of it.

No script, no picture, nothing from elsewhere, no cookie; it reads well aloud, in the dark, and at any size. It shows
an address in part only, for whoever has the link may not be whom the mail was for. Its form posts what mailbox
providers post, to where it came from.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from html import escape

from streams.mail.unsubscribe import ONE_CLICK_BODY, Leave

_STYLE = """
:root { color-scheme: light dark; --ink: #1c1e21; --paper: #fff; --quiet: #57606a; --act: #0b57d0; --on: #fff; }
@media (prefers-color-scheme: dark) {
:root { --ink: #e6e8eb; --paper: #17191c; --quiet: #9ba3ad; --act: #8ab4f8; --on: #10233f; }
}
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.125rem/1.5 system-ui, sans-serif; }
main { max-width: 34rem; margin: 0 auto; padding: 15vh 1.5rem 3rem; overflow-wrap: anywhere; }
h1 { margin: 0 0 1rem; font-size: 1.75rem; line-height: 1.2; text-wrap: balance; }
p { margin: 0 0 1.5rem; }
button { padding: .75rem 1.5rem; border: 0; border-radius: .5rem; background: var(--act); color: var(--on);
font: inherit; font-weight: 600; cursor: pointer; }
button:hover { filter: brightness(1.1); }
button:focus-visible { outline: 3px solid var(--ink); outline-offset: 3px; }
.quiet { margin-top: 2.5rem; color: var(--quiet); font-size: 1rem; }
"""

_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""Beside every page. The link itself is the secret: it must not be kept, nor told to whoever is visited next."""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p{role}>{words}</p>
{form}{note}</main>
</body>
</html>
"""
_NAME, _, _VALUE = ONE_CLICK_BODY.partition("=")
_FORM = f"""<form method="post">
<input type="hidden" name="{_NAME}" value="{_VALUE}">
<button type="submit">{{button}}</button>
</form>
"""
_UNTOUCHED = "If you did not mean to come here, close this page: nothing has changed."


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a page says; *words* may name {who} and {stream}."""

    title: str
    words: str
    button: str | None = None
    note: str | None = None
    role: str = ""


ASK = Said(
    title="Unsubscribe?",
    words="Press the button, and “{stream}” will no longer be sent to {who}.",
    button="Unsubscribe",
    note=_UNTOUCHED,
)
DONE = Said(
    title="You are unsubscribed",
    words="“{stream}” will no longer be sent to {who}. A mail that is already on its way may still arrive.",
    note="You can close this page.",
    role="status",
)
UNKNOWN = Said(
    title="This link does not work",
    words="It may have lost a part on its way. Open the link in the mail itself, or use the unsubscribe button that "
    "your mail program shows.",
    note="Nothing has changed.",
)
UNASKED = Said(
    title="Nothing has changed yet",
    words="“{stream}” is still being sent to {who}. To stop it, press the button.",
    button="Unsubscribe",
    note=_UNTOUCHED,
    role="alert",
)
LATER = Said(
    title="That did not work just now",
    words="“{stream}” is still being sent to {who}. Please try again in a minute.",
    button="Try again",
    role="alert",
)


def render(said: Said, leave: Leave | None = None) -> str:
    """Return a page; *leave* is whom it is about, where that is known."""
    known = {} if leave is None else {"who": masked(leave.recipient), "stream": leave.stream}
    return _PAGE.format(
        style=_STYLE,
        title=escape(said.title),
        role=f' role="{said.role}"' if said.role else "",
        words=escape(said.words.format(**known)),
        form="" if said.button is None else _FORM.format(button=escape(said.button)),
        note="" if said.note is None else f'<p class="quiet">{escape(said.note)}</p>\n',
    )


def masked(address: str) -> str:
    """Return an address by which its owner knows it, and nobody else can write to it."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1] if len(local) > 1 else ''}…@{domain}"

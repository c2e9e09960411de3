"""The pages of docs/ that show the longer tables of the rules: refusals, and the headers of auto-replies.

docs.py writes them; a test holds the files to them. Short tables stand in docs/rules.md, written by hand.
"""

from __future__ import annotations

from streams.cli.markdown import page, table

_REFUSALS = """What dispatch does when SES, or the way to SES, says no. The first row that fits decides: a code (that of
SESv2, of the older API, of SMTP, or a word of ours) and words in SES's text. An Outcome FAILED bears the row's reason,
or the code as it came. The code is `streams/decide/refusal.py`.

- **end**: the request ends as FAILED.
- **again**: it is tried again after 5, 10 and 30 seconds; after `dispatch.tries` calls it ends as FAILED.
- **slow**: it is tried again as often as need be, and the whole line goes slower.
- **stop**: it waits, and nothing goes out for the rest given; then one mail asks.

*Later* says that a mail that ended so may be tried again hours later, as a retry.
"""

_HEADERS = """A mail that we receive is an auto-reply to one of ours where two things hold: its headers say that a
machine wrote it, and In-Reply-To (else References, from its end) names a message id of SES. Everything else that we
receive is no event: nothing of it is kept, not as a dead letter either. Of an auto-reply the headers are kept, the body
is not. The code is `streams/decide/autoreply.py`.
"""
_HEADERS_WHY = """## How rows add up

- **NEVER**: a report about a mail (DSN, MDN, ARF) is no auto-reply, whatever else it says.
- **STRONG**: one row is enough.
- **MEDIUM**: two different headers, or one and a subject that begins as a machine's does; not where a row **AGAINST**
  fits (list traffic, `Auto-Submitted: no`).
- A subject alone is nothing: people write "Out of office next week" too. A header whose value is empty says nothing.
- `X-Auto-Response-Suppress` alone is a request not to be answered, which our own mails carry too. What Exchange's inbox
  rules mark alone is a person's mail as often as not.

The outcome is AUTO_REPLIED for whoever answered (From, else Sender, else the envelope's sender), at the time at which
the mail was received, with the rows' names as its reason. The same reply by SNS and by S3 is one: its id is made of the
mail answered and of its own Message-ID. SES's bounce of the same reply is another event; loops count the mails that
were answered.
"""


def refusals_page() -> str:
    """Return docs/refusals.md."""
    from streams.decide.refusal import REFUSALS

    rows = [
        (
            f"`{row.code}`" if row.code else "any",
            f'"{row.words}"' if row.words else "any",
            row.action if not row.rest else f"{row.action}, {row.rest // 1000} s",
            "later" if row.may_pass else "-",
            f"`{row.reason}`" if row.reason else "the code",
            row.because,
        )
        for row in REFUSALS
    ]
    return page("Refusals", _REFUSALS, table(("code", "words", "what follows", "later", "reason", "because"), rows))


def auto_replies_page() -> str:
    """Return docs/auto-replies.md."""
    from streams.decide.autoreply import HEADERS
    from streams.decide.oof_subjects import PREFIXES

    rows = [(row.name, f"`{row.header}`", row.strength, row.source) for row in HEADERS]
    subjects = [(f"`{prefix.begins}`", prefix.language, prefix.source) for prefix in PREFIXES]
    return page(
        "Auto-replies",
        _HEADERS,
        table(("row", "header", "worth", "known from"), rows),
        _HEADERS_WHY,
        "## How a machine's subject begins",
        table(("beginning", "language", "known from"), subjects),
    )

"""The plain page at `/`, as an intake has it: what this is, how it is, where the rest is. One string, no asset.

It says what is true now and nothing else. What shows addresses or changes anything does not belong here.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape

from streams import __version__
from streams.observe.health import Verdict

ENDPOINTS = (
    ("/metrics", "every number, in Prometheus's text formats"),
    ("/health/live", "200 while the worker moves; 503 where records wait and nothing has moved for long"),
    ("/health/ready", "200 while it works; 503 while it starts, recovers, stops or is stuck, with the reasons"),
)

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 44rem; margin: 3rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin-bottom: 0; }
.state { display: inline-block; margin: 1.5rem 0 0; padding: .1rem .7rem; border-radius: 1rem; font-weight: 600; }
.well { background: #1a7f37; color: #fff; }
.unwell { background: #9a3412; color: #fff; }
dt { margin-top: 1rem; font-family: ui-monospace, monospace; }
dd { margin: 0; }
footer { margin-top: 3rem; font-size: .85rem; opacity: .7; }
"""

STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
"""What the content security policy knows our one style by, so that it can refuse every other."""

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="10">
<title>ses-streams: {state}</title>
<style>{style}</style>
<h1>ses-streams</h1>
<div>what became of every mail handed to Amazon SES</div>
<p class="state {look}">{state}</p>
{reasons}
<dl>{endpoints}</dl>
<footer>version {version}; this page renews itself every 10 s</footer>
</html>
"""


def render(verdict: Verdict) -> str:
    """Return the page for one judgement of health."""
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in verdict.reasons)
    endpoints = "".join(f'<dt><a href="{path}">{path}</a></dt><dd>{escape(words)}</dd>' for path, words in ENDPOINTS)
    return _PAGE.format(
        state=escape(verdict.state),
        style=_STYLE,
        look="well" if verdict.ready else "unwell",
        reasons=f"<ul>{reasons}</ul>" if reasons else "",
        endpoints=endpoints,
        version=escape(__version__),
    )

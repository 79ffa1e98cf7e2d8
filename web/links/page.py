"""The pages for opting out: whole in themselves, without scripts, readable by everything.

One heading, one button, nothing that is loaded. They name neither the recipient nor the campaign:
whoever holds the link may be somebody else.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape

_STYLE = """\
:root{color-scheme:light dark}
body{margin:0;font:1.125rem/1.5 system-ui,sans-serif;color:#1a1a1a;background:#f4f4f2}
main{box-sizing:border-box;max-width:32rem;margin:12vh auto 0;padding:1.5rem}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 1rem;overflow-wrap:anywhere}
p{margin:0 0 1.5rem}
button{font:inherit;font-weight:600;width:100%;min-height:3rem;padding:.75rem 1.5rem;border:0;
border-radius:.5rem;color:#fff;background:#8a1c1c;cursor:pointer}
button:hover{background:#6f1616}
button:focus-visible{outline:3px solid #1a5fb4;outline-offset:3px}
@media (prefers-color-scheme:dark){body{color:#f2f2f2;background:#1b1b1b}
button{color:#1b1b1b;background:#f2b8b5}button:hover{background:#f7d0ce}
button:focus-visible{outline-color:#8ab4f8}}
"""

_DOCUMENT = """\
<!doctype html>
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
{content}
</main>
</body>
</html>
"""

_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode("ascii")

#: Nothing is loaded or run, and the form goes nowhere but here (Content Security Policy Level 3).
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


def question(title: str | None) -> bytes:
    """The page that a link leads to. Its form posts to its own address."""
    content = (
        "<p>Press the button, and you will get no more of these messages.</p>\n"
        '<form method="post"><button type="submit">Unsubscribe</button></form>'
    )
    return _page(title or "Unsubscribe", content)


def done(title: str | None) -> bytes:
    """The page after the button was pressed, however often."""
    content = '<p role="status">You are unsubscribed. You will get no more of these messages.</p>'
    return _page(title or "Unsubscribed", content)


def _page(title: str, content: str) -> bytes:
    return _DOCUMENT.format(title=escape(title), style=_STYLE, content=content).encode()

"""Header fields of an e-mail, written so that nothing in them is taken for something else.

The standard library decodes the encoded words of a text that it is to encode, line ends in them
included: a subject ``=?utf-8?q?=0D=0ABcc:...?=`` would become a field ``Bcc`` of its own. Here what
looks like an encoded word is encoded itself.
"""

from __future__ import annotations

import re
from base64 import b64encode

from campaigns.mailboxes import Mailbox

#: Longest line without its end (RFC 5322, section 2.1.1).
_LONGEST_LINE = 78

#: UTF-8 octets in an encoded word: 45 are 60 characters of base64, and with the 12 around them
#: below the 75 that are allowed (RFC 2047, section 2).
_WORD_OCTETS = 45

_FOLD = "\r\n "
_PIECES = re.compile(r" *[^ ]+")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_QUOTED = re.compile(r'(["\\])')


def unstructured(name: str, text: str) -> str:
    """The field ``name`` with a text of one line (RFC 5322, section 2.2.1)."""
    lines = [f"{name}:"]
    for piece in _PIECES.findall(f" {text}" if text else ""):
        if len(lines[-1]) + len(piece) <= _LONGEST_LINE:
            lines[-1] += piece
        else:
            lines.append(piece)
    if not _is_plain(text) or any(len(line) > _LONGEST_LINE for line in lines):
        return f"{name}: {_encoded(text)}"
    return "\r\n".join(lines)


def mailbox_field(name: str, box: Mailbox) -> str:
    """The field ``name`` with one address, and its name where it has one."""
    return f"{name}: {mailbox(box, _FOLD)}"


def mailbox(box: Mailbox, space: str = " ") -> str:
    """The address behind its name, with ``space`` wherever one is needed."""
    if not box.name:
        return box.address
    return f"{_phrase(box.name).replace(_FOLD, space)}{space}<{box.address}>"


def _phrase(text: str) -> str:
    if not _is_plain(text) or len(text) > _LONGEST_LINE - 20:
        return _encoded(text)
    return text if _ATOMS.fullmatch(text) else '"' + _QUOTED.sub(r"\\\1", text) + '"'


def _is_plain(text: str) -> bool:
    return text.isascii() and "=?" not in text


def _encoded(text: str) -> str:
    """Encoded words (RFC 2047), between which the space is none of the text."""
    words: list[bytes] = [b""]
    for character in text:
        octets = character.encode()
        if len(words[-1]) + len(octets) > _WORD_OCTETS:
            words.append(b"")
        words[-1] += octets
    return _FOLD.join(f"=?utf-8?b?{b64encode(word).decode()}?=" for word in words)

"""The 20 characters that make a link one recipient's own, and lead back to the row without a table.

A code holds 64 bits of numbers (31 of the run, 26 of the recipient's place in it, 7 of the link)
and 55 bits that prove them. It is made in the way of a synthetic initialisation vector (RFC 5297):
the proof is an HMAC-SHA256 of the numbers, cut to its first bits, and what encrypts the numbers is
made of the proof. So two codes have nothing to see in common, none can be counted on from, and the
same link of the same recipient has the same code at every attempt.

How hard it is to find one, and what is left if somebody does, is told in ``docs/links.md``.

The last character is always a letter: a link that ends in a hyphen is cut short by what makes links
of texts on phones, as Android's ``Patterns.WEB_URL`` does.

Pure.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

#: Characters of a code, whatever it is of.
LENGTH = 20

_RUN_BITS, _SEQ_BITS, _LINK_BITS = 31, 26, 7
_BODY_BYTES, _PROOF_BYTES = 8, 7

#: The largest number of each kind that a code can hold.
LARGEST_RUN = (1 << _RUN_BITS) - 1
LARGEST_SEQ = (1 << _SEQ_BITS) - 1
LARGEST_LINK = (1 << _LINK_BITS) - 1

#: All bits of the proof but the sixth from its end: the last character of base64 is one of the
#: first 32 then, which are letters.
_PROOF_BITS = (1 << 8 * _PROOF_BYTES) - 1 & ~0x20

_FORM = re.compile(r"[A-Za-z0-9_-]{19}[A-Za-f]")


class Code(NamedTuple):
    """What a code says."""

    run_id: int
    seq: int
    link: int


class Sealer:
    """Makes the codes of one signing key, and reads them."""

    def __init__(self, key: bytes) -> None:
        # A key for each purpose, so that none of them says anything about the others or about the
        # references that the same key signs.
        self._proof = hmac.new(hmac.digest(key, b"link proof", "sha256"), digestmod="sha256")
        self._stream = hmac.new(hmac.digest(key, b"link stream", "sha256"), digestmod="sha256")

    def seal(self, run_id: int, seq: int, link: int) -> str:
        """The code of one link of one recipient.

        Raises:
            ValueError: a number is too large for a code.
        """
        if not (
            0 <= run_id <= LARGEST_RUN and 0 <= seq <= LARGEST_SEQ and 0 <= link <= LARGEST_LINK
        ):
            raise ValueError("a code has no room for these numbers")
        numbers = (run_id << _SEQ_BITS | seq) << _LINK_BITS | link
        proof = self._proof_of(numbers)
        sealed = numbers ^ self._stream_of(proof)
        whole = sealed << 8 * _PROOF_BYTES | proof
        return urlsafe_b64encode(whole.to_bytes(_BODY_BYTES + _PROOF_BYTES, "big")).decode("ascii")

    def open(self, whole: int) -> int | None:
        """The numbers in the bits of a code; ``None``: another key made it, or none."""
        proof = whole & (1 << 8 * _PROOF_BYTES) - 1
        numbers = whole >> 8 * _PROOF_BYTES ^ self._stream_of(proof)
        expected = self._proof_of(numbers).to_bytes(_PROOF_BYTES, "big")
        is_right = hmac.compare_digest(expected, proof.to_bytes(_PROOF_BYTES, "big"))
        return numbers if is_right else None

    def _proof_of(self, numbers: int) -> int:
        mac = self._proof.copy()
        mac.update(numbers.to_bytes(_BODY_BYTES, "big"))
        return int.from_bytes(mac.digest()[:_PROOF_BYTES], "big") & _PROOF_BITS

    def _stream_of(self, proof: int) -> int:
        mac = self._stream.copy()
        mac.update(proof.to_bytes(_PROOF_BYTES, "big"))
        return int.from_bytes(mac.digest()[:_BODY_BYTES], "big")


@lru_cache(maxsize=32)
def sealer(key: bytes) -> Sealer:
    """The sealer of a signing key."""
    return Sealer(key)


def read(text: str, keys: Sequence[bytes]) -> Code | None:
    """What the code ``text`` says; ``None`` if none of ``keys`` made it.

    All keys are tried, so that it takes the same time whichever made it.
    """
    if not _FORM.fullmatch(text):
        return None
    whole = int.from_bytes(urlsafe_b64decode(text), "big")
    found: int | None = None
    for key in keys:
        numbers = sealer(key).open(whole)
        found = numbers if found is None else found
    if found is None:
        return None
    return Code(
        found >> _SEQ_BITS + _LINK_BITS, found >> _LINK_BITS & LARGEST_SEQ, found & LARGEST_LINK
    )

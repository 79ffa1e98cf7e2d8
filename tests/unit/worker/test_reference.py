"""References: they name exactly one row, and nobody but us can make one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.reference import sign, verify

KEY, OTHER, NEWEST = b"k" * 32, b"o" * 32, b"n" * 32

run_ids = st.integers(min_value=1, max_value=2**63 - 1)
seqs = st.integers(min_value=0, max_value=2**31 - 1)
keys = st.binary(min_size=32, max_size=32)


@given(run_ids, seqs, keys)
def test_a_reference_leads_back_to_its_row_and_fits_every_providers_field(run_id, seq, key):
    reference = sign(run_id, seq, key)
    assert verify(reference, [key]) == (run_id, seq)
    assert len(reference) <= 44
    assert set(reference) <= set(string.ascii_lowercase + string.digits + "-")


@given(run_ids, seqs, keys)
def test_the_signature_is_64_bits_of_hmac_sha256_in_base32(run_id, seq, key):
    """RFC 2104 and RFC 4648, by the library's own words for them."""
    digest = hmac.new(key, f"{run_id}-{seq}".encode(), hashlib.sha256).digest()
    expected = base64.b32encode(digest[:8]).decode().rstrip("=").lower()
    assert sign(run_id, seq, key) == f"{run_id}-{seq}-{expected}"


def test_the_form_of_references_never_changes():
    """What went out last year must still be understood: a known answer."""
    assert sign(7, 3, KEY) == "7-3-4mmv2giceueg2"


@given(run_ids, seqs, st.data())
def test_any_change_of_a_character_is_refused(run_id, seq, data):
    reference = sign(run_id, seq, KEY)
    at = data.draw(st.integers(min_value=0, max_value=len(reference) - 1))
    other = data.draw(
        st.sampled_from(string.printable + "\u0667\u0131").filter(lambda c: c != reference[at])
    )
    changed = reference[:at] + other + reference[at + 1 :]
    assert verify(changed, [KEY]) is None


def test_every_other_character_at_every_place_is_refused():
    """Exhaustively for one: the last character has a bit that stands for nothing."""
    reference = sign(7, 3, KEY)
    for at, was in enumerate(reference):
        for other in string.printable:
            if other != was:
                assert verify(reference[:at] + other + reference[at + 1 :], [KEY]) is None


@given(run_ids, seqs, st.data())
def test_what_is_longer_or_shorter_is_refused(run_id, seq, data):
    reference = sign(run_id, seq, KEY)
    at = data.draw(st.integers(min_value=0, max_value=len(reference) - 1))
    more = data.draw(st.sampled_from(string.printable))
    assert verify(reference[:at] + reference[at + 1 :], [KEY]) is None
    assert verify(reference[:at] + more + reference[at:], [KEY]) is None
    assert verify(reference + more, [KEY]) is None


def test_every_key_verifies_and_a_strangers_does_not():
    for key in (KEY, OTHER, NEWEST):
        assert verify(sign(7, 3, key), [KEY, OTHER, NEWEST]) == (7, 3)
    assert verify(sign(7, 3, OTHER), [KEY, NEWEST]) is None
    assert verify(sign(7, 3, KEY), []) is None


OTHERS = [
    "", "7", "7-3", "7-3\n", "7-3-", "-3-4mmv2giceueg2", "7-3-4mmv2giceueg2\n",
    "7-3-4MMV2GICEUEG2", "07-3-4mmv2giceueg2", "7-03-4mmv2giceueg2", "7-3-4mmv2giceueg3",
    " 7-3-4mmv2giceueg2", "7--3-4mmv2giceueg2", "\u0667-3-4mmv2giceueg2",
]  # fmt: skip


@pytest.mark.parametrize("text", OTHERS)
def test_other_texts_are_not_references(text):
    assert verify(text, [KEY]) is None

"""Codes: they lead back, cannot be changed, look like noise, and fit into any text."""

from __future__ import annotations

import math
import re
from base64 import urlsafe_b64decode
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.links import codes
from campaigns.links.codes import LARGEST_LINK, LARGEST_RUN, LARGEST_SEQ, Code
from campaigns.template.segments import is_gsm, parts

KEYS = [bytes([number]) * 32 for number in range(1, 4)]

runs = st.integers(0, LARGEST_RUN)
seqs = st.integers(0, LARGEST_SEQ)
links = st.integers(0, LARGEST_LINK)
keys = st.sampled_from(KEYS)


@given(keys, runs, seqs, links)
def test_a_code_leads_back_by_whichever_key_it_was_made(key, run, seq, link):
    code = codes.sealer(key).seal(run, seq, link)
    assert codes.read(code, KEYS) == Code(run, seq, link)
    assert codes.read(code, [one for one in KEYS if one != key]) is None
    assert codes.read(code, []) is None


@given(keys, runs, seqs, links, st.integers(0, 119))
def test_a_code_with_any_bit_flipped_is_none(key, run, seq, link, bit):
    code = codes.sealer(key).seal(run, seq, link)
    whole = int.from_bytes(urlsafe_b64decode(code), "big") ^ 1 << bit
    changed = codes.urlsafe_b64encode(whole.to_bytes(15, "big")).decode()
    assert codes.read(changed, KEYS) is None


@given(st.one_of(st.text(max_size=30), st.from_regex(r"[A-Za-z0-9_-]{20}", fullmatch=True)))
def test_what_nobody_made_is_none(text):
    assert codes.read(text, KEYS) is None


@given(keys, st.lists(st.tuples(runs, seqs, links), min_size=2, max_size=20, unique=True))
def test_no_two_are_alike(key, several):
    made = {codes.sealer(key).seal(*one) for one in several}
    assert len(made) == len(several)


@given(keys, runs, seqs, links)
def test_it_has_twenty_characters_of_one_septet_and_ends_in_a_letter(key, run, seq, link):
    """A hyphen at the end of a link is left out by what makes links of texts."""
    code = codes.sealer(key).seal(run, seq, link)
    assert re.fullmatch(r"[A-Za-z0-9_-]{19}[A-Za-z]", code)
    assert is_gsm(code)
    assert parts(code).units == codes.LENGTH == 20


@given(keys, runs, seqs, links)
def test_it_is_the_same_at_every_attempt(key, run, seq, link):
    assert codes.Sealer(key).seal(run, seq, link) == codes.sealer(key).seal(run, seq, link)


@pytest.mark.parametrize(
    "numbers",
    [(LARGEST_RUN + 1, 0, 0), (0, LARGEST_SEQ + 1, 0), (0, 0, LARGEST_LINK + 1), (-1, 0, 0)],
)
def test_numbers_that_do_not_fit_are_refused_and_never_cut(numbers):
    with pytest.raises(ValueError, match="no room"):
        codes.sealer(KEYS[0]).seal(*numbers)


def test_codes_of_neighbours_look_like_noise():
    """Every bit of a code, but the one that is always 0, is set in half of them, whatever the one
    before has; and the codes of neighbours differ in about half of their bits."""
    count, sealer = 4000, codes.sealer(KEYS[0])
    found = [
        int.from_bytes(urlsafe_b64decode(sealer.seal(7, seq, 1)), "big") for seq in range(count)
    ]
    # Six standard deviations of a binomial.
    margin = 6 * math.sqrt(count) / 2
    for bit in range(120):
        ones = sum(one >> bit & 1 for one in found)
        assert ones == 0 if bit == 5 else abs(ones - count / 2) < margin, bit
    differences = Counter((a ^ b).bit_count() for a, b in pairwise(found))
    mean = sum(bits * times for bits, times in differences.items()) / (count - 1)
    assert abs(mean - 119 / 2) < 0.6

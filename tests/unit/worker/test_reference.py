"""References: they name exactly one row, and what is not ours is not taken for ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.reference import parse, reference


@given(st.integers(min_value=1, max_value=10**17), st.integers(min_value=0, max_value=10**8))
def test_a_reference_leads_back_to_its_row(run_id, seq):
    assert parse(reference(run_id, seq)) == (run_id, seq)


OTHERS = ["", "7", "7-3\n", "7-", "-7", "7-3-1", "a-b", "7-3 ", " 7-3", "7--3", "\u0667-\u0663"]


@pytest.mark.parametrize("text", OTHERS)
def test_other_texts_are_not_references(text):
    assert parse(text) is None

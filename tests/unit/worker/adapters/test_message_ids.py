"""The ids that adapters make are the same in answers and reports, and fit into the ledger."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from worker.adapters import message_ids
from worker.adapters.base import Accepted
from worker.adapters.reply import LONGEST_ID, identifier
from worker.outcomes import settle

IDS = st.integers(1, LONGEST_ID).map(lambda length: ("m" * length + "-17")[-length:])
COUNTS = st.integers(1, message_ids.MOST_PARTS)


@given(message_id=IDS, count=COUNTS, first=st.sampled_from([0, 1]), as_text=st.booleans())
def test_every_part_has_an_id_of_its_own_however_parts_are_counted(
    message_id: str, count: int, first: int, as_text: bool
) -> None:
    answered = message_ids.of_parts(message_id, count)
    numbers = range(first, first + count)
    said = [
        message_ids.of_part(message_id, str(number) if as_text else number, count)
        for number in numbers
    ]
    assert len(set(answered)) == count
    assert set(said) == set(answered)


@given(message_id=IDS, count=COUNTS)
def test_what_is_made_is_kept_as_it_is(message_id: str, count: int) -> None:
    """A report is matched with the whole id; cut off in the ledger, none would ever match."""
    made = message_ids.of_parts(message_id, count)
    made.append(message_ids.of_recipient(message_id, "+353861234567"))
    assert settle(1, 1, 1, Accepted(*made), max_attempts=5).message_ids == tuple(made)


def test_an_id_that_the_ledger_would_cut_off_is_none() -> None:
    assert identifier("m" * LONGEST_ID) is not None
    assert identifier("m" * (LONGEST_ID + 1)) is None

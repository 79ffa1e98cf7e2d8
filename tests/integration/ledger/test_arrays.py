"""Arrays of our own making hold what went into them."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.database import Connection
from worker import arrays

#: What is never stored: worker.outcomes.storable.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))

thoroughly = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@given(values=st.lists(st.none() | TEXT | st.sampled_from(["", "NULL", "{}", '"', "\\", "a,b"])))
@thoroughly
def test_texts(conn: Connection, values: list[str | None]) -> None:
    row = conn.execute("SELECT %s::text[] AS found", (arrays.texts(values),)).fetchone()
    assert row == {"found": values}


@given(values=st.lists(st.integers(-(2**63), 2**63 - 1)), truths=st.lists(st.booleans()))
@thoroughly
def test_numbers_and_truths(conn: Connection, values: list[int], truths: list[bool]) -> None:
    row = conn.execute(
        "SELECT %s::bigint[] AS numbers, %s::boolean[] AS truths",
        (arrays.numbers(values), arrays.truths(truths)),
    ).fetchone()
    assert row == {"numbers": values, "truths": truths}

"""Named queries, and the parts that several of them share."""

from __future__ import annotations

import pytest

from campaigns import queries

FILE = """\
-- A file of two queries.

-- part: rows
-- Which rows.
WITH rows AS (SELECT {address} FROM contacts)

-- name: count
-- How many.
{rows}
SELECT count(*) FROM rows;

-- name: show
{rows}, more AS (SELECT 1)
SELECT * FROM rows, more;
"""


def test_a_part_stands_in_each_query_that_names_it_and_is_no_query_itself() -> None:
    found = queries.Queries(queries.parse(FILE))
    assert set(found) == {"count", "show"}
    part = "-- Which rows.\nWITH rows AS (SELECT {address} FROM contacts)"
    assert found.count == f"-- How many.\n{part}\nSELECT count(*) FROM rows"
    assert found.show == f"{part}, more AS (SELECT 1)\nSELECT * FROM rows, more"


def test_a_file_may_use_the_parts_of_another_one() -> None:
    found = queries.parse("-- name: first\n{rows}, more AS (SELECT 1)", FILE)
    assert set(found) == {"first"}
    assert found["first"].startswith("-- Which rows.\nWITH rows AS (SELECT {address}")


def test_the_address_is_set_in_parts_as_well() -> None:
    found = queries.Queries(queries.parse(FILE))
    assert "SELECT phone FROM contacts" in found.by_address("count", "phone")
    with pytest.raises(ValueError, match="not an address column"):
        found.by_address("count", "fields")

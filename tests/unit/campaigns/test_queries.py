"""Named queries, and the parts that several of them share."""

from __future__ import annotations

import pytest
from psycopg._queries import MAX_CACHED_STATEMENT_LENGTH

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
    part = "WITH rows AS (SELECT {address} FROM contacts)"
    assert found.count == f"{part}\nSELECT count(*) FROM rows"
    assert found.show == f"{part}, more AS (SELECT 1)\nSELECT * FROM rows, more"


def test_a_file_may_use_the_parts_of_another_one() -> None:
    found = queries.parse("-- name: first\n{rows}, more AS (SELECT 1)", FILE)
    assert set(found) == {"first"}
    assert found["first"].startswith("WITH rows AS (SELECT {address}")


def test_what_is_written_for_readers_is_not_sent_to_the_server() -> None:
    text = "-- name: one\n-- 50 %(of it)\nSELECT 1 -- one\n\n  -- and\n  WHERE true;\n"
    assert queries.parse(text) == {"one": "SELECT 1 -- one\nWHERE true"}


def test_a_claim_is_short_enough_to_be_taken_apart_once() -> None:
    claim = queries.load("campaigns.run", "ledger.sql").by_address("claim", "telegram")
    assert len(claim.encode()) <= MAX_CACHED_STATEMENT_LENGTH


def test_the_address_is_set_in_parts_as_well() -> None:
    found = queries.Queries(queries.parse(FILE))
    assert "SELECT phone FROM contacts" in found.by_address("count", "phone")
    with pytest.raises(ValueError, match="not an address column"):
        found.by_address("count", "fields")

"""`sluice segments`, and counting and planning for a part of a group."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.command_line import CommandLine
from tests.support.segmentation import one

QUERY = one("first_name", "in", ["Ann", "Ben"])


@pytest.fixture
def file(command: CommandLine, group: dict[str, Any]) -> str:
    return str(command.write("query.json", QUERY))


def test_segments_are_created_listed_shown_and_deleted(command: CommandLine, file: str) -> None:
    made = command.json("segments", "create", "first two", file, "--group", "friends")
    assert made["query"] == QUERY
    assert command.json("segments", "list", "--group", "friends") == [made]
    for named in (made["uuid"], made["number"], "first two"):
        assert command.json("segments", "show", named) == made
    assert "first two" in command.succeed("segments", "list")
    assert '"first_name"' in command.succeed("segments", "show", "first two")
    assert command.json("segments", "delete", "first two") == {"deleted": made["uuid"]}
    assert command.json("segments", "list") == []
    assert "there is no segment 'first two'" in command.refused("segments", "show", "first two")


def test_a_bad_query_is_refused_in_one_sentence(command: CommandLine, file: str) -> None:
    bad = command.write("bad.json", one("frist_name", "eq", "Ann"))
    told = command.refused("segments", "create", "s", bad, "--group", "friends")
    assert told.startswith("query.segmentation[0].rules[0].field: 'frist_name' is not a field")
    assert command.refused("audience", "count", "--include", "friends", "--query", bad) == told
    assert command.json("segments", "list") == []


def test_the_audience_is_counted_for_segments_and_queries(command: CommandLine, file: str) -> None:
    count = ("audience", "count", "--include", "friends")
    assert command.json(*count)["recipients"] == 3
    assert command.json(*count, "--query", file)["recipients"] == 2
    third = command.write("third.json", one("first_name", "endswith", "T"))
    made = command.json("segments", "create", "third", third, "--group", "friends")
    assert command.json(*count, "--segment", "third")["recipients"] == 1
    assert command.json(*count, "--segment", made["number"], "--query", file)["recipients"] == 3
    command.succeed("groups", "create", "others")
    told = command.refused("audience", "count", "--include", "others", "--segment", "third")
    assert "is a segment of a group that is not included" in told


def test_a_campaign_for_a_part_is_planned_and_shown(
    command: CommandLine, body: dict[str, Any]
) -> None:
    for given in ({"query": json.dumps(QUERY)}, {"query": QUERY}):
        part = {**body, "query_type": "segmentation", **given}
        planned = command.json("plan", command.write("part.json", part))
        assert planned["recipients"] == 2
        local = command.write("local.json", {**part, "recipient_local": True})
        assert command.json("plan", local)["recipients"] == 2
    file = command.write("query.json", QUERY)
    made = command.json("segments", "create", "two", file, "--group", "friends")
    of_segment = command.write("segment.json", {**body, "contact_segments": [made["number"]]})
    assert command.json("plan", of_segment)["recipients"] == 2
    submitted = command.json("submit", command.write("part.json", part))
    assert (submitted["query_type"], submitted["query"]) == ("segmentation", QUERY)
    assert "only whom" in command.succeed("campaigns", "show", submitted["uuid"])

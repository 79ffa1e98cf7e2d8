"""docs/passona.md has every row of Passona's documents, and names tests that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.support import passona
from tests.support.repository import ROOT

PAGE = (ROOT / "docs" / "passona.md").read_text("utf-8")
TESTS = "\n".join(
    file.read_text("utf-8")
    for file in (ROOT / "tests" / "integration" / "web" / "passona").glob("test_*.py")
)


def named(part: str) -> set[str]:
    """The names in backticks between a heading and the next one."""
    text = PAGE.partition(f"### {part}\n")[2].partition("\n### ")[0]
    return {word for code in re.findall(r"`([^`\n]+)`", text) for word in code.split(".")}


def fields(value: Any) -> Iterator[str]:
    """The names of all fields of an example."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from fields(inner)
    elif isinstance(value, list):
        for one in value:
            yield from fields(one)


def test_every_test_that_is_named_exists() -> None:
    for test in set(re.findall(r"`(test_\w+)`", PAGE)):
        assert re.search(rf"def {test}\(", TESTS), test


def test_every_row_names_a_test() -> None:
    rows = PAGE.partition("## Every row")[2].splitlines()
    tables = [row for row in rows if row.startswith("| ") and not row.endswith("test |")]
    assert len(tables) > 60
    for row in tables:
        assert re.search(r"`test_\w+`", row.rsplit("|", 2)[1]), row


def test_every_field_of_the_examples_has_a_row() -> None:
    campaigns = (
        passona.CREATE, passona.EDIT, passona.THROTTLED, passona.CREATED, passona.LISTED,
        passona.GOT, passona.TESTED, passona.THROTTLED_CREATED, passona.TOGGLED,
        {name: value for name, value in passona.SEND_TEST.items() if name != "custom_fields"},
        {"custom_fields": None},
    )  # fmt: skip
    groups = (
        passona.CREATE_GROUP, passona.EDIT_GROUP, passona.REMOVE, passona.BULK, passona.UNIQUE,
        passona.GROUP_CREATED, {**passona.GROUPS_LISTED, "links": None, "meta": None},
        {**passona.CONTACTS_LISTED, "links": None, "meta": None},
        {"contacts": {"phone_number": None, "custom_fields": None}},
    )  # fmt: skip
    for part, examples in (("Campaigns", campaigns), ("Contact groups", groups)):
        assert set(fields(list(examples))) <= named(part), part

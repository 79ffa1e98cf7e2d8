"""The tables that tick each row of a documented API name tests that exist."""

from __future__ import annotations

import re

import pytest

from tests.support.repository import ROOT

_TEST = re.compile(r"`(test_\w+)`")
_FILE = re.compile(r"`(tests/[\w/]+\.py)`")


@pytest.mark.parametrize("name", ["callback-api.md", "horisen.md", "inline-contacts.md"])
def test_each_row_names_a_test_of_a_file_that_the_document_names(name: str) -> None:
    text = (ROOT / "docs" / name).read_text("utf-8")
    written = "".join((ROOT / file).read_text("utf-8") for file in set(_FILE.findall(text)))
    defined = set(re.findall(r"^def (test_\w+)\(", written, re.MULTILINE))
    named = set(_TEST.findall(text))
    assert named
    assert named <= defined
    for row in re.findall(r"^\|.*✓.*$", text, re.MULTILINE):
        assert _TEST.search(row), row

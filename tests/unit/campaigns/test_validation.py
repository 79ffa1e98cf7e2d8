"""What a wrong request costs."""

from __future__ import annotations

import difflib
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from campaigns.audience.changes import AddRequest, BulkRequest, RemoveRequest
from campaigns.audience.contact import ContactList
from campaigns.errors import Invalid
from campaigns.validation import parse
from web.inline.shapes import CampaignBody


@pytest.mark.parametrize(
    ("model", "field", "wrong"),
    [
        (AddRequest, "contacts", {"unknown": 1}),
        (ContactList, "contacts", {"unknown": 1}),
        (CampaignBody, "contacts", {"unknown": 1}),
        (BulkRequest, "contacts", 1),
        (RemoveRequest, "phone_numbers", 1),
    ],
)
def test_of_a_long_list_only_the_first_wrong_entry_is_looked_at(
    model: type[BaseModel], field: str, wrong: Any
) -> None:
    with pytest.raises(ValidationError) as found:
        model.model_validate({field: [wrong] * 100})
    places = [fault["loc"] for fault in found.value.errors() if fault["loc"][0] == field]
    assert {place[1] for place in places} == {0}


def test_a_name_that_is_not_known_is_compared_by_its_beginning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[str] = []
    near = difflib.get_close_matches

    def noting(word: str, *others: Any, **settings: Any) -> list[str]:
        compared.append(word)
        return near(word, *others, **settings)

    monkeypatch.setattr(difflib, "get_close_matches", noting)
    with pytest.raises(Invalid, match="is not a known field"):
        parse(RemoveRequest, {"phone_numbers": ["x"], "x" * 100_000: 1})
    with pytest.raises(Invalid, match="nearest known one is 'phone_numbers'"):
        parse(RemoveRequest, {"phone_nunbers": ["x"]})
    assert [len(word) for word in compared] == [60, 13]

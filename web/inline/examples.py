"""Examples for the description of the Inline-contacts API."""

from __future__ import annotations

from typing import Any

from web.body import described
from web.inline.shapes import CampaignBody, EditBody

_CHANGES = {
    "startDateTime": "2027-06-27T03:10:04.492Z",
    "sender": "Acme",
    "message": "Hello @name, the sale starts on Friday.",
    "optOutLinkId": 0,
    "trackLinkUrl": "",
}
_CAMPAIGN = {
    **_CHANGES,
    "contacts": [
        {
            "phoneNumber": "+447700900123",
            "name": "Ann",
            "custom1": "gold",
            "custom2": "2026",
            "contactGroupId": None,
        }
    ],
}
_ITEM = {
    "id": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
    "startDateTime": "2027-06-27T03:10:04.000Z",
    "sender": "Acme",
    "recipientCount": 1,
    "message": "Hello @name, the sale starts on Friday.",
    "status": 0,
    "optOutLinkId": 0,
    "trackLinkUrl": "",
}
_CONTACT = {
    "phoneNumber": "447700900123",
    "name": "Ann",
    "custom1": "gold",
    "custom2": "2026",
    "id": "1",
}


def _answer(status: int, example: Any) -> dict[str, Any]:
    shown = {"content": {"application/json": {"example": example}}}
    return {"responses": {str(status): shown}}


def _page(item: Any) -> dict[str, Any]:
    return {"pageIndex": 1, "totalPages": 1, "totalRecords": 1, "items": [item]}


PAGE = _answer(200, _page(_ITEM))
ITEM = _answer(200, _ITEM)
CONTACTS = _answer(200, _page(_CONTACT))
CREATE = {**described(CampaignBody, campaign=_CAMPAIGN), **_answer(201, _ITEM["id"])}
EDIT = described(EditBody, changes=_CHANGES)


def _create_or_edit() -> dict[str, Any]:
    schemas = [
        described(model)["requestBody"]["content"]["application/json"]["schema"]
        for model in (CampaignBody, EditBody)
    ]
    shown = {"create": {"value": _CAMPAIGN}, "edit": {"value": _CHANGES}}
    content = {"application/json": {"schema": {"anyOf": schemas}, "examples": shown}}
    return {"requestBody": {"required": False, "content": content}, **_answer(201, _ITEM["id"])}


CREATE_OR_EDIT = _create_or_edit()

"""Examples for the description of the Callback API."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from web.body import described
from web.callback.content import JSON
from web.callback.shapes import ChangedCampaign, NewCampaign

_ANSWER = {
    "id": 12,
    "name": "Spring sale",
    "domain": None,
    "list": 3,
    "segments": [7],
    "state": "SCHEDULED",
    "when": 1899990000,
    "event_callback": "https://example.com/events?shop=1",
    "sending_type": "sms",
    "sender": "Acme",
    "template": "Hello @first_name",
    "template_uuid": None,
}
_DRAFT = {"name": "Spring sale", "list": 3, "segments": [7], "state": "DRAFT"}
_SCHEDULED = {
    "name": "Spring sale",
    "list": 3,
    "segments": [7],
    "state": "SCHEDULED",
    "when": "2030-03-17T17:40:00Z",
    "event_callback": "https://example.com/events?shop=1",
    "sender": "Acme",
    "template": "Hello @first_name",
}


def answered(status: int) -> dict[str, Any]:
    """For ``openapi_extra``: an answer with a campaign."""
    return {"responses": {str(status): {"content": {JSON: {"example": _ANSWER}}}}}


def _taken(model: type[BaseModel], status: int, **examples: Any) -> dict[str, Any]:
    """A form has the same fields; described is one of the two, which generated clients can use."""
    return {**described(model, **examples), **answered(status)}


CREATE = _taken(NewCampaign, 201, draft=_DRAFT, scheduled=_SCHEDULED)
EDIT = _taken(ChangedCampaign, 200, ready={"state": "READY"}, later={"when": 1900000000})

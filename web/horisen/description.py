"""The OpenAPI description, with all models of the document's section 4 by their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from web.horisen import models

_REFERENCE = "#/components/schemas/{model}"

#: Those that no answer leads to.
_OTHERS: tuple[type[BaseModel], ...] = (
    models.Campaign,
    models.CampaignCreate,
    models.CampaignUpdate,
    models.CampaignStatus,
    models.SegmentationQuery,
    models.SegmentationGroup,
    models.SegmentationRule,
)

NEW: Mapping[str, Any] = {
    "name": "New Campaign",
    "status": "active",
    "sending_type": "sms",
    "schedule_type": "once",
    "schedule_rrule": "2027-05-01 17:05:00",
    "template": "Hello @first_name",
    "sender": "+41587000000",
    "recipient_lists": "cf9eeb30-c1af-11ee-8073-bf4d6e8c1618",
}
CLONE: Mapping[str, Any] = {
    "clone_uuid": "1592695e-c1b1-11ee-b153-774c9d3a7957",
    "template_vars": {"temp": "-22C", "wind": "100km/h"},
    "name": "Bad weather conditions",
}
SERIES: Mapping[str, Any] = {
    **NEW,
    "schedule_type": "scheduled",
    "schedule_rrule": "DTSTART:20270501T170500Z\nRRULE:FREQ=WEEKLY;BYDAY=MO,WE",
}
CARD: Mapping[str, Any] = {
    **NEW,
    "sending_type": "telegram",
    "template": (
        '{"messages": [{"allowedChannels": ["telegram"], "body": {"cardMessage": {"content": '
        '{"description": "Card message text", "media": {"url": "https://example.com/boat.jpg"}, '
        '"suggestions": [{"text": "Visit Us", "openUrl": {"url": "https://example.com"}}]}}}}]}'
    ),
}


def body(model: type[BaseModel], **examples: Mapping[str, Any]) -> dict[str, Any]:
    """For ``openapi_extra``: the body that an operation takes."""
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": _REFERENCE.format(model=model.__name__)},
                    "examples": {name: {"value": value} for name, value in examples.items()},
                }
            },
        }
    }


def complete(app: FastAPI) -> None:
    """Let the description of ``app`` have the models that no answer leads to."""
    generated = app.openapi

    def openapi() -> dict[str, Any]:
        schema = generated()
        _, found = models_json_schema(
            [(model, "validation") for model in _OTHERS], ref_template=_REFERENCE
        )
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        for name, definition in found["$defs"].items():
            schemas.setdefault(name, definition)
        return schema

    app.openapi = openapi  # type: ignore[method-assign]

"""The documents' own examples, with dates that are still to come, for the descriptions."""

from __future__ import annotations

from typing import Any

CREATE: dict[str, Any] = {
    "name": "New Campaign",
    "sender": "Digitonic",
    "scheduled_send_date": "2030-11-25 15:25:00",
    "expiry_date": "2030-12-26 15:25:00",
    "included_contact_groups": ["16cd47aa-f4e0-11e9-a8c1-0242ac120006"],
    "excluded_contact_groups": ["fa306d66-f4df-11e9-a171-0242ac120006"],
    "template_uuid": "3021906e-fb1e-11e9-bbd9-0242ac120008",
}

EDIT: dict[str, Any] = {**CREATE, "name": "New Campaign Updated", "sender": "88440"}

PAUSE: dict[str, Any] = {"manually_paused": True}

THROTTLED: dict[str, Any] = {
    "name": "New Campaign",
    "sender": "Digitonic",
    "throttled": True,
    "scheduled_send_date": "2030-11-25 15:25:00",
    "scheduled_finish_date": "2030-11-25 16:25:00",
    "expiry_date": "2030-12-26 15:25:00",
    "pauses": [
        {"start_at": "2030-11-25 15:35:00", "end_at": "2030-11-25 15:45:00"},
        {"start_at": "2030-11-25 16:00:00", "end_at": "2030-11-25 16:10:00"},
    ],
    "included_contact_groups": ["09e0a326-fb2e-11e9-ba2a-0242ac120008"],
    "excluded_contact_groups": ["09e0a326-fb2e-11e9-ba2a-0242ac120008"],
    "template_uuid": "49deafce-fbbd-11e9-93b1-0242ac120009",
}

SEND_TEST: dict[str, Any] = {
    "name": "Test Campaign",
    "sender": "Digitonic",
    "scheduled_send_date": "2030-11-25 15:25:00",
    "expiry_date": "2030-12-26 15:25:00",
    "template_uuid": "3021906e-fb1e-11e9-bbd9-0242ac120008",
    "contact_number": "447785856985",
    "custom_fields": {"title": "Mr", "first_name": "John", "last_name": "Doe"},
}

CREATE_GROUP: dict[str, Any] = {
    "name": "New Contact Group",
    "description": "A new contact group",
    "deletable": True,
}

EDIT_GROUP: dict[str, Any] = {
    "name": "New Contact Group Updated",
    "description": "A new contact group",
}

ADD_CONTACTS: dict[str, Any] = {
    "contacts": [
        {
            "phone_number": "447713252151",
            "custom_fields": {"first_name": "John", "last_name": "Doe"},
        },
        {
            "phone_number": "447713252152",
            "custom_fields": {"first_name": "Jane", "last_name": "Doe"},
        },
    ]
}

REMOVE_CONTACTS: dict[str, Any] = {"phone_numbers": ["447713252152"]}

BULK_CONTACTS: dict[str, Any] = {
    "name": "Bulk Contact Group",
    "description": "Bulk contacts upload with group",
    "contacts": ["447787854121", "447789856230", "447785412541"],
    "deletable": False,
}

UNIQUE_CONTACTS: dict[str, Any] = {
    "included_contact_group_uuids": ["09e0a326-fb2e-11e9-ba2a-0242ac120008"],
    "excluded_contact_group_uuids": ["9c4fe076-78da-11ea-8a01-f297f8f4092e"],
}

TEMPLATE: dict[str, Any] = {"name": "Greeting", "body": "Hello @first_name"}

PREVIEW: dict[str, Any] = {"custom_fields": {"first_name": "John"}}

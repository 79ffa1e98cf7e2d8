"""The seven channels, and which of a contact's addresses each one sends to."""

from __future__ import annotations

from typing import Literal, get_args

SendingType = Literal["sms", "webpush", "email", "telegram", "rbm", "viber", "whatsapp"]

CHANNELS: tuple[str, ...] = get_args(SendingType)

#: The column of ``contacts`` that holds a channel's address.
ADDRESS_COLUMN = {
    "sms": "phone",
    "rbm": "phone",
    "whatsapp": "phone",
    "email": "email",
    "telegram": "telegram",
    "viber": "viber",
    "webpush": "webpush",
}

"""The errors of the document's sections 4.10 and 4.11, and our fields under the dialect's names."""

from __future__ import annotations

import re
from typing import Any

from web.failures import Failure
from web.horisen.models import Error, ErrorItem

#: What the engine calls otherwise.
_NAMES = {
    "scheduled_send_date": "schedule_rrule",
    "included_contact_groups": "recipient_lists",
    "page": "page_number",
    "per_page": "page_size",
}
_NAME = re.compile(rf"\b({'|'.join(_NAMES)})\b")

_DESCRIPTIONS = {
    "invalid": "A field breaks a rule; nothing was changed.",
    "locked": "The campaign's state does not allow it; nothing was changed.",
    "conflict": "It exists already; nothing was changed.",
    "not_found": "There is no such thing in this service.",
    "malformed": "The request could not be read.",
}


def wording(failure: Failure) -> Any:
    """The body that says ``failure``."""
    message = _NAME.sub(lambda found: _NAMES[found[0]], failure.message)
    items = []
    if failure.field is not None:
        name = _NAME.sub(lambda found: _NAMES[found[0]], failure.field)
        rule = message.removeprefix(f"{name}: ")
        items.append(ErrorItem(name=name, message=rule[:1].upper() + rule[1:]))
    return Error(
        code=failure.code,
        message=message,
        description=_DESCRIPTIONS.get(failure.code),
        items=items,
    ).model_dump()

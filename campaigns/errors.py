"""Every exception that Sluice raises on purpose.

    SluiceError
    ├── Refused             the request cannot be done; nothing was stored
    │   ├── Invalid         a field breaks a rule
    │   │   └── InvalidEntries  several entries of a list do
    │   ├── NotFound        no such object in this team
    │   ├── Conflict        the object exists already, with other content
    │   └── Locked          the object's state forbids the change right now
    ├── ConfigurationError  a setting or providers.toml is wrong
    └── Unavailable         a server that is needed cannot be reached

The message of each is one sentence that can be shown to the person who asked. Addresses and
message texts are never part of it: fields that carry them are named without their value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

#: Fields whose values are personal, message content or may hold a secret (a URL with a token), and
#: so never stand in a message.
SENSITIVE_FIELDS = frozenset(
    {
        "address",
        "contact_number",
        "contacts",
        "custom_fields",
        "email",
        "event_callback",
        "message",
        "phone",
        "phone_number",
        "phone_numbers",
        "reference",
        "telegram",
        "target",
        "template",
        "template_vars",
        "track_link_url",
        "viber",
        "trackLinkUrl",
        "webpush",
        "webpush_body",
        "webpush_icon",
        "webpush_image",
        "webpush_target_url",
        "webpush_title",
        "body",
    }
)

_LONGEST_VALUE = 60


class SluiceError(Exception):
    """Base of all errors that Sluice raises on purpose."""


class Refused(SluiceError):
    """The request cannot be done. Nothing was stored."""

    code = "refused"


class Invalid(Refused):
    """A field of a request breaks a rule.

    ``field`` is the path as the sender wrote it (``pauses[0].end_at``), ``rule`` says what would
    be right. The value is shown shortened, and not at all for fields that may carry personal data.
    """

    code = "invalid"

    def __init__(self, field: str, value: Any, rule: str) -> None:
        self.field = field
        self.rule = rule
        super().__init__(f"{field}: {_shown(field, value)}{rule}.")


class InvalidEntries(Invalid):
    """Several entries of a list break rules. The sentence is about the first one of them."""

    def __init__(self, faults: Sequence[Invalid], *, more: int = 0) -> None:
        #: At least one; ``more`` of them are not listed.
        self.faults = tuple(faults)
        self.more = more
        others = len(self.faults) - 1 + more
        rule = self.faults[0].rule
        if others:
            rule += f" (and {others} other entries are wrong)"
        super().__init__(self.faults[0].field, None, rule)


class NotFound(Refused):
    """The named object does not exist in this team, or wherever ``where`` says."""

    code = "not_found"

    def __init__(self, kind: str, name: object, where: str = "in this team") -> None:
        self.kind = kind
        super().__init__(f"{kind}: there is no {kind} {_shorten(name)} {where}.")


class Conflict(Refused):
    """The object exists already, with other content."""

    code = "conflict"


class Locked(Refused):
    """The state of the object forbids the change right now."""

    code = "locked"


class ConfigurationError(SluiceError):
    """A setting or the providers file is wrong; the message names it and what would be right."""


class Unavailable(SluiceError):
    """A server that is needed cannot be reached."""


def _shown(field: str, value: Any) -> str:
    parts = {part.split("[")[0] for part in field.split(".")}
    if value is None or parts & SENSITIVE_FIELDS:
        return ""
    return f"{_shorten(value)} "


def _shorten(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"

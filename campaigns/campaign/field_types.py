"""The types of the fields of a request: what one value may look like, whatever the others say."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import partial
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    StrictFloat,
    StrictInt,
    ValidationInfo,
    WithJsonSchema,
)

from campaigns.campaign import times
from campaigns.errors import Invalid
from campaigns.links import urls
from campaigns.names import as_uuid
from campaigns.providers import parse_rate
from campaigns.schedule.calendars import hours_as_json, parse_holidays, parse_hours, parse_zone
from campaigns.segmentation import parsing
from campaigns.validation import REQUEST, Fault, Id, Line, Text

MOST_PAUSES = 1000
MOST_GROUPS = 1000
MOST_VARIABLES = 200
MOST_SEGMENTS = 100
#: Dates that are added to a recurrence rule, and dates that are taken out of it.
MOST_DATES = 1000

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

ValueT = TypeVar("ValueT")


def _ids(value: object) -> object:
    """A list of ids as JSON writes it, or as one comma separated text (Passona's field table)."""
    if value is None:
        return ()
    if isinstance(value, str):
        return [part for part in (p.strip() for p in value.split(",")) if part]
    return value


def _texts(value: object) -> object:
    """A map with its numbers written as text, as JSON clients send them."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        return value
    return {key: _as_text(entry) for key, entry in value.items()}


def _as_text(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if not math.isfinite(value):
        raise ValueError("must hold texts and finite numbers only")
    return str(value)


def _variables(value: dict[str, str]) -> dict[str, str]:
    if not all(_VARIABLE.fullmatch(name) for name in value):
        raise ValueError(
            "must have names of letters, digits and underscores that do not begin with a digit"
        )
    return value


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or " " in value:
        raise ValueError("must be an http or https URL")
    return value


def _rate(text: str) -> str:
    parse_rate(text)
    return text


def _told(read: Callable[[Any, str], ValueT], value: object, info: ValidationInfo) -> ValueT:
    """``read``, which names the field by itself and says what is wrong in an ``Invalid``."""
    try:
        return read(value, str(info.field_name))
    except Invalid as error:
        raise Fault(error) from None


def _hours(value: object, field: str) -> list[dict[str, Any]] | None:
    return hours_as_json(parse_hours(value, field))


def _holidays(value: object, field: str) -> tuple[date, ...]:
    return tuple(sorted(parse_holidays(value, field)))


def _local_time(value: object, info: ValidationInfo) -> datetime:
    # Absent where the zone itself is refused, which is told first.
    return times.parse_local(value, info.data.get("timezone", "UTC"))


def _sent_query(value: object, field: str) -> object:
    if value is not None:
        parsing.parse(value, field)
    return value


def _segment(value: object) -> UUID | int:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,19}", value):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63:
        return value
    found = as_uuid(value) if isinstance(value, str | UUID) else None
    if found is None:
        raise ValueError("must be the uuid or the number of a segment")
    return found


def none_given(value: object) -> object:
    """``null`` for a list means that it has no entries."""
    return () if value is None else value


Time = Annotated[
    datetime,
    BeforeValidator(times.parse),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer"}]}),
]
#: A point in time that is local to the field ``timezone``, unless it has an offset.
LocalTime = Annotated[datetime, BeforeValidator(_local_time)]
LocalTimes = Annotated[
    tuple[LocalTime, ...], Field(max_length=MOST_DATES), BeforeValidator(none_given)
]
Ids = Annotated[tuple[Id, ...], BeforeValidator(_ids), Field(max_length=MOST_GROUPS)]
#: Segments by their uuids, or by their numbers, which are bigints of PostgreSQL.
Segments = Annotated[
    tuple[Annotated[Any, BeforeValidator(_segment)], ...],
    BeforeValidator(_ids),
    Field(max_length=MOST_SEGMENTS),
]
#: A segmentation query, checked and left as it is.
SentQuery = Annotated[Any, BeforeValidator(partial(_told, _sent_query))]
Name = Annotated[Line, Field(max_length=200)]
Texts = Annotated[dict[Text, Text], BeforeValidator(_texts)]
Variables = Annotated[Texts, AfterValidator(_variables), Field(max_length=MOST_VARIABLES)]
Url = Annotated[Line, Field(max_length=2000), AfterValidator(_url)]
#: A text of a notification, or a URL in it.
PushText = Annotated[Text, Field(max_length=4000)]
#: Where a link leads.
Target = Annotated[Line, AfterValidator(urls.target)]
#: What has a name, a uuid and a number: any of them.
Named = Annotated[Line | StrictInt | UUID, Field(union_mode="left_to_right")]
#: "50/s", "200/min", "1000/h" or "5000/day".
Rate = Annotated[Line, AfterValidator(_rate)]
#: The name of a time zone of the IANA database.
Zone = Annotated[str, BeforeValidator(partial(_told, parse_zone))]
#: Hours in their JSON form, checked and written in one way; ``None``: no restriction.
HoursJson = Annotated[list[dict[str, Any]] | None, BeforeValidator(partial(_told, _hours))]
#: Dates in their order.
Holidays = Annotated[tuple[date, ...], BeforeValidator(partial(_told, _holidays))]


class PauseSpec(BaseModel):
    """A stretch of time in which nothing is sent, ``start_at <= t < end_at``."""

    model_config = REQUEST

    start_at: Time
    end_at: Time


class WarmUp(BaseModel):
    """How a new sender makes itself known: so many messages on its first day, and more each day.

    Day k, counted from 0 in 24 hours each from the run's start, allows ``first_day * factor ** k``
    messages, rounded down.
    """

    model_config = REQUEST

    first_day: Annotated[StrictInt, Field(ge=1, le=1_000_000_000)]
    factor: Annotated[StrictFloat, Field(ge=1, le=10)] = 2.0

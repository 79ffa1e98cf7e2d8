"""The request that changes a team, field by field."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, StrictInt

from campaigns.errors import Invalid
from campaigns.providers import parse_rate
from campaigns.schedule.calendars import hours_as_json, parse_holidays, parse_hours, parse_zone
from campaigns.team.region import checked_region
from campaigns.validation import REQUEST, Line, parse

#: What a recipient got in a week stands in one row, which every claim reads.
LARGEST_CAP = 100

#: The settings that a team can be without.
_MAY_BE_NULL = frozenset(
    {
        "default_region",
        "sending_hours",
        "quiet_hours",
        "rate",
        "frequency_cap_day",
        "frequency_cap_week",
        "retention_days",
    }
)


def _rate(text: str) -> str:
    parse_rate(text)
    return text


Cap = Annotated[StrictInt, Field(ge=0, le=LARGEST_CAP)]


class TeamEdit(BaseModel):
    """The settings that shall change; those that are not given keep their value."""

    model_config = REQUEST

    default_region: Line | None = None
    timezone: Any = None
    sending_hours: Any = None
    quiet_hours: Any = None
    holidays: Any = None
    rate: Annotated[Line, AfterValidator(_rate)] | None = None
    frequency_cap_day: Cap | None = None
    frequency_cap_week: Cap | None = None
    #: A hundred years at most.
    retention_days: Annotated[StrictInt, Field(ge=1, le=36_500)] | None = None


def parse_edit(body: object) -> dict[str, Any]:
    """The columns that ``body`` changes, with their new values.

    Raises:
        Invalid: a field breaks a rule, or none is given.
    """
    edit = parse(TeamEdit, body)
    given = {name: getattr(edit, name) for name in edit.model_fields_set}
    if not given:
        raise Invalid("request", None, "must name at least one setting")
    return {name: _checked(name, value) for name, value in given.items()}


def _checked(name: str, value: Any) -> Any:
    if value is None:
        if name not in _MAY_BE_NULL:
            raise Invalid(name, None, "must not be null")
        return None
    match name:
        case "default_region":
            return checked_region(value)
        case "timezone":
            return parse_zone(value, name)
        case "sending_hours" | "quiet_hours":
            return hours_as_json(parse_hours(value, name))
        case "holidays":
            return sorted(parse_holidays(value, name))
        case _:
            return value

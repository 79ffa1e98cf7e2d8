"""How this dialect says a failure: as Laravel, which Passona is built with, says it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel, Field

from campaigns.errors import Conflict, Invalid, NotFound
from web.failures import Failure

_INDEX = re.compile(r"\[(\d+)\]")


class Refusal(BaseModel):
    """Why a request was not done."""

    message: str = Field(examples=["name: is required."])
    errors: dict[str, list[str]] | None = Field(
        default=None, examples=[{"name": ["name: is required."]}]
    )


#: What operations may answer beside what all of them may.
UNPROCESSABLE = {422: "A field breaks a rule; `errors` names it."}
MISSING = {404: "There is nothing at this address."}
LOCKED = {423: "The campaign is sending or its send time has passed, or the group is in use."}
CONFLICT = {409: "The uuid is used for something else, or keywords are attached to the group."}


def laravel(failure: Failure) -> Mapping[str, Any]:
    """``{"message": .., "errors": {"pauses.0.end_at": [..]}}``, the latter for a wrong field."""
    if failure.status != 422:
        return {"message": failure.message}
    field = _INDEX.sub(r".\1", failure.field or "request")
    return {"message": failure.message, "errors": {field: [failure.message]}}


@contextmanager
def naming(field: str) -> Iterator[None]:
    """What a body names and the team does not have is a fault of that field, and not a 404."""
    try:
        yield
    except NotFound:
        raise Invalid(field, None, "names nothing that this team has") from None


@contextmanager
def unique_name() -> Iterator[None]:
    """A name that is taken is a fault of the field ``name``: 409 has another meaning here."""
    try:
        yield
    except Conflict as error:
        if not str(error).startswith("name:"):
            raise
        raise Invalid("name", None, "has already been taken") from None

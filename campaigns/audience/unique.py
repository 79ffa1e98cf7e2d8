"""The unique contacts of some groups without some others, before there is a campaign (Passona)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from campaigns import paging
from campaigns.audience import audience
from campaigns.campaign.field_types import Ids
from campaigns.database import Connection
from campaigns.errors import Invalid
from campaigns.validation import REQUEST, parse

#: Contacts on one page, at most: enough that most answers are whole.
LARGEST_PAGE = 10_000


class UniqueRequest(BaseModel):
    """Which groups are looked at."""

    model_config = REQUEST

    included_contact_group_uuids: Annotated[Ids, Field(min_length=1)]
    excluded_contact_group_uuids: Ids = ()


@dataclass(frozen=True, slots=True)
class UniqueContact:
    """An address that a campaign would be sent to, and since when it is known."""

    address: str = field(repr=False)
    created_at: datetime


def read(
    conn: Connection,
    team_id: UUID,
    body: object,
    *,
    column: str = "phone",
    page: int = 1,
    per_page: int = LARGEST_PAGE,
) -> tuple[list[UniqueContact], int]:
    """A page of whom a campaign with these groups would be sent to, by address, and their number.

    As in a campaign, whoever stands in the team's ``default_optouts`` is left out.

    Raises:
        Invalid: a group is none of this team's, or there is no such page.
    """
    asked = parse(UniqueRequest, body)
    paging.checked(page, per_page, largest=LARGEST_PAGE)
    included, excluded = asked.included_contact_group_uuids, asked.excluded_contact_group_uuids
    for name, ids in (
        ("included_contact_group_uuids", included),
        ("excluded_contact_group_uuids", excluded),
    ):
        _check(conn, team_id, name, ids)
    rows = audience.unique(
        conn, team_id, column, included, excluded, offset=(page - 1) * per_page, limit=per_page
    )
    found = [
        UniqueContact(row["address"], row["created_at"])
        for row in rows
        if row["address"] is not None
    ]
    return found, rows[0]["total"]


def _check(conn: Connection, team_id: UUID, name: str, ids: Sequence[UUID]) -> None:
    known = audience.known_groups(conn, team_id, ids)
    for index, group_id in enumerate(ids):
        if group_id not in known:
            raise Invalid(f"{name}[{index}]", group_id, "is not a contact group of this team")

"""Campaigns that have no message yet, which the engine could not store.

What is known of one is kept as the request that it will be (:class:`DraftSpec`). It becomes a
campaign of the engine, under the same uuid and number, as soon as it has a message; a table of its
own keeps the engine's rows what they are: campaigns that could be sent as they stand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb
from pydantic import BaseModel, Field, StrictInt

from campaigns import queries
from campaigns.audience import audience
from campaigns.campaign.field_types import MOST_SEGMENTS, Name, Time, Url
from campaigns.channels import SendingType
from campaigns.database import Connection
from campaigns.links import domains
from campaigns.segmentation import references
from campaigns.template import templates
from campaigns.template.text import TemplateText
from campaigns.validation import REQUEST, Id, Line

SQL = queries.load("campaigns.staged", "staged.sql")

Number = Annotated[StrictInt, Field(ge=1, lt=2**63)]


class DraftSpec(BaseModel):
    """A campaign as far as it is known, under the engine's names.

    The fields are those of :class:`campaigns.campaign.model.CampaignSpec`, of the same types; what
    they demand of each other is asked once they are all there.
    """

    model_config = REQUEST

    name: Name
    included_contact_groups: tuple[Id]
    contact_segments: Annotated[tuple[Number, ...], Field(max_length=MOST_SEGMENTS)] = ()
    domain: Number | None = None
    scheduled_send_date: Time | None = None
    event_callback: Url | None = None
    sending_type: SendingType = "sms"
    sender: Annotated[Line, Field(max_length=200)] | None = None
    template: TemplateText | None = Field(default=None, repr=False)
    template_uuid: Id | None = None

    @property
    def lacks(self) -> str | None:
        """The first field that its message still lacks; ``None``: it has a message."""
        if self.template is None and self.template_uuid is None:
            return "template"
        return "sender" if self.sender is None else None

    def request(self) -> dict[str, Any]:
        """The request for the engine."""
        return self.model_dump(exclude_none=True, exclude_defaults=True)


@dataclass(frozen=True, slots=True)
class Draft:
    """A stored one."""

    id: UUID
    number: int
    spec: DraftSpec = field(repr=False)


def find(conn: Connection, team_id: UUID, number: int) -> Draft | None:
    """The team's draft of that number, if it has one."""
    row = conn.execute(SQL["find_draft"], {"team_id": team_id, "number": number}).fetchone()
    if row is None:
        return None
    return Draft(row["id"], row["number"], DraftSpec.model_validate(row["request"]))


def insert(conn: Connection, team_id: UUID, spec: DraftSpec, now: datetime) -> int:
    """Store a new one, and return its number; raises like :func:`check`."""
    check(conn, team_id, spec)
    row = {"id": uuid4(), "team_id": team_id, "request": _stored(spec), "now": now}
    return int((conn.execute(SQL["insert_draft"], row).fetchone() or {})["number"])


def replace(conn: Connection, team_id: UUID, draft: Draft, spec: DraftSpec, now: datetime) -> None:
    """Store another content of one that the caller has locked; raises like :func:`check`."""
    check(conn, team_id, spec)
    row = {"id": draft.id, "request": _stored(spec), "now": now}
    conn.execute(SQL["update_draft"], row)


def delete(conn: Connection, draft: Draft) -> None:
    """Remove one, be it because it has become a campaign."""
    conn.execute(SQL["delete_draft"], {"id": draft.id})


def check(conn: Connection, team_id: UUID, spec: DraftSpec) -> None:
    """That everything it refers to is there.

    Raises:
        Invalid: the list or a segment is not, or is of the wrong kind.
        NotFound: the domain or the template is not in this team.
    """
    audience.check_groups(conn, team_id, spec.included_contact_groups, ())
    references.chosen(conn, team_id, spec.contact_segments, spec.included_contact_groups)
    check_domain(conn, team_id, spec.domain)
    if spec.template_uuid is not None:
        templates.get(conn, team_id, spec.template_uuid)


def check_domain(conn: Connection, team_id: UUID, domain: int | None) -> None:
    """That bounces may come back to the domain of that number, if there is one.

    Raises:
        Invalid: it is not for that.
        NotFound: it is not in this team.
    """
    if domain is not None:
        domains.find(conn, team_id, domain, purpose="bounce")


def _stored(spec: DraftSpec) -> Jsonb:
    return Jsonb(spec.model_dump(mode="json", exclude_none=True))

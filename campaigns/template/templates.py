"""Stored templates. A campaign copies the text when it is saved and is not touched afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated
from uuid import UUID, uuid4

from pydantic import BaseModel, Field

from campaigns import paging, queries
from campaigns.database import Connection
from campaigns.errors import Conflict, NotFound
from campaigns.template.text import TemplateText
from campaigns.validation import REQUEST, Id, Line, parse

SQL = queries.load("campaigns.template", "templates.sql")


class TemplateSpec(BaseModel):
    """A template as somebody creates it."""

    model_config = REQUEST

    uuid: Id | None = None
    name: Annotated[Line, Field(max_length=200)]
    body: Annotated[TemplateText, Field(repr=False)]


class TemplateEdit(BaseModel):
    """What shall change in a template; what is not given stays."""

    model_config = REQUEST

    name: Annotated[Line, Field(max_length=200)] | None = None
    body: TemplateText | None = Field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class StoredTemplate:
    """A stored template; its text is left out of its ``repr``."""

    id: UUID
    team_id: UUID
    name: str
    body: str = field(repr=False)
    created_at: datetime
    updated_at: datetime


def create(
    conn: Connection,
    team_id: UUID,
    body: object,
    *,
    now: datetime,
    default_uuid: UUID | None = None,
) -> StoredTemplate:
    """Create a template, or return the one that a repeated request created before.

    Raises:
        Invalid: a field breaks a rule.
        Conflict: the uuid is used for something else.
    """
    spec = parse(TemplateSpec, body)
    row = {
        "id": spec.uuid or default_uuid or uuid4(),
        "team_id": team_id,
        "name": spec.name,
        "body": spec.body,
    }
    created = conn.execute(SQL["insert_template"], {**row, "now": now}).fetchone()
    if created is not None:
        return StoredTemplate(**created)
    found = conn.execute(SQL["find_template_anywhere"], row).fetchone()
    if found is None or found["team_id"] != team_id:
        raise Conflict(f"uuid: {row['id']} cannot be used, choose another one.")
    if any(found[key] != row[key] for key in row):
        raise Conflict(f"uuid: there is a template {row['id']} already, with other content.")
    return StoredTemplate(**found)


def get(conn: Connection, team_id: UUID, template_id: UUID) -> StoredTemplate:
    """The team's template of that id.

    Raises:
        NotFound: there is none.
    """
    row = conn.execute(SQL["find_template"], {"id": template_id, "team_id": team_id}).fetchone()
    if row is None:
        raise NotFound("template", template_id)
    return StoredTemplate(**row)


def list_all(conn: Connection, team_id: UUID) -> list[StoredTemplate]:
    """The team's templates by name."""
    rows = conn.execute(SQL["list_templates"], {"team_id": team_id})
    return [StoredTemplate(**row) for row in rows]


def page(
    conn: Connection, team_id: UUID, number: int, per_page: int
) -> tuple[list[StoredTemplate], int]:
    """A page of the team's templates, newest first, and how many there are.

    Raises:
        Invalid: there is no such page.
    """
    team = {"team_id": team_id}
    total = (conn.execute(SQL["count_templates"], team).fetchone() or {})["templates"]
    paging.checked(number, per_page)
    where = {**team, "offset": (number - 1) * per_page, "limit": per_page}
    return [StoredTemplate(**row) for row in conn.execute(SQL["page_of_templates"], where)], total


def edit(
    conn: Connection, team_id: UUID, template_id: UUID, body: object, *, now: datetime
) -> StoredTemplate:
    """Change a template for campaigns to come. Those that were saved with it keep their text.

    Raises:
        Invalid: a field breaks a rule.
        NotFound: there is no such template.
    """
    asked = parse(TemplateEdit, body)
    row = {"id": template_id, "team_id": team_id, "name": asked.name, "body": asked.body}
    edited = conn.execute(SQL["update_template"], {**row, "now": now}).fetchone()
    if edited is None:
        raise NotFound("template", template_id)
    return StoredTemplate(**edited)


def delete(conn: Connection, team_id: UUID, template_id: UUID) -> None:
    """Delete a template. Campaigns that were saved with it keep their text.

    Raises:
        NotFound: there is none.
    """
    done = conn.execute(SQL["delete_template"], {"id": template_id, "team_id": team_id}).fetchone()
    if done is None:
        raise NotFound("template", template_id)

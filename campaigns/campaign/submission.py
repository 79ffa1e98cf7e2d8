"""Recognising a submission that comes again.

Whoever submits chooses the uuid, and may repeat the submission when the answer got lost. The same
uuid with the same content is the same request, whatever became of its campaign meanwhile.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from campaigns import queries
from campaigns.campaign import store
from campaigns.campaign.store import Campaign
from campaigns.database import Connection
from campaigns.errors import Conflict

SQL = queries.load("campaigns.campaign", "campaigns.sql")


def fingerprint(spec: BaseModel) -> str:
    """SHA-256 of what a request says, apart from its uuid.

    Fields that have their default count as left out, so a later version with more fields still
    recognises what an earlier one stored.
    """
    return _digest(spec.model_dump(mode="json", exclude={"uuid"}, exclude_defaults=True))


def fingerprint_of_clone(source_id: UUID, body: Mapping[str, Any]) -> str:
    """Like :func:`fingerprint`, of what was asked for: its source may have changed by the time that
    the same request comes again."""
    content = {name: value for name, value in body.items() if name != "uuid"}
    return _digest({"clone": source_id, "with": content})


def _digest(content: Mapping[str, Any]) -> str:
    text = json.dumps(
        content, sort_keys=True, ensure_ascii=True, separators=(",", ":"), default=str
    )
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def repeated(
    conn: Connection, team_id: UUID, campaign_id: UUID, submission: str
) -> Campaign | None:
    """The campaign that an earlier submission of the same content made; ``None``: it is new.

    Raises:
        Conflict: the uuid is used for something else. For a uuid of another team this says
            nothing about what it is used for.
    """
    row = conn.execute(SQL["submission"], {"id": campaign_id}).fetchone()
    if row is None:
        return None
    if row["team_id"] != team_id:
        raise Conflict(f"uuid: {campaign_id} cannot be used, choose another one.")
    if row["status"] == "deleted":
        raise Conflict(f"uuid: campaign {campaign_id} was deleted, choose another one.")
    if row["submission"] != submission:
        raise Conflict(
            f"uuid: campaign {campaign_id} exists already with other content; "
            "edit it, or choose another uuid."
        )
    return store.get(conn, team_id, campaign_id)

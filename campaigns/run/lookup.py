"""Finding a run by what people have at hand: its number, or its campaign's uuid."""

from __future__ import annotations

from uuid import UUID

from campaigns import queries
from campaigns.database import Connection
from campaigns.errors import Invalid, NotFound
from campaigns.names import as_uuid

SQL = queries.load("campaigns.run", "lookup.sql")

_LARGEST_ID = 2**63 - 1


def find_run(conn: Connection, team_id: UUID, name: str | int | UUID) -> int:
    """The id of the run, or of the campaign's latest run.

    Raises:
        Invalid: ``name`` is neither a number nor a uuid.
        NotFound: there is no such run or campaign in this team, or the campaign has not begun.
    """
    campaign_id = None if isinstance(name, int) else as_uuid(name)
    if campaign_id is None:
        return _by_number(conn, team_id, str(name))
    run_id = latest_run(conn, team_id, campaign_id)
    if run_id is None:
        raise NotFound("run", campaign_id, where="yet: the campaign has not begun")
    return run_id


def latest_run(conn: Connection, team_id: UUID, campaign_id: UUID) -> int | None:
    """The id of the campaign's latest run, ``None`` if it has not begun; raises ``NotFound``."""
    row = conn.execute(SQL.latest_run, {"campaign_id": campaign_id, "team_id": team_id}).fetchone()
    if row is None:
        raise NotFound("campaign", campaign_id)
    return None if row["id"] is None else int(row["id"])


def _by_number(conn: Connection, team_id: UUID, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= _LARGEST_ID):
        raise Invalid("run", text, "must be the number of a run, or the uuid of a campaign")
    row = conn.execute(SQL.run_by_id, {"run_id": int(text), "team_id": team_id}).fetchone()
    if row is None:
        raise NotFound("run", text)
    return int(row["id"])

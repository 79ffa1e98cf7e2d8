"""What people do to campaigns while they are sending: pause, resume, stop, edit."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from campaigns.schedule.stored import window_of
from tests.simulation.ledger import Ledger, Row

#: Fields that have a statement of their own, after which gates and lines stay as they are.
_STEERING = {"manually_paused", "status"}


def change(ledger: Ledger, campaign_id: UUID, fields: Row, now: datetime) -> bool:
    """As :mod:`campaigns.campaign.control` and :mod:`campaigns.campaign.live` do.

    ``False``: recipients are being written, and it is to be tried again in a moment.
    """
    campaign = ledger.campaigns[campaign_id]
    runs = ledger.open_runs_of(campaign_id)
    is_edit = not fields.keys() & _STEERING
    if is_edit and any(run["status"] == "resolving" for run in runs):
        return False
    campaign.update(fields, updated_at=now)
    for run in runs:
        if is_edit and run["status"] == "sending":
            _follow(ledger, run, campaign, now, moved="scheduled_finish_date" in fields)
        ledger.wake(run["id"])
    return True


def _follow(ledger: Ledger, run: Row, campaign: Row, now: datetime, *, moved: bool) -> None:
    is_named = moved and not campaign["schedule_rrule"]
    run["window_at"] = run["occurrence"] if is_named else run["window_at"]
    run["finishes_at"] = window_of(campaign, run["window_at"]).finish
    run["expires_at"] = window_of(campaign, run["occurrence"]).expiry
    for lane in ledger.lanes[run["id"]]:
        if lane["gate_closes_at"] is not None:
            lane["gate_closes_at"] = min(lane["gate_closes_at"], now)
        lane["pace_remaining"] = lane["pace_until"] = None

"""What the statements of tick.sql do that begin and end runs, on the ledger in memory.

Each function has the name of its statement and takes the parameters of it. Parameters that are
JSON in PostgreSQL are JSON here too.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from tests.simulation.ledger import Ledger, Row, records

_COUNTERS = ("accepted", "rejected", "failed", "unknown", "suppressed", "expired", "cancelled")
_ENDED = ("stopped", "failed", "deleted")


def due_campaigns(ledger: Ledger, p: Row) -> list[Row]:
    horizon = p["now"] + timedelta(seconds=p["lead"])
    due = [
        row
        for row in ledger.due_campaigns()
        if row["status"] in ("scheduled", "sending")
        and row["next_dt"] is not None
        and row["next_dt"] <= horizon
    ]
    due.sort(key=lambda row: row["next_dt"])
    return [{**row, "open_runs": len(ledger.open_runs_of(row["id"]))} for row in due[:500]]


def insert_runs(ledger: Ledger, p: Row) -> list[Row]:
    for new in records(p["runs"]):
        key = UUID(new["campaign_id"]), new["occurrence"]
        if key in ledger.occurrences:
            continue
        ledger.occurrences.add(key)
        over = new["reason"] is not None
        run = {
            **new,
            "id": ledger.next_id("runs"),
            "campaign_id": key[0],
            "status": "finished" if over else "resolving",
            "window_at": new["occurrence"],
            "created_at": p["now"],
            "finished_at": p["now"] if over else None,
            "published_at": None,
            "total": 0,
            **dict.fromkeys(_COUNTERS, 0),
            **dict.fromkeys(("metered_credit", "metered_until", "ramp_day", "ramp_base")),
        }
        ledger.runs[run["id"]] = run
        if not over:
            ledger.open[run["id"]] = run
    return []


def move_series(ledger: Ledger, p: Row) -> list[Row]:
    for new in records(p["campaigns"]):
        campaign = ledger.campaigns[UUID(new["id"])]
        if new["started"]:
            status = "sending"
        elif campaign["status"] == "scheduled" and new["next_dt"] is None:
            status = "finished"
        else:
            status = campaign["status"]
        if new["started"] or new["next_dt"] is None:
            campaign["updated_at"] = p["now"]
        campaign["next_dt"], campaign["status"] = new["next_dt"], status
    return []


def windows_over(ledger: Ledger, p: Row) -> list[Row]:
    found = []
    for run in ledger.open.values():
        campaign = ledger.campaign_of(run)
        if (
            run["status"] == "sending"
            and campaign["leftover"] == "next_window"
            and campaign["status"] == "sending"
            and run["finishes_at"] is not None
            and run["finishes_at"] <= p["now"]
        ):
            found.append({**campaign, **run})
    return found


def move_windows(ledger: Ledger, p: Row) -> list[Row]:
    for new in records(p["runs"]):
        run = ledger.runs[new["id"]]
        if new["window_at"] is None:
            run["expires_at"] = p["now"]
        else:
            run["window_at"] = new["window_at"]
            run["finishes_at"] = new["finishes_at"] or run["finishes_at"]
        for lane in ledger.lanes[run["id"]]:
            lane["pace_remaining"] = lane["pace_until"] = None
        ledger.wake(run["id"])
    return []


def close_ended(ledger: Ledger, p: Row) -> list[Row]:
    closed = []
    for run in ledger.open.values():
        reason = _end(ledger, run, ledger.campaign_of(run), p)
        if reason is not None and run["status"] in ("resolving", "sending"):
            run.update(status="closing", reason=reason, published_at=None)
            closed.append(run)
    return closed


def _end(ledger: Ledger, run: Row, campaign: Row, p: Row) -> str | None:
    """Why the run is over, if it is."""
    now = p["now"]
    if campaign["status"] in _ENDED:
        return "stopped"
    if ledger.last_beat is not None and run["starts_at"] > ledger.last_beat:
        late, deadline = (now - run["starts_at"]).total_seconds(), campaign["start_deadline"]
        is_skipped = campaign["schedule_type"] == "scheduled" and campaign["catch_up"] == "skip"
        if (deadline is not None and late > deadline) or (is_skipped and late > p["late"]):
            return "missed"
    ends = [run["expires_at"], run["finishes_at"] if campaign["leftover"] == "expire" else None]
    is_over = run["status"] == "sending" and any(end is not None and end <= now for end in ends)
    return "expired" if is_over else None


def beat_heart(ledger: Ledger, p: Row) -> list[Row]:
    if p["kind"] == "beat":
        ledger.last_beat = p["now"]
    return []


def add_up_tallies(ledger: Ledger, p: Row) -> list[Row]:
    for run_id, tally in ledger.tallies.items():
        run = ledger.runs[run_id]
        for status, number in tally.items():
            if status != "pending":
                run[status] += number
    ledger.tallies.clear()
    return []


def maybe_finished(ledger: Ledger, p: Row) -> list[Row]:
    return [
        {"id": run["id"], "total": run["total"]}
        for run in ledger.open.values()
        if run["status"] in ("sending", "closing")
        and sum(run[name] for name in _COUNTERS) >= run["total"]
    ][:100]


def unsettled_runs(ledger: Ledger, p: Row) -> list[Row]:
    return [{"run_id": n} for n in p["run_ids"] if ledger.deliveries[n].unsettled > 0]


def finish_runs(ledger: Ledger, p: Row) -> list[Row]:
    finished = [ledger.open[run_id] for run_id in p["run_ids"]]
    for run in finished:
        reason = run["reason"] or ("empty" if run["total"] == 0 else "completed")
        run.update(status="finished", finished_at=p["now"], reason=reason)
        del ledger.open[run["id"]]
        ledger.asleep.pop(run["id"], None)
        for lane in ledger.lanes.get(run["id"], ()):
            lane["gate_opens_at"] = lane["gate_closes_at"] = None
    for run in finished:
        campaign = ledger.campaign_of(run)
        if campaign["status"] == "sending" and not ledger.open_runs_of(campaign["id"]):
            campaign["status"] = "finished" if campaign["next_dt"] is None else "scheduled"
            campaign["updated_at"] = p["now"]
    return []


def drop_slices(ledger: Ledger, p: Row) -> list[Row]:
    for run_id in p["run_ids"]:
        ledger.waiting.pop(run_id, None)
    return []


def publish_batches(ledger: Ledger, p: Row) -> list[Row]:
    found = []
    for batch in ledger.batches.values():
        if batch["status"] != "ready":
            continue
        last = batch["published_at"]
        wait = timedelta(seconds=min(p["again_after"] * batch["publications"], 60))
        if last is None or last < p["now"] - wait:
            batch["published_at"] = p["now"]
            batch["publications"] += 1
            found.append({"id": batch["id"]})
    return found


def publish_runs(ledger: Ledger, p: Row) -> list[Row]:
    found = []
    for run in ledger.open.values():
        if run["status"] not in ("resolving", "closing"):
            continue
        last = run["published_at"]
        if last is None or last < p["now"] - timedelta(seconds=p["again_after"]):
            run["published_at"] = p["now"]
            found.append({"id": run["id"], "status": run["status"]})
    return found


def forget_heartbeats(ledger: Ledger, p: Row) -> list[Row]:
    return []

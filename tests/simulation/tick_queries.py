"""What the statements of tick.sql do, on :class:`~tests.simulation.ledger.Ledger`.

Each function has the name of its statement and takes the parameters of it. Parameters that are
JSON in PostgreSQL are JSON here too.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from tests.simulation.ledger import Ledger, Row

_COUNTERS = ("accepted", "rejected", "failed", "unknown", "suppressed", "expired", "cancelled")
_ENDED = ("stopped", "failed", "deleted")
_MOMENTS = frozenset(
    (
        "occurrence", "starts_at", "finishes_at", "expires_at", "next_dt", "window_at",
        "spread_from", "spread_until", "not_before", "pace_until", "gate_opens_at",
        "gate_closes_at", "metered_until",
    )
)  # fmt: skip


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
    for new in _records(p["runs"]):
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
    for new in _records(p["campaigns"]):
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
    for new in _records(p["runs"]):
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


def open_runs(ledger: Ledger, p: Row) -> list[Row]:
    found = []
    for run in ledger.open.values():
        until = ledger.asleep.get(run["id"])
        if run["status"] != "sending" or (until is not None and until > p["now"]):
            continue
        found += lane_rows(ledger, run, p["now"])
    return found


def lane_rows(ledger: Ledger, run: Row, now: datetime) -> list[Row]:
    """The rows of ``open_runs`` for one run."""
    campaign = ledger.campaign_of(run)
    team = ledger.teams[campaign["team_id"]]
    shared = {
        **campaign,
        **run,
        "campaign_at": campaign["updated_at"],
        "paused": campaign["manually_paused"] or campaign["status"] != "sending",
        "team_rate": team["rate"],
        "team_at": team["updated_at"],
    }
    found = [
        {**shared, **lane, "returned": 0, "later": 0, "retries": 0}
        for lane in ledger.lanes[run["id"]]
    ]
    for piece in ledger.waiting.get(run["id"], {}).values():
        is_due = piece["not_before"] <= now
        if piece["kind"] != "retry":
            found[piece["lane"]]["returned" if is_due else "later"] += piece["messages"]
        elif is_due:
            found[piece["lane"]]["retries"] += piece["messages"]
    return found


def calendars(ledger: Ledger, p: Row) -> list[Row]:
    found = []
    for run_id in p["run_ids"]:
        run = ledger.runs[run_id]
        campaign = ledger.campaign_of(run)
        team = ledger.teams[campaign["team_id"]]
        found.append(
            {
                **campaign,
                **{f"team_{name}": value for name, value in team.items()},
                **{
                    name: run[name]
                    for name in ("id", "starts_at", "window_at", "finishes_at", "expires_at")
                },
                "pause_starts": [start for start, _ in campaign["pauses"]],
                "pause_ends": [end for _, end in campaign["pauses"]],
            }
        )
    return found


def waiting_slices(ledger: Ledger, p: Row) -> list[Row]:
    found = [
        piece
        for run_id in p["run_ids"]
        for piece in ledger.waiting.get(run_id, {}).values()
        if piece["not_before"] <= p["now"]
    ]
    return sorted(found, key=lambda piece: piece["id"])


def accounts(ledger: Ledger, p: Row) -> list[Row]:
    outstanding: dict[str, int] = {}
    for batch in ledger.batches.values():
        outstanding[batch["provider"]] = outstanding.get(batch["provider"], 0) + batch["messages"]
    for run_id, pieces in ledger.waiting.items():
        run = ledger.runs[run_id]
        for piece in pieces.values() if run["status"] == "sending" else ():
            if piece["kind"] == "returned" and piece["not_before"] > p["now"]:
                name = run["provider"]
                outstanding[name] = outstanding.get(name, 0) + piece["messages"]
    found = []
    for name in outstanding.keys() | ledger.states.keys():
        state = ledger.states.get(name)
        factor = state.factor if state else None
        found.append(
            {
                "provider": name,
                "outstanding": outstanding.get(name, 0),
                "cooling_until": state.health.cooling_until if state else None,
                "failures": state.health.failures if state else 0,
                "circuit": state.health.circuit if state else "closed",
                "rate_factor": factor.value if factor else 1.0,
                "factor_at": factor.at if factor else None,
            }
        )
    return found


def limits_used(ledger: Ledger, p: Row) -> list[Row]:
    used: dict[str, int] = {}
    for batch in ledger.batches.values():
        for key in batch["limit_keys"]:
            used[key] = used.get(key, 0) + batch["messages"]
    return [{"key": key, "outstanding": amount} for key, amount in used.items()]


def held(ledger: Ledger, p: Row) -> list[Row]:
    parts: dict[tuple[str, int], float] = {}
    for batch in ledger.batches.values():
        pieces = ledger.cut[batch["id"]]
        whole = float(sum(piece["messages"] for piece in pieces))
        for piece in pieces if batch["messages"] > 0 else ():
            key = batch["provider"], piece["run_id"]
            part = batch["messages"] * piece["messages"] / whole
            parts[key] = parts.get(key, 0.0) + part
    return [
        {"provider": name, "run_id": run_id, "held": math.ceil(part)}
        for (name, run_id), part in parts.items()
    ]


def batch_ids(ledger: Ledger, p: Row) -> list[Row]:
    return [{"id": ledger.next_id("batches")} for _ in range(p["count"])]


def insert_batches(ledger: Ledger, p: Row) -> list[Row]:
    for new in _records(p["batches"]):
        ledger.batches[new["id"]] = {
            **new,
            "status": "ready",
            "lease_token": None,
            "lease_until": None,
            "published_at": None,
            "publications": 0,
        }
    return []


def delete_slices(ledger: Ledger, p: Row) -> list[Row]:
    for pieces in ledger.waiting.values():
        for slice_id in p["ids"]:
            pieces.pop(slice_id, None)
    return []


def insert_slices(ledger: Ledger, p: Row) -> list[Row]:
    for new in _records(p["slices"]):
        ledger.add_slice({**new, "not_before": new["not_before"] or p["now"]})
    return []


def update_lanes(ledger: Ledger, p: Row) -> list[Row]:
    for new in _records(p["changes"]):
        ledger.lanes[new.pop("run_id")][new["lane"]].update(new)
    return []


def update_runs(ledger: Ledger, p: Row) -> list[Row]:
    for new in _records(p["changes"]):
        ledger.runs[new.pop("run_id")].update(new)
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


def unsettled_rows(ledger: Ledger, p: Row) -> list[Row]:
    return [{"unsettled": ledger.deliveries[p["run_id"]].unsettled > 0}]


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


def _records(text: str) -> Iterable[Row]:
    for record in json.loads(text):
        for name in _MOMENTS & record.keys():
            if record[name] is not None:
                record[name] = datetime.fromisoformat(record[name])
        yield record

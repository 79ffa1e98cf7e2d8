"""What the statements of tick.sql do that hand out messages, on the ledger in memory.

Each function has the name of its statement and takes the parameters of it. Parameters that are
JSON in PostgreSQL are JSON here too.
"""

from __future__ import annotations

import math
from datetime import datetime

from tests.simulation.ledger import Ledger, Row, records


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
    for new in records(p["batches"]):
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
    for new in records(p["slices"]):
        ledger.add_slice({**new, "not_before": new["not_before"] or p["now"]})
    return []


def update_lanes(ledger: Ledger, p: Row) -> list[Row]:
    for new in records(p["changes"]):
        ledger.lanes[new.pop("run_id")][new["lane"]].update(new)
    return []


def update_runs(ledger: Ledger, p: Row) -> list[Row]:
    for new in records(p["changes"]):
        ledger.runs[new.pop("run_id")].update(new)
    return []

"""What the statements of ledger.sql do, on :class:`~tests.simulation.ledger.Ledger`.

Each function has the name of its statement and takes the parameters of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from tests.simulation.ledger import Ledger, Row, places


def lease_batch(ledger: Ledger, p: Row) -> list[Row]:
    batch = ledger.batches.get(p["batch_id"])
    if batch is None or batch["status"] != "ready":
        return []
    batch["status"] = "leased"
    batch["lease_token"] = p["token"]
    batch["lease_until"] = p["now"] + timedelta(seconds=p["lease_seconds"])
    return [batch]


def renew_lease(ledger: Ledger, p: Row) -> list[Row]:
    batch = _own(ledger, p)
    if batch is None or batch["lease_until"] <= p["now"]:
        return []
    batch["lease_until"] = p["now"] + timedelta(seconds=p["lease_seconds"])
    return [batch]


def claim(ledger: Ledger, p: Row) -> list[Row]:
    now = p["now"]
    batch = _own(ledger, p)
    if batch is None or batch["status"] != "leased" or batch["lease_until"] <= now:
        return []
    batch["lease_until"] = now + timedelta(seconds=p["lease_seconds"])
    batch["messages"] = max(batch["messages"] - p["amount"], 0)
    claimed: list[Row] = []
    for piece in ledger.cut.get(p["batch_id"], ()):
        if len(claimed) == p["amount"]:
            break
        closes_at = _closes_at(ledger, piece, now)
        if closes_at is None:
            continue
        rows = ledger.deliveries[piece["run_id"]]
        for seq in places(piece):
            if len(claimed) == p["amount"]:
                break
            if rows.status[seq] != "pending" or rows.token[seq] == p["token"]:
                continue
            rows.status[seq] = "sending"
            rows.attempts[seq] += 1
            rows.token[seq] = p["token"]
            claimed.append(
                {
                    "run_id": piece["run_id"],
                    "seq": seq,
                    "attempts": rows.attempts[seq],
                    "closes_in": (closes_at - now).total_seconds(),
                }
            )
    return sorted(claimed, key=lambda row: (row["run_id"], row["seq"]))


def record(ledger: Ledger, p: Row) -> list[Row]:
    settled = 0
    for run_id, seq, status, charged in zip(
        p["run_ids"], p["seqs"], p["statuses"], p["charged"], strict=True
    ):
        rows = ledger.deliveries[run_id]
        was = rows.status[seq]
        if rows.token[seq] != p["token"] or was not in ("sending", "unknown"):
            continue
        if was == "unknown" and status == "pending":
            status = "unknown"
        rows.set(seq, status)
        rows.attempts[seq] -= 0 if charged or was == "unknown" else 1
        rows.settled_at[seq] = p["now"]
        tally = ledger.tallies.setdefault(run_id, Counter())
        tally[status] += status != "pending"
        tally["unknown"] -= was == "unknown"
        settled += 1
    return [{"settled": settled}]


def finish_batch(ledger: Ledger, p: Row) -> list[Row]:
    if _own(ledger, p) is None or any(
        ledger.deliveries[piece["run_id"]].status[seq] in ("pending", "sending")
        for piece in ledger.cut.get(p["batch_id"], ())
        for seq in places(piece)
    ):
        return []
    ledger.forget_batch(p["batch_id"])
    return [{"id": p["batch_id"]}]


def own_batch(ledger: Ledger, p: Row) -> list[Row]:
    batch = _own(ledger, p)
    return [] if batch is None else [batch]


def release_unsent(ledger: Ledger, p: Row) -> list[Row]:
    released = 0
    for piece in ledger.cut.get(p["batch_id"], ()):
        rows = ledger.deliveries[piece["run_id"]]
        for seq in places(piece):
            if rows.status[seq] == "sending" and rows.token[seq] == p["token"]:
                rows.status[seq] = "pending"
                rows.attempts[seq] -= 1
                released += 1
    return [{"released": released}]


def expired_batches(ledger: Ledger, p: Row) -> list[Row]:
    return [
        {"id": batch["id"], "provider": batch["provider"]}
        for batch in ledger.batches.values()
        if batch["status"] == "leased" and batch["lease_until"] <= p["now"]
    ]


def settle_lost(ledger: Ledger, p: Row) -> list[Row]:
    held = 0
    for batch_id in p["batch_ids"]:
        token = ledger.batches[batch_id]["lease_token"]
        for piece in ledger.cut.get(batch_id, ()):
            rows = ledger.deliveries[piece["run_id"]]
            for seq in places(piece):
                if rows.status[seq] == "sending" and rows.token[seq] == token:
                    rows.set(seq, "unknown")
                    rows.settled_at[seq] = p["now"]
                    ledger.runs[piece["run_id"]]["unknown"] += 1
                    held += 1
    return [{"held": held, "again": 0}]


def hand_back(ledger: Ledger, p: Row) -> list[Row]:
    found: dict[tuple[int, int, int, int, int, int], list[tuple[int, datetime]]] = {}
    for batch_id in p["batch_ids"]:
        token = ledger.batches[batch_id]["lease_token"]
        pieces = ledger.cut.get(batch_id, ())
        suspected = 0 if _any_claimed(ledger, pieces, token) else p["suspected"]
        for piece in pieces:
            rows = ledger.deliveries[piece["run_id"]]
            for seq in places(piece):
                if rows.status[seq] == "pending":
                    tried = rows.attempts[seq]
                    losses = 0 if rows.token[seq] == token else max(piece["losses"], suspected)
                    alone = batch_id if losses else 0
                    key = piece["run_id"], piece["lane"], tried, losses, alone, suspected
                    since = rows.settled_at[seq] or p["now"]
                    wait = min(p["backoff_base"] * 2 ** (tried - 1), p["backoff_cap"])
                    until = since + timedelta(seconds=wait) if tried else p["not_before"]
                    found.setdefault(key, []).append((seq, until))
        ledger.forget_batch(batch_id)
    for (run_id, lane, tried, losses, _, suspected), pending in sorted(found.items()):
        for part in _halves(sorted(pending)) if suspected else [sorted(pending)]:
            waiting = _waiting_slice(run_id, lane, tried, part, p["not_before"])
            ledger.add_slice({**waiting, "losses": losses})
    return []


def _any_claimed(ledger: Ledger, pieces: Iterable[Row], token: object) -> bool:
    return any(
        ledger.deliveries[piece["run_id"]].token[seq] == token
        for piece in pieces
        for seq in places(piece)
    )


def _halves(pending: list[tuple[int, datetime]]) -> Iterator[list[tuple[int, datetime]]]:
    middle = -(-len(pending) // 2)
    yield pending[:middle]
    if pending[middle:]:
        yield pending[middle:]


def _waiting_slice(
    run_id: int, lane: int, tried: int, pending: list[tuple[int, datetime]], not_before: datetime
) -> Row:
    seqs = [seq for seq, _ in pending]
    lo, hi = seqs[0], seqs[-1] + 1
    return {
        "run_id": run_id,
        "lane": lane,
        "kind": "retry" if tried else "returned",
        "attempts": tried,
        "lo": lo,
        "hi": hi,
        "seqs": seqs if len(seqs) < hi - lo else None,
        "messages": len(seqs),
        "not_before": max(not_before, *(until for _, until in pending)),
    }


def _own(ledger: Ledger, p: Row) -> Row | None:
    batch = ledger.batches.get(p["batch_id"])
    return batch if batch is not None and batch["lease_token"] == p["token"] else None


def _closes_at(ledger: Ledger, piece: Row, now: datetime) -> datetime | None:
    """When the gate of the slice's lane closes; ``None``: nothing of it may be sent now."""
    run = ledger.runs[piece["run_id"]]
    campaign = ledger.campaign_of(run)
    if run["status"] != "sending" or campaign["status"] != "sending":
        return None
    lane = ledger.lanes[run["id"]][piece["lane"]]
    opens, closes = lane["gate_opens_at"], lane["gate_closes_at"]
    if campaign["manually_paused"] or opens is None or not opens <= now < closes:
        return None
    expires = run["expires_at"]
    if expires is None:
        return closes  # type: ignore[no-any-return]
    return min(closes, expires) if now < expires else None

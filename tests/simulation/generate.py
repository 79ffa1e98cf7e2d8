"""Campaigns of every kind, drawn from a seed: the same seed is the same year, on every machine."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from campaigns.errors import Invalid
from campaigns.providers import Providers
from campaigns.schedule import recurrence
from tests.simulation.accounts import ACCOUNTS, providers
from tests.simulation.ledger import Row

ZONES = (
    "UTC", "Europe/London", "America/New_York", "Pacific/Chatham", "Australia/Lord_Howe",
    "Antarctica/Troll",
)  # fmt: skip

#: When the clocks of these zones change in 2026.
CHANGES = (
    (datetime(2026, 3, 8, 7, tzinfo=UTC), "America/New_York"),
    (datetime(2026, 3, 29, 1, tzinfo=UTC), "Europe/London"),
    (datetime(2026, 3, 29, 1, tzinfo=UTC), "Antarctica/Troll"),
    (datetime(2026, 4, 4, 14, tzinfo=UTC), "Pacific/Chatham"),
    (datetime(2026, 4, 4, 15, tzinfo=UTC), "Australia/Lord_Howe"),
    (datetime(2026, 9, 26, 14, tzinfo=UTC), "Pacific/Chatham"),
    (datetime(2026, 10, 3, 15, 30, tzinfo=UTC), "Australia/Lord_Howe"),
    (datetime(2026, 10, 25, 1, tzinfo=UTC), "Europe/London"),
    (datetime(2026, 10, 25, 1, tzinfo=UTC), "Antarctica/Troll"),
    (datetime(2026, 11, 1, 6, tzinfo=UTC), "America/New_York"),
)

HOURS = (
    [{"from": "08:00", "to": "20:00"}],
    [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:30"}],
    [{"from": "22:00", "to": "06:00"}],
    [{"from": "01:15", "to": "02:45"}, {"from": "12:00", "to": "24:00"}],
)
QUIET = (
    [{"from": "21:00", "to": "08:00"}],
    [{"from": "01:30", "to": "02:30"}],
    [{"from": "00:30", "to": "01:45"}],
    [{"days": ["sat", "sun"], "from": "00:00", "to": "24:00"}],
)
#: Hours that begin or end while clocks show the same times twice.
_AT_NIGHT = (
    {"sending_hours": HOURS[3]},
    {"quiet_hours": QUIET[1]},
    {"quiet_hours": QUIET[2]},
)
_RULES = (
    "FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,WE,FR", "FREQ=MONTHLY;BYMONTHDAY=-1", "FREQ=HOURLY",
    "FREQ=HOURLY;INTERVAL=6", "FREQ=WEEKLY", "FREQ=DAILY;INTERVAL=3", "FREQ=MONTHLY;BYDAY=2TU",
    "FREQ=DAILY;BYHOUR=1,2,3;BYMINUTE=30",
)  # fmt: skip


@dataclass
class Plan:
    """What happens in a simulated time, apart from what chance does."""

    seed: int
    begin: datetime
    end: datetime
    providers: Providers
    teams: list[Row] = field(default_factory=list)
    campaigns: list[Row] = field(default_factory=list)
    audiences: dict[UUID, list[tuple[str | None, int]]] = field(default_factory=dict)
    #: What people do to campaigns: when, to which, which fields get which values.
    changes: list[tuple[datetime, UUID, Row]] = field(default_factory=list)


def plan(seed: int, campaigns: int, begin: datetime, end: datetime) -> Plan:
    """So many campaigns that begin between ``begin`` and ``end``."""
    draw = random.Random(f"plan {seed}")
    found = Plan(seed, begin, end, providers())
    found.teams = [_team(draw, number) for number in range(8)]
    for _ in range(campaigns):
        _add_campaign(found, draw)
    return found


def year(seed: int) -> Plan:
    """A thousand campaigns in 2026."""
    return plan(seed, 1000, datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC))


def _team(draw: random.Random, number: int) -> Row:
    zone = ZONES[number % len(ZONES)]
    return {
        "id": UUID(int=number + 1),
        "timezone": zone,
        "sending_hours": draw.choice(HOURS[:2]) if number in (1, 3) else None,
        "quiet_hours": draw.choice(QUIET) if number in (2, 4) else None,
        "holidays": [date(2026, 1, 1), date(2026, 4, 3), date(2026, 12, 25)] if number < 4 else [],
        "rate": {4: "2/s", 5: "40/min"}.get(number),
        "updated_at": datetime(2025, 12, 1, tzinfo=UTC),
    }


def campaign(campaign_id: UUID, team_id: UUID, start: datetime, now: datetime) -> Row:
    """A plain campaign as ``submit`` stores it, and its pauses."""
    return {
        "id": campaign_id,
        "team_id": team_id,
        "sender": "Sluice",
        "sending_type": "sms",
        "provider": "steady",
        "status": "scheduled",
        "timezone": "UTC",
        "schedule_type": "once",
        "schedule_rrule": None,
        "schedule_exdates": [],
        "schedule_rdates": [],
        "scheduled_send_date": start,
        "scheduled_finish_date": None,
        "expiry_date": None,
        "throttled": False,
        "leftover": "continue",
        "manually_paused": False,
        "is_test": False,
        "next_dt": start,
        "overlap": "skip",
        "start_deadline": None,
        "catch_up": "one",
        "catch_up_cap": 10,
        "jitter": 0,
        "rate": None,
        "pacing": "evenly",
        "warm_up": None,
        "sending_hours": None,
        "quiet_hours": None,
        "holidays": [],
        "priority": "normal",
        "weight": 1,
        "segments": 1,
        "updated_at": now,
        "pauses": [],
    }


def _add_campaign(found: Plan, draw: random.Random) -> None:
    span = (found.end - found.begin) // timedelta(minutes=1)
    start = found.begin + timedelta(minutes=draw.randrange(span))
    changes = [change for change in CHANGES if found.begin <= change[0] < found.end]
    changed = draw.choice(changes)[1] if changes and draw.random() < 0.1 else None
    if changed is not None:
        at = draw.choice([moment for moment, zone in changes if zone == changed])
        start = at + timedelta(minutes=draw.randrange(-180, 60))
    elif draw.random() < 0.3:
        # Many begin together, and have to share.
        start = found.begin + span * draw.randrange(30) // 30 * timedelta(minutes=1)
    start = max(start, found.begin)
    team = draw.choice(found.teams)
    row = campaign(UUID(int=draw.getrandbits(128)), team["id"], start, found.begin)
    row.update(
        sender=draw.choice(("Sluice", "Passona", "Weir")),
        provider=draw.choices(list(ACCOUNTS), weights=(20, 20, 10, 5, 8, 12, 5, 5, 10, 5))[0],
        timezone=changed or draw.choice(ZONES),
        priority=draw.choices(("urgent", "normal", "bulk"), weights=(1, 6, 3))[0],
        weight=draw.choice((1, 1, 1, 2, 5)),
        segments=draw.choice((1, 1, 2, 3)),
    )
    recurs = draw.random() < 0.2
    most = timedelta(hours=draw.choice((1, 2, 6, 10)))
    if draw.random() < 0.55:
        _give_window(row, draw, most)
    size = draw.randrange(2, 8) if recurs else draw.randrange(4, 24)
    if recurs:
        _let_recur(row, draw, found.end)
    elif draw.random() < 0.03:
        size = draw.randrange(300, 1200)
        if draw.random() < 0.5:
            _keep_busy(row, draw)
    if draw.random() < 0.15:
        row["rate"] = draw.choice(("2/min", "10/min", "30/min", "3/s", "8/s", "200/h"))
    if not recurs and draw.random() < 0.05:
        row["warm_up"] = {"first_day": draw.randrange(2, 20), "factor": draw.choice((1.5, 2.0))}
    if draw.random() < 0.15:
        row["sending_hours"] = draw.choice(HOURS)
    if draw.random() < 0.15:
        row["quiet_hours"] = draw.choice(QUIET)
    if changed is not None:
        row.update(draw.choice(_AT_NIGHT))
    if draw.random() < 0.1:
        row["holidays"] = [(start + timedelta(days=n)).date() for n in range(draw.randrange(1, 3))]
    hours = [c[name] for c in (row, team) for name in ("sending_hours", "quiet_hours") if c[name]]
    # Several together may leave nothing open at all.
    must_end = len(hours) > 1 or row["leftover"] == "next_window"
    if row["expiry_date"] is None and (must_end or draw.random() < 0.15):
        last = row["scheduled_finish_date"] or start
        row["expiry_date"] = last + timedelta(minutes=draw.randrange(5, 4 * 24 * 60))
    lanes: list[tuple[str | None, int]] = [(None, size)]
    if draw.random() < 0.1:
        zones = draw.sample(ZONES, draw.randrange(2, 5))
        lanes = [(zone, max(size // len(zones), 1)) for zone in sorted(zones)]
    found.campaigns.append(row)
    found.audiences[row["id"]] = lanes
    _let_people_change(found, row, draw)


def _give_window(row: Row, draw: random.Random, most: timedelta) -> None:
    start = row["scheduled_send_date"]
    length = timedelta(minutes=draw.randrange(5, most // timedelta(minutes=1)))
    row["throttled"] = True
    row["scheduled_finish_date"] = start + length
    row["leftover"] = draw.choice(("continue", "next_window", "expire"))
    row["pacing"] = draw.choices(("evenly", "asap"), weights=(4, 1))[0]
    pauses = []
    for _ in range(draw.choice((0, 0, 1, 2, 3))):
        begin = start + length * draw.random()
        pauses.append((begin, begin + length * draw.uniform(0.01, 0.2)))
    row["pauses"] = [
        (begin.replace(microsecond=0), end.replace(microsecond=0)) for begin, end in pauses
    ]


def _keep_busy(row: Row, draw: random.Random) -> None:
    """Always something to send, up to the last moment before each of many pauses."""
    start, minute = row["scheduled_send_date"], timedelta(minutes=1)
    finish = start + draw.randrange(10, 40) * minute
    starts = [start + n * 3 * minute for n in range(1, 12)]
    row.update(
        provider=draw.choice(("steady", "slow", "senders")),
        throttled=True,
        pacing="asap",
        scheduled_finish_date=finish,
        pauses=[(at, at + draw.choice((1, 20, 60)) * minute / 60) for at in starts],
    )


def _let_recur(row: Row, draw: random.Random, end: datetime) -> None:
    start = row["scheduled_send_date"]
    rule = draw.choice(_RULES)
    soon = start + timedelta(days=draw.randrange(2, 40))
    rule += f";UNTIL={min(soon, end):%Y%m%dT%H%M%SZ}" if "HOURLY" not in rule else ";COUNT=24"
    exdates = [start + timedelta(days=n) for n in draw.sample(range(1, 20), 2)]
    rdates = [start + timedelta(minutes=draw.randrange(1, 5000))]
    row.update(
        schedule_type="scheduled",
        schedule_rrule=rule,
        schedule_exdates=exdates if draw.random() < 0.2 else [],
        schedule_rdates=rdates if draw.random() < 0.2 else [],
        overlap=draw.choice(("skip", "queue", "allow")),
        start_deadline=draw.choice((None, None, 30, 60, 3600)),
        catch_up=draw.choice(("skip", "one", "all")),
        catch_up_cap=draw.choice((1, 2, 10)),
        jitter=draw.choice((0, 0, 30, 600)),
    )
    try:
        row["next_dt"] = series_rule(row).first()
    except Invalid:
        # Nothing would be left of it.
        row.update(schedule_rrule="FREQ=DAILY;COUNT=3", schedule_exdates=[])
        row["next_dt"] = series_rule(row).first()
    if row["throttled"] and row["leftover"] == "next_window" and row["expiry_date"] is None:
        row["expiry_date"] = row["scheduled_finish_date"] + timedelta(days=3)


def series_rule(row: Row) -> recurrence.Rule:
    return recurrence.parse(
        row["schedule_rrule"],
        zone=row["timezone"],
        start=row["scheduled_send_date"],
        exdates=row["schedule_exdates"],
        rdates=row["schedule_rdates"],
    )


def _let_people_change(found: Plan, row: Row, draw: random.Random) -> None:
    at = row["next_dt"] + timedelta(seconds=draw.randrange(1, 3600))
    luck = draw.random()
    if luck < 0.06:
        found.changes.append((at, row["id"], {"manually_paused": True}))
        later = at + timedelta(seconds=draw.randrange(1, 7200))
        found.changes.append((later, row["id"], {"manually_paused": False}))
    elif luck < 0.09:
        found.changes.append((at, row["id"], {"status": "stopped"}))
    elif luck < 0.16:
        found.changes.append((at, row["id"], _edit(row, draw, at)))


def _edit(row: Row, draw: random.Random, at: datetime) -> Row:
    edits: list[Row] = [
        {"rate": draw.choice(("5/min", "1/s", "6/s", None))},
        {"weight": 7, "priority": "urgent"},
        {"pacing": "asap"},
        {"quiet_hours": draw.choice(QUIET)},
    ]
    if not row["schedule_rrule"]:
        pause = at + timedelta(seconds=20), at + timedelta(seconds=900)
        edits.append({"pauses": [*row["pauses"], pause]})
        if row["throttled"] and row["expiry_date"] is None:
            edits.append({"scheduled_finish_date": at + timedelta(minutes=40)})
    return draw.choice(edits)

"""What people do in a trial: submit, pause, resume, stop, opt out; and the carrier's reports.

Each notes when it was done, for the judge. What goes over the queue is repeated until it is seen to
have been done, as a client must that does not know what became of its message.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from celery import Celery

from campaigns import providers
from campaigns.audience import contacts
from campaigns.campaign import control, service
from campaigns.campaign.times import render
from campaigns.database import Connection
from campaigns.errors import Locked
from campaigns.messaging import QUEUE_CONTROL
from campaigns.team import teams
from tests.chaos.evidence import Closed, Promise
from tests.chaos.judge import GRACE
from tests.chaos.plan_campaigns import Campaign
from tests.support import ledger
from tests.support.stack import group

#: How long a client waits before it repeats a message, in seconds.
_REPEAT_AFTER = 4.0

#: A campaign that has not begun so many seconds after its start is not waited for any longer.
_BEGINS_WITHIN = 40.0

#: How many messages of a campaign are reported on.
_REPORTED = 40

_FOREVER = float("inf")


def address(number: int) -> str:
    """The number as a recipient's address."""
    return str(447700000000 + number)


@dataclass
class Actor:
    """One campaign and everything that is done to it."""

    plan: Campaign
    conn: Connection
    broker: Celery
    providers_file: Path
    max_attempts: int
    #: Shared by the campaigns of a trial, which are one team's: by address, from when to when an
    #: opt-out was being recorded.
    opted_out: dict[str, tuple[float, float]]
    campaign_id: UUID = field(default_factory=uuid4)
    body: dict[str, Any] = field(default_factory=dict)
    #: Unix seconds.
    start: float = 0.0
    closed: list[Closed] = field(default_factory=list)
    reported: frozenset[str] = frozenset()
    stopped: bool = False
    _sent_at: float = 0.0
    _exists: bool = False
    _begun_at: float | None = None
    _held_at: float | None = None
    _resumed: bool = False
    _opt_outs_done: int = 0
    _reports: dict[str, str] = field(default_factory=dict)
    _reports_at: float = 0.0

    def prepare(self) -> None:
        """Write its groups."""
        self._groups = [
            group(self.conn, f"{self.campaign_id} {n}", {address(i) for i in range(a, b + 1)})
            for n, (a, b) in enumerate(self.plan.groups)
        ]
        self._excluded = []
        if self.plan.excluded is not None:
            first, last = self.plan.excluded
            numbers = {address(number) for number in range(first, last + 1)}
            name = f"{self.campaign_id} not"
            self._excluded = [group(self.conn, name, numbers, kind="optout")]

    def step(self, elapsed: float) -> None:
        """Do what is due ``elapsed`` seconds after the beginning of the trial."""
        if elapsed < self.plan.delay:
            return
        if not self._exists:
            self._submit()
            return
        since = self._since_it_began()
        if since is None:
            return
        self._hold(since)
        self._opt_out(since)
        if self.plan.stop_at is not None and since >= self.plan.stop_at and not self.stopped:
            self._stop()

    @property
    def acted(self) -> bool:
        """Whether everything planned was done, reports aside."""
        plan = self.plan
        return (
            self._exists
            and (plan.hold is None or self._resumed)
            and self._opt_outs_done == len(plan.opt_outs)
            and (plan.stop_at is None or self.stopped)
        )

    @property
    def done(self) -> bool:
        """Whether everything was done, and what was reported is on record."""
        return self.acted and (not self._reports or bool(self.reported))

    def report(self, references: Mapping[str, str]) -> None:
        """Let the provider report some messages (reference by address) as delivered."""
        if not self.plan.reports or self.reported or not self._exists:
            return
        if not self._reports:
            self._reports = dict(list(references.items())[:_REPORTED])
        if not self._reports or time.monotonic() < self._reports_at:
            return
        if self._reports_at and self._all_noted():
            self.reported = frozenset(self._reports)
            return
        body = [{"reference": r, "state": "delivered"} for r in self._reports.values()]
        self.broker.send_task("deliveries.report", args=[body], queue=QUEUE_CONTROL)
        self._reports_at = time.monotonic() + _REPEAT_AFTER / 2

    def promise(self) -> Promise:
        """What the judge holds its run to."""
        return Promise(
            name=str(self.campaign_id)[:8],
            expected=frozenset(map(address, self.plan.expected())),
            closed=tuple(self.closed),
            opted_out=dict(self.opted_out),
            may_expire=self.plan.expiry is not None or self.plan.leftover == "expire",
            stopped=self.stopped,
            max_attempts=self.max_attempts,
            reported=self.reported,
        )

    def _submit(self) -> None:
        if not self.body:
            self._write()
        if self.plan.queued:
            if self._row() is not None:
                self._exists = True
            elif time.monotonic() >= self._sent_at + _REPEAT_AFTER:
                self.broker.send_task("campaigns.submit", args=[self.body], queue=QUEUE_CONTROL)
                self._sent_at = time.monotonic()
            return
        service.submit(
            self.conn,
            ledger.team_id(self.conn),
            self.body,
            providers=providers.load(self.providers_file),
            now=datetime.now(UTC),
        )
        self._exists = True

    def _write(self) -> None:
        """The submission, with its times, and what follows from them for the judge."""
        plan = self.plan
        now = datetime.now(UTC)
        begin = now.replace(microsecond=0) + timedelta(seconds=plan.lead or 0)
        self.start = begin.timestamp() if plan.lead else now.timestamp()
        body: dict[str, Any] = {
            "uuid": str(self.campaign_id),
            "name": "Chaos",
            "sender": "Sluice",
            "template": "Hello @first_name",
            "included_contact_groups": [str(one) for one in self._groups],
            "excluded_contact_groups": [str(one) for one in self._excluded],
        }
        if plan.rate is not None:
            body["rate"] = f"{plan.rate}/s"
        if plan.lead is None:
            body["schedule_type"] = "now"
        else:
            body["scheduled_send_date"] = render(begin)
        self.closed.append(Closed(-_FOREVER, self.start, "the time before the start"))
        if plan.window is not None:
            finish = begin + timedelta(seconds=plan.window)
            body |= {
                "throttled": True,
                "scheduled_finish_date": render(finish),
                "leftover": plan.leftover,
                "pauses": [
                    {"start_at": render(begin + timedelta(seconds=a)),
                     "end_at": render(begin + timedelta(seconds=b))}
                    for a, b in plan.pauses
                ],
            }  # fmt: skip
            self.closed += [
                Closed(self.start + a, self.start + b, "a pause") for a, b in plan.pauses
            ]
            if plan.leftover == "expire":
                self.closed.append(Closed(finish.timestamp(), _FOREVER, "the end of the window"))
        if plan.expiry is not None:
            expiry = begin + timedelta(seconds=plan.expiry)
            body["expiry_date"] = render(expiry)
            self.closed.append(Closed(expiry.timestamp(), _FOREVER, "the expiry"))
        self.body = body

    def _since_it_began(self) -> float | None:
        """Seconds since its first row was claimed, ``None`` while there is none.

        What never begins, because its start was missed or everybody opted out, begins late.
        """
        if self._begun_at is None:
            claimed = self.conn.execute(
                "SELECT 1 FROM deliveries d JOIN runs r ON r.id = d.run_id "
                "WHERE r.campaign_id = %s AND d.claimed_at IS NOT NULL LIMIT 1",
                (self.campaign_id,),
            ).fetchone()
            if claimed is None and time.time() < self.start + _BEGINS_WITHIN:
                return None
            self._begun_at = time.monotonic()
        return time.monotonic() - self._begun_at

    def _hold(self, since: float) -> None:
        hold = self.plan.hold
        if hold is None or self._resumed or since < hold.at:
            return
        team = ledger.team_id(self.conn)
        if self._held_at is None:
            try:
                control.pause(self.conn, team, self.campaign_id, now=datetime.now(UTC))
            except Locked:
                # It has ended before anybody could pause it.
                self._resumed = True
                return
            self._held_at = time.time()
        elif since >= hold.at + hold.seconds:
            resumed = time.time()
            self.closed.append(Closed(self._held_at + GRACE, resumed, "a pause by hand"))
            self._resumed = True
            # By now it may have been stopped, or be over.
            with suppress(Locked):
                control.resume(self.conn, team, self.campaign_id, now=datetime.now(UTC))

    def _opt_out(self, since: float) -> None:
        for one in self.plan.opt_outs[self._opt_outs_done :]:
            if since < one.at:
                return
            team = teams.find(self.conn, ledger.DEFAULT_TEAM_NAME)
            for number in one.numbers:
                begun = time.time()
                contacts.opt_out(self.conn, team, f"+{address(number)}")
                self.opted_out.setdefault(address(number), (begun, time.time()))
            self._opt_outs_done += 1

    def _stop(self) -> None:
        try:
            control.stop(
                self.conn, ledger.team_id(self.conn), self.campaign_id, now=datetime.now(UTC)
            )
            self.closed.append(Closed(time.time() + GRACE, _FOREVER, "the stop"))
        except Locked:
            # It has ended before anybody could stop it.
            self.closed.append(Closed(time.time() + GRACE, _FOREVER, "the end"))
        self.stopped = True

    def _all_noted(self) -> bool:
        row = self.conn.execute(
            "SELECT count(*)::int AS n FROM deliveries d JOIN runs r ON r.id = d.run_id "
            "WHERE r.campaign_id = %s AND d.address = ANY (%s) AND d.report = 'delivered'",
            (self.campaign_id, list(self._reports)),
        ).fetchone()
        return row is not None and row["n"] == len(self._reports)

    def _row(self) -> object:
        return self.conn.execute(
            "SELECT 1 FROM campaigns WHERE id = %s", (self.campaign_id,)
        ).fetchone()

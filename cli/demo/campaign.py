"""The campaign of the demo: submitted through the queue, watched, held by hand for a moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from celery import Celery

from campaigns import providers
from campaigns.campaign import control, service, times
from campaigns.database import Connection
from campaigns.errors import NotFound, Unavailable
from campaigns.messaging import QUEUE_CONTROL, celery_config
from campaigns.run import status as runs
from campaigns.run.status import RunStatus
from campaigns.run.timing import planned_by
from campaigns.schedule.flow import Pace, flow
from campaigns.team.teams import Team
from cli.demo import data
from cli.demo.audience import Groups
from cli.demo.show import Scene
from cli.demo.stage import ACCOUNT_RATE, Stage
from cli.demo.timeline import Timeline
from cli.demo.verdict import Hold, last_after_press
from cli.demo.watch import CarrierWatch

NAME = "Two for one"

_LOOK_SECONDS = 0.25
#: How long after its expiry a run may take until it is settled.
_SETTLE = timedelta(seconds=20)


def submit(stage: Stage, conn: Connection, team: Team, groups: Groups, plan: Timeline) -> UUID:
    """Submit through the queue as any Celery client would, and wait until it was taken in.

    Raises:
        Ended: a process ended meanwhile.
        Unavailable: nobody took it.
    """
    campaign_id = uuid4()
    client = Celery("demo", set_as_current=False)
    client.conf.update(celery_config(stage.settings.require_broker()))
    with client:
        client.send_task(
            "campaigns.submit", args=[body(campaign_id, groups, plan)], queue=QUEUE_CONTROL
        )

    def taken() -> bool:
        try:
            return bool(service.get(conn, team.id, campaign_id))
        except NotFound:
            return False

    stage.wait(taken, f"the campaign to be taken in (see {stage.log('control')})")
    return campaign_id


def body(campaign_id: UUID, groups: Groups, plan: Timeline) -> dict[str, Any]:
    """The request, as JSON carries it."""
    return {
        "uuid": str(campaign_id),
        "name": NAME,
        "sender": "Sluice",
        "template": data.TEMPLATE,
        "template_vars": data.VARIABLES,
        "throttled": True,
        "scheduled_send_date": times.render(plan.start),
        "scheduled_finish_date": times.render(plan.finish),
        "expiry_date": times.render(plan.expiry),
        "pauses": [
            {"start_at": times.render(pause.start), "end_at": times.render(pause.end)}
            for pause in plan.pauses
        ],
        "included_contact_groups": [str(group) for group in groups.included],
        "excluded_contact_groups": [str(groups.excluded)],
    }


class Performance:
    """Follows one campaign to its end, and holds it once."""

    def __init__(
        self, stage: Stage, conn: Connection, team: Team, campaign_id: UUID, plan: Timeline
    ) -> None:
        self._stage = stage
        self._conn = conn
        self._team = team
        self._id = campaign_id
        self._plan = plan
        self._providers = providers.load(stage.settings.providers_file)
        self._carrier = CarrierWatch(stage.carrier_url, stage.folder.carrier_log)
        self._notes: list[tuple[datetime, str]] = []
        self._held: Hold | None = None

    @property
    def holds(self) -> tuple[Hold, ...]:
        """The pauses by hand so far."""
        return (self._held,) if self._held else ()

    def note(self, text: str) -> None:
        """Tell something under the picture."""
        self._notes.append((_now(), text))

    def watch(self, show: Callable[[Scene], None]) -> None:
        """Show the campaign until its run is finished.

        Raises:
            Ended: something ended that should be there.
            Unavailable: the run was not settled in time.
        """
        next_look = time.monotonic()
        while True:
            self._stage.check()
            self._press_buttons()
            self._carrier.look()
            found = runs.status(self._conn, self._team.id, self._id, providers=self._providers)
            show(self._scene(found))
            if found.status == "finished":
                return
            if _now() > self._plan.expiry + _SETTLE:
                raise Unavailable(f"the campaign has not finished in time; it says: {found.why}")
            next_look = max(next_look + _LOOK_SECONDS, time.monotonic())
            time.sleep(max(next_look - time.monotonic(), 0.0))

    def close(self) -> None:
        """Let go of the carrier."""
        self._carrier.close()

    def _press_buttons(self) -> None:
        now = _now()
        if self._held is None and now >= self._plan.press_at:
            control.pause(self._conn, self._team.id, self._id, now=now)
            self._held = Hold(pressed=now, returned=_now())
            self.note("Pause pressed by the demo.")
        elif (
            self._held is not None
            and self._held.resumed is None
            and now >= self._held.returned + self._plan.hold
        ):
            self._carrier.look()
            silent = last_after_press(self._carrier.arrivals, self._held)
            self._held = replace(self._held, resumed=now)
            control.resume(self._conn, self._team.id, self._id, now=now)
            self.note(
                f"The last message came {silent * 1000:,.0f} ms after the press."
                if silent
                else "Not one message came after the press."
            )
            self.note("Resume pressed; the rest is spread over the time that is left.")

    def _scene(self, found: RunStatus) -> Scene:
        now = _now()
        window = self._plan.window
        waiting = found.waiting if found.run_id is not None else 0
        return Scene(
            now=now,
            timeline=self._plan,
            total=found.total,
            planned=planned_by(found.total, window, min(now, self._plan.finish)) or 0,
            ahead=flow([waiting], [self._plan.turn], Pace(True, ACCOUNT_RATE), now),
            counts={**found.counts, "waiting": waiting},
            arrivals=self._carrier.by_second,
            arrived=self._carrier.received,
            doubled=self._carrier.doubled,
            why=found.why.text,
            holds=self.holds,
            notes=tuple(self._notes),
        )


def _now() -> datetime:
    return datetime.now(UTC)

"""Which messages to put on the queues: new ones, and those that seem to have got lost.

The row is marked inside the tick's transaction and the message leaves after its commit. If it is
lost on the way, or with the broker's data, the row is simply published again later.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from campaigns import queries
from campaigns.audience import pending
from campaigns.database import Connection
from campaigns.messaging import (
    TASK_CHANGE_GROUP,
    TASK_CLOSE,
    TASK_CLOSE_REPORTS,
    TASK_RESOLVE,
    TASK_SEND,
)
from campaigns.run import unreported
from scheduler.duties import calling

_SQL = queries.load("scheduler", "tick.sql")

#: After how many seconds without a lease a batch's message counts as lost.
BATCH_AGAIN_AFTER = 5.0

#: The same for the audience worker's tasks, which take longer. One that is still at work is not
#: disturbed: whoever resolves holds the run's row, and two who close settle each row once.
RUN_AGAIN_AFTER = 10.0

_RUN_TASKS = {"resolving": TASK_RESOLVE, "closing": TASK_CLOSE}


def run_once(conn: Connection, now: datetime) -> list[tuple[str, int]]:
    """Pairs of task name and id."""
    runs = conn.execute(_SQL.publish_runs, {"now": now, "again_after": RUN_AGAIN_AFTER}).fetchall()
    batches = conn.execute(
        _SQL.publish_batches, {"now": now, "again_after": BATCH_AGAIN_AFTER}
    ).fetchall()
    jobs = pending.publish(conn, now, again_after=RUN_AGAIN_AFTER)
    return [
        *((_RUN_TASKS[row["status"]], row["id"]) for row in runs),
        *((TASK_SEND, row["id"]) for row in batches),
        *((TASK_CLOSE_REPORTS, run_id) for run_id in unreported.publish(conn, now)),
        *((TASK_CHANGE_GROUP, job_id) for job_id in jobs),
    ]


def take_back(conn: Connection, messages: Sequence[tuple[str, int]]) -> None:
    """The broker did not take these: the next tick publishes them again.

    Without this a long outage would look like messages that get lost again and again, and the
    first one after it could be a minute away.
    """
    batches = [row_id for task, row_id in messages if task == TASK_SEND]
    runs = [row_id for task, row_id in messages if task in _RUN_TASKS.values()]
    conn.execute(_SQL.take_back_batches, {"ids": batches})
    conn.execute(_SQL.take_back_runs, {"ids": runs})
    calling.take_back(conn, messages)

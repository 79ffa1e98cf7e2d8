"""What a competent team would write instead: one Celery task per message.

celery -A benchmarks.baseline worker --concurrency 2

Prefork processes, each with a kept-alive httpx client and a PostgreSQL connection of its own. A
task gets an id, as Celery's documentation advises, loads the message, posts it and records the
outcome. Neither task knows limits, pauses or opt-outs.

``CLAIMING`` gives Sluice's guarantee: its intent is committed before the request leaves, so that
a task that Celery delivers twice sends once. ``PLAIN`` does less, and sends twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
from celery import Celery, signals

from campaigns import providers, settings

#: The names of tasks and queue, for the benchmark that publishes.
CLAIMING = "baseline.claim_and_send"
PLAIN = "baseline.send"
QUEUE = "baseline"

SCHEMA = """
CREATE TABLE messages (
    id                  integer PRIMARY KEY,
    address             text NOT NULL,
    text                text NOT NULL,
    status              text NOT NULL DEFAULT 'pending',
    provider_message_id text,
    sent_at             timestamptz
)
"""

COPY = "COPY messages (id, address, text) FROM STDIN"

_CLAIM = """
UPDATE messages SET status = 'sending'
WHERE id = %s AND status = 'pending'
RETURNING address, text
"""

_LOAD = "SELECT address, text FROM messages WHERE id = %s"

_RECORD = """
UPDATE messages SET status = %s, provider_message_id = %s, sent_at = now() WHERE id = %s
"""


@dataclass(slots=True)
class _Connections:
    """What one worker process keeps open."""

    http: httpx.Client
    database: psycopg.Connection
    url: str


_config = settings.load()
_connections: list[_Connections] = []

app = Celery("baseline", set_as_current=False)
app.conf.update(
    broker_url=_config.broker_url,
    broker_connection_retry_on_startup=True,
    task_ignore_result=True,
    task_acks_late=True,
    accept_content=["json"],
    task_default_queue=QUEUE,
    worker_hijack_root_logger=False,
)


@signals.worker_process_init.connect  # type: ignore[untyped-decorator]
def _connect(**_: Any) -> None:
    account = providers.load(_config.providers_file).by_name["carrier"]
    _connections[:] = [
        _Connections(
            httpx.Client(timeout=10.0),
            psycopg.connect(_config.require_database(), autocommit=True),
            account.url,
        )
    ]


@app.task(name=CLAIMING)  # type: ignore[untyped-decorator]
def claim_and_send(message_id: int) -> None:
    """Send a message that nobody has begun to send."""
    _send(_CLAIM, message_id)


@app.task(name=PLAIN)  # type: ignore[untyped-decorator]
def send(message_id: int) -> None:
    """Send a message, whatever became of it before."""
    _send(_LOAD, message_id)


def _send(load: str, message_id: int) -> None:
    """Post one message and record what became of it."""
    (held,) = _connections
    row = held.database.execute(load, (message_id,)).fetchone()
    if row is None:
        return
    address, text = row
    body = {"reference": str(message_id), "to": address, "from": "Sluice", "text": text}
    response = held.http.post(held.url, json=body)
    accepted = response.status_code == httpx.codes.ACCEPTED
    status = "accepted" if accepted else "failed"
    provider_id = response.json()["id"] if accepted else None
    held.database.execute(_RECORD, (status, provider_id, message_id))

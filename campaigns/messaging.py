"""The names that processes share through the broker, as data: queues, tasks, broker options.

The scheduler publishes task names with ids and never imports the worker; this table is what both
sides rely on, and the wiring test compares it with the Procfile and with the registered tasks.
"""

from __future__ import annotations

from typing import Any

QUEUE_SEND = "sluice.send"
QUEUE_AUDIENCE = "sluice.audience"
QUEUE_CONTROL = "sluice.control"
QUEUE_CALLBACKS = "sluice.callbacks"
QUEUES = (QUEUE_SEND, QUEUE_AUDIENCE, QUEUE_CONTROL, QUEUE_CALLBACKS)

TASK_SEND = "worker.send"
TASK_RESOLVE = "worker.resolve"
TASK_CLOSE = "worker.close"
TASK_CLOSE_REPORTS = "worker.close_reports"
TASK_CHANGE_GROUP = "worker.change_group"
TASK_GATHER = "worker.gather"
TASK_CALL = "worker.call"

#: Tasks that only Sluice publishes; their arguments are ids.
INTERNAL_TASKS = {
    TASK_SEND: QUEUE_SEND,
    TASK_RESOLVE: QUEUE_AUDIENCE,
    TASK_CLOSE: QUEUE_AUDIENCE,
    TASK_CLOSE_REPORTS: QUEUE_AUDIENCE,
    TASK_CHANGE_GROUP: QUEUE_CONTROL,
    TASK_GATHER: QUEUE_CALLBACKS,
    TASK_CALL: QUEUE_CALLBACKS,
}

#: Tasks that any Celery client may publish to the control queue.
PUBLIC_TASKS = (
    "campaigns.submit",
    "campaigns.edit",
    "campaigns.pause",
    "campaigns.resume",
    "campaigns.toggle_pause",
    "campaigns.stop",
    "campaigns.delete",
    "campaigns.send_test",
    "groups.create",
    "groups.delete",
    "contacts.add",
    "contacts.remove",
    "contacts.flush",
    "contacts.opt_out",
    "deliveries.report",
)

#: How long an internal message stays valid. The row behind it is published again, so a message
#: that waited longer is of no use to anybody. Seconds. The publisher writes a moment of its own
#: clock and the worker compares it with its own: a worker whose clock is ahead by more than this
#: would throw away every message, so it is far above what machines may differ by. A repetition
#: that is not thrown away costs one statement that finds nothing.
MESSAGE_EXPIRES = 900


def celery_config(broker_url: str | None) -> dict[str, Any]:
    """Celery's settings, the same for the scheduler and for the workers.

    No result is stored, nothing is prefetched, only JSON is read. Redis' visibility timeout
    delivers a long task twice (kombu's Redis transport); every task is safe against that by a
    compare-and-set on its row, so the default of one hour stays. Without a ``broker_url`` the app
    can be inspected but not started.
    """
    return {
        "broker_url": broker_url,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        # A Redis that refuses to write (a replica, no memory left) is an outage like any other.
        "broker_channel_error_retry": True,
        "broker_transport_options": {
            "socket_timeout": 5,
            "socket_connect_timeout": 5,
            "retry_on_timeout": True,
        },
        "task_ignore_result": True,
        "task_store_errors_even_if_ignored": False,
        "task_acks_late": True,
        "task_reject_on_worker_lost": False,
        "worker_prefetch_multiplier": 1,
        "accept_content": ["json"],
        "task_serializer": "json",
        "task_default_queue": QUEUE_CONTROL,
        "task_create_missing_queues": True,
        "worker_send_task_events": True,
        "task_send_sent_event": False,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "timezone": "UTC",
        "enable_utc": True,
    }

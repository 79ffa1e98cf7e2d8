"""How whoever publishes for the scheduler is wired: task names with ids, and no task of its own."""

from __future__ import annotations

from celery import Celery

from campaigns import settings
from campaigns.messaging import celery_config


def create_app(config: settings.Settings) -> Celery:
    """A Celery app whose beat is :class:`scheduler.beat.TickScheduler`."""
    celery = Celery("sluice", set_as_current=False)
    celery.conf.update(celery_config(config.broker_url))
    # A tick does not wait for a broker that is away: its messages are published again.
    celery.conf.broker_transport_options |= {
        "max_retries": 0,
        "socket_timeout": 1.5,
        "socket_connect_timeout": 1.5,
    }
    celery.conf.beat_scheduler = "scheduler.beat:TickScheduler"
    celery.conf.beat_schedule_filename = ""
    return celery

"""The scheduler's Celery app: it publishes task names with ids, and registers no task.

celery -A scheduler.app beat
"""

from __future__ import annotations

from campaigns import failpoints, settings
from scheduler.wiring import create_app

_settings = settings.load()
failpoints.arm(_settings.failpoints, _settings.failpoint_log)
app = create_app(_settings)

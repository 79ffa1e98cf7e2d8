"""A message that is no task message is discarded; it ends no worker."""

from __future__ import annotations

import pytest
from celery.exceptions import InvalidTaskError

from campaigns import settings
from worker.app import create_app
from worker.envelope import CheckedTask, check

HEADERS = {"task": "campaigns.pause", "id": "a", "timelimit": [None, None]}


@pytest.mark.parametrize(
    "payload", [[[], {}, {}], [["a"], {"b": 1}, None], {"args": ["a"], "kwargs": {}}, {}]
)
def test_what_celery_can_take_apart_passes(payload):
    check(HEADERS, payload)
    check({"id": "a"}, payload)


@pytest.mark.parametrize(
    "payload",
    [
        5,
        None,
        True,
        "secret",
        [],
        [[]],
        [5, 6, 7],
        [[], [], {}],
        ["secret", {}, {}],
        [[], {}, 5],
        {"args": 5},
    ],
)
def test_any_other_body_is_refused_without_its_content(payload):
    with pytest.raises(InvalidTaskError) as refusal:
        check(HEADERS, payload)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    "change", [{"id": None}, {"id": 5}, {"timelimit": 5}, {"timelimit": [1]}, {"timelimit": "ab"}]
)
def test_headers_that_celery_takes_for_granted_are_checked(change):
    with pytest.raises(InvalidTaskError):
        check({**HEADERS, **change}, [[], {}, {}])


def test_every_task_of_the_worker_is_behind_the_check():
    app, _ = create_app(settings.load({"SLUICE_REDIS_URL": "redis://127.0.0.1:1/0"}))
    assert all(isinstance(task, CheckedTask) for task in app.tasks.values())

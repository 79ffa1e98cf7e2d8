"""Arguments of public tasks: checked like the body of a request, and refusals are told."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from celery import Celery, Task

from campaigns.errors import Invalid
from campaigns.validation import Text
from worker.tasks.task import PublicTask, checked


@checked
def steer(self: Task, uuid: Text, body: Any = None, team: Text = "default") -> tuple[object, ...]:
    return uuid, body, team


TASK = Task()


def test_arguments_come_by_position_or_by_name() -> None:
    assert steer(TASK, "a", {"b": 1}) == ("a", {"b": 1}, "default")
    assert steer(TASK, team="t", uuid="a") == ("a", None, "t")


@pytest.mark.parametrize(
    ("given", "named", "sentence"),
    [
        ((), {}, "uuid: is required."),
        ((None,), {}, "uuid: must be a text."),
        ((5,), {}, "uuid: 5 must be a text."),
        (([],), {}, "uuid: must be a text."),
        (("a\x00",), {}, "uuid: 'a\\x00' must not contain NUL characters."),
        (("\ud800",), {}, "uuid: '\\ud800' must be a text of valid Unicode characters."),
        (("a",), {"team": None}, "team: must be a text."),
        (("a",), {"teem": "t"}, "teem: is not a known field; the nearest known one is 'team'."),
        (("a", "b", "c", "d"), {}, "arguments: are at most 3: uuid, body, team."),
        (("a",), {"uuid": "a"}, "uuid: is given by position and by name."),
    ],
)
def test_what_does_not_fit_the_signature_is_refused_in_one_sentence(given, named, sentence) -> None:
    with pytest.raises(Invalid) as refusal:
        steer(TASK, *given, **named)
    assert str(refusal.value) == sentence


def test_an_address_in_the_place_of_a_name_is_not_repeated() -> None:
    for name in ("+447911123456", "anna@example.com"):
        with pytest.raises(Invalid) as refusal:
            steer(TASK, "a", **{name: "x"})
        assert name not in str(refusal.value)


def test_a_refusal_is_logged_as_one_sentence_at_the_level_of_a_worker(caplog) -> None:
    app = Celery(set_as_current=False)
    app.conf.update(task_always_eager=True)
    task = app.task(name="tests.steer", bind=True, shared=False, base=PublicTask)(steer)
    with caplog.at_level(logging.WARNING):
        task.apply(args=(5,), task_id="id-of-the-message")
    assert [record.getMessage() for record in caplog.records] == [
        "tests.steer[id-of-the-message] did nothing: uuid: 5 must be a text."
    ]

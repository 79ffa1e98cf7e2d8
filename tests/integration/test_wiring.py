"""Names that must agree across processes: queues, tasks, queries."""

from __future__ import annotations

import inspect
import json
import re
from importlib import resources
from pathlib import Path
from types import SimpleNamespace

import pytest

from campaigns import messaging, queries, settings
from campaigns.database import connect
from scheduler.wiring import create_app as create_scheduler
from worker.app import create_app as create_worker
from worker.redaction import REDACTED, RedactedRequest

REPOSITORY = Path(__file__).resolve().parents[2]
PROCFILE = (REPOSITORY / "Procfile").read_text("utf-8")


@pytest.fixture(scope="module")
def tasks():
    """The worker's own tasks by name."""
    app, _ = create_worker(settings.load({"SLUICE_REDIS_URL": "redis://127.0.0.1:1/0"}))
    return {name: task for name, task in app.tasks.items() if not name.startswith("celery.")}


def sql_files() -> list[tuple[str, str]]:
    found = []
    for package in ("campaigns", "scheduler", "worker", "cli"):
        root = Path(str(resources.files(package)))
        found += [
            (".".join((package, *file.parent.relative_to(root).parts)), file.name)
            for file in sorted(root.rglob("*.sql"))
            if "migrations" not in file.parts
        ]
    return found


def statements() -> list[tuple[str, str]]:
    found = []
    for package, file in sql_files():
        named = queries.load(package, file)
        for name in named:
            columns = queries.ADDRESS_COLUMNS if "{address}" in named[name] else (None,)
            for column in columns:
                text = named[name] if column is None else named.by_address(name, column)
                found.append((f"{file}:{name}" + (f":{column}" if column else ""), text))
    return found


def numbered(text: str) -> str:
    """psycopg's ``%(name)s`` as PostgreSQL's ``$1``."""
    names: list[str] = []

    def place(match: re.Match[str]) -> str:
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    return re.sub(r"%\((\w+)\)s", place, text).replace("%%", "%")


#: What PostgreSQL prepares; the others are utility statements, which it can only run.
PREPARABLE = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")


def command(text: str) -> str:
    """The first word of a statement behind its comments."""
    return re.sub(r"--[^\n]*", "", text).split()[0].upper()


@pytest.fixture(scope="module")
def session(databases):
    """A connection on which the temporary tables of an import exist."""
    staged = queries.load("campaigns.audience", "importing.sql")
    with databases.fresh() as url, connect(url) as conn:
        conn.execute(staged.create_staging)
        conn.execute(staged.find_duplicates)
        yield conn


@pytest.mark.parametrize(("name", "text"), [pytest.param(*s, id=s[0]) for s in statements()])
def test_every_named_query_is_understood_by_postgresql(session, name, text):
    if command(text) in PREPARABLE:
        session.execute(f"PREPARE checked AS {numbered(text)}".encode())
        session.execute("DEALLOCATE checked")
    elif command(text) in ("SET", "ANALYZE", "DROP"):
        with session.transaction(force_rollback=True):
            session.execute(text)
    else:
        # The staging tables of the fixture, and COPYs, which the tests of those who use them run.
        assert name.split(":")[0] in ("importing.sql", "given.sql")


def test_every_sql_file_has_its_queries_found():
    assert all(len(queries.load(package, file)) for package, file in sql_files())


def test_every_task_is_listed_and_every_listed_task_is_registered(tasks):
    assert set(tasks) == {*messaging.INTERNAL_TASKS, *messaging.PUBLIC_TASKS}


def test_no_task_is_a_coroutine_function(tasks):
    """Celery would report it as succeeded without running it."""
    for task in tasks.values():
        assert not inspect.iscoroutinefunction(task.run)
        assert not inspect.isasyncgenfunction(task.run)


def test_internal_tasks_take_one_id_and_public_ones_are_never_printed(tasks):
    for name in messaging.INTERNAL_TASKS:
        parameters = list(inspect.signature(tasks[name].run).parameters.values())
        assert [parameter.annotation for parameter in parameters] == ["int"]
    for name in messaging.PUBLIC_TASKS:
        assert tasks[name].Request is RedactedRequest


def test_the_procfile_serves_exactly_the_queues_that_tasks_go_to():
    served = re.findall(r"--queues[ =](\S+)", PROCFILE)
    assert sorted(queue for part in served for queue in part.split(",")) == sorted(messaging.QUEUES)
    assert set(messaging.INTERNAL_TASKS.values()) <= set(messaging.QUEUES)


def test_public_tasks_land_in_the_control_queue_by_default():
    """A client that names no queue must reach somebody."""
    app, _ = create_worker(settings.load({"SLUICE_REDIS_URL": "redis://127.0.0.1:1/0"}))
    assert app.conf.task_default_queue == messaging.QUEUE_CONTROL


def test_both_sides_speak_the_same_celery():
    """But for the scheduler's patience with the broker: a tick does not wait for it."""
    environment = settings.load({"SLUICE_REDIS_URL": "redis://127.0.0.1:1/0"})
    worker, _ = create_worker(environment)
    scheduler = create_scheduler(environment)
    for key, value in messaging.celery_config(environment.broker_url).items():
        assert worker.conf[key] == value
        assert scheduler.conf[key] == value or key == "broker_transport_options"
    assert scheduler.conf.broker_transport_options["max_retries"] == 0


def test_nothing_is_delayed_or_rated_by_celery():
    """No eta, countdown, retry or rate_limit anywhere: they lose, double or delay messages."""
    forbidden = re.compile(r"\b(countdown|eta|rate_limit|autoretry_for)\s*=|self\.retry\(")
    for package in ("campaigns", "scheduler", "worker", "cli"):
        for file in Path(str(resources.files(package))).rglob("*.py"):
            assert not forbidden.search(file.read_text("utf-8")), file


def test_asking_a_worker_for_its_tasks_shows_no_arguments_of_public_ones(tasks):
    """`celery inspect active` prints what ``info`` answers."""
    body = json.dumps([[], {"address": "447911123456"}, {}])
    message = SimpleNamespace(
        headers={"id": "x", "task": "contacts.opt_out", "argsrepr": "()", "kwargsrepr": "447911"},
        body=body,
        payload=json.loads(body),
        content_type="application/json",
        content_encoding="utf-8",
        properties={},
        delivery_info={},
    )
    task = tasks["contacts.opt_out"]
    request = RedactedRequest(message, app=task.app, task=task)
    assert "447911" not in str(request.info())
    assert request.request_dict["argsrepr"] == request.request_dict["kwargsrepr"] == REDACTED

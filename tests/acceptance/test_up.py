"""`sluice up` on a machine with nothing but Python: it all starts, and it all stops."""

from __future__ import annotations

import base64
import csv
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from campaigns.database import opened
from campaigns.messaging import QUEUE_CONTROL
from cli import embedded
from cli.embedded import processes as processes_of
from cli.embedded.processes import free_port
from tests.support.carrier import carrier
from tests.support.command_line import CommandLine
from tests.support.environment import environment
from tests.support.processes import Process, Processes
from tests.support.servers import session_home
from tests.support.waiting import eventually

#: What has to run, as `sluice doctor` calls it.
KINDS = ("beat", "send workers", "control workers")


@pytest.fixture
def home() -> Iterator[Path]:
    with session_home() as folder:
        yield folder


@pytest.fixture
def env(home: Path) -> dict[str, str]:
    return {"SLUICE_HOME": str(home), "SLUICE_FLOWER_BIND": f"127.0.0.1:{free_port(None)}"}


def up(processes: Processes, env: dict[str, str], *options: str) -> Process:
    started = processes.python("-m", "cli.main", "up", *options, name="up", env=env)
    started.wait_for(r"starting beat", timeout=120)
    return started


def test_a_project_with_packages_of_the_same_names_is_not_taken_for_ours(
    processes: Processes, tmp_path: Path, env: dict[str, str]
) -> None:
    for name in ("worker", "scheduler", "campaigns"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('somebody else')\n")
    script = Path(sys.executable).parent / "sluice"
    started = processes.start(script, "up", "--no-flower", env=env, cwd=tmp_path)
    started.wait_for(r"starting beat", timeout=120)
    eventually(lambda: healthy(env), timeout=60, message="beat and workers were seen")
    assert started.terminate(timeout=60) == 0


def sluice(env: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cli.main", *words]
    return subprocess.run(
        command, env=environment(env), capture_output=True, text=True, check=False, timeout=60
    )


def asked_for(env: dict[str, str], *words: str) -> Any:
    """What a command prints as JSON, whatever its exit code; in this process, to be asked often."""
    return json.loads(CommandLine(env, Path(env["SLUICE_HOME"])).run(*words, "--json").stdout)


def healthy(env: dict[str, str]) -> bool:
    found = asked_for(env, "doctor")["findings"]
    states = {finding["what"]: finding["state"] for finding in found}
    return {states.get(kind) for kind in KINDS} == {"ok"}


def test_everything_starts_works_and_stops_and_again_after_a_kill(
    processes: Processes, home: Path, env: dict[str, str]
) -> None:
    first = up(processes, env, "--no-flower")
    eventually(lambda: healthy(env), timeout=60, message="beat and workers were seen")

    second = sluice(env, "up")
    assert second.returncode == 1
    assert f"Another `sluice up` runs for {home} (process {first.pid})" in second.stderr
    assert "Traceback" not in second.stderr

    created = sluice(env, "groups", "create", "friends")
    assert created.returncode == 0

    first.kill()
    eventually(lambda: not ours(home), message="its processes ended with it")
    assert embedded.running(home) is not None

    third = up(processes, env, "--no-flower")
    assert "friends" in sluice(env, "groups", "list").stdout
    eventually(lambda: all_alive(home), timeout=60, message="the new beat and workers were seen")
    assert third.terminate(timeout=60) == 0
    assert embedded.running(home) is None
    assert "SIGTERM received; stopping" in third.output()
    assert "Traceback" not in third.output()


def test_a_campaign_goes_its_whole_way_by_the_command_line_alone(
    processes: Processes, tmp_path: Path, home: Path, env: dict[str, str]
) -> None:
    numbers = [f"44778585{number:04d}" for number in range(40)]
    contacts = tmp_path / "friends.csv"
    contacts.write_text("phone\n" + "".join(f"+{number}\n" for number in numbers))
    with carrier(tmp_path) as running:
        (home / "providers.toml").write_text(
            f'[providers.carrier]\nadapter = "sandbox"\nchannel = "sms"\nurl = "{running.url}"\n'
        )
        up(processes, env, "--no-flower", "--send", "2")
        created = json.loads(sluice(env, "groups", "create", "friends", "--json").stdout)
        assert sluice(env, "contacts", "import", "friends", str(contacts)).returncode == 0
        assert sluice(env, "contacts", "optout", numbers[7]).returncode == 0
        campaign = tmp_path / "campaign.json"
        campaign.write_text(json.dumps({
            "name": "Spring", "sender": "Sluice", "template": "Hello",
            "included_contact_groups": [created["uuid"]],
        }))  # fmt: skip
        uuid = json.loads(sluice(env, "submit", str(campaign), "--json").stdout)["uuid"]

        def code() -> str:
            return str(asked_for(env, "status", uuid)["why"]["code"])

        eventually(lambda: code() == "finished", timeout=90, message="the campaign is finished")
        report = list(csv.DictReader(sluice(env, "report", uuid, "--csv").stdout.splitlines()))
        expected = sorted(set(numbers) - {numbers[7]})
        assert [row["address"] for row in report if row["outcome"] == "accepted"] == expected
        assert sorted(arrival.to or "" for arrival in running.log()) == expected


def test_ctrl_c_ends_it_all_with_130(processes: Processes, home: Path, env: dict[str, str]) -> None:
    started = up(processes, env, "--no-flower")
    processes_of.end(lambda: [started.pid], [(signal.SIGINT, 0)])
    assert started.wait(timeout=60) == 130
    assert embedded.running(home) is None
    assert "Traceback" not in started.output()


def test_a_process_that_is_killed_is_started_again(
    processes: Processes, home: Path, env: dict[str, str]
) -> None:
    started = up(processes, env, "--no-flower")
    eventually(lambda: healthy(env), timeout=60, message="beat and workers were seen")
    before = ours(home)
    victim = next(pid for pid in before if "sluice.send" in processes_of.command_line(pid))
    os.kill(victim, signal.SIGKILL)
    started.wait_for("send was ended by SIGKILL; starting it again in 1 s")
    eventually(lambda: len(ours(home)) == len(before), timeout=60, message="there is a new one")
    eventually(lambda: healthy(env), timeout=60, message="all of them were seen")
    assert set(before) - set(ours(home)) == {victim}
    assert started.terminate(timeout=60) == 0
    assert not ours(home)


def test_a_process_that_cannot_be_kept_alive_is_the_end_of_all(
    processes: Processes, home: Path, env: dict[str, str]
) -> None:
    started = up(processes, {**env, "SLUICE_FLOWER_AUTH": "half"})
    assert started.wait(timeout=120) == 1
    assert "SLUICE_FLOWER_AUTH: must be user:password" in started.output()
    for pause in (1, 2, 4, 8):
        assert f"flower ended with exit code 1; starting it again in {pause} s" in started.output()
    assert "flower ended with exit code 1, 5 times within 60 s; stopping" in started.output()
    assert embedded.running(home) is None
    assert not ours(home)


def test_a_mistake_in_the_providers_file_is_told_before_anything_starts(
    processes: Processes, home: Path, env: dict[str, str]
) -> None:
    (home / "providers.toml").write_text('[providers.x]\nadapter = "pigeon"\nchannel = "sms"\n')
    result = sluice(env, "up", "--no-flower")
    assert result.returncode == 1
    assert "'pigeon' is not known" in result.stderr
    assert "starting beat" not in result.stdout
    assert embedded.running(home) is None


def test_flower_asks_for_its_password_changes_nothing_and_shows_no_address(
    processes: Processes, home: Path, env: dict[str, str]
) -> None:
    started = up(processes, env)
    started.wait_for(r"flower +http://")
    address = f"http://{env['SLUICE_FLOWER_BIND']}"
    auth = (home / "flower.password").read_text().strip()

    assert asked(f"{address}/workers")[0] == 401
    assert asked(f"{address}/api/tasks")[0] == 401
    assert asked(f"{address}/healthcheck")[0] == 200

    number = "+447785850001"
    servers = embedded.running(home)
    assert servers is not None
    seen = partial(tasks, address, auth)
    publish(servers.redis_url, "contacts.opt_out", number, QUEUE_CONTROL)
    eventually(
        lambda: "SUCCESS" in seen("contacts.opt_out").values(),
        timeout=60,
        message="Flower saw the task succeed",
    )
    # No worker redacts what no worker takes.
    publish(servers.redis_url, "contacts.remove", number, "nobody")
    eventually(lambda: seen("contacts.remove"), timeout=30, message="Flower saw it sent")
    workers = asked(f"{address}/api/workers?refresh=1", auth)[1]
    pages = [workers, asked(f"{address}/api/tasks", auth)[1]]
    pages += [asked(f"{address}/worker/{name}", auth)[1] for name in json.loads(workers)]
    for uuid in seen("contacts.opt_out") | seen("contacts.remove"):
        pages += [asked(f"{address}/{path}/{uuid}", auth)[1] for path in ("task", "api/task/info")]
    assert "contacts.remove" in pages[-1]
    assert not any(number[1:] in page for page in pages)

    for path in ("worker/shutdown/x", "task/revoke/x", "task/async-apply/contacts.opt_out"):
        code, _ = asked(f"{address}/api/{path}", auth, method="POST")
        assert code == 403, path
    assert started.terminate(timeout=60) == 0


def publish(broker: str, task: str, address: str, queue: str) -> None:
    """As a client does that tells everybody what it sends."""
    with Celery(broker=broker) as client:
        client.conf.task_send_sent_event = True
        client.send_task(task, args=[address], queue=queue, ignore_result=True)


def tasks(address: str, auth: str, name: str) -> dict[str, str]:
    """The state of each task of that name, as Flower knows it."""
    found = json.loads(asked(f"{address}/api/tasks", auth)[1])
    return {uuid: task["state"] for uuid, task in found.items() if task["name"] == name}


def asked(url: str, auth: str = "", method: str = "GET") -> tuple[int, str]:
    request = urllib.request.Request(url, method=method, data=b"" if method == "POST" else None)
    if auth:
        request.add_header("Authorization", "Basic " + base64.b64encode(auth.encode()).decode())
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def all_alive(home: Path) -> bool:
    """Whether each of the processes that run now has said so itself."""
    servers = embedded.running(home)
    assert servers is not None
    with opened(servers.database_url) as conn:
        names = [row["name"] for row in conn.execute("SELECT name FROM heartbeats")]
    alive = {int(name.rpartition(":")[2]) for name in names}
    pids = ours(home)
    return len(pids) >= len(KINDS) and alive >= set(pids)


def ours(home: Path) -> list[int]:
    """Celery processes that were given this home; their environment tells them apart."""
    found = []
    for pid in processes_of.find(lambda command: "celery" in command):
        try:
            variables = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            continue
        if f"SLUICE_HOME={home}\0".encode() in variables:
            found.append(pid)
    return found

"""Procfile, containers, systemd and Kubernetes run the same commands on the same queues."""

from __future__ import annotations

import re
import shlex
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from campaigns import messaging, settings
from cli import procfile
from cli.supervisor import GRACE_SECONDS
from tests.support.repository import ROOT

DEPLOY = ROOT / "deploy"
PROCESSES = procfile.parse((ROOT / "Procfile").read_text("utf-8"))
#: Not Sluice's own.
SERVERS = {"postgres", "redis", "migrate"}


def unit(path: Path) -> ConfigParser:
    """A systemd unit; names keep their case, and a key has one value."""
    parser = ConfigParser(interpolation=None, delimiters=("=",), strict=True)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(path.read_text("utf-8"))
    return parser


def systemd() -> dict[str, list[str]]:
    commands = {}
    for path in sorted((DEPLOY / "systemd").glob("*.service")):
        # `%%` is a percent sign there; each instance of send@ has a hostname of its own.
        line = unit(path)["Service"]["ExecStart"].replace("send.%i@", "send@").replace("%%", "%")
        program, *arguments = shlex.split(line)
        process = path.stem.removeprefix("sluice-").rstrip("@")
        commands[process] = [program.removeprefix("/opt/sluice/bin/"), *arguments]
    return commands


def compose() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))


def compose_commands() -> dict[str, list[str]]:
    services = compose()["services"].items()
    return {name: service["command"] for name, service in services if name not in SERVERS}


def kubernetes() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / "kubernetes" / "sluice.yaml").read_text("utf-8")))


def kubernetes_pods() -> dict[str, dict[str, Any]]:
    return {
        each["metadata"]["name"]: each["spec"]["template"]
        for each in kubernetes()
        if each["kind"] == "Deployment"
    }


def kubernetes_commands() -> dict[str, list[str]]:
    return {
        name: pod["spec"]["containers"][0]["command"] for name, pod in kubernetes_pods().items()
    }


@pytest.mark.parametrize("read", [systemd, compose_commands, kubernetes_commands])
def test_the_commands_are_the_procfiles(read) -> None:
    assert read() == PROCESSES


def test_the_queues_are_all_served() -> None:
    for commands in (systemd(), compose_commands(), kubernetes_commands()):
        served = [
            queue
            for command in commands.values()
            if "--queues" in command
            for queue in command[command.index("--queues") + 1].split(",")
        ]
        assert sorted(served) == sorted(messaging.QUEUES)


def test_systemd_stops_gently_and_confines_every_process() -> None:
    for path in (DEPLOY / "systemd").glob("*.service"):
        service = unit(path)["Service"]
        assert service["KillSignal"] == "SIGTERM"
        assert int(service["TimeoutStopSec"]) >= 30
        assert service["NoNewPrivileges"] == "yes"
        assert service["ProtectSystem"] == "strict"
        assert service["User"] == "sluice"


def test_everybody_waits_longer_than_a_worker_takes_to_end() -> None:
    waits = [
        float(unit(path)["Service"]["TimeoutStopSec"])
        for path in (DEPLOY / "systemd").glob("*.service")
    ]
    services = compose()["services"]
    waits += [float(services[name]["stop_grace_period"].rstrip("s")) for name in PROCESSES]
    waits += [
        float(kubernetes_pods()[name]["spec"]["terminationGracePeriodSeconds"])
        for name in ("send", "control")
    ]
    assert min(waits) >= settings.load({}).drain_seconds + 5
    assert settings.load({}).drain_seconds + 5 <= GRACE_SECONDS < min(waits)


def test_the_journals_of_send_workers_outlive_their_processes() -> None:
    """A worker that is back, or another one of the machine, has to find what a dead one left."""
    service = unit(DEPLOY / "systemd" / "sluice-send@.service")["Service"]
    assert f"SLUICE_HOME=/var/lib/{service['StateDirectory']} " in service["Environment"] + " "
    image = (DEPLOY / "Dockerfile").read_text("utf-8")
    assert "SLUICE_HOME=/var/lib/sluice" in image
    content = compose()
    named = [each.split(":") for each in content["services"]["send"]["volumes"]]
    assert any(name in content["volumes"] and at == "/var/lib/sluice" for name, at, *_ in named)
    pod = kubernetes_pods()["send"]["spec"]
    mounts = {each["mountPath"]: each["name"] for each in pod["containers"][0]["volumeMounts"]}
    volumes = {each["name"]: each for each in pod["volumes"]}
    assert "emptyDir" in volumes[mounts["/var/lib/sluice"]]


def test_the_target_wants_every_process() -> None:
    wanted = unit(DEPLOY / "systemd" / "sluice.target")["Unit"]["Wants"].split()
    assert {re.sub(r"sluice-(\w+)(@\d+)?\.service", r"\1", each) for each in wanted} == {*PROCESSES}


def test_every_container_is_confined_and_has_its_mark() -> None:
    for process, pod in kubernetes_pods().items():
        assert pod["metadata"]["labels"]["process"] == process
        assert pod["spec"]["securityContext"]["runAsNonRoot"]
        inits = pod["spec"].get("initContainers", [])
        for container in [*pod["spec"]["containers"], *inits]:
            assert container["securityContext"]["readOnlyRootFilesystem"]
            assert not container["securityContext"]["allowPrivilegeEscalation"]


def test_compose_keeps_the_broker_and_waits_for_servers() -> None:
    services = compose()["services"]
    for name in PROCESSES:
        assert services[name]["depends_on"]["migrate"]
        assert services[name]["healthcheck"]
        assert services[name]["cap_drop"] == ["ALL"]
    assert "/etc/redis/redis.conf" in services["redis"]["command"]
    assert services["send"]["deploy"]["replicas"] == 2


def test_redis_keeps_what_waits_and_evicts_nothing() -> None:
    lines = (DEPLOY / "redis.conf").read_text("utf-8").splitlines()
    assert {"appendonly yes", "maxmemory-policy noeviction"} <= set(lines)


def test_every_variable_that_is_set_is_one_that_is_read() -> None:
    texts = [path.read_text("utf-8") for path in DEPLOY.rglob("*") if path.is_file()]
    found = {variable for text in texts for variable in re.findall(r"\bSLUICE_[A-Z_]+\b", text)}
    #: Passwords from which compose.yaml makes URLs.
    own = {"SLUICE_DATABASE_PASSWORD", "SLUICE_REDIS_PASSWORD"}
    assert found - own <= set(settings.VARIABLES)


def test_the_image_is_built_from_the_lock_and_not_run_by_root() -> None:
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    assert "--require-hashes" in text
    assert re.search(r"^USER 10001$", text, re.MULTILINE)
    packages = ("campaigns", "scheduler", "worker", "cli")
    assert all(f"COPY {package} {package}" in text for package in packages)
    # The package's own Procfile is a link to the one at the top.
    assert re.search(r"^COPY .*\bProcfile\b", text, re.MULTILINE)

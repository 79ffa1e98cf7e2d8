"""The sandbox carrier: what it answers, what it logs, how it is changed while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.carrier.log import peak_in_sliding_window, read, received
from tests.support.carrier import MESSAGE, RunningCarrier, carrier, post
from tests.support.forge import Forge
from tests.support.processes import Processes


@pytest.fixture
def plain(tmp_path: Path, forge: Forge) -> Iterator[RunningCarrier]:
    """A carrier that accepts everything."""
    with carrier(tmp_path, forge=forge) as running:
        yield running


def outcomes(running: RunningCarrier) -> list[str]:
    return [arrival.outcome for arrival in running.log()]


def test_an_accepted_message_is_in_log_file_and_statistics_at_once(plain: RunningCarrier) -> None:
    first = plain.send(to="+4917000001", reference="1-1", text="Grüße 👋\n")
    second = plain.send(to="4917000001", reference="1-1")

    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["id"] != second.json()["id"]
    stats = plain.stats()
    assert (stats["accepted"], stats["doubled_references"], stats["doubled_addresses"]) == (2, 1, 1)
    assert stats["distinct_addresses"] == 1
    assert stats["first_arrival"] <= stats["last_arrival"]
    arrivals = plain.log()
    assert arrivals == read(plain.log_file)
    assert (arrivals[0].to, arrivals[0].text) == ("+4917000001", "Grüße 👋\n")


def test_each_outcome_has_its_answer(tmp_path: Path, forge: Forge) -> None:
    with carrier(tmp_path, "--errors", "rejected=100%", forge=forge) as running:
        answers = [running.send()]
        running.change(errors="unavailable=100%")
        answers.append(running.send())
        running.change(errors="")
        answers.append(running.send(to="12"))
        answers.append(running.send(text=""))
        running.change(rate="1/day")
        answers.append(running.send())
        answers.append(running.send())
        logged = outcomes(running)

    assert [answer.status_code for answer in answers] == [400, 503, 400, 400, 202, 429]
    assert [answer.json().get("error") for answer in answers] == [
        "rejected",
        "unavailable",
        "invalid_number",
        "invalid_request",
        None,
        "throttled",
    ]
    assert 86_000 < int(answers[5].headers["retry-after"]) <= 86_400
    assert 86_000_000 < answers[5].json()["retry_after_ms"] <= 86_400_000
    assert logged == ["rejected", "unavailable", "invalid", "invalid", "accepted", "throttled"]


def test_a_lost_message_is_logged_and_its_connection_closed_without_a_reply(
    tmp_path: Path, forge: Forge
) -> None:
    with carrier(tmp_path, "--errors", "lost=100%", forge=forge) as running:
        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
            running.send(reference="1-7")
        assert [(a.reference, a.outcome) for a in running.log()] == [("1-7", "lost")]
        running.change(errors="")
        assert running.send(reference="1-7").status_code == 202
        assert running.stats()["doubled_references"] == 1


def test_an_outage_closes_connections_and_logs_nothing(plain: RunningCarrier) -> None:
    plain.send()
    plain.change(down=True)
    for _ in range(3):
        with pytest.raises(httpx.TransportError):
            plain.send()
    assert plain.stats()["arrivals"] == 1

    plain.change(down=False)
    assert plain.send().status_code == 202


def test_the_ceiling_holds_in_every_sliding_window(tmp_path: Path, forge: Forge) -> None:
    rate, burst = 200, 5
    with carrier(tmp_path, "--rate", f"{rate}/s", "--burst", str(burst), forge=forge) as running:

        def flood(_: int) -> None:
            while running.stats()["accepted"] < 150:
                for _ in range(20):
                    running.send()

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(flood, range(4)))
        arrivals = running.log()
        stats = running.stats()

    assert stats["throttled"] == len(arrivals) - len(received(arrivals)) > 0
    for seconds in (0.005, 0.05, 0.1, 0.25):
        peak = peak_in_sliding_window(received(arrivals), seconds)
        assert peak <= rate * seconds + burst


def test_the_arrival_is_logged_before_the_reply_is_due(tmp_path: Path, forge: Forge) -> None:
    with carrier(tmp_path, "--latency", "600000", forge=forge) as running:
        with pytest.raises(httpx.ReadTimeout):
            post(running.url, timeout=0.2)
        assert outcomes(running) == ["accepted"]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"rate": "0/s"}, "rate: '0/s' must be a positive number"),
        ({"speed": 5}, "speed: is not a setting of the carrier; there are: rate, burst"),
        ({"latency_ms": 5, "errors": "lost=1"}, "errors.lost: '1' must be a share"),
    ],
)
def test_a_bad_setting_is_refused_and_nothing_changes(
    plain: RunningCarrier, settings: dict[str, Any], sentence: str
) -> None:
    control = plain.url.replace("/messages", "/settings")
    before = httpx.get(control, trust_env=False).json()
    refused = httpx.put(control, json=settings, trust_env=False)

    assert refused.status_code == 400
    assert refused.json()["message"].startswith(sentence)
    assert httpx.get(control, trust_env=False).json() == before


def test_health_and_unknown_paths_and_methods(plain: RunningCarrier) -> None:
    base = plain.url.removesuffix("/messages")
    with httpx.Client(base_url=base, trust_env=False) as client:
        assert client.get("/health").json() == {"status": "ok"}
        assert client.get("/messages").status_code == 405
        assert client.get("/").status_code == 404
        assert client.delete("/log").status_code == 404


def test_a_message_may_arrive_in_pieces_and_may_not_be_endless(plain: RunningCarrier) -> None:
    def pieces(text: str) -> Iterator[bytes]:
        yield b'{"reference":"1-1","to":"4917000001",'
        yield f'"from":"Sluice","text":"{text}"}}'.encode()

    assert httpx.post(plain.url, content=pieces("Hello"), trust_env=False).status_code == 202
    assert (
        httpx.post(plain.url, content=pieces("x" * 5_000_000), trust_env=False).status_code == 400
    )
    assert outcomes(plain) == ["accepted", "invalid"]


def test_a_reset_empties_log_and_statistics(plain: RunningCarrier) -> None:
    plain.send()
    plain.reset()
    assert (plain.stats()["arrivals"], plain.log(), plain.log_file.read_bytes()) == (0, [], b"")

    plain.send(reference="1-2")
    assert [arrival.reference for arrival in plain.log()] == ["1-2"]


def test_other_machines_can_send_but_not_control(processes: Processes) -> None:
    process = processes.python("-m", "cli.carrier", "--bind", "0.0.0.0:0")
    port = process.wait_for(r"^carrier listening on \S+:(\d+)/messages$")[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        assert client.post("/messages", json=MESSAGE).status_code == 202
        for method, path in (
            ("GET", "/health"),
            ("GET", "/stats"),
            ("GET", "/log"),
            ("POST", "/reset"),
            ("PUT", "/settings"),
        ):
            assert client.request(method, path).status_code == 404

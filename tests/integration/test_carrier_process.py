"""The sandbox carrier's log file, and how the process ends."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from cli.carrier.log import encode, read
from tests.support.carrier import MESSAGE, carrier, post
from tests.support.processes import Processes
from tests.support.waiting import eventually


def test_a_signal_ends_it_with_a_complete_log_and_a_summary(tmp_path: Path) -> None:
    with carrier(tmp_path) as running:
        for number in range(50):
            running.send(to=f"49170000{number:02d}", reference=f"1-{number}")
        running.send(to="x")
        assert running.process.terminate() == 0

    assert len(read(running.log_file)) == 51
    assert running.process.output().splitlines()[1:] == [
        "carrier stopped: 50 accepted, 0 throttled, 0 rejected, 0 unavailable, 0 lost, 1 invalid, "
        "0 repeated; 0 addresses got more than one"
    ]


def test_a_killed_carrier_leaves_the_lines_of_its_last_flush_and_the_next_one_continues(
    tmp_path: Path,
) -> None:
    with carrier(tmp_path) as running:
        for number in range(20):
            running.send(reference=f"1-{number}")
        # Nobody asks for the log: the lines must get there on their own.
        eventually(lambda: len(read(running.log_file)) == 20, message="all lines are in the file")
        running.process.kill()
        port = int(running.url.split(":")[2].split("/")[0])
    with (tmp_path / "carrier.log").open("ab") as torn:
        torn.write(encode(1, "4917000001", "Sluice", "torn", "1-20", "accepted")[:-9])

    with carrier(tmp_path, port=port) as running:
        assert len(running.log()) == 20
        running.send(reference="2-1")
        assert [arrival.reference for arrival in running.log()][19:] == ["1-19", "2-1"]


@pytest.mark.parametrize("content", [b"name,phone\n", b"nonsense", b'{"t":1}\nnonsense'])
def test_a_file_of_another_kind_is_not_touched(
    tmp_path: Path, processes: Processes, content: bytes
) -> None:
    file = tmp_path / "contacts.csv"
    file.write_bytes(content)
    process = processes.python("-m", "cli.carrier", "--bind", "127.0.0.1:0", "--log", file)

    assert process.wait() == 1
    assert f"--log {file}: is another kind of file" in process.output()
    assert file.read_bytes() == content


def test_a_log_that_cannot_be_written_any_more_ends_it_with_a_reason(
    tmp_path: Path, processes: Processes
) -> None:
    file = tmp_path / "carrier.log"
    command = f"{sys.executable} -m cli.carrier --bind 127.0.0.1:0 --log {file}"
    # At most 8 blocks of 512 or 1024 bytes.
    process = processes.start("sh", "-c", f"ulimit -f 8; exec {command}")
    url = process.wait_for(r"^carrier listening on (\S+)$")[1]
    assert post(url, text="x" * 20_000).status_code == 202

    assert process.wait() == 1
    assert process.output().endswith("Error: The log could not be written: File too large.\n")


def test_a_request_under_way_is_answered_before_the_end(tmp_path: Path) -> None:
    with carrier(tmp_path, "--latency", "500") as running, ThreadPoolExecutor(1) as thread:
        reply = thread.submit(running.send)
        eventually(lambda: read(running.log_file), message="the message has arrived")

        assert running.process.terminate() == 0
        assert reply.result().status_code == 202


def test_without_a_file_the_log_is_kept_up_to_its_limit(processes: Processes) -> None:
    process = processes.python("-m", "cli.carrier", "--bind", "127.0.0.1:0", "--keep", "2")
    url = process.wait_for(r"^carrier listening on (\S+)/messages$")[1]
    with httpx.Client(base_url=url, trust_env=False) as client:
        for number in range(3):
            client.post("/messages", json=MESSAGE | {"reference": f"1-{number}"})
        lines = client.get("/log").text.splitlines()
        stats = client.get("/stats").json()

    assert [json.loads(line)["reference"] for line in lines] == ["1-0", "1-1"]
    assert (stats["accepted"], stats["complete"]) == (3, False)

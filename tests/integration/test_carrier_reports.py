"""Delivery reports of the sandbox carrier arrive, and never hold up a reply."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from cli.carrier.log import received
from tests.support.carrier import carrier, post
from tests.support.forge import Forge
from tests.support.report_receiver import receiving
from tests.support.waiting import eventually


def test_every_accepted_message_is_reported_once_in_batches(tmp_path: Path, forge: Forge) -> None:
    with (
        receiving() as receiver,
        carrier(
            tmp_path,
            *("--reports", receiver.url, "--report-delay", "200", "--undelivered", "30%"),
            *("--errors", "rejected=20%"),
            forge=forge,
        ) as running,
    ):
        replies = [running.send(reference=f"1-{number}") for number in range(100)]
        ids = {reply.json()["id"] for reply in replies if reply.status_code == 202}
        eventually(lambda: running.stats()["reports"]["sent"] == len(ids), message="all reported")
        arrived = {arrival.reference: arrival.t for arrival in received(running.log())}

    assert len(receiver.reports) == len(ids)
    assert {report["id"] for report in receiver.reports} == ids
    assert {report["reference"] for report in receiver.reports} == arrived.keys()
    for report in receiver.reports:
        at = datetime.fromisoformat(report["at"]).timestamp()
        assert at == pytest.approx(arrived[report["reference"]] + 0.2, abs=1e-5)
    assert min(receiver.delays) >= 0
    assert receiver.requests < len(ids)
    codes = {(report["state"], report["code"]) for report in receiver.reports}
    assert codes == {("delivered", None), ("undelivered", "absent_subscriber")}


def test_a_receiver_that_fails_gets_the_reports_again(tmp_path: Path, forge: Forge) -> None:
    with (
        receiving(failures=2) as receiver,
        carrier(tmp_path, "--reports", receiver.url, "--report-delay", "0", forge=forge) as running,
    ):
        # Half of a surrogate pair is JSON, but no UTF-8; it must not stop the reports.
        for reference in ("1-1", "\ud83d"):
            assert post(running.url, reference=reference).status_code == 202
        eventually(lambda: len(receiver.reports) == 2, message="both are reported")

    assert receiver.requests >= 3
    assert {report["reference"] for report in receiver.reports} == {"1-1", "\ud83d"}


def test_a_receiver_that_hangs_holds_up_no_reply(tmp_path: Path, forge: Forge) -> None:
    with (
        receiving(is_open=False) as receiver,
        carrier(tmp_path, "--reports", receiver.url, "--report-delay", "0", forge=forge) as running,
    ):
        for number in range(20):
            assert running.send(reference=f"1-{number}").status_code == 202
        assert running.stats()["reports"]["sent"] == 0
        assert running.process.terminate() == 0

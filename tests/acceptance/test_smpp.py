"""A campaign by SMPP with real processes: parts, receipts, and an SMSC that goes away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from campaigns.database import Connection
from tests.fakes.base import SECRET
from tests.fakes.smpp import PROFILE, Fake
from tests.fakes.smpp_units import written
from tests.support import ledger, toml
from tests.support.processes import Processes
from tests.support.stack import Stack, group, numbers
from tests.support.waiting import eventually

TEXT = "Dear @first_name, " + "it is ready. " * 20


@pytest.fixture
def smsc() -> Iterator[Fake]:
    with Fake() as running:
        yield running


def opted_out(conn: Connection) -> list[str]:
    found = conn.execute(
        "SELECT c.phone FROM contacts c JOIN contact_groups g ON g.id = c.group_id "
        "WHERE g.name = 'default_optouts'"
    )
    return [row["phone"] for row in found]


def test_everybody_gets_it_whole_and_receipts_count(
    tmp_path: Path,
    processes: Processes,
    conn: Connection,
    database: str,
    redis_url: str,
    broker_url: str,
    smsc: Fake,
) -> None:
    file = tmp_path / "providers.toml"
    table = {"adapter": "smpp", "channel": "sms", **PROFILE.options, "url": smsc.url}
    file.write_text(toml.dumps({"smsc": table}, "providers."), "utf-8")
    env = {
        "SLUICE_DATABASE_URL": database,
        "SLUICE_REDIS_URL": redis_url,
        "SLUICE_BROKER_URL": broker_url,
        "SLUICE_PROVIDERS": str(file),
        "SLUICE_HOME": str(tmp_path / "home"),
    }
    stack = Stack(processes, conn, None, env)
    stack.start()
    # Bound before anything is to be sent, for receipts of earlier messages.
    eventually(lambda: smsc.binds == 1, message="the send process binds by itself")
    everybody = numbers(0, 20)
    smsc.statuses = [0x58, 0x58]
    campaign = stack.submit(
        name="by SMPP",
        sender="Shop",
        sending_type="sms",
        provider="smsc",
        template=TEXT,
        included_contact_groups=[str(group(conn, "everybody", everybody))],
    )
    run_id = stack.finished(campaign)
    assert ledger.counters(conn, run_id) == {"accepted": len(everybody)}
    said = TEXT.replace("@first_name", "Ada")
    assert sorted(smsc.taken) == sorted((number, said) for number in everybody)
    assert smsc.widest <= int(PROFILE.options["max_in_flight"])

    smsc.drop()
    eventually(lambda: smsc.binds == 2, message="the send process binds again")
    assert smsc.report() == 2 * len(everybody)
    eventually(
        lambda: ledger.field(conn, "runs", run_id, "delivered") == len(everybody),
        message="every message is delivered once its parts are",
    )
    eventually(lambda: smsc.acknowledged == [0] * (2 * len(everybody)), message="all are answered")

    leaver = min(everybody)
    smsc.say(written(leaver, "Shop", b"Stop"))
    eventually(lambda: opted_out(conn) == [leaver], message="who says stop is out")
    eventually(lambda: len(smsc.acknowledged) == 2 * len(everybody) + 1, message="and answered")
    assert smsc.acknowledged[-1] == 0
    printed = "".join(process.output() for process in processes._started)
    assert SECRET not in printed
    assert not any(number in printed for number in everybody)

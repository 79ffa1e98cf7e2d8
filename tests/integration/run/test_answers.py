"""What people answer over the connection of the messages is obeyed before it is acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

import pytest

from campaigns.database import Connection, opened
from campaigns.errors import Unavailable
from tests.support.batches import Bench
from tests.support.fault_server import unused_port
from worker.adapters.receiving import Inbound
from worker.answers import Obeyer, given

NUMBER = "447700900000"


@pytest.fixture
def bench(conn: Connection, database: str) -> Bench:
    found = Bench(conn, database)
    conn.execute("UPDATE campaigns SET sender = %s", (NUMBER,))
    return found


def obey(url: str, found: Sequence[Inbound]) -> None:
    asyncio.run(Obeyer(partial(opened, url))("carrier", found))


def opted_out(conn: Connection) -> list[str]:
    found = conn.execute(
        "SELECT c.phone FROM contacts c JOIN contact_groups g ON g.id = c.group_id "
        "WHERE g.name = 'default_optouts' ORDER BY 1"
    )
    return [row["phone"] for row in found]


def test_a_stop_opts_out_whoever_sent_it(bench: Bench, database: str) -> None:
    obey(
        database,
        [
            Inbound("447700000003", NUMBER, "Stop it"),
            Inbound("447700000004", NUMBER, "Thanks"),
            Inbound("+447700000005", f"+{NUMBER}", "stop"),
        ],
    )
    assert opted_out(bench.conn) == ["447700000003", "447700000005"]


def test_what_cannot_be_obeyed_is_said_to_whoever_brought_it() -> None:
    """It is not acknowledged then, and comes again."""
    url = f"postgresql://nobody@127.0.0.1:{unused_port()}/x"
    with pytest.raises(Unavailable):
        obey(url, [Inbound("447700000003", NUMBER, "STOP")])


def test_a_pool_of_numbers_is_a_recipient_too() -> None:
    one = Inbound("447700000003", NUMBER, "STOP", pool="MG1")
    assert given("carrier", one).recipients == (NUMBER, "MG1")
    assert given("carrier", Inbound("447700000003", NUMBER, "STOP")).recipients == (NUMBER,)

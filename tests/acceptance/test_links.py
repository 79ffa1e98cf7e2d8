"""Links, opt-outs, answers and reports with real processes: what the carrier got is followed."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import httpx

from campaigns.links import domains, links
from cli.carrier.log import Arrival, received
from tests.support import ledger
from tests.support.stack import Stack, group, numbers
from tests.support.waiting import eventually

HOST = "go.example.com"
SALE = "https://shop.example/sale?season=spring"
NUMBER = "+447700900000"
BROWSER = {"user-agent": "Mozilla/5.0 (Linux; Android 15) Chrome/130.0 Mobile Safari/537.36"}

TOTAL = 400

#: Who opts out by a link, by one click, and by a word, while the second campaign is sending.
BY_BUTTON, BY_WORD = (str(447700000000 + number) for number in (395, 397))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def arrivals(running: Stack, campaign: UUID) -> list[Arrival]:
    run = running.run_id(campaign)
    return [a for a in received(running.carrier.log()) if (a.reference or "").startswith(f"{run}-")]


def test_links_of_received_messages_lead_and_opt_out_in_the_middle_of_a_run(
    stack: Callable[..., Stack],
) -> None:
    port = free_port()
    running = stack("--reports", f"http://127.0.0.1:{port}/reports/carrier", "--report-delay", "0")
    providers = Path(running.env["SLUICE_PROVIDERS"])
    providers.write_text(providers.read_text("utf-8") + "reports = true\ninbound = true\n", "utf-8")
    conn, team, now = running.conn, ledger.team_id(running.conn), datetime.now(UTC)
    domains.create(conn, team, HOST, now=now)
    links.create(conn, team, HOST, "sale", target=SALE, now=now)
    out = links.create(conn, team, HOST, "out", title="Acme news", now=now)
    few = group(conn, "few", numbers(390, 399))
    everybody = group(conn, "all", numbers(0, TOTAL - 1))
    running.start()
    door = running.processes.forged(
        "web", name="web", env={**running.env, "SLUICE_WEB_BIND": f"127.0.0.1:{port}"}
    )
    door.wait_for(r"listening on (\S+)", timeout=60)
    message = {
        "sender": NUMBER,
        "template": f"Sale @first_name: https://{HOST}/sale Stop: {{opt_out_link}}",
        "opt_out_link": out.number,
    }
    first = running.submit(included_contact_groups=[str(few)], **message)
    running.finished(first)
    texts = {a.to: a.text or "" for a in arrivals(running, first)}
    form = re.compile(rf"Sale Ada: https://{HOST}/(\S{{20}}) Stop: https://{HOST}/(\S{{20}})")
    codes = {to: match.groups() for to, text in texts.items() if (match := form.fullmatch(text))}
    assert codes.keys() == numbers(390, 399)
    assert len({code for pair in codes.values() for code in pair}) == 20

    headers = {"host": HOST, **BROWSER}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30) as client:
        # Everybody's link leads there; one of them follows it twice.
        for sale, _ in (*codes.values(), codes[BY_BUTTON]):
            answer = client.get(f"/{sale}")
            assert (answer.status_code, answer.headers["location"]) == (302, SALE)
        eventually(
            lambda: ledger.field(conn, "runs", running.run_id(first), "clicked") == 10,
            message="all have clicked",
        )

        second = running.submit(included_contact_groups=[str(everybody)], rate="40/s", **message)
        running.received(at_least=10 + 40)
        page = client.get(f"/{codes[BY_BUTTON][1]}")
        assert "Acme news" in page.text
        assert client.post(f"/{codes[BY_BUTTON][1]}").status_code == 200
        said = {"from": f"+{BY_WORD}", "to": NUMBER, "text": "Stop please"}
        answer = client.post("/inbound/carrier", json={"messages": [said]})
        assert answer.status_code == 200
        assert len(arrivals(running, second)) < TOTAL - 10, "the campaign was still sending"
    run = running.finished(second)
    got = [a.to for a in arrivals(running, second)]
    assert sorted(got) == sorted(numbers(0, TOTAL - 1) - {BY_BUTTON, BY_WORD})
    assert ledger.statuses(conn, run) == {"accepted": TOTAL - 2, "suppressed": 2}
    # Every message was reported on, by the carrier's own calls.
    eventually(
        lambda: ledger.field(conn, "runs", run, "delivered") == TOTAL - 2, message="all reported"
    )

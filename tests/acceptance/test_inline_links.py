"""Links of the Inline-contacts API, from the request to the messages at the carrier."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx

from campaigns.links import domains, links
from campaigns.team import tokens
from tests.support import ledger
from tests.support.stack import Stack

OpenStack = Callable[..., Stack]

NUMBERS = ("447713252151", "447713252152")
CODE = r"https://go\.example\.com/([A-Za-z0-9_-]{20})"


def test_tracked_and_opt_out_links_are_each_recipients_own(stack: OpenStack) -> None:
    running = stack()
    running.start()
    team = ledger.team_id(running.conn)
    now = datetime.now(UTC)
    domains.create(running.conn, team, "go.example.com", now=now)
    link = links.create(running.conn, team, "go.example.com", "out", title="Acme", now=now)
    secret = tokens.create(running.conn, team, "tests").secret
    with httpx.Client(
        base_url=running.web(), headers={"Authorization": f"Bearer {secret}"}, timeout=30
    ) as client:
        body: dict[str, Any] = {
            "sender": "Acme",
            "message": "Sale",
            "optOutLinkId": link.number,
            "trackLinkUrl": "https://shop.example/sale?from=sms",
            "contacts": [{"phoneNumber": f"+{number}"} for number in NUMBERS],
        }
        answer = client.post("/api/Campaigns", json=body)
        assert answer.status_code == 201, answer.text
        shown = client.get(f"/api/Campaigns/{answer.json()}").json()
        assert (shown["optOutLinkId"], shown["trackLinkUrl"]) == (
            link.number, "https://shop.example/sale?from=sms",
        )  # fmt: skip
    running.received(at_least=2)
    texts = {arrival.to: arrival.text or "" for arrival in running.carrier.log()}
    assert set(texts) == set(NUMBERS)
    found = [re.fullmatch(f"Sale {CODE} {CODE}", text) for text in texts.values()]
    assert all(found), texts
    assert len({code for match in found if match for code in match.groups()}) == 4

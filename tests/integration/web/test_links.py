"""Links by HTTP: followed, counted, looked at, pressed, tried."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from starlette.testclient import TestClient

from campaigns.errors import Locked
from campaigns.links import codes, opt_outs
from tests.integration.links.test_sent_links import HOST, SALE, Sent
from tests.support import door as doors
from tests.support import ledger as rows
from tests.support.waiting import eventually
from web.app import create_app
from web.links import attempts
from web.links.attempts import BURST, Attempts, client_of
from web.links.machines import is_machine

PHONE = {
    "user-agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
}


@pytest.fixture
def door(database, conn, tmp_path):
    with doors.opened(database, conn, tmp_path) as opened:
        yield opened


@pytest.fixture
def sent(conn, database) -> Sent:
    found = Sent(conn, database)
    found.send(10)
    return found


def url(sent: Sent, seq: int, link: int, host: str = HOST, end: str = "") -> str:
    code = codes.sealer(sent.keys[0]).seal(sent.bench.run_id, seq, link)
    return f"https://{host}/{code}{end}"


def visit(door: Any, address: str, method: str = "GET", **more: Any) -> Any:
    headers = {**PHONE, **more.pop("headers", {})}
    return door.client.request(method, address, headers=headers, **more)


def clicked(sent: Sent) -> int:
    return int(str(rows.field(sent.conn, "runs", sent.bench.run_id, "clicked")))


def opted_out(sent: Sent) -> list[str]:
    return [row["phone"] for row in sent.conn.execute("SELECT phone FROM contacts ORDER BY id")]


def test_a_link_in_a_message_leads_to_its_target_and_is_a_click(door, sent):
    """The very text that was sent."""
    text = sent.texts[4]
    (link, _) = re.findall(r"https://\S+", text)
    answer = visit(door, link)
    assert answer.status_code == 302
    assert answer.headers["location"] == SALE
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert clicked(sent) == 1
    assert visit(door, link).status_code == 302
    assert clicked(sent) == 1
    assert sent.counts(4) == [(0, 2, 0)]


@pytest.mark.parametrize(
    ("method", "headers"),
    [("HEAD", {}), ("GET", {"sec-purpose": "prefetch;prerender"}), ("GET", {"purpose": "prefetch"}),
     ("GET", {"user-agent": ""}), ("GET", {"user-agent": "facebookexternalhit/1.1"}),
     ("GET", {"user-agent": "WhatsApp/2.23.20.0"}), ("GET", {"user-agent": "Googlebot/2.1"}),
     ("GET", {"user-agent": "python-requests/2.31"}), ("GET", {"user-agent": "curl/8.0"})],
)  # fmt: skip
def test_what_no_person_does_is_counted_apart(door, sent, method, headers):
    assert visit(door, url(sent, 4, 0), method, headers=headers).status_code == 302
    assert clicked(sent) == 0
    assert sent.counts(4) == [(0, 0, 1)]


@pytest.mark.parametrize(
    "agent",
    ["Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/130.0.0.0 Mobile Safari/537.36",
     "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0",
     "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605",
     "Mozilla/5.0 (Linux; Android 14; CUBOT X30) AppleWebKit/537.36 Chrome/129.0 Mobile Safari/537",
     "Opera/9.80 (Android; Opera Mini/36.2) Presto/2.12.423 Version/12.16"],
)  # fmt: skip
def test_browsers_of_people_are_people(agent):
    assert not is_machine("GET", {"user-agent": agent})


def test_a_pixel_is_an_opening(door, sent):
    answer = visit(door, url(sent, 4, 2, end=".gif"))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
    assert answer.content.startswith(b"GIF89a")
    assert rows.field(sent.conn, "runs", sent.bench.run_id, "opened") == 1
    visit(
        door, url(sent, 5, 2, end=".gif"), headers={"user-agent": "via ggpht.com GoogleImageProxy"}
    )
    assert rows.field(sent.conn, "runs", sent.bench.run_id, "opened") == 2


def test_looking_at_an_opt_out_link_changes_nothing(door, sent):
    for method in ("GET", "HEAD"):
        answer = visit(door, url(sent, 4, 1), method)
        assert answer.status_code == 200
    assert opted_out(sent) == []
    assert clicked(sent) == 0


@pytest.mark.parametrize(
    "form", [{}, {"List-Unsubscribe": "One-Click"}, {"anything": "else"}], ids=str
)
def test_the_button_and_one_click_opt_out_at_once_and_in_the_middle_of_a_run(door, sent, form):
    """RFC 8058: a POST without cookies, answered without a redirect."""
    answer = visit(door, url(sent, 15, 1), "POST", data=form)
    assert answer.status_code == 200
    assert opted_out(sent) == ["447700000015"]
    assert visit(door, url(sent, 15, 1), "POST", data=form).status_code == 200
    assert opted_out(sent) == ["447700000015"]
    sent.send(30, lo=10)
    assert "447700000015" not in sent.bench.transport.carried


def test_who_opts_out_while_the_address_is_being_imported_is_asked_to_come_again(
    door, sent, monkeypatch
):
    def held(*_: Any) -> bool:
        raise Locked("address: the opt-outs are being imported; try again shortly.")

    monkeypatch.setattr(opt_outs, "opt_out", held)
    assert visit(door, url(sent, 3, 1), "POST").status_code == 503


def test_an_opt_out_goes_into_the_links_own_group(door, sent):
    visit(door, url(sent, 4, 3), "POST")
    found = sent.conn.execute(
        "SELECT g.name FROM contacts c JOIN contact_groups g ON g.id = c.group_id"
    ).fetchall()
    assert found == [{"name": "No news"}]


class Page(HTMLParser):
    """What a page consists of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_the_page_is_whole_in_itself_and_names_nobody(door, sent):
    sent.conn.execute("UPDATE campaign_links SET title = '<b>Acme & Co</b>' WHERE number = 1")
    answer = visit(door, url(sent, 4, 1))
    page = Page(answer.text)
    names = [tag for tag, _ in page.tags]
    assert names.count("button") == names.count("form") == names.count("h1") == 1
    assert not {"script", "img", "link", "iframe", "object", "b"} & set(names)
    assert not any({"src", "href", "action", "onclick"} & set(attrs) for _, attrs in page.tags)
    assert dict(page.tags)["html"] == {"lang": "en"}
    assert "&lt;b&gt;Acme &amp; Co&lt;/b&gt;" in answer.text
    assert "447700000004" not in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy


def test_whatever_leads_nowhere_is_answered_alike(door, sent):
    """Nobody learns from an answer whether a code was close."""
    good = url(sent, 4, 0)
    changed = good[:-1] + ("b" if good.endswith("a") else "a")
    answers = [
        visit(door, address, method)
        for address, method in (
            (changed, "GET"), (f"https://{HOST}/{'A' * 20}", "GET"), (url(sent, 4, 99), "GET"),
            (url(sent, 4, 0, host="other.example.com"), "GET"),
            (url(sent, 4, 0, end=".gif"), "GET"),
            (url(sent, 4, 2), "GET"), (url(sent, 4, 0), "POST"), (f"{changed}", "POST"),
            (f"{good}.html", "GET"),
        )
    ]  # fmt: skip
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1
    assert clicked(sent) == 0
    assert opted_out(sent) == []


@pytest.mark.parametrize(
    "end",
    ["?to=https://evil.example", "?url=//evil.example", "#https://evil.example",
     "/https://evil.example", "//evil.example", "%2F%2Fevil.example"],
)  # fmt: skip
def test_nothing_in_a_request_says_where_a_link_leads(door, sent, end):
    answer = visit(door, url(sent, 4, 0, end=end), headers={"x-forwarded-host": "evil.example"})
    assert answer.headers.get("location") in (SALE, None)
    assert (answer.status_code == 302) == (end[0] in "?#")
    for path in ("//evil.example", "/%5Cevil.example", "/evil.example"):
        assert visit(door, f"https://{HOST}{path}").status_code == 404


def test_a_link_as_it_is_written_leads_there_too_and_is_nobodys_click(door, sent):
    answer = visit(door, f"https://{HOST}/plain")
    assert (answer.status_code, answer.headers["location"]) == (302, SALE)
    assert clicked(sent) == 0
    assert visit(door, f"https://{HOST}/nothing").status_code == 404
    assert visit(door, "https://other.example.com/plain").status_code == 404


def test_who_tries_codes_is_held_up_and_nobody_else(door, sent, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr("web.links.app.time.monotonic", lambda: clock[0])
    wrong = [f"https://{HOST}/{'A' * 18}{a}{b}" for a in "ABCD" for b in "ABCDEFGH"]
    statuses = [visit(door, address).status_code for address in wrong]
    assert statuses == [404] * BURST + [429] * (len(wrong) - BURST)
    answer = visit(door, url(sent, 4, 0))
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) <= attempts.SECONDS_EACH + 1
    assert clicked(sent) == 0
    assert visit(door, url(sent, 4, 1)).status_code == 200
    assert visit(door, url(sent, 4, 1), "POST").status_code == 200, "opting out is never held up"
    assert visit(door, wrong[0], "POST").status_code == 429
    clock[0] += attempts.SECONDS_EACH
    assert visit(door, url(sent, 4, 0)).status_code == 302


def test_who_follows_links_is_never_held_up(door, sent):
    for _ in range(3 * BURST):
        assert visit(door, url(sent, 4, 0)).status_code == 302
    assert sent.counts(4) == [(0, 3 * BURST, 0)]


def test_attempts_are_counted_by_client_and_forgotten_in_the_end():
    known = Attempts()
    for _ in range(BURST):
        assert known.wait("a", 0) == 0
        known.missed("a", 0)
    assert known.wait("a", 0) > 0
    assert known.wait("b", 0) == 0
    assert known.wait("a", attempts.SECONDS_EACH) == 0
    assert client_of("2001:db8::1") == client_of("2001:db8::ffff:1")
    assert client_of("::ffff:192.0.2.1") == client_of("192.0.2.1")
    assert client_of("192.0.2.1") != client_of("192.0.2.2")
    assert client_of(None) == ""


def test_a_click_is_answered_while_the_database_is_slow_and_is_stored_all_the_same(
    door, sent, database
):
    """What it leads to is known from the first visitor on."""
    assert visit(door, url(sent, 4, 0)).status_code == 302
    with sent.conn.transaction():
        sent.conn.execute("LOCK TABLE link_clicks")
        assert visit(door, url(sent, 5, 0)).status_code == 302
    eventually(lambda: sent.counts(5) == [(0, 1, 0)], message="the click is stored")


def test_a_domain_that_was_given_up_leads_nowhere_within_a_minute(door, sent, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("web.links.app.time.monotonic", lambda: now[0])
    with doors_again(door) as again:
        assert visit(again, url(sent, 4, 0)).status_code == 302
        sent.conn.execute("DELETE FROM links")
        sent.conn.execute("DELETE FROM domains")
        now[0] += 61
        assert visit(again, url(sent, 4, 0)).status_code == 404


@contextmanager
def doors_again(door: Any) -> Iterator[doors.Door]:
    """A door that was made after the clock was changed."""
    with TestClient(create_app(door.context), follow_redirects=False) as client:
        yield doors.Door(client, door.context, door.conn)


def test_neither_codes_nor_clients_reach_the_log(door, sent, caplog):
    caplog.set_level("DEBUG")
    good = url(sent, 4, 0)
    for address, method in ((good, "GET"), (url(sent, 4, 1), "POST"), (good[:-1] + "Z", "GET")):
        visit(door, address, method)
    for secret in (good[-20:], url(sent, 4, 1)[-20:], "testclient", "iPhone"):
        assert secret not in doors.logged(caplog)


def test_a_link_of_the_last_key_and_one_of_the_first_both_lead(door, sent):
    sent.conn.execute(
        "INSERT INTO signing_keys (key, created_at) VALUES (%s, %s)",
        (b"n" * 32, datetime.now(UTC) - timedelta(days=1)),
    )
    assert visit(door, url(sent, 4, 0)).status_code == 302
    new = codes.sealer(b"n" * 32).seal(sent.bench.run_id, 4, 0)
    assert visit(door, f"https://{HOST}/{new}").status_code == 302

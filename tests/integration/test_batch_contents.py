"""What a batch makes of templates, channel by channel, and of what it cannot send."""

from __future__ import annotations

import json
from typing import Any

import pytest

from campaigns.database import Connection
from campaigns.template.content import Card, Mail, Suggestion, Text
from tests.support import ledger as rows
from tests.support.batches import Bench
from worker.adapters.base import Accepted


class Listener:
    """An adapter that keeps the messages that it was given."""

    def __init__(self, bench: Bench) -> None:
        self.messages: list[Any] = []
        self.capabilities = bench.adapter.capabilities
        self._encode = bench.adapter.encode
        bench.adapter = self  # type: ignore[assignment]

    def encode(self, messages):
        self.messages += messages
        return self._encode(messages)

    def decode(self, messages, response):
        return [Accepted("id")] * len(messages)


@pytest.fixture
def bench(conn: Connection, database: str) -> Bench:
    return Bench(conn, database)


def write(bench: Bench, template: object, **columns: object) -> None:
    text = template if isinstance(template, str) else json.dumps(template)
    for column, value in {"template": text, **columns}.items():
        bench.conn.execute(
            f"UPDATE campaigns SET {column} = %s",  # type: ignore[arg-type]
            (value,),
        )


def give(bench: Bench, values: list[str]) -> None:
    for seq, value in enumerate(values):
        bench.conn.execute(
            "UPDATE deliveries SET fields = jsonb_build_object('x', %s::text) WHERE seq = %s",
            (value, seq),
        )


def test_what_takes_too_many_parts_is_settled_as_its_content_and_the_others_go(bench):
    write(bench, "“@x”", max_parts=2, transliterate=True)
    give(bench, ["a" * 304, "a" * 305, "ж", "ж" * 133, "short"])
    listener = Listener(bench)
    bench.send(bench.cut(0, 5))
    found = bench.conn.execute(
        "SELECT seq, status, error_class, error_code FROM deliveries WHERE seq < 5 ORDER BY seq"
    ).fetchall()
    assert [(row["seq"], row["status"]) for row in found] == [
        (0, "accepted"), (1, "rejected"), (2, "accepted"), (3, "rejected"), (4, "accepted"),
    ]  # fmt: skip
    for row in (found[1], found[3]):
        assert (row["error_class"], row["error_code"]) == ("content", "too_many_parts")
    assert sorted(message.text for message in listener.messages) == [
        '"' + "a" * 304 + '"', '"short"', "“ж”",
    ]  # fmt: skip
    assert bench.waiting() == {}


@pytest.mark.parametrize(("transliterate", "units"), [(False, 20), (True, 10)])
def test_the_limiter_is_asked_for_the_segments_as_they_leave(bench, transliterate, units):
    granted = 0
    acquire = bench.limiter.acquire

    async def counted(*words, **rules):
        nonlocal granted
        answer = await acquire(*words, **rules)
        granted += getattr(answer, "count", 0)
        return answer

    bench.limiter.acquire = counted
    bench.configs = [bench.config.model_copy(update={"rate": "1000/s"})]
    segments = units // 10
    write(bench, "“" + "a" * 100, segments=segments, transliterate=transliterate)
    bench.send(bench.cut(0, 10))
    assert rows.counters(bench.conn, bench.run_id) == {"accepted": 10}
    assert granted == units


CARD = {
    "messages": [
        {
            "body": {
                "cardMessage": {
                    "content": {
                        "description": "Hi @x",
                        "suggestions": [
                            {"text": "Go", "openUrl": {"url": "{shop}/?c=@x"}},
                        ],
                    }
                }
            }
        }
    ]
}
MAIL = {"subject": "Hi @x", "html": "<p>@x</p>"}
HOSTILE = '"}]<b>\r\nBcc: a@example.com'


@pytest.mark.parametrize(
    ("channel", "address", "template", "expected"),
    [
        ("telegram", "telegram", CARD, Card(
            f"Hi {HOSTILE}",
            suggestions=(Suggestion(
                "Go",
                "https://shop.example/?c=%22%7D%5D%3Cb%3E%0D%0ABcc%3A%20a%40example.com",
            ),),
        )),
        ("email", "email", MAIL, Mail(
            'Hi "}]<b> Bcc: a@example.com',
            html="<p>&quot;}]&lt;b&gt;\r\nBcc: a@example.com</p>",
        )),
        ("viber", "viber", "Hi @x", Text(f"Hi {HOSTILE}")),
    ],
)  # fmt: skip
def test_each_channel_gets_its_content_whatever_a_field_holds(
    bench, channel, address, template, expected
):
    bench.configs = [bench.config.model_copy(update={"channel": channel})]
    write(
        bench,
        template,
        sending_type=channel,
        template_vars=json.dumps({"shop": "https://shop.example"}),
    )
    give(bench, [HOSTILE])
    listener = Listener(bench)
    bench.send(bench.cut(0, 1))
    assert [message.content for message in listener.messages] == [expected]
    assert rows.counters(bench.conn, bench.run_id) == {"accepted": 1}


def test_a_template_of_an_earlier_version_that_none_can_send_fails_in_plain_words(bench):
    """Such as the text of an e-mail without a subject: its rows end, and nothing is sent."""
    bench.configs = [bench.config.model_copy(update={"channel": "email"})]
    write(bench, "Hello", sending_type="email")
    listener = Listener(bench)
    bench.send(bench.cut(0, 3))
    assert listener.messages == []
    found = bench.conn.execute(
        "SELECT DISTINCT status, error_class, error_code FROM deliveries WHERE seq < 3"
    ).fetchall()
    assert found == [{"status": "rejected", "error_class": "content", "error_code": "render_error"}]

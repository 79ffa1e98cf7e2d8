"""The adapter ``sandbox`` and the carrier that it speaks to agree on every word."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from campaigns.template.content import Text
from cli.carrier.core import Carrier, Decision, Reply, Report
from cli.carrier.log import parse
from cli.carrier.reports import payload
from cli.carrier.settings import Behaviour, ErrorMix
from tests.support.adapters import ADDRESS, MESSAGE, SANDBOX, TEXT, report_call
from tests.support.clock import FakeClock
from worker.adapters.base import (
    Accepted,
    Failed,
    HttpResponse,
    Message,
    Outcome,
    Rejected,
    Throttled,
)
from worker.adapters.base import Report as Reported

NOW_US = int(FakeClock().now().timestamp()) * 1_000_000
ADAPTER = SANDBOX.adapter()


def carrier(**behaviour: Any) -> Carrier:
    return Carrier(Behaviour(**behaviour), seed="0", keep=10, name="c")


def sent(to: Carrier, message: Message = MESSAGE) -> Decision:
    return to.decide(ADAPTER.encode([message]).body, NOW_US)


def outcome(decision: Decision) -> Outcome:
    assert isinstance(decision.reply, Reply)
    headers = {name.decode(): value.decode() for name, value in decision.reply.headers}
    response = HttpResponse(decision.reply.status, headers, decision.reply.body)
    (found,) = ADAPTER.decode([MESSAGE], response)
    return found


def test_a_message_is_accepted_with_its_id() -> None:
    decision = sent(carrier())
    assert outcome(decision) == Accepted("c-1")
    assert decision.report is not None
    assert decision.report.reference == MESSAGE.reference


def test_the_wait_is_the_carriers_in_milliseconds() -> None:
    """Not the header's whole seconds, which would slow the account more than needed."""
    slow = carrier(rate="4/s", burst=1)
    sent(slow)
    assert outcome(sent(slow)) == Throttled(0.25, "throttled")


def test_a_bad_number_is_rejected_by_name() -> None:
    bad = Message("1-1", "12", "Sluice", Text("Hello"))
    assert outcome(sent(carrier(), bad)) == Rejected("invalid_number")
    assert outcome(sent(carrier(errors=ErrorMix(rejected=1)))) == Rejected("rejected")


def test_an_unavailable_carrier_may_be_tried_again() -> None:
    assert outcome(sent(carrier(errors=ErrorMix(unavailable=1)))) == Failed("unavailable")


def test_its_reports_are_understood() -> None:
    reports = [Report("17-42", "c-1", True, NOW_US), Report("17-43", "c-2", False, NOW_US)]
    now = FakeClock().now()
    assert list(ADAPTER.parse_report(report_call(payload(reports)))) == [
        Reported("17-42", "c-1", "delivered", at=now),
        Reported("17-43", "c-2", "failed", at=now, code="absent_subscriber"),
    ]


def test_its_log_holds_what_was_sent() -> None:
    line = sent(carrier()).line.decode()
    assert all(part in line for part in (ADDRESS, TEXT, "Sluice", MESSAGE.reference))


def test_the_carrier_logs_for_how_long_a_message_is_still_worth_anything() -> None:
    """It shrinks as time goes on: a message that waits for its retry has less of it."""
    clock = FakeClock()
    adapter = SANDBOX.adapter(clock=clock)
    expiring = Message("1-1", ADDRESS, "Sluice", Text(TEXT), clock.now() + timedelta(seconds=90.5))
    seen = []
    for _ in range(3):
        decision = carrier().decide(adapter.encode([expiring]).body, NOW_US)
        seen += [arrival.validity for arrival in parse([decision.line])]
        clock.advance(40)
    assert seen == [90, 50, 10]
    assert b"validity" not in sent(carrier()).line

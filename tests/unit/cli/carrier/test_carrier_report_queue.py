"""Delivery reports: their form, and the bound of those that wait."""

from __future__ import annotations

from cli.carrier.core import Report
from cli.carrier.reports import Reporter, payload


def test_a_report_names_the_message_its_state_and_its_time() -> None:
    reports = [
        Report("1-1", "c-1", True, 1_700_000_000_250_000),
        Report("1-2", "c-2", False, 1_700_000_000_000_000),
    ]
    assert payload(reports) == {
        "reports": [
            {
                "reference": "1-1",
                "id": "c-1",
                "state": "delivered",
                "at": "2023-11-14T22:13:20.250000+00:00",
                "code": None,
            },
            {
                "reference": "1-2",
                "id": "c-2",
                "state": "undelivered",
                "at": "2023-11-14T22:13:20.000000+00:00",
                "code": "absent_subscriber",
            },
        ]
    }


def test_beyond_its_bound_a_queue_drops_reports_and_counts_them() -> None:
    reporter = Reporter("http://127.0.0.1/reports", queue=2)
    for number in range(5):
        reporter.add(Report(f"1-{number}", f"c-{number}", True, 0))

    assert reporter.statistics() == {"sent": 0, "waiting": 2, "dropped": 3}

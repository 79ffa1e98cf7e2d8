"""The mail server that misbehaves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.smtp_server import SmtpFaults


@pytest.fixture
def server() -> Iterator[SmtpFaults]:
    with SmtpFaults() as running:
        yield running

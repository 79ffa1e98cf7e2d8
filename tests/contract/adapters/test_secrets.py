"""What every adapter asks of the secrets in its table."""

from __future__ import annotations

import pytest

from campaigns.errors import ConfigurationError
from tests.fakes.base import Profile


def test_an_empty_secret_is_refused(profile: Profile) -> None:
    """It would be asked for in vain, and calls that it proves could be signed by anybody."""
    secrets = [
        key
        for key, value in profile.options.items()
        if isinstance(value, str) and profile.secret in value
    ]
    assert secrets
    for key in secrets:
        with pytest.raises(ConfigurationError, match=rf"^providers\.carrier\.{key}: must "):
            profile.adapter(**{key: ""})


def test_an_accounts_table_shows_none_of_its_secrets(profile: Profile) -> None:
    """It stands in the frames of tracebacks, and whatever shows those shows it."""
    shown = repr(profile.config()) + str(profile.config())
    assert profile.secret not in shown
    assert "carrier" in shown


def test_what_proves_messages_needs_no_reports(profile: Profile) -> None:
    """An account may take what people answer, and have no use for receipts."""
    adapter = profile.adapter()
    if adapter.capabilities.inbound and "report_url" in profile.options:
        assert profile.adapter(report_url=None).capabilities.inbound

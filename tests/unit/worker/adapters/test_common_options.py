"""What the options of several vendors' adapters have in common."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import Field

from campaigns.errors import ConfigurationError
from campaigns.providers import ProviderConfig
from worker.adapters.options import (
    AccountName,
    Options,
    ReportUrl,
    base_url,
    endpoint,
    matching,
    read_options,
)
from worker.adapters.reply import parse_form


class Reporting(Options):
    report_url: ReportUrl


def read(url: str) -> str:
    config = ProviderConfig(name="acme", adapter="http", channel="sms", report_url=url)
    return read_options(Reporting, config).report_url


@pytest.mark.parametrize(
    "url", ["https://sluice.example.com/reports/acme", "http://127.0.0.1:8000/r", "http://[::1]/r"]
)
def test_a_report_url_is_https_or_on_this_machine(url: str) -> None:
    assert read(url) == url


@pytest.mark.parametrize("url", ["http://example.com/r", "ftp://example.com", "/reports", "", "x"])
def test_any_other_report_url_is_refused_with_its_name(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^providers\.acme\.report_url: must "):
        read(url)


def test_the_vendors_endpoint_is_used_where_the_file_has_no_url() -> None:
    config = ProviderConfig(name="acme", adapter="http", channel="sms")
    assert endpoint(config, "https://api.example.com") == "https://api.example.com"
    own = config.model_copy(update={"url": "http://127.0.0.1:1/x"})
    assert endpoint(own, "https://api.example.com") == "http://127.0.0.1:1/x"
    with pytest.raises(ConfigurationError, match=r"providers\.acme\.url"):
        endpoint(config.model_copy(update={"url": "nonsense"}), "https://api.example.com")


def test_a_path_can_be_added_to_a_base_url() -> None:
    """In a query it would be lost, and every message refused by whoever is at the bare host."""
    config = ProviderConfig(name="acme", adapter="http", channel="sms", url="http://127.0.0.1/v1/")
    assert base_url(config, "https://api.example.com") == "http://127.0.0.1/v1"
    queried = config.model_copy(update={"url": "https://api.example.com/?key=1"})
    with pytest.raises(ConfigurationError, match=r"^providers\.acme\.url: must not hold a query"):
        base_url(queried, "https://api.example.com")


class Named(Options):
    username: Annotated[AccountName, Field(max_length=5)]


def test_an_accounts_name_may_stand_where_its_secret_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the provider would be told the name of the variable, and would refuse it."""
    config = ProviderConfig(name="acme", adapter="http", channel="sms", username="env:ACME_USER")
    with pytest.raises(ConfigurationError, match=r"^providers\.acme\.username: env:ACME_USER: "):
        read_options(Named, config)
    monkeypatch.setenv("ACME_USER", "mary")
    assert read_options(Named, config).username == "mary"
    monkeypatch.setenv("ACME_USER", "mary-ann")
    with pytest.raises(ConfigurationError, match=r"^providers\.acme\.username: must have at most "):
        read_options(Named, config)


class Formed(Options):
    number: Annotated[str, matching(r"[0-9]{2}", "must be two digits")]


@pytest.mark.parametrize("number", ["1", "123", "12\n", "a12", ""])
def test_what_a_key_must_be_is_said_in_words(number: str) -> None:
    config = ProviderConfig(name="acme", adapter="http", channel="sms", number=number)
    with pytest.raises(
        ConfigurationError, match=r"^providers\.acme\.number: must be two digits\.$"
    ):
        read_options(Formed, config)


def test_a_form_is_read_whatever_it_holds() -> None:
    assert parse_form(b"a=1&b=&c=%2B3&a=2") == [("a", "1"), ("b", ""), ("c", "+3"), ("a", "2")]
    assert parse_form(b"\xff=%ff") != []
    assert parse_form(b"") == []
    assert parse_form("&".join(f"f{n}=1" for n in range(500))) == []

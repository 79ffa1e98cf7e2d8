"""The providers file: a mistake is one sentence that names file, account, key and rule."""

from __future__ import annotations

import pytest

from campaigns import providers
from campaigns.errors import ConfigurationError
from campaigns.providers import ProviderConfig

ACCOUNT = '[providers.a]\nadapter = "http"\nchannel = "sms"\n'


def account(name: str, fallback: str | None) -> str:
    text = f'[providers.{name}]\nadapter = "http"\nchannel = "sms"\n'
    return text if fallback is None else f'{text}fallback = "{fallback}"\n'


def test_accounts_keep_the_order_of_the_file_and_the_adapters_own_keys(tmp_path):
    file = tmp_path / "providers.toml"
    file.write_text(
        ACCOUNT + 'rate = "90/min"\ncolour = "red"\n[providers.b]\nadapter="x"\nchannel="email"\n'
    )
    found = providers.load(file)
    assert list(found.by_name) == ["a", "b"]
    assert found.by_name["a"].per_second == 1.5
    assert found.by_name["a"].options == {"colour": "red"}


def test_no_file_means_no_accounts(tmp_path):
    assert not providers.load(tmp_path / "none.toml").by_name


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[providers.a", "not a readable TOML file (Expected ']'"),
        ("\xff", "not a readable TOML file ("),
        ("x = 1", "'x' is not known here; accounts stand in tables called [providers.NAME]."),
        ("providers = 5", "'providers' must be tables called [providers.NAME]."),
        ("[providers]\na = 5", "providers.a must be a table."),
        ('[providers.a]\nadapter = "http"', "providers.a.channel: is required."),
        (
            '[providers.a]\nadapter = "http"\nchannel = "fax"',
            "providers.a.channel: 'fax' must be 'sms', 'webpush', 'email', 'telegram', 'rbm',",
        ),
        (
            ACCOUNT + 'rate = "fast"',
            "providers.a.rate: 'fast' must be a positive number per s, min, h or day, such as",
        ),
        (ACCOUNT + "rate = 5", "providers.a.rate: 5 must be a text."),
        (
            ACCOUNT + 'rate = "\\u0665/s"',
            "providers.a.rate: '\u0665/s' must be a positive number per s, min, h or day, such as",
        ),
        (ACCOUNT + 'max_in_flight = "x"', "providers.a.max_in_flight: 'x' must be a whole number."),
        (
            ACCOUNT + "max_in_flight = 0",
            "providers.a.max_in_flight: 0 must be greater than or equal to 1.",
        ),
        (ACCOUNT + "timeout = inf", "providers.a.timeout: inf must be less than or equal to 120."),
        (
            ACCOUNT + 'in_doubt = "retry"',
            "providers.a.in_doubt: 'retry' must be 'hold' or 'resend'.",
        ),
        (ACCOUNT + 'name = "b"', "providers.a.name is set by the table's name."),
        (ACCOUNT + 'fallback = "a"', "providers.a.fallback: 'a' must be another account."),
        (
            ACCOUNT + 'fallback = "b"',
            "providers.a.fallback: 'b' is not in this file; configured are: a.",
        ),
        (
            ACCOUNT + 'fallback = "b"\n[providers.b]\nadapter="x"\nchannel="email"',
            "providers.a.fallback: 'b' carries 'email', not 'sms'.",
        ),
        (
            account("a", "b") + account("b", "c") + account("c", "b"),
            "providers.b.fallback: 'c' leads back to this account; a chain must end.",
        ),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path, text, sentence):
    file = tmp_path / "providers.toml"
    file.write_text(text, "latin-1")
    with pytest.raises(ConfigurationError) as refusal:
        providers.load(file)
    assert str(refusal.value).startswith(f"{file}: {sentence}")
    assert "\n" not in str(refusal.value)


def test_a_chain_is_the_account_and_its_fallbacks_in_order(tmp_path):
    file = tmp_path / "providers.toml"
    file.write_text(account("c", None) + account("b", "c") + account("a", "b"))
    found = providers.load(file)
    assert [each.name for each in found.chain("a")] == ["a", "b", "c"]
    assert [each.name for each in found.chain("c")] == ["c"]
    assert found.chain("gone") == ()


def test_the_turn_of_an_account_ends_after_its_own_attempts_and_those_before_it(tmp_path):
    file = tmp_path / "providers.toml"
    file.write_text(
        account("a", "b")
        + "max_attempts = 2\n"
        + account("b", "c")
        + 'max_attempts = 3\nin_doubt = "resend"\n'
        + account("c", None)
        + "max_attempts = 4\n"
    )
    found = providers.load(file)
    assert [found.last_attempt("a", name) for name in "abc"] == [2, 5, 9]
    assert found.last_attempt("b", "a") == 2, "not in the chain: its own attempts"
    assert found.last_attempt("a", "gone") == 0
    assert found.resending() == [("a", "b", 5), ("b", "b", 3), ("c", "b", 3)]


def test_what_is_in_doubt_is_held_unless_the_file_says_otherwise(tmp_path):
    file = tmp_path / "providers.toml"
    file.write_text(ACCOUNT)
    found = providers.load(file)
    assert found.by_name["a"].in_doubt == "hold"
    assert found.resending() == []


@pytest.mark.parametrize(
    ("keys", "size", "together"),
    [
        ({}, 500, 500),
        ({"rate": "1000/s"}, 50, 50),
        ({"rate": "40/s"}, 500, 5),
        ({"rate": "200/min"}, 500, 21),
        ({"rate": "5/s"}, 500, 1),
        ({"rate": "40/s", "burst": 20}, 500, 20),
        ({"burst": 3}, 500, 3),
        ({"rate": "1000/s"}, 1, 1),
    ],
)
def test_fuller_requests_cost_a_tenth_of_the_rate_unless_the_file_asks_for_more(
    keys, size, together
):
    config = ProviderConfig(name="a", adapter="http", channel="email", **keys)
    assert config.together(size) == together

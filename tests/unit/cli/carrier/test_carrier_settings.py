"""Settings are taken as a whole or refused with one sentence."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from campaigns.errors import Invalid
from cli.carrier.command import carrier_command
from cli.carrier.settings import Behaviour, ErrorMix, read_bind, read_url


def test_settings_are_written_in_the_form_in_which_they_are_read() -> None:
    behaviour = Behaviour().changed(
        {
            "rate": "200/min",
            "burst": 3,
            "latency_ms": 12.5,
            "jitter_ms": 3,
            "errors": " rejected = 1%, lost=0.1% ",
            "report_delay_ms": 0,
            "undelivered": "2%",
            "down": True,
        }
    )
    assert behaviour.errors == ErrorMix(rejected=0.01, lost=0.001)
    assert Behaviour().changed(behaviour.as_json()) == behaviour


def test_a_change_leaves_the_rest_as_it_was() -> None:
    before = Behaviour(rate="5/s", latency_ms=3)
    assert before.changed({"rate": None}) == Behaviour(latency_ms=3)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rate", "0/s"),
        ("rate", "5"),
        ("rate", 5),
        ("burst", 0),
        ("burst", 1.5),
        ("burst", True),
        ("latency_ms", -1),
        ("latency_ms", "5"),
        ("latency_ms", True),
        ("latency_ms", float("nan")),
        ("jitter_ms", 600_001),
        ("report_delay_ms", None),
        ("undelivered", "101%"),
        ("undelivered", "2"),
        ("undelivered", 0.02),
        ("errors", None),
        ("errors", "broken=1%"),
        ("errors", "lost"),
        ("errors", "lost=1%,lost=1%"),
        ("errors", "lost=60%,rejected=60%"),
        ("down", "yes"),
        ("speed", 1),
    ],
)
def test_a_bad_setting_is_named_and_none_of_the_change_counts(name: str, value: object) -> None:
    with pytest.raises(Invalid) as refused:
        Behaviour().changed({"latency_ms": 5, name: value})
    assert str(refused.value).startswith(name)


def test_a_burst_that_is_not_given_is_a_tenth_of_a_second() -> None:
    for rate, burst in (("1/s", 1), ("50/s", 5), ("10000/s", 1000), ("5/day", 1)):
        ceiling = Behaviour(rate=rate).ceiling
        assert ceiling is not None
        assert ceiling.tolerance == (burst - 1) * ceiling.interval


@pytest.mark.parametrize(
    ("text", "address"),
    [("127.0.0.1:0", ("127.0.0.1", 0)), ("[::1]:9000", ("::1", 9000)), ("host:1", ("host", 1))],
)
def test_an_address_to_listen_on_is_host_and_port(text: str, address: tuple[str, int]) -> None:
    assert read_bind("bind", text) == address


@pytest.mark.parametrize(
    "arguments",
    [
        ["--bind", "9000"],
        ["--bind", "127.0.0.1:65536"],
        ["--bind", "127.0.0.1:http"],
        ["--rate", "fast"],
        ["--errors", "lost=200%"],
        ["--reports", "ftp://127.0.0.1/"],
        ["--reports", "http://"],
        ["--undelivered", "2"],
        ["--latency", "-1"],
        ["--keep", "0"],
        ["--speed", "5"],
        ["surplus"],
    ],
)
def test_wrong_usage_ends_with_2_and_names_the_option(arguments: list[str]) -> None:
    result = CliRunner().invoke(carrier_command, arguments)
    assert result.exit_code == 2
    assert arguments[0] in result.output


def test_a_taken_port_ends_with_1_and_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        result = CliRunner().invoke(carrier_command, ["--bind", address])
    assert result.exit_code == 1
    assert result.output == (
        f"Error: --bind {address}: cannot be used (Address already in use); "
        "name a free address, or port 0 for any free port.\n"
    )


def test_a_log_in_a_folder_that_is_not_there_ends_with_1_and_one_sentence(tmp_path: Path) -> None:
    log = tmp_path / "nowhere" / "carrier.log"
    result = CliRunner().invoke(carrier_command, ["--bind", "127.0.0.1:0", "--log", str(log)])
    assert result.exit_code == 1
    assert result.output == (
        f"Error: --log {log}: cannot be written (No such file or directory); "
        "name a file that can be.\n"
    )


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/reports", "https://example.org"])
def test_reports_go_to_an_http_address(url: str) -> None:
    assert read_url("reports", url) == url

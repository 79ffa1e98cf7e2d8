"""What `sluice providers` tells of accounts, and never tells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.base import SECRET, Profile
from tests.support import toml
from tests.support.command_line import CommandLine
from tests.support.fake_vendor import FakeVendor, serving
from tests.support.fault_server import unused_port
from worker.adapters.base import HttpRequest, HttpResponse
from worker.adapters.registry import ADAPTERS

FAKES = Path(__file__).parents[2] / "fakes"

PROFILES: dict[str, Profile] = {
    name: import_module(f"tests.fakes.{name}").PROFILE
    for name in sorted(ADAPTERS)
    if (FAKES / f"{name}.py").exists()
}


def configured(command: CommandLine, **tables: Any) -> None:
    command.write("providers.toml", toml.dumps(tables, "providers."))


def own(profile: Profile, **more: Any) -> dict[str, Any]:
    """The profile's table, as the file would have it."""
    basics = {"adapter": profile.name, "channel": profile.channel, "url": profile.url}
    return {**basics, **profile.options, **more}


@contextmanager
def twilio(command: CommandLine, **more: Any) -> Iterator[FakeVendor]:
    """A Twilio on this machine, and an account ``acme`` there."""
    with serving(import_module("tests.fakes.twilio").Fake()) as vendor:
        configured(command, acme=vendor.table(PROFILES["twilio"], **more))
        yield vendor


def test_the_list_says_what_each_account_can_do_and_how_it_fares(
    command: CommandLine, conn
) -> None:
    configured(command, **{name: own(profile) for name, profile in PROFILES.items()})
    conn.execute(
        "INSERT INTO provider_states (provider, circuit, refusals, refusal, updated_at) "
        "VALUES ('twilio', 'open', 1, '20003', now())"
    )
    found = {one["name"]: one for one in command.json("providers", "list")["providers"]}
    assert found["twilio"]["state"] == {
        "code": "refused",
        "text": "refused (20003); asked again now",
    }
    assert found["telegram"]["state"]["code"] == "well"
    for name, profile in PROFILES.items():
        capabilities = profile.adapter().capabilities
        told = found[name]["capabilities"]
        assert told["max_batch"] == capabilities.max_batch
        assert told["report_proof"] == capabilities.report_proof
        assert found[name]["problem"] is None
    shown = command.succeed("providers", "list")
    assert "again" in shown
    assert "refused" in shown


@pytest.mark.parametrize("name", PROFILES)
def test_no_secret_is_shown_by_the_list_the_check_or_an_error(
    command: CommandLine, name: str
) -> None:
    """Neither of an account that is right, nor of one with a key too many."""
    table, secret = own(PROFILES[name]), PROFILES[name].secret
    assert secret in repr(table), "the profile has a secret to look for"
    seen = ""
    for one in (table, {**table, "unheard_of": secret}, {**table, "in_doubt": "resend"}):
        configured(command, acme=one)
        for words in (("list",), ("check",), ("list", "--json"), ("check", "--json")):
            seen += command.run("providers", *words).output
        seen += command.run("doctor", "--json").output
    assert "unheard_of" in seen
    assert secret not in seen


def test_the_list_needs_no_database(command: CommandLine) -> None:
    url = f"postgresql://me:topsecret@127.0.0.1:{unused_port()}/x"
    bare = CommandLine({**command.variables, "SLUICE_DATABASE_URL": url}, command.folder)
    assert bare.json("providers", "list")["providers"][0]["state"] is None
    assert "topsecret" not in bare.succeed("providers", "list")


def test_an_account_that_is_wrong_says_which_setting(command: CommandLine) -> None:
    configured(command, acme=own(PROFILES["twilio"], auth_token="env:NOT_SET_ANYWHERE"))
    said = command.refused("providers", "check", "acme")
    assert "providers.acme.auth_token: env:NOT_SET_ANYWHERE" in said
    (found,) = command.json("providers", "list")["providers"]
    assert "auth_token" in found["problem"]
    assert found["capabilities"] is None


def test_an_account_that_is_not_there_is_named(command: CommandLine) -> None:
    assert "configured are: carrier" in command.refused("providers", "check", "acme")


def test_without_send_nothing_is_sent(command: CommandLine) -> None:
    with twilio(command) as vendor:
        assert command.json("providers", "check", "acme") == {
            "name": "acme", "ok": True, "problem": None, "sent": None,
        }  # fmt: skip
        assert vendor.taken == []


def test_a_test_message_says_what_became_of_it_with_the_providers_id(command: CommandLine) -> None:
    with twilio(command, rate="100/s") as vendor:
        words = ("providers", "check", "acme", "--send", "+44 7785 856985", "--text", "Hello")
        found = command.json(*words)
        assert vendor.taken == [("+447785856985", "Hello")]
        assert found["sent"]["outcome"] == "accepted"
        (ident,) = found["sent"]["message_ids"]
        assert ident.startswith("SM")
        shown = command.succeed(*words)
        assert "the provider took the message, with the id" in " ".join(shown.split())


def test_a_test_message_needs_no_threads_that_outlive_the_command(
    command: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One command in some dozens was aborted by the interpreter after it had sent."""
    monkeypatch.setattr("worker.transport.factory.PyreqwestTransport", None)
    with twilio(command, transport="pyreqwest") as vendor:
        command.succeed("providers", "check", "acme", "--send", "+447785856985")
        assert len(vendor.taken) == 1


def test_a_refused_account_says_so_with_the_code(command: CommandLine) -> None:
    with twilio(command, auth_token="another") as vendor:
        words = ("providers", "check", "acme", "--send", "+447785856985")
        result = command.run(*words)
        assert result.exit_code == 1
        shown = " ".join(result.stdout.split())
        assert "the provider refuses the account" in shown
        assert "(20003)" in shown
        assert json.loads(command.run(*words, "--json").stdout)["sent"]["code"] == "20003"
        assert vendor.taken == []


def test_a_provider_that_is_not_there_says_that_nothing_was_sent(command: CommandLine) -> None:
    configured(command, acme=own(PROFILES["twilio"], url=f"http://127.0.0.1:{unused_port()}"))
    result = command.run("providers", "check", "acme", "--send", "+447785856985", "--json")
    assert json.loads(result.stdout)["sent"] == {
        "outcome": "not_sent", "message_ids": [], "code": "connection_refused",
    }  # fmt: skip


@pytest.mark.parametrize("address", ["447785", "ada@example.com"])
def test_what_is_no_address_is_refused_and_not_repeated(command: CommandLine, address: str) -> None:
    with twilio(command) as vendor:
        said = command.refused("providers", "check", "acme", "--send", address)
        assert "send: " in said
        assert address not in said
        assert vendor.taken == []


def test_an_account_that_gets_no_token_says_why(command: CommandLine) -> None:
    """It is asked for one with or without a message to send."""

    class Closed:
        taken: list[tuple[str, str]] = []  # noqa: RUF012

        def handle(self, request: HttpRequest) -> HttpResponse:
            return HttpResponse(400, {}, b'{"error": "invalid_grant"}')

        def reports(self) -> list[HttpRequest]:
            return []

    with serving(Closed()) as vendor:
        account = vendor.table(PROFILES["rbm"])
        key = json.loads(account["service_account"]) | {"token_uri": f"{vendor.url}/token"}
        configured(command, acme={**account, "service_account": json.dumps(key)})
        result = command.run("providers", "check", "acme", "--json")
        assert result.exit_code == 1
        assert "no access token (invalid_grant)" in json.loads(result.stdout)["problem"]
        assert SECRET not in result.output


def test_an_email_needs_somebody_whom_it_is_from(command: CommandLine) -> None:
    """The name that stands for a sender elsewhere is none."""
    configured(command, mail=own(PROFILES["postmark"]))
    said = command.refused("providers", "check", "mail", "--send", "mary@example.com")
    assert said == (
        "sender: must be one e-mail address such as news@example.com, or Shop <news@example.com> "
        "(--sender)."
    )

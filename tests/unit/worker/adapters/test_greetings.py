"""Before they report somewhere, some providers ask whether the address is the account's."""

from __future__ import annotations

import json
from importlib import import_module

import pytest

from tests.fakes import rbm, whatsapp
from tests.fakes.base import Profile
from worker.adapters.base import ForgedReport, HttpRequest
from worker.adapters.greeting import Greeted
from worker.adapters.registry import ADAPTERS

TOKEN = "meta-s3cret-7f3a9c"


def asked_by_meta(token: str = TOKEN, challenge: str = "1158201444") -> HttpRequest:
    query = f"hub.mode=subscribe&hub.challenge={challenge}&hub.verify_token={token}"
    return HttpRequest("GET", f"https://sluice.example.com/reports/wa?{query}", {}, b"")


def asked_by_google(token: object = rbm.CLIENT_TOKEN, secret: object = "1234567890") -> HttpRequest:
    body = json.dumps({"clientToken": token, "secret": secret}).encode()
    return HttpRequest("POST", "https://sluice.example.com/reports/rbm", {}, body)


def greeting(profile: Profile, call: HttpRequest, **options: object) -> str | None:
    adapter = profile.adapter(**options)
    assert isinstance(adapter, Greeted)
    return adapter.greeting(call)


def test_meta_hears_its_challenge_again() -> None:
    assert greeting(whatsapp.PROFILE, asked_by_meta(), verify_token=TOKEN) == "1158201444"


def test_google_hears_its_secret_again() -> None:
    assert greeting(rbm.PROFILE, asked_by_google()) == "1234567890"


@pytest.mark.parametrize("token", [None, TOKEN])
def test_who_does_not_know_the_token_hears_nothing(token: str | None) -> None:
    for call in (asked_by_meta("guessed"), asked_by_meta(""), asked_by_meta("%ff%00")):
        with pytest.raises(ForgedReport):
            greeting(whatsapp.PROFILE, call, verify_token=token)
    for given in ("guessed", "", "\ud800"):
        with pytest.raises(ForgedReport):
            greeting(rbm.PROFILE, asked_by_google(given))
    with pytest.raises(ForgedReport):
        greeting(rbm.PROFILE, asked_by_google(), client_token=None)


@pytest.mark.parametrize("word", ["<script>", "a b", "x" * 300, ""])
def test_only_a_word_is_said_again(word: str) -> None:
    assert greeting(whatsapp.PROFILE, asked_by_meta(challenge=word), verify_token=TOKEN) is None
    assert greeting(rbm.PROFILE, asked_by_google(secret=word)) is None


def test_a_report_is_no_greeting() -> None:
    for profile in (whatsapp.PROFILE, rbm.PROFILE):
        for case in profile.reports.values():
            assert greeting(profile, case.request) is None
    assert greeting(rbm.PROFILE, HttpRequest("POST", "/", {}, b"[" * 10_000)) is None


def test_nobody_else_asks() -> None:
    found = set()
    for name in set(ADAPTERS) - {"http", "sandbox"}:
        if isinstance(import_module(f"tests.fakes.{name}").PROFILE.adapter(), Greeted):
            found.add(name)
    assert found == {"whatsapp", "rbm"}

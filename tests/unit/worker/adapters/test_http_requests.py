"""The keys of the adapter ``http`` for requests do what docs/configuration.md says."""

from __future__ import annotations

import json
from base64 import b64decode
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.errors import ConfigurationError
from campaigns.providers import ProviderConfig
from campaigns.template.content import Text
from tests.fakes.base import SECRET, answer
from tests.support.adapters import ADDRESS, URL
from tests.support.clock import FakeClock
from worker.adapters.authorizing import Authorizer
from worker.adapters.base import Adapter, HttpRequest, Message
from worker.adapters.registry import build


def adapter(**table: Any) -> Adapter[Any, Any]:
    given = {"name": "acme", "adapter": "http", "channel": "sms", "url": URL, **table}
    return build(ProviderConfig(**given), FakeClock())


def message(text: str = "Hello", sender: str = "Sluice", seconds: float | None = None) -> Message:
    until = None if seconds is None else FakeClock().now() + timedelta(seconds=seconds)
    return Message("17-42", ADDRESS, sender, Text(text), until)


def request(of: Message | None = None, **table: Any) -> HttpRequest:
    found: HttpRequest = adapter(**table).encode([of or message()])
    return found


def body(of: Message, **table: Any) -> Any:
    return json.loads(request(of, **table).body)


def form(of: Message, **table: Any) -> list[tuple[str, str]]:
    found = request(of, body_format="form", **table)
    assert found.headers["content-type"] == "application/x-www-form-urlencoded"
    return parse_qsl(found.body.decode("ascii"), keep_blank_values=True, strict_parsing=True)


def refusal(**table: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        adapter(**table)
    assert SECRET not in str(caught.value)
    return str(caught.value)


GET = {"method": "GET", "url": "https://a.example/v1/{address}/x?t={text}&k=1&v={validity}"}


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_no_value_leaves_its_place_in_a_url(text: str) -> None:
    found = urlsplit(request(message(text), **GET).url)
    assert (found.scheme, found.netloc, found.path) == ("https", "a.example", f"/v1/{ADDRESS}/x")
    assert parse_qsl(found.query, keep_blank_values=True) == [("t", text), ("k", "1")]
    assert not found.fragment


def test_a_get_has_no_body_and_needs_none() -> None:
    found = request(**GET)
    assert (found.method, found.body) == ("GET", b"")
    assert "content-type" not in found.headers


def test_a_field_of_the_query_without_its_value_is_left_out() -> None:
    assert request(message(seconds=60), **GET).url.endswith("&k=1&v=60")
    assert request(message(), **GET).url.endswith("&k=1")


@pytest.mark.parametrize("text", [".", ".."])
def test_a_value_that_would_lead_elsewhere_is_refused(text: str) -> None:
    table = {"method": "GET", "url": "https://a.example/{text}/{address}"}
    with pytest.raises(ValueError):
        request(message(text), **table)
    assert unquote(urlsplit(request(message("../x"), **table).url).path).startswith("/../x/")
    assert "%2Fx" in request(message("../x"), **table).url


def test_a_form_of_ones_own() -> None:
    table = {
        "body": {
            "to": "{address}",
            "tag": ["a", "{reference}"],
            "n": 3,
            "f": True,
            "v": "{validity}",
        }
    }
    fields = [("to", ADDRESS), ("tag", "a"), ("tag", "17-42"), ("n", "3"), ("f", "true")]
    assert form(message(), **table) == fields
    assert form(message(seconds=9), **table) == [*fields, ("v", "9")]


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_through_a_form(text: str) -> None:
    assert dict(form(message(text)))["text"] == text


@pytest.mark.parametrize(("form_of", "number"), [("digits", ""), ("plus", "+"), ("00", "00")])
def test_numbers_are_written_in_the_form_that_is_asked_for(form_of: str, number: str) -> None:
    table = {"number_format": form_of, "sender_format": form_of}
    found = body(message(sender="447700012345"), **table)
    assert (found["to"], found["from"]) == (number + ADDRESS, f"{number}447700012345")
    assert body(message(sender="+447700012345"), **table)["from"] == f"{number}447700012345"
    assert body(message(sender="88222"), **table)["from"] == "88222"
    assert body(message(sender="Sluice"), **table)["from"] == "Sluice"


def test_the_words_for_alphabets() -> None:
    table = {"body": {"to": "{address}", "coding": "{encoding}"}, "encodings": {"unicode": 8}}
    assert body(message("Hello"), **table)["coding"] == "gsm"
    assert body(message("Привет"), **table)["coding"] == 8


VALIDITY = {"body": {"to": "{address}", "v": "{validity}", "at": "{expires_at}"}}


@pytest.mark.parametrize(
    ("table", "seconds", "validity", "at"),
    [
        ({"validity_unit": "ms"}, 90, 90_000, "2030-01-01T00:01:30+00:00"),
        ({"validity_unit": "min"}, 119, 1, "2030-01-01T00:01:59+00:00"),
        ({"validity_unit": "min"}, 20, 1, "2030-01-01T00:00:20+00:00"),
        ({"validity_min": 60}, 20, 60, "2030-01-01T00:01:00+00:00"),
        ({"validity_max": 60}, 600, 60, "2030-01-01T00:01:00+00:00"),
        ({"validity_max": 60, "validity_unit": "min"}, 7200, 60, "2030-01-01T01:00:00+00:00"),
        ({"expires_at_format": "unix"}, 60, 60, 1893456060),
        ({"expires_at_format": "unix_ms"}, 60, 60, 1893456060000),
        ({"expires_at_format": "%Y%m%d%H%M%S"}, 60, 60, "20300101000100"),
    ],
)
def test_validity_is_told_in_the_unit_and_bounds_of_the_provider(
    table: dict[str, Any], seconds: float, validity: int, at: object
) -> None:
    found = body(message(seconds=seconds), **VALIDITY, **table)
    assert (found["v"], found["at"]) == (validity, at)


def test_what_holds_nothing_but_a_missing_value_goes_with_it() -> None:
    table = {"body": {"to": "{address}", "o": {"p": {"amount": "{validity}"}}, "l": ["{validity}"]}}
    assert body(message(), **table) == {"to": ADDRESS}
    assert body(message(seconds=5), **table)["o"] == {"p": {"amount": 5}}
    kept: dict[str, Any] = {"body": {"to": "{address}", "o": {}, "l": []}}
    assert body(message(), **kept) == {"to": ADDRESS, "o": {}, "l": []}


def test_secrets_stand_where_the_file_puts_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_KEY", f"{SECRET}&x")
    table = {
        "secrets": {"key": "env:ACME_KEY", "user": "sluice"},
        "url": "https://a.example/{secret.user}?key={secret.key}",
        "body": {"to": "{address}", "auth": {"key": "{secret.key}"}},
    }
    acme = adapter(**table)
    found = acme.encode([message()])
    assert found.url == f"https://a.example/sluice?key={SECRET}%26x"
    assert json.loads(found.body)["auth"] == {"key": f"{SECRET}&x"}
    assert SECRET not in repr(acme) + repr(found)


def test_a_text_never_becomes_a_placeholder() -> None:
    table = {"secrets": {"key": SECRET}, "body": {"to": "{address}{secret.key}", "t": "{text}"}}
    assert body(message("{secret.key}"), **table)["t"] == "{secret.key}"


def test_a_header_of_the_providers_own() -> None:
    auth = {"type": "header", "value": SECRET, "scheme": "App"}
    assert request(auth=auth).headers["authorization"] == f"App {SECRET}"
    named = {"type": "header", "name": "X-Api-Key", "value": SECRET}
    assert request(auth=named).headers["x-api-key"] == SECRET


OAUTH = {
    "type": "oauth2",
    "token_url": "https://login.example/token",
    "client_id": "id:1",
    "client_secret": f"{SECRET} +",
}


def test_access_tokens_by_client_credentials() -> None:
    acme = adapter(auth={**OAUTH, "scope": "sms send", "audience": "api"})
    assert isinstance(acme, Authorizer)
    asked = acme.token_request()
    assert (asked.method, asked.url) == ("POST", "https://login.example/token")
    assert dict(parse_qsl(asked.body.decode())) == {
        "grant_type": "client_credentials",
        "scope": "sms send",
        "audience": "api",
    }
    # Each is encoded by itself, so that the colon between them is the only one.
    credentials = b64decode(asked.headers["authorization"].removeprefix("Basic ")).decode()
    assert credentials == f"id%3A1:{SECRET}+%2B"
    assert "authorization" not in acme.encode([message()]).headers
    assert SECRET not in repr(acme) + repr(asked)


def test_client_credentials_in_the_body() -> None:
    acme = adapter(auth={**OAUTH, "credentials": "body"})
    assert isinstance(acme, Authorizer)
    asked = acme.token_request()
    found = dict(parse_qsl(asked.body.decode()))
    assert (found["client_id"], found["client_secret"]) == ("id:1", f"{SECRET} +")
    assert "authorization" not in asked.headers


def test_a_token_and_its_life() -> None:
    acme = adapter(auth={**OAUTH, "expires_in": 60})
    assert isinstance(acme, Authorizer)
    token = acme.decode_token(answer(200, {"access_token": "t", "expires_in": 3600}))
    assert (token.value, token.seconds) == ("t", 3600)
    assert acme.decode_token(answer(200, {"access_token": "t"})).seconds == 60
    with pytest.raises(ValueError, match=r"^invalid_client$"):
        acme.decode_token(answer(401, {"error": "invalid_client", "error_description": SECRET}))


def test_other_accounts_ask_for_no_token() -> None:
    assert not isinstance(adapter(), Authorizer)


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"method": "DELETE"}, "providers.acme.method: "),
        (
            {"method": "GET", "url": "https://a/{address}", "body": {"x": "y"}},
            "providers.acme.body: is not sent with GET and body_format 'none'.",
        ),
        ({"method": "GET", "body_format": "json"}, "providers.acme.body_format: must be 'none'"),
        ({"method": "GET"}, "providers.acme.url: must hold {address}."),
        ({"url": "https://a/{adress}"}, "providers.acme.url: {adress} is not a placeholder"),
        ({"url": "https://{sender}.a/"}, "providers.acme.url: placeholders may stand in the path"),
        ({"url": "https://a/{validity}"}, "providers.acme.url: {validity} may stand in the query"),
        ({"url": "https://a/{"}, "providers.acme.url: braces do not match"),
        ({"secrets": {"key": SECRET}}, "providers.acme.secrets.key: is not used"),
        ({"secrets": {"key": "env:ACME_UNSET"}}, "providers.acme.secrets.key: env:ACME_UNSET"),
        ({"body": {"to": "{secret.key}"}}, "providers.acme.body: {secret.key} is not a placeh"),
        ({"body": {"to": "{report_url}"}}, "providers.acme.body: {report_url} is not a placeh"),
        ({"body_format": "xml"}, "providers.acme.body_format: "),
        (
            {"body_format": "form", "body": {"to": "{address}", "a": {"b": 1}}},
            "providers.acme.body: 'a' must be a text, a number, true, false, or a list of them",
        ),
        ({"number_format": "00", "channel": "email"}, "has no phone numbers"),
        ({"sender_format": "e164"}, "providers.acme.sender_format: "),
        ({"validity_unit": "h"}, "providers.acme.validity_unit: "),
        ({"validity_min": 0}, "providers.acme.validity_min: "),
        (
            {"validity_min": 9, "validity_max": 8},
            "providers.acme.validity_min: is more than validity_max.",
        ),
        ({"expires_at_format": "rfc"}, "providers.acme.expires_at_format: must be 'iso'"),
        ({"encodings": {"latin": 3}}, "providers.acme.encodings.latin: is not a key"),
        ({"idempotent": True, "body": {"to": "{address}"}}, "providers.acme.idempotent: needs"),
        ({"auth": {**OAUTH, "token_url": "http://a.example/"}}, "token_url: must begin with https"),
        ({"auth": {"type": "header", "value": SECRET, "scheme": "a b"}}, "auth.scheme: "),
    ],
)
def test_a_mistake_is_named(table: dict[str, Any], sentence: str) -> None:
    assert sentence in refusal(**table)

"""Answers of people by HTTP: every vendor's own words, proven, obeyed before they are answered."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from base64 import b64encode
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from campaigns.audience import inbound
from campaigns.errors import Locked
from tests.support import door as doors
from tests.support.batches import Bench
from worker.adapters import twilio_signature, vonage_signature

NUMBER = "447700900000"
SENDER = "447700000003"
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = b64encode(KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()

PROVIDERS = f"""
[providers.twilio]
adapter = "twilio"
channel = "sms"
account_sid = "AC00000000000000000000000000000001"
auth_token = "token"
inbound_url = "https://sluice.example.com/inbound/twilio"

[providers.vonage]
adapter = "vonage"
channel = "sms"
api_key = "key"
api_secret = "secret"
report_url = "https://sluice.example.com/reports/vonage"
signature_secret = "sign"

[providers.messagebird]
adapter = "messagebird"
channel = "sms"
access_key = "key"
report_url = "https://sluice.example.com/reports/messagebird"
inbound_url = "https://sluice.example.com/inbound/messagebird"
signing_key = "sign-sign-sign-sign-sign-sign-sign"

[providers.telnyx]
adapter = "telnyx"
channel = "sms"
api_key = "key"
report_url = "https://sluice.example.com/reports/telnyx"
public_key = "{PUBLIC}"

[providers.infobip]
adapter = "infobip"
channel = "sms"
url = "https://xyz.api.infobip.com"
api_key = "key"
report_url = "https://sluice.example.com/reports/infobip"
report_authorization = "Basic abc"

[providers.sinch]
adapter = "sinch"
channel = "sms"
service_plan_id = "plan"
api_token = "token"
report_url = "https://sluice.example.com/reports/sinch"
hmac_secret = "sign"

[providers.http]
adapter = "http"
channel = "sms"
url = "https://api.example.com/messages"
report_status_path = "status"
report_id_path = "id"
report_signature = {{ header = "x-signature", secret = "sign" }}
inbound_list_path = "messages"
inbound_sender_path = "from"
inbound_recipient_path = "to"
inbound_text_path = "text"

[providers.sandbox]
adapter = "sandbox"
channel = "sms"
url = "http://127.0.0.1:9/messages"
inbound = true

[providers.smsc]
adapter = "smpp"
channel = "sms"
url = "smpp://127.0.0.1:9"
system_id = "sluice"
password = "secret"

[providers.closed]
adapter = "sandbox"
channel = "sms"
url = "http://127.0.0.1:9/messages"

[providers.unproven]
adapter = "vonage"
channel = "sms"
api_key = "key"
api_secret = "secret"
report_url = "https://sluice.example.com/reports/vonage"
"""

FORM = {"content-type": "application/x-www-form-urlencoded"}
JSON = {"content-type": "application/json"}

Call = tuple[str, str, dict[str, str], bytes]


def twilio(text: str) -> Call:
    fields = {"From": f"+{SENDER}", "To": f"+{NUMBER}", "Body": text, "MessageSid": "SM1"}
    url = "https://sluice.example.com/inbound/twilio"
    signature = twilio_signature.sign("token", url, fields.items())
    return "POST", "", {**FORM, "x-twilio-signature": signature}, urlencode(fields).encode()


def vonage(text: str) -> Call:
    fields = {
        "msisdn": SENDER, "to": NUMBER, "messageId": "1", "text": text, "type": "text",
        "timestamp": str(int(time.time())), "nonce": "n",
    }  # fmt: skip
    fields["sig"] = vonage_signature.sign("sign", "sha256", fields)
    return "GET", "?" + urlencode(fields), {}, b""


def messagebird(text: str) -> Call:
    body = urlencode({"originator": SENDER, "recipient": NUMBER, "body": text, "id": "1"}).encode()
    now = int(time.time())
    claims = {
        "iss": "MessageBird", "nbf": now - 1, "exp": now + 60, "jti": "1",
        "url_hash": hashlib.sha256(b"https://sluice.example.com/inbound/messagebird").hexdigest(),
        "payload_hash": hashlib.sha256(body).hexdigest(),
    }  # fmt: skip
    token = jwt.encode(claims, "sign-sign-sign-sign-sign-sign-sign", algorithm="HS256")
    return "POST", "", {**FORM, "messagebird-signature-jwt": token}, body


def telnyx(text: str) -> Call:
    payload = {
        "id": "1", "from": {"phone_number": f"+{SENDER}"}, "to": [{"phone_number": f"+{NUMBER}"}],
        "text": text,
    }  # fmt: skip
    body = json.dumps({"data": {"event_type": "message.received", "payload": payload}}).encode()
    moment = str(int(time.time()))
    signature = b64encode(KEY.sign(moment.encode() + b"|" + body)).decode()
    signed = {"telnyx-timestamp": moment, "telnyx-signature-ed25519": signature}
    return "POST", "", {**JSON, **signed}, body


def infobip(text: str) -> Call:
    result = {"messageId": "1", "from": SENDER, "to": NUMBER, "text": text}
    body = json.dumps({"results": [result], "messageCount": 1}).encode()
    return "POST", "", {**JSON, "authorization": "Basic abc"}, body


def sinch(text: str) -> Call:
    given = {"type": "mo_text", "id": "1", "from": SENDER, "to": NUMBER, "body": text}
    body, moment = json.dumps(given).encode(), str(int(time.time()))
    signature = b64encode(hmac.digest(b"sign", body + f".n.{moment}".encode(), "sha256")).decode()
    name = "x-sinch-webhook-signature"
    signed = {
        name: signature, f"{name}-nonce": "n", f"{name}-timestamp": moment,
        f"{name}-algorithm": "HmacSHA256",
    }  # fmt: skip
    return "POST", "", {**JSON, **signed}, body


def http(text: str) -> Call:
    body = json.dumps({"messages": [{"from": SENDER, "to": NUMBER, "text": text}]}).encode()
    return "POST", "", {**JSON, "x-signature": hmac.digest(b"sign", body, "sha256").hex()}, body


def sandbox(text: str) -> Call:
    body = json.dumps({"messages": [{"from": SENDER, "to": NUMBER, "text": text}]}).encode()
    return "POST", "", JSON, body


VENDORS = (twilio, vonage, messagebird, telnyx, infobip, sinch, http, sandbox)


@pytest.fixture
def door(database, conn, tmp_path):
    with doors.opened(database, conn, tmp_path, providers=PROVIDERS) as opened:
        yield opened


@pytest.fixture
def bench(conn, database) -> Bench:
    """A campaign whose account the test chooses."""
    found = Bench(conn, database)
    conn.execute("UPDATE campaigns SET sender = %s", (NUMBER,))
    return found


def write_by(bench: Bench, account: str) -> None:
    bench.conn.execute("UPDATE campaigns SET provider = %s", (account,))
    bench.conn.execute("UPDATE deliveries SET provider = %s", (account,))


def call(door: Any, account: str, made: Call) -> Any:
    method, query, headers, body = made
    return door.client.request(method, f"/inbound/{account}{query}", headers=headers, content=body)


def opted_out(bench: Bench) -> list[str]:
    return [row["phone"] for row in bench.conn.execute("SELECT phone FROM contacts")]


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.__name__)
def test_a_stop_counts_when_it_is_answered(vendor, door, bench):
    account = vendor.__name__
    write_by(bench, account)
    assert call(door, account, vendor("hello")).status_code == 200
    assert opted_out(bench) == []
    for _ in range(2):
        assert call(door, account, vendor("STOP")).status_code == 200
        assert opted_out(bench) == [SENDER]
    bench.send(bench.cut(0, 10))
    assert SENDER not in bench.transport.carried


@pytest.mark.parametrize("vendor", VENDORS[:-1], ids=lambda vendor: vendor.__name__)
def test_nobody_can_be_opted_out_by_a_call_without_its_proof(vendor, door, bench):
    account = vendor.__name__
    write_by(bench, account)
    method, query, headers, body = vendor("STOP")
    bare = {name: headers[name] for name in headers if name == "content-type"}
    for forged in (
        (method, query.partition("&sig=")[0], bare, body),
        (method, query.replace("STOP", "STOPALL"), {**headers, "authorization": "Basic x"},
         body.replace(b"STOP", b"STOPALL")),
    ):  # fmt: skip
        assert call(door, account, forged).status_code == 403
    assert opted_out(bench) == []


@pytest.mark.parametrize("account", ["nobody", "closed", "unproven", "smsc"])
def test_accounts_that_prove_nothing_take_no_messages(account, door, bench):
    write_by(bench, account)
    assert call(door, account, sandbox("STOP")).status_code == 404
    assert opted_out(bench) == []


def test_twilio_gets_an_answer_without_a_reply_in_it(door, bench):
    answer = call(door, "twilio", twilio("STOP"))
    assert answer.text == "<Response/>"
    assert answer.headers["content-type"].startswith("text/xml")


@pytest.mark.parametrize("content", [b"", b"\xff", b"null", b"[]", b'{"messages": [{"from": 1}]}'])
def test_what_is_no_message_is_refused(content, door):
    assert door.client.post("/inbound/sandbox", content=content).status_code == 400


def test_what_tells_of_something_else_is_taken_and_does_nothing(door, bench):
    write_by(bench, "telnyx")
    body = b'{"data": {"event_type": "message.sent", "payload": {}}}'
    moment = str(int(time.time()))
    signature = b64encode(KEY.sign(moment.encode() + b"|" + body)).decode()
    signed = {"telnyx-timestamp": moment, "telnyx-signature-ed25519": signature}
    assert call(door, "telnyx", ("POST", "", signed, body)).status_code == 200
    assert opted_out(bench) == []


def test_a_provider_is_asked_to_come_again_while_the_address_is_being_imported(door, monkeypatch):
    def held(*_: Any) -> int:
        raise Locked("address: the opt-outs are being imported; try again shortly.")

    monkeypatch.setattr(inbound, "receive", held)
    assert call(door, "sandbox", sandbox("STOP")).status_code == 503


def test_neither_numbers_nor_texts_reach_the_log(door, bench, caplog):
    caplog.set_level("DEBUG")
    write_by(bench, "sandbox")
    call(door, "sandbox", sandbox("STOP it, Mary"))
    call(door, "vonage", vonage("STOP it, Mary"))
    call(door, "telnyx", ("POST", "", {}, telnyx("Mary")[3]))
    for secret in (SENDER, NUMBER, "Mary"):
        assert secret not in doors.logged(caplog)

"""Requests of the adapter ``http``, written as the providers file describes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from campaigns.clock import Clock
from campaigns.template.segments import Encoding, parts
from worker.adapters.base import HttpRequest, Message
from worker.adapters.body_template import BodyTemplate
from worker.adapters.form_template import FormTemplate
from worker.adapters.http_options import HttpOptions
from worker.adapters.http_times import write_moment
from worker.adapters.placeholders import Values
from worker.adapters.senders import prefixed
from worker.adapters.url_template import UrlTemplate

Body = BodyTemplate | FormTemplate

_PREFIXES: Mapping[str, str] = {"digits": "", "plus": "+", "00": "00"}

_CONTENT_TYPES: Mapping[str, str] = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
}


class RequestWriter:
    """Writes the request for one message."""

    def __init__(
        self,
        options: HttpOptions,
        url: UrlTemplate,
        body: Body | None,
        report_url: UrlTemplate | None,
        clock: Clock,
    ) -> None:
        self._options = options
        self._url = url
        self._body = body
        self._report_url = report_url
        self._clock = clock
        self._names = url.names | (frozenset() if body is None else body.names)
        self._prefix = _PREFIXES[options.number_format]
        self._secrets = {
            f"secret.{name}": secret.get_secret_value() for name, secret in options.secrets.items()
        }
        self._headers = _headers(options)

    def write(self, message: Message) -> HttpRequest:
        """The request.

        Raises:
            ValueError: a value cannot stand where the URL or a form needs it.
        """
        headers = self._headers
        if self._options.idempotency_header:
            headers = {**headers, self._options.idempotency_header: message.reference}
        values = self._values(message)
        body = b"" if self._body is None else self._body.render(values)
        return HttpRequest(self._options.method, self._url.render(values), headers, body)

    def _values(self, message: Message) -> Values:
        validity, expires_at = self._validity(message)
        return {
            **self._secrets,
            "address": self._prefix + message.address,
            "text": message.text,
            "sender": self._sender(message.sender),
            "reference": message.reference,
            "encoding": self._encoding(message.text) if "encoding" in self._names else None,
            "expires_at": expires_at,
            "validity": validity,
            "report_url": self._called(message) if "report_url" in self._names else None,
        }

    def _sender(self, sender: str) -> str:
        form = self._options.sender_format
        return sender if form == "as_given" else prefixed(sender, _PREFIXES[form])

    def _encoding(self, text: str) -> str | int:
        words = self._options.encodings
        return words.gsm if parts(text).encoding is Encoding.GSM_7 else words.unicode

    def _called(self, message: Message) -> str | None:
        template = self._report_url
        return None if template is None else template.render({"reference": message.reference})

    def _validity(self, message: Message) -> tuple[int | None, str | int | None]:
        """For how long and until when it is worth sending, within what the provider takes."""
        now = self._clock.now()
        seconds = message.validity(now)
        if seconds is None or message.expires_at is None:
            return None, None
        asked = _in_unit(seconds, self._options.validity_unit)
        amount = max(asked, self._options.validity_min or 1)
        amount = min(amount, self._options.validity_max or amount)
        until = message.expires_at
        if amount != asked:
            until = _after(now, amount, self._options.validity_unit)
        return amount, write_moment(until, self._options.expires_at_format)


def _in_unit(seconds: int, unit: str) -> int:
    if unit == "ms":
        return seconds * 1000
    # Rounded down: a message must not outlive its expiry.
    return max(seconds // 60, 1) if unit == "min" else seconds


def _after(now: datetime, amount: int, unit: str) -> datetime:
    if unit == "ms":
        return now + timedelta(milliseconds=amount)
    return now + (timedelta(minutes=amount) if unit == "min" else timedelta(seconds=amount))


def _headers(options: HttpOptions) -> Mapping[str, str]:
    headers = {"accept": "application/json"}
    if options.body_kind in _CONTENT_TYPES:
        headers["content-type"] = _CONTENT_TYPES[options.body_kind]
    headers |= {} if options.auth is None else options.auth.headers()
    return headers | {name: value.get_secret_value() for name, value in options.headers.items()}

"""Whether a call is the provider's, as the providers file says how it proves it."""

from __future__ import annotations

import binascii
import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import datetime

from worker.adapters.base import ForgedReport, HttpRequest
from worker.adapters.http_calls import Call, Format
from worker.adapters.http_report_options import ReportSignature
from worker.adapters.http_times import read_moment
from worker.adapters.placeholders import TextTemplate, pieces
from worker.adapters.report_urls import as_called

_PLACES = frozenset({"body", "url", "timestamp", "fields"})
_HEADER = "header."

#: Seconds by which the provider's clock may be ahead of ours.
_AHEAD = 300

#: Bytes that are no text come out of a template as they went in.
_BYTES = "surrogateescape"


class ReportProof:
    """Checks one account's calls.

    Raises (on construction):
        ValueError: a key of the table breaks a rule; begins with the key and a colon.
    """

    def __init__(self, options: ReportSignature, report_url: str | None, form: Format) -> None:
        self._options = options
        self._report_url = report_url
        self._format: Format = form
        self._key = _key(options)
        self._signed = _compiled("signed", options.signed, _PLACES | _headers_in(options.signed))
        self._field = _compiled("fields", options.fields, frozenset({"name", "value"}))
        self._replaced = _replaced(options.fields_replace)
        is_token = options.algorithm == "token"
        self.name = (options.header or options.field) if is_token else options.algorithm.upper()

    def verify(self, request: HttpRequest, now: datetime) -> None:
        """Check the signature, and the moment that it covers.

        Raises:
            ForgedReport: it is missing, wrong, or too old.
        """
        options = self._options
        call = Call(request, self._format)
        if "fields" in self._signed.names and not call.is_flat:
            raise ForgedReport("the signature is of fields, and there are not only fields")
        fields = call.fields()
        given = _given(request, fields, options.header, options.field)
        if not given.startswith(options.prefix):
            raise ForgedReport("there is no signature")
        given = given.removeprefix(options.prefix)
        try:
            expected = self._expected(request, fields)
        except UnicodeError:
            raise ForgedReport("what is signed is no text") from None
        if options.encoding == "hex" and options.algorithm != "token":
            given = given.lower()
        if not hmac.compare_digest(expected, given.encode("utf-8", "surrogatepass")):
            raise ForgedReport("the signature does not match")
        if options.timestamp_header or options.timestamp_field:
            self._check_age(self._timestamp(request, fields), now)

    def _expected(self, request: HttpRequest, fields: Mapping[str, str]) -> bytes:
        options = self._options
        if options.algorithm == "token":
            return options.secret.get_secret_value().encode()
        url = self._report_url
        values = {
            "body": request.body.decode("utf-8", _BYTES),
            "url": "" if url is None else as_called(url, request.url),
            "timestamp": self._timestamp(request, fields),
            "fields": self._joined(fields),
            **{f"{_HEADER}{name}": value for name, value in request.headers.items()},
        }
        for name in self._signed.names:
            values.setdefault(name, "")
        text = self._signed.render(values).encode("utf-8", _BYTES)
        digest = hmac.digest(self._key, text, options.algorithm.removeprefix("hmac-"))
        return digest.hex().encode("ascii") if options.encoding == "hex" else b64encode(digest)

    def _joined(self, fields: Mapping[str, str]) -> str:
        return "".join(
            self._field.render({"name": name, "value": value.translate(self._replaced)})
            for name, value in sorted(fields.items())
            if name != self._options.field
        )

    def _timestamp(self, request: HttpRequest, fields: Mapping[str, str]) -> str:
        options = self._options
        return _given(request, fields, options.timestamp_header, options.timestamp_field)

    def _check_age(self, timestamp: str, now: datetime) -> None:
        at = read_moment(timestamp, self._options.timestamp_format)
        if at is None:
            raise ForgedReport("the call does not say when it was made")
        tolerance = self._options.tolerance
        if not -min(tolerance, _AHEAD) <= (now - at).total_seconds() <= tolerance:
            raise ForgedReport("the call was not made lately")


def _given(
    request: HttpRequest, fields: Mapping[str, str], header: str | None, field: str | None
) -> str:
    if header is not None:
        return request.headers.get(header, "")
    return "" if field is None else fields.get(field, "")


def _headers_in(signed: str) -> frozenset[str]:
    try:
        names = [name for _, name in pieces(signed) if name]
    except ValueError:
        return frozenset()
    return frozenset(name for name in names if name.startswith(_HEADER) and name.islower())


def _compiled(key: str, text: str, known: frozenset[str]) -> TextTemplate:
    try:
        return TextTemplate(text, known)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None


def _replaced(table: Mapping[str, str]) -> dict[int, str]:
    if any(len(character) != 1 for character in table):
        raise ValueError("fields_replace: must name single characters")
    return {ord(character): text for character, text in table.items()}


def _key(options: ReportSignature) -> bytes:
    secret = options.secret.get_secret_value()
    if not secret:
        raise ValueError("secret: must not be empty")
    try:
        match options.secret_encoding:
            case "base64":
                return b64decode(secret, validate=True)
            case "hex":
                return bytes.fromhex(secret)
            case _:
                return secret.encode()
    except (ValueError, binascii.Error):
        raise ValueError(f"secret: must be {options.secret_encoding}") from None

"""Reads an adapter's own keys out of the providers file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    SecretStr,
    ValidationError,
)

from campaigns.errors import ConfigurationError
from campaigns.providers import ProviderConfig
from campaigns.settings import resolve_secret
from campaigns.validation import rule

#: Hosts that only this machine reaches.
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

OptionsT = TypeVar("OptionsT", bound="Options")

# RFC 9110, sections 5.1 and 5.5: what a field name and a field value consist of. Values are held
# to visible ASCII, the part that every server reads alike.
_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FIELD_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")

#: Fields that the transport writes itself.
_OWN_FIELDS = frozenset({"connection", "content-length", "host", "transfer-encoding"})


class Options(BaseModel):
    """Base of the adapters' options: unknown keys are mistakes, values never shown in errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, strict=True)


def read_options(model: type[OptionsT], config: ProviderConfig) -> OptionsT:
    """The options of ``config``, checked.

    Raises:
        ConfigurationError: a key is unknown or breaks a rule; names ``providers.NAME.KEY``.
    """
    try:
        return model.model_validate(dict(config.options))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = _keys(config.options, first["loc"])
        broken = rule(first)
        if first["type"] == "extra_forbidden":
            broken = f"is not a key of the adapter {config.adapter!r}"
        raise ConfigurationError(
            f"{'.'.join(['providers', config.name, *path])}: {broken}."
        ) from None


def _keys(options: Mapping[str, Any], place: Sequence[int | str]) -> Iterator[str]:
    """The keys that lead to a place, without what pydantic writes between them."""
    value: Any = options
    for part in place:
        names_kind = isinstance(value, Mapping) and part == value.get("type") and part not in value
        if part == "[key]" or names_kind:
            continue
        yield str(part)
        if isinstance(value, Mapping):
            value = value.get(part)


def check_proof(config: ProviderConfig, options: Options, key: str, needed: str) -> None:
    """Refuse ``key``, with which reports are proven, where ``needed`` asks for none.

    Raises:
        ConfigurationError: it does.
    """
    if getattr(options, key) is not None and not getattr(options, needed):
        raise ConfigurationError(
            f"providers.{config.name}.{key}: proves reports, and there are none without {needed}."
        )


def checked_url(config: ProviderConfig) -> str:
    """The account's URL.

    Raises:
        ConfigurationError: it is not an absolute http or https URL, or holds a password.
    """
    problem = _url_problem(config.url)
    if problem:
        raise ConfigurationError(f"providers.{config.name}.url: {problem}.")
    return config.url


def endpoint(config: ProviderConfig, default: str) -> str:
    """The account's URL, or the vendor's own where the file has none.

    Raises:
        ConfigurationError: see :func:`checked_url`.
    """
    return checked_url(config) if config.url else default


def base_url(config: ProviderConfig, default: str) -> str:
    """What the vendor's paths are added to: the account's URL, or the vendor's own.

    Raises:
        ConfigurationError: see :func:`checked_url`; or it holds a query.
    """
    url = endpoint(config, default)
    if "?" in url:
        raise ConfigurationError(
            f"providers.{config.name}.url: must not hold a query, since a path is added to it."
        )
    return url.rstrip("/")


def _url_problem(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        # Reading the port checks it.
        complete = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        complete = None
    if not complete or not url.isascii() or not url.isprintable() or " " in url:
        return "must be an absolute URL such as https://api.example.com/messages"
    if parts.username is not None or parts.password is not None:
        return "must not hold a user or a password, set auth instead"
    return "must not hold a fragment (#...)" if parts.fragment else None


def matching(pattern: str, rule: str) -> AfterValidator:
    """For a text that must match whole; ``rule`` says it in words: "must be 32 digits"."""
    form = re.compile(pattern)

    def check(text: str) -> str:
        if not form.fullmatch(text):
            raise ValueError(rule)
        return text

    return AfterValidator(check)


def _field_name(name: str) -> str:
    if not _FIELD_NAME.fullmatch(name):
        raise ValueError("is not a header name")
    if name.lower() in _OWN_FIELDS:
        raise ValueError("is a header that the transport sets itself")
    return name.lower()


def _looked_up(reference: Any) -> Any:
    try:
        return resolve_secret(reference) if isinstance(reference, str) else reference
    except ConfigurationError as error:
        raise ValueError(str(error).rstrip(".")) from None


def _resolved(reference: SecretStr) -> SecretStr:
    return SecretStr(_looked_up(reference.get_secret_value()))


def _not_empty(value: SecretStr) -> SecretStr:
    # With an empty key anybody can sign.
    if not value.get_secret_value():
        raise ValueError("must not be empty")
    return value


def _field_value(value: SecretStr) -> SecretStr:
    if not _FIELD_VALUE.fullmatch(value.get_secret_value()):
        raise ValueError("must be visible ASCII characters, with spaces only between them")
    return value


def secure_url(url: str) -> str:
    """``url``, which goes over TLS or does not leave this machine.

    Raises:
        ValueError: it does neither, or is no URL.
    """
    problem = _url_problem(url)
    if problem:
        raise ValueError(problem)
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError("must begin with https")
    return url


def _report_url(url: str) -> str:
    try:
        return secure_url(url)
    except ValueError as error:
        why = ", since reports hold addresses" if str(error).endswith("https") else ""
        raise ValueError(f"{error}{why}") from None


#: Plain http only on this machine.
SecureUrl = Annotated[str, AfterValidator(secure_url)]

#: Where a vendor is asked to send its reports; plain http only on this machine.
ReportUrl = Annotated[str, AfterValidator(_report_url)]

#: The name of a header field, in lower case.
HeaderName = Annotated[str, AfterValidator(_field_name)]

#: What an account is called, which may be given in the same ways as its secret.
AccountName = Annotated[str, BeforeValidator(_looked_up)]

#: A secret that is given as ``env:NAME``, as ``file:PATH`` or literally; never shown.
Secret = Annotated[SecretStr, AfterValidator(_resolved), AfterValidator(_not_empty)]

#: The same, where a vendor has accounts without one.
PossiblyEmpty = Annotated[SecretStr, AfterValidator(_resolved)]

#: The value of a header field, which may be a secret.
HeaderValue = Annotated[Secret, AfterValidator(_field_value)]

"""Templates of all channels, and what becomes of them or is said of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from campaigns.errors import Invalid
from campaigns.template import contents
from campaigns.template.content import Content

MESSENGERS = ("telegram", "viber", "whatsapp", "rbm")
FIELDS = {"first_name": "Ann", "code": "a b/c?d#e&f%g"}
VARIABLES = {"city": "Leeds", "shop": "https://shop.example.com", "bad": "javascript:alert(1)"}


def written(template: object) -> str:
    return template if isinstance(template, str) else json.dumps(template)


def rendered(
    channel: str,
    template: object,
    fields: Mapping[str, str] = FIELDS,
    variables: Mapping[str, str] = VARIABLES,
) -> Content:
    return contents.compile(channel, written(template)).bind(variables).render(fields)


def refusal(channel: str, template: object) -> str:
    with pytest.raises(Invalid) as refused:
        rendered(channel, template)
    return str(refused.value)


def standard(body: object, **more: object) -> dict[str, Any]:
    return {"messages": [{"body": body, **more}]}


def text(content: object) -> dict[str, Any]:
    return {"textMessage": {"content": content}}


def card(**content: object) -> dict[str, Any]:
    return standard({"cardMessage": {"content": {"description": "Card", **content}}})


def link(url: object) -> dict[str, Any]:
    return card(suggestions=[{"text": "Go", "openUrl": {"url": url}}])


def mail(**parts: object) -> dict[str, Any]:
    return {"subject": "Sale", "text": "Hello", **parts}


def named(**parts: object) -> dict[str, Any]:
    return {"template": {"name": "sale", "language": "en_GB", **parts}}

"""What is taken when a campaign is saved can be put in each vendor's form when it is sent."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from campaigns.campaign.message import composed
from campaigns.campaign.model import MessageSpec
from campaigns.validation import parse
from tests.fakes.base import Profile
from tests.support.repository import ROOT

PAGE = ROOT / "docs" / "templates.md"

EXAMPLES: list[dict[str, Any]] = [
    json.loads(text)
    for text in re.findall(r"```json\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one["sending_type"])
def test_the_documented_templates_are_carried_by_every_adapter_of_their_channel(
    profile: Profile, example: dict[str, Any]
) -> None:
    adapter = profile.adapter()
    body = {"name": "Spring", "sender": profile.sender, **example}
    if example["sending_type"] != profile.channel:
        return
    spec = parse(MessageSpec, body)
    content = composed(spec, spec.template, "carrier").compiled.render(
        {"first_name": "Zoë\r\n", "code": "a b/c"}
    )
    if type(content) not in adapter.capabilities.contents:
        return
    (message,) = profile.messages()
    assert adapter.encode([replace(message, content=content, sender=spec.sender)])

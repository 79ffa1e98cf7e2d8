"""Every dialect does as its OpenAPI description says, whatever is sent to it: never a 5xx."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from campaigns.audience import groups
from campaigns.campaign import service
from campaigns.team.teams import Team
from campaigns.template import templates
from tests.support import described
from tests.support.door import Door
from web.app import DIALECTS

#: Requests of each kind per operation; more are made by `pytest --hypothesis-profile=explore`.
EXAMPLES = 12

#: What people and programs of a team use. Vendors and whoever follows a link need no description.
DESCRIBED = [prefix for prefix in DIALECTS if prefix not in ("", "/reports", "/inbound")]


@pytest.fixture
def known(door: Door, team: Team) -> Mapping[str, Sequence[str]]:
    """Ids of objects that the team has, by the names that parameters of paths have."""
    group = groups.create(door.conn, team.id, "people")
    template = templates.create(
        door.conn, team.id, {"name": "Greeting", "body": "Hello"}, now=door.context.now()
    )
    campaign = service.submit(
        door.conn,
        team.id,
        {
            "name": "Later",
            "sender": "Sluice",
            "template": "Hello",
            "scheduled_send_date": (door.context.now() + timedelta(days=1)).isoformat(),
            "included_contact_groups": [str(group.id)],
        },
        providers=door.context.providers(),
        now=door.context.now(),
    )
    row = (
        door.conn.execute("SELECT number FROM campaigns WHERE id = %s", (campaign.id,)).fetchone()
        or {}
    )
    ids = [str(campaign.id), str(row["number"])]
    return {
        "campaign": ids,
        "campaignUuid": ids,
        "id": ids,
        "Id": ids,
        "number": ids,
        "serviceUuid": [str(team.id)],
        "service": [str(team.id)],
        "group": [str(group.id)],
        "template": [str(template.id)],
    }


@pytest.mark.parametrize("valid", [True, False], ids=["as described", "otherwise"])
@pytest.mark.parametrize("prefix", DESCRIBED)
def test_answers_are_as_described(
    door: Door,
    token: dict[str, str],
    known: Mapping[str, Sequence[str]],
    prefix: str,
    valid: bool,
) -> None:
    found = list(described.operations(door, prefix))
    assert found
    for operation in found:
        operation.hold(token, valid=valid, examples=EXAMPLES, known=known)


@pytest.mark.parametrize("prefix", DESCRIBED)
def test_examples_are_as_their_own_schemas_say(door: Door, prefix: str) -> None:
    document = door.client.get(f"{prefix}/openapi.json").json()
    shown = list(_examples(document))
    assert shown
    for schema, example in shown:
        whole = {**schema, "components": document.get("components", {})}
        Draft202012Validator(whole).validate(example)


def _examples(document: Mapping[str, Any]) -> Any:
    """Each named example of a request's body, with the schema beside it."""
    for path in document["paths"].values():
        for operation in path.values():
            content = operation.get("requestBody", {}).get("content", {})
            for one in content.values():
                for example in one.get("examples", {}).values():
                    yield one["schema"], example["value"]

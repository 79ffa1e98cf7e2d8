"""The dialect is held to its own OpenAPI description, by requests that nobody thought of."""

from __future__ import annotations

import pytest

from tests.support import described, passona
from tests.support.passona_client import Client

#: 7 on campaigns, 5 on groups, 7 on contacts, 7 on templates.
OPERATIONS = 26

#: Requests of each kind to each operation.
EXAMPLES = 12


@pytest.mark.parametrize("valid", [True, False], ids=["as described", "otherwise"])
def test_it_answers_as_it_describes(client: Client, valid: bool) -> None:
    known = {
        "campaign": [client.campaign()],
        "group": [passona.OPTINS, passona.GROUP],
        "template": [passona.TEMPLATE, passona.THROTTLED_TEMPLATE],
    }
    found = list(described.operations(client.door, passona.BASE))
    assert len(found) == OPERATIONS
    for operation in found:
        operation.hold(client.headers, valid=valid, examples=EXAMPLES, known=known)


def test_every_operation_is_described(client: Client) -> None:
    """With a name that clients can be generated from, a sentence, and an example of its body."""
    schema = client.door.client.get(f"{passona.BASE}/openapi.json").json()
    names = set()
    for path in schema["paths"].values():
        for operation in path.values():
            assert operation["description"]
            names.add(operation["operationId"])
            if "requestBody" in operation:
                [content] = operation["requestBody"]["content"].values()
                assert content["examples"]
    assert len(names) == OPERATIONS


def test_the_interactive_docs_are_served(client: Client) -> None:
    assert client.door.client.get(f"{passona.BASE}/docs").status_code == 200

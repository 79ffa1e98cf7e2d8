"""The dialect's OpenAPI description has everything that clients are made of."""

from __future__ import annotations

from tests.support import passona
from tests.support.passona_client import Client

#: 7 on campaigns, 5 on groups, 7 on contacts, 7 on templates.
OPERATIONS = 26


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

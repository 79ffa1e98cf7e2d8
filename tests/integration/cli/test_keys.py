"""`sluice keys`: rotated and listed, never shown."""

from __future__ import annotations

from campaigns.database import Connection
from tests.support.command_line import CommandLine


def test_keys_are_rotated_and_listed_by_number_and_age_only(
    command: CommandLine, conn: Connection
) -> None:
    [first] = command.json("keys", "list")
    made = command.json("keys", "rotate")
    assert [key["id"] for key in command.json("keys", "list")] == [made["id"], first["id"]]
    assert set(first) == set(made) == {"id", "created_at"}

    printed = command.succeed("keys", "list") + command.succeed("keys", "rotate")
    printed += command.succeed("keys", "list", "--json")
    assert "0 h 0 min" in printed
    for row in conn.execute("SELECT key FROM signing_keys"):
        for form in (row["key"].hex(), repr(row["key"])[2:-1]):
            assert form not in printed

"""The command line on a real database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import PROVIDERS, CommandLine


@pytest.fixture
def command(database: str, redis_url: str, tmp_path: Path) -> CommandLine:
    """Commands that work on this test's own database and Redis."""
    providers = tmp_path / "providers.toml"
    providers.write_text(PROVIDERS, "utf-8")
    return CommandLine(
        {
            "SLUICE_DATABASE_URL": database,
            "SLUICE_REDIS_URL": redis_url,
            "SLUICE_PROVIDERS": str(providers),
            "SLUICE_HOME": str(tmp_path),
        },
        tmp_path,
    )


@pytest.fixture
def group(command: CommandLine) -> dict[str, Any]:
    """A group of three contacts."""
    created: dict[str, Any] = command.json("groups", "create", "friends")
    file = command.write(
        "friends.csv",
        "phone,first name\n+447785850001,Ann\n+447785850002,Ben\n+447785850003,Cat\n",
    )
    command.succeed("contacts", "import", "friends", file)
    return created


@pytest.fixture
def body(group: dict[str, Any]) -> dict[str, Any]:
    """A campaign for that group, far ahead."""
    return {
        "uuid": "dc8a7564-fb1e-11e9-abb5-0242ac120008",
        "name": "Spring",
        "sender": "Sluice",
        "template": "Hello @first_name",
        "scheduled_send_date": "2098-11-25 15:25:00",
        "included_contact_groups": [group["uuid"]],
    }

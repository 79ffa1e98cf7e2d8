"""Flower as Sluice runs it: behind a password that exists, and blind to what is personal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from campaigns import settings
from campaigns.errors import ConfigurationError
from cli import flower


def config(home: Path, **changes: str) -> settings.Settings:
    return replace(settings.load({"SLUICE_HOME": str(home)}), **changes)


def test_a_password_is_made_up_once_and_kept_private(tmp_path: Path) -> None:
    auth, file = flower.credentials(config(tmp_path / "new"))
    assert file is not None
    assert file.stat().st_mode & 0o777 == 0o600
    user, _, password = auth.partition(":")
    assert user == "sluice"
    assert len(password) >= 20
    assert flower.credentials(config(tmp_path / "new")) == (auth, file)
    assert flower.credentials(config(tmp_path / "other"))[0] != auth


def test_a_password_that_is_set_is_used_and_no_file_written(tmp_path: Path) -> None:
    assert flower.credentials(config(tmp_path, flower_auth="me:pass")) == ("me:pass", None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("auth", ["me", "me:", ":pass"])
def test_half_a_password_is_refused_rather_than_open(tmp_path: Path, auth: str) -> None:
    with pytest.raises(ConfigurationError, match="SLUICE_FLOWER_AUTH"):
        flower.credentials(config(tmp_path, flower_auth=auth))


def test_a_home_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="SLUICE_HOME"):
        flower.credentials(config(tmp_path / "file"))


@pytest.mark.parametrize(
    ("bind", "found"), [("127.0.0.1:5555", ("127.0.0.1", 5555)), ("[::1]:80", ("::1", 80))]
)
def test_where_it_listens(tmp_path: Path, bind: str, found: tuple[str, int]) -> None:
    assert flower.address(config(tmp_path, flower_bind=bind)) == found


@pytest.mark.parametrize("bind", ["5555", ":5555", "host:", "host:http", "host:99999"])
def test_what_is_no_address_is_refused(tmp_path: Path, bind: str) -> None:
    with pytest.raises(ConfigurationError, match="SLUICE_FLOWER_BIND"):
        flower.address(config(tmp_path, flower_bind=bind))


def test_it_changes_nothing_and_never_asks_workers_for_arguments(tmp_path: Path) -> None:
    built = flower.build(config(tmp_path, broker_url="redis://127.0.0.1:1/0"))
    assert built.options.read_only is True
    assert built.options.basic_auth
    assert set(built.inspector.inspect_methods) == {"stats", "active_queues", "registered", "conf"}


def test_events_lose_what_may_be_personal_and_nothing_else() -> None:
    event = {"type": "task-received", "uuid": "u", "name": "contacts.add", "hostname": "h"}
    private = dict.fromkeys(flower.PRIVATE_FIELDS, "+447785850001")
    assert flower.stripped({**event, **private}) == event

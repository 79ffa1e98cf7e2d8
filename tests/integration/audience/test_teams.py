"""Teams and their opt-out group."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from campaigns.audience import groups
from campaigns.database import Connection
from campaigns.errors import Conflict, Invalid, NotFound
from campaigns.team import teams
from campaigns.team.teams import Team
from tests.support import ledger


def test_team_is_created_with_its_opt_out_group(conn: Connection) -> None:
    team = teams.create(conn, "acme", "gb")
    [listed] = groups.list_all(conn, team.id)
    assert listed.group.name == "default_optouts"
    assert listed.group.kind == "optout"
    assert listed.group.is_default_optouts
    assert not listed.group.deletable
    assert listed.status == "Empty"


def test_team_is_found_by_name_and_by_uuid(conn: Connection) -> None:
    team = teams.create(conn, "acme", "gb")
    assert team.default_region == "GB"
    assert teams.find(conn, "acme") == team
    assert teams.find(conn, str(team.id)) == team
    assert team in teams.list_all(conn)


def test_missing_team_is_named(conn: Connection) -> None:
    with pytest.raises(NotFound, match="there is no team 'nobody' here"):
        teams.find(conn, "nobody")


def test_second_team_of_a_name_is_refused_whole(conn: Connection) -> None:
    teams.create(conn, "acme")
    count = "SELECT count(*) AS n FROM contact_groups"
    before = conn.execute(count).fetchone()
    with pytest.raises(Conflict, match="'acme'"):
        teams.create(conn, " acme ")
    assert conn.execute(count).fetchone() == before


@pytest.mark.parametrize("region", ["XX", "", "United Kingdom", "44"])
def test_region_without_phone_numbers_is_refused(conn: Connection, region: str) -> None:
    with pytest.raises(Invalid, match="ISO 3166"):
        teams.create(conn, "acme", region)
    assert "acme" not in {team.name for team in teams.list_all(conn)}


@pytest.mark.parametrize(
    "name", ["", "   ", "x" * 101, "a\nb", "a\0b", "16cd47aa-f4e0-11e9-a8c1-0242ac120006"]
)
def test_name_that_breaks_a_rule_is_refused(conn: Connection, name: str) -> None:
    with pytest.raises(Invalid, match=r"^name: "):
        teams.create(conn, name)


def settings(**changed: object) -> dict[str, object]:
    """All settings of a team that was never edited, but for those that are ``changed``."""
    return {
        "default_region": "GB",
        "timezone": "UTC",
        "sending_hours": None,
        "quiet_hours": None,
        "holidays": [],
        "rate": None,
        "frequency_cap_day": None,
        "frequency_cap_week": None,
        "retention_days": None,
        **changed,
    }


def of(team: Team) -> dict[str, object]:
    return {name: getattr(team, name) for name in settings()}


EDITS = [
    ({"timezone": "Europe/London"}, {}),
    ({"sending_hours": [{"days": ["mon", "fri"], "from": "09:00", "to": "18:00"}]}, {}),
    ({"quiet_hours": [{"from": "21:00", "to": "08:00"}]}, {}),
    ({"holidays": ["2026-12-26", "2026-12-25", "2026-12-25"]},
     {"holidays": [date(2026, 12, 25), date(2026, 12, 26)]}),
    ({"rate": "100/s"}, {}),
    ({"frequency_cap_day": 1, "frequency_cap_week": 3}, {}),
    ({"frequency_cap_day": 0}, {}),
    ({"default_region": "ie"}, {"default_region": "IE"}),
]  # fmt: skip


def test_an_edit_changes_what_it_names_and_nothing_else(conn: Connection) -> None:
    team = teams.create(conn, "acme", "gb")
    wanted = settings()
    for body, stored in EDITS:
        wanted = {**wanted, **body, **stored}
        assert of(teams.edit(conn, team.id, body)) == wanted
        assert of(teams.find(conn, "acme")) == wanted
    nothing = {name: None for name in wanted if name not in ("timezone", "holidays")}
    cleared = teams.edit(conn, team.id, {**nothing, "holidays": [], "timezone": "UTC"})
    assert of(cleared) == settings(default_region=None)


def test_each_edit_moves_the_time_by_which_calendars_are_kept(conn: Connection) -> None:
    """Within one transaction too, where now() stands still."""
    team = teams.create(conn, "acme")
    with conn.transaction():
        conn.execute("UPDATE teams SET updated_at = clock_timestamp() + interval '1 hour'")
        first = teams.edit(conn, team.id, {"timezone": "Asia/Tokyo"})
        second = teams.edit(conn, team.id, {"timezone": "Asia/Tokyo"})
    assert team.updated_at < first.updated_at < second.updated_at


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "request: must name at least one setting."),
        ({"name": "x"}, "name: is not a known field"),
        ({"time_zone": "UTC"}, "time_zone: is not a known field; the nearest"),
        ({"timezone": "Europe/Londn"}, "timezone: 'Europe/Londn' must be the name of"),
        ({"timezone": "../etc/passwd"}, "timezone: '../etc/passwd' must be the name"),
        ({"timezone": None}, "timezone: must not be null."),
        ({"holidays": None}, "holidays: must not be null."),
        ({"holidays": ["2026-02-30"]}, "holidays[0]: '2026-02-30' must be a date"),
        ({"sending_hours": []}, "sending_hours: must have at least 1 entry; null means"),
        ({"quiet_hours": [{"from": "25:00", "to": "08:00"}]}, "quiet_hours[0].from: '25:00' must"),
        ({"rate": "10/fortnight"}, "rate: '10/fortnight' must be a positive number per s, min"),
        ({"rate": "0/s"}, "rate: '0/s' must be a positive number"),
        ({"frequency_cap_day": -1}, "frequency_cap_day: -1 must be greater than or equal to 0."),
        ({"frequency_cap_day": True}, "frequency_cap_day: True must be a whole number."),
        ({"frequency_cap_week": "3"}, "frequency_cap_week: '3' must be a whole number."),
        ({"frequency_cap_week": 101}, "frequency_cap_week: 101 must be less than or equal to 100."),
        ({"default_region": "XX"}, "default_region: 'XX' is not an ISO 3166 code such as GB."),
    ],
)  # fmt: skip
def test_an_edit_that_breaks_a_rule_is_one_sentence_and_changes_nothing(
    conn: Connection, body: dict[str, object], sentence: str
) -> None:
    team = teams.create(conn, "acme")
    with pytest.raises(Invalid) as refused:
        teams.edit(conn, team.id, {"rate": "5/s", **body} if body else body)
    assert str(refused.value).startswith(sentence)
    assert teams.find(conn, "acme") == team


def test_an_edit_of_no_team_is_refused(conn: Connection) -> None:
    with pytest.raises(NotFound):
        teams.edit(conn, uuid4(), {"rate": "5/s"})


def test_new_hours_close_what_is_open_at_once_and_a_new_rate_does_not(conn: Connection) -> None:
    now = datetime.now(UTC)
    run_id = ledger.run(conn, ledger.campaign(conn, now), 10, now - timedelta(seconds=5))
    team_id = ledger.team_id(conn)

    def closes_at() -> datetime:
        row = conn.execute(
            "SELECT gate_closes_at FROM lanes WHERE run_id = %s", (run_id,)
        ).fetchone()
        assert row is not None
        return row["gate_closes_at"]

    teams.edit(conn, team_id, {"rate": "10/s"})
    assert closes_at() > datetime.now(UTC)
    teams.edit(conn, team_id, {"quiet_hours": [{"from": "00:00", "to": "24:00"}]})
    assert closes_at() <= datetime.now(UTC)

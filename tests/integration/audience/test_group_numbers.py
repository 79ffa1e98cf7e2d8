"""How many contacts a group has is told by a maintained number, which is right whoever writes."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.audience import contacts, groups, importing, pending
from campaigns.audience.groups import Group
from campaigns.database import Connection, connect
from campaigns.team.teams import Team

NUMBERS = [f"4477858569{n:02}" for n in range(10, 30)]


def counted(conn: Connection, group: Group) -> tuple[int, int]:
    """What is told, and what there is."""
    row = conn.execute("SELECT count(*) AS n FROM contacts WHERE group_id = %s", [group.id])
    return groups.summary(conn, group).number_of_contacts, (row.fetchone() or {})["n"]


DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["add", "remove", "flush", "opt_out", "fold", "rolled back", "sql"]),
        st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=6),
    ),
    max_size=12,
)


@given(deeds=DEEDS)
@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_the_number_is_right_after_any_deeds(
    conn: Connection, team: Team, group: Group, deeds: list[tuple[str, list[str]]]
) -> None:
    optouts = groups.find_default_optouts(conn, team.id)
    for deed, numbers in deeds:
        match deed:
            case "add":
                contacts.add(conn, team, group.id, [{"phone": one} for one in numbers])
            case "remove":
                contacts.remove(conn, team, group.id, numbers)
            case "flush":
                contacts.flush(conn, team, group.id)
            case "opt_out":
                contacts.opt_out(conn, team, numbers[0])
            case "fold":
                pending.fold_tallies(conn, 10)
            case "rolled back":
                with conn.transaction(force_rollback=True):
                    contacts.add(conn, team, group.id, [{"phone": one} for one in numbers])
            case _:
                conn.execute("DELETE FROM contacts WHERE phone = %s", [numbers[0]])
        for one in (group, optouts):
            told, there_are = counted(conn, one)
            assert told == there_are


def test_connections_that_count_at_once_do_not_wait_for_each_other(
    conn: Connection, database: str, team: Team, group: Group
) -> None:
    optouts = groups.find_default_optouts(conn, team.id)
    with connect(database) as other, other.transaction():
        contacts.opt_out(other, team, NUMBERS[0])
        conn.execute("SET lock_timeout = 100")
        assert contacts.opt_out(conn, team, NUMBERS[1])
        # What is still being counted is left for later.
        pending.fold_tallies(conn, 10)
        assert counted(conn, optouts) == (1, 1)
    pending.fold_tallies(conn, 10)
    assert counted(conn, optouts) == (2, 2)
    rows = conn.execute("SELECT backend, contacts FROM group_tallies").fetchall()
    assert rows == [{"backend": 0, "contacts": 2}]


def test_an_import_is_counted(conn: Connection, team: Team, group: Group, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("phone\n" + "\n".join(NUMBERS) + "\n")
    importing.import_csv(conn, team, group.id, file)
    importing.import_csv(conn, team, group.id, file)
    assert counted(conn, group) == (20, 20)


def test_a_group_goes_with_its_number(conn: Connection, team: Team, group: Group) -> None:
    contacts.add(conn, team, group.id, [{"phone": one} for one in NUMBERS])
    groups.delete(conn, team.id, group.id)
    assert conn.execute("SELECT FROM group_tallies").fetchall() == []

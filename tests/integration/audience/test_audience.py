"""The audience: the same set counted and written, each address once, opt-outs never."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.audience import audience, contacts, groups
from campaigns.audience.audience import ZoneShare
from campaigns.database import Connection
from campaigns.errors import Invalid
from campaigns.team import teams
from campaigns.team.teams import Team

#: Channels, and the column of each.
CHANNELS = {"sms": "phone", "email": "email"}

#: What the contacts of a group say about their time zone, in turn, and what it means.
SAID = ("Europe/London", "asia/TOKYO", None, "Mars/Base", " Europe/London")
MEANT = ("Europe/London", "Asia/Tokyo", "UTC", "UTC", "Europe/London")


@dataclass(frozen=True)
class Member:
    """A contact of the model; a missing address is ``None``."""

    phone: str | None
    email: str | None


@dataclass(frozen=True)
class World:
    """Groups of members, which of them are included and excluded, the team's opt-outs, and what
    providers called dead."""

    groups: list[list[Member]]
    included: list[int]
    excluded: list[int]
    optouts: list[Member]
    dead: list[Member]


numbers = st.integers(0, 5)
members = st.builds(
    Member,
    phone=numbers.map(lambda n: f"44778585698{n}") | st.none(),
    email=numbers.map(lambda n: f"a{n}@example.com") | st.none(),
).filter(lambda member: bool(member.phone or member.email))


def unique_by_identity(found: list[Member]) -> list[Member]:
    return list({(m.phone or m.email): m for m in reversed(found)}.values())[::-1]


lists_of_members = st.lists(members, max_size=8).map(unique_by_identity)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    found = draw(st.lists(lists_of_members, min_size=1, max_size=4))
    indices = st.lists(st.integers(0, len(found) - 1), unique=True)
    return World(
        found, draw(indices), draw(indices), draw(lists_of_members), draw(lists_of_members)
    )


def expected(world: World, column: str) -> list[tuple[str, dict[str, str]]]:
    """The model: what the audience has to be, said plainly."""
    barred = {getattr(m, column) for g in world.excluded for m in world.groups[g]}
    barred |= {getattr(m, column) for m in world.optouts}
    found: dict[str, dict[str, str]] = {}
    for group in world.included:
        for position, member in enumerate(world.groups[group]):
            address = getattr(member, column)
            if address is not None and address not in barred and address not in found:
                found[address] = {"from": f"{group}.{position}"}
                if zone := SAID[position % len(SAID)]:
                    found[address]["timezone"] = zone
    return list(found.items())


def zone_of(recipient: tuple[str, dict[str, str]]) -> str:
    return MEANT[int(recipient[1]["from"].partition(".")[2]) % len(SAID)]


def insert(conn: Connection, group_id: UUID, found: list[Member], name: object) -> None:
    for position, member in enumerate(found):
        conn.execute(
            "INSERT INTO contacts (group_id, phone, email, fields)"
            " VALUES (%s, %s, %s, jsonb_strip_nulls(jsonb_build_object("
            "     'from', %s::text, 'timezone', %s::text)))",
            [
                group_id,
                member.phone,
                member.email,
                f"{name}.{position}",
                SAID[position % len(SAID)],
            ],
        )


def bury(conn: Connection, team: Team, channel: str, found: list[str | None]) -> set[str]:
    """Note that these addresses are dead for the channel."""
    dead = {address for address in found if address}
    for address in dead:
        conn.execute(
            "INSERT INTO gone_addresses VALUES (%s, %s, %s, 'carrier', 'gone', now())",
            [team.id, channel, address],
        )
    return dead


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(world=worlds())
def test_audience_is_the_models_in_its_order_and_counted_alike(
    conn: Connection, world: World
) -> None:
    team = teams.create(conn, uuid4().hex[:20] + "-team")
    ids = [groups.create(conn, team.id, f"group {n}").id for n in range(len(world.groups))]
    optouts = groups.find(conn, team.id, "default_optouts").id
    for name, (group_id, found) in enumerate(zip(ids, world.groups, strict=True)):
        insert(conn, group_id, found, name)
    insert(conn, optouts, world.optouts, "optouts")
    included, excluded = [ids[n] for n in world.included], [ids[n] for n in world.excluded]
    for channel, column in CHANNELS.items():
        wanted = expected(world, column)
        dead = bury(conn, team, channel, [getattr(one, column) for one in world.dead])
        alive = [one for one in wanted if one[0] not in dead]
        who = (conn, team.id, channel, included, excluded)
        assert audience.count(*who) == len(alive)
        assert Counter(
            {share.zone: share.recipients for share in audience.count_by_zone(*who, fallback="UTC")}
        ) == Counter(map(zone_of, alive))
        shown = audience.sample(*who, most=100)
        assert sorted(map(str, shown)) == sorted(str(fields) for _, fields in alive)
        conn.execute("DELETE FROM deliveries")
        written = audience.materialise(conn, 1, column, team.id, included, excluded)
        rows = conn.execute("SELECT seq, address, fields FROM deliveries ORDER BY seq").fetchall()
        assert written == len(wanted)
        assert [row["seq"] for row in rows] == list(range(written))
        assert [(row["address"], row["fields"]) for row in rows] == wanted
        conn.execute("DELETE FROM deliveries")
        shares = audience.materialise_by_zone(
            conn, 1, column, team.id, included, excluded, fallback="UTC"
        )
        rows = conn.execute("SELECT seq, address, fields FROM deliveries ORDER BY seq").fetchall()
        by_zone = sorted(wanted, key=zone_of)
        assert [row["seq"] for row in rows] == list(range(len(wanted)))
        assert [(row["address"], row["fields"]) for row in rows] == by_zone
        counts = Counter(map(zone_of, by_zone))
        assert shares == [
            ZoneShare(zone, count, count if zone == "UTC" else 0) for zone, count in counts.items()
        ]


def test_another_teams_opt_outs_and_groups_do_not_count(conn: Connection, team: Team) -> None:
    other = teams.create(conn, "other", "GB")
    mine = groups.create(conn, team.id, "mine")
    theirs = groups.create(conn, other.id, "theirs")
    contacts.add(conn, team, mine.id, [{"phone": "447785856985"}])
    contacts.add(conn, other, theirs.id, [{"phone": "447785856986"}])
    contacts.opt_out(conn, other, "447785856985")
    assert audience.count(conn, team.id, "sms", [mine.id, theirs.id], []) == 1
    assert audience.count(conn, team.id, "sms", [mine.id], [theirs.id]) == 1


def test_unknown_column_is_a_programming_error(conn: Connection, team: Team) -> None:
    with pytest.raises(ValueError, match="not an address column"):
        audience.materialise(conn, 1, "fields", team.id, [], [])


def test_the_dead_of_another_channel_or_team_are_counted(conn: Connection, team: Team) -> None:
    group = groups.create(conn, team.id, "customers").id
    contacts.add(conn, team, group, [{"phone": "447785856985"}])
    bury(conn, team, "whatsapp", ["447785856985"])
    bury(conn, teams.create(conn, "other"), "sms", ["447785856985"])
    assert audience.count(conn, team.id, "sms", [group], []) == 1
    assert audience.count(conn, team.id, "whatsapp", [group], []) == 0


def test_groups_of_a_campaign_are_checked(conn: Connection, team: Team) -> None:
    people = groups.create(conn, team.id, "people").id
    more = groups.create(conn, team.id, "more").id
    optouts = groups.create(conn, team.id, "complaints", kind="optout").id
    nobody = uuid4()
    audience.check_groups(conn, team.id, [people, more], [optouts, people])
    for included, excluded, sentence in (
        ([], [], "included_contact_groups: must name at least one contact group."),
        ([people, nobody], [], f"included_contact_groups[1]: {nobody} is not a contact group"),
        ([people], [nobody], f"excluded_contact_groups[0]: {nobody} is not a contact group"),
        (
            [people, more, people],
            [],
            f"included_contact_groups[2]: {people} is listed already, as included_contact_groups",
        ),
        (
            [people, optouts],
            [],
            f"included_contact_groups[1]: {optouts} is an opt-out group; it can only be excluded.",
        ),
    ):
        with pytest.raises(Invalid) as refused:
            audience.check_groups(conn, team.id, included, excluded)
        assert str(refused.value).startswith(sentence)


def test_group_of_another_team_cannot_be_named(conn: Connection, team: Team) -> None:
    other = teams.create(conn, "other")
    theirs = groups.create(conn, other.id, "theirs").id
    with pytest.raises(Invalid, match="is not a contact group of this team"):
        audience.check_groups(conn, team.id, [theirs], [])


def test_checked_group_is_not_deleted_before_the_campaign_is_stored(
    conn: Connection, database: str, team: Team
) -> None:
    people = groups.create(conn, team.id, "people").id
    with Connection.connect(database) as other, conn.transaction():
        audience.check_groups(conn, team.id, [people], [])
        locked = other.execute(
            "SELECT 1 FROM contact_groups WHERE id = %s FOR UPDATE SKIP LOCKED", [people]
        ).fetchone()
        assert locked is None


def test_known_fields_and_presence_of_contacts(conn: Connection, team: Team) -> None:
    first = groups.create(conn, team.id, "first").id
    second = groups.create(conn, team.id, "second").id
    assert not audience.has_contacts(conn, team.id, [first, second])
    contacts.add(
        conn, team, second, [{"email": "a@example.com", "custom_fields": {"city": "Bath"}}]
    )
    assert audience.has_contacts(conn, team.id, [first, second])
    assert audience.fields_known(conn, team.id, [first, second]) == {"city"}
    assert audience.fields_known(conn, team.id, [first]) == set()


def test_suppression_is_the_default_group_and_the_excluded_opt_outs(
    conn: Connection, team: Team
) -> None:
    default = groups.find(conn, team.id, "default_optouts").id
    complaints = groups.create(conn, team.id, "complaints", kind="optout").id
    staff = groups.create(conn, team.id, "staff").id
    assert audience.suppression_groups(conn, team.id, [staff, complaints]) == [default, complaints]
    assert audience.suppression_groups(conn, team.id, []) == [default]

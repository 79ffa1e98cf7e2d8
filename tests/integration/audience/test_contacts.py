"""Adding, removing, opting out and listing contacts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from campaigns.audience import contacts, groups
from campaigns.audience.contact import row
from campaigns.audience.contacts import AddResult
from campaigns.audience.groups import Group
from campaigns.audience.push_keys import KEY_FIELDS
from campaigns.database import Connection
from campaigns.errors import Invalid, NotFound
from campaigns.team.teams import Team
from tests.fakes.webpush import KEYS

ANN = {"phone_number": "07785 856985", "custom_fields": {"first_name": "Ann", "Last Name": "Lee"}}
BOB = {"email": "Bob@Example.com"}


def stored(conn: Connection) -> list[dict[str, Any]]:
    return conn.execute("SELECT * FROM contacts ORDER BY id").fetchall()


def test_contacts_are_stored_in_their_normal_form(
    conn: Connection, team: Team, group: Group
) -> None:
    assert contacts.add(conn, team, "customers", [ANN, BOB]) == AddResult(2, 0, 0, 0)
    ann, bob = contacts.list_page(conn, team, "customers")
    assert ann.phone == "447785856985"
    assert ann.fields == {"first_name": "Ann", "last_name": "Lee"}
    assert bob.email == "bob@example.com"
    assert "447785856985" not in repr(ann)


def test_same_list_twice_changes_nothing(conn: Connection, team: Team, group: Group) -> None:
    contacts.add(conn, team, group.id, [ANN, BOB])
    before = conn.execute("SELECT xmin::text, ctid::text, * FROM contacts ORDER BY id").fetchall()
    assert contacts.add(conn, team, group.id, [ANN, BOB]) == AddResult(0, 0, 2, 0)
    after = conn.execute("SELECT xmin::text, ctid::text, * FROM contacts ORDER BY id").fetchall()
    assert after == before


def test_update_adds_to_what_is_known(conn: Connection, team: Team, group: Group) -> None:
    contacts.add(conn, team, group.id, [{**ANN, "email": "ann@example.com"}])
    newer = {"phone": "+447785856985", "custom_fields": {"first_name": "Anna", "city": "Leeds"}}
    assert contacts.add(conn, team, group.id, [newer]) == AddResult(0, 1, 0, 0)
    [ann] = contacts.list_page(conn, team, group.id)
    assert ann.email == "ann@example.com"
    assert ann.fields == {"first_name": "Anna", "last_name": "Lee", "city": "Leeds"}
    assert groups.find(conn, team.id, group.id).headers == ["first_name", "last_name", "city"]


def test_first_of_several_with_one_identity_wins(
    conn: Connection, team: Team, group: Group
) -> None:
    again = {"phone": "447785856985", "custom_fields": {"first_name": "Other"}}
    assert contacts.add(conn, team, group.id, [ANN, again, BOB]) == AddResult(2, 0, 0, 1)
    assert stored(conn)[0]["fields"]["first_name"] == "Ann"


def test_identity_is_what_the_tables_own_column_says(
    conn: Connection, team: Team, group: Group
) -> None:
    several = [
        {"phone": "447785856985", "email": "a@example.com"},
        {"email": "a@example.com", "telegram": -100},
        {"telegram": 5, "viber": "abc=="},
        {"viber": "abc==", "webpush": "https://push.example.com/x"},
        {"webpush": "https://push.example.com/x"},
    ]
    contacts.add(conn, team, group.id, several)
    kinds = ("phone", "email", "telegram", "viber", "webpush")
    for one in stored(conn):
        found = {kind: one[kind] for kind in kinds if one[kind] is not None}
        assert row(found, {}).identity == one["identity"]  # type: ignore[arg-type]


def test_each_address_stands_alone_in_an_opt_out_group(conn: Connection, team: Team) -> None:
    """Otherwise a later update of the e-mail address would take back the former one's opt-out."""
    both = {"phone": "447785856985", "email": "a@example.com"}
    assert contacts.add(conn, team, "default_optouts", [both]).added == 2
    other = {"phone": "447785856985", "email": "b@example.com"}
    assert contacts.add(conn, team, "default_optouts", [other]) == AddResult(1, 0, 1, 0)
    assert {one["identity"] for one in stored(conn)} == {
        "phone:447785856985",
        "email:a@example.com",
        "email:b@example.com",
    }


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ({"phone_number": "12345"}, "contacts[1].phone_number: is not a valid number in GB"),
        ({"phone": "12345"}, "contacts[1].phone: is not a valid number in GB"),
        ({"email": "nobody"}, "contacts[1].email: is not an e-mail address."),
        ({"telegram": "@ann"}, "contacts[1].telegram: must be a chat id, a whole number."),
        ({}, "contacts[1]: has no address; give at least one of phone, email"),
        ({"phone": "  "}, "contacts[1]: has no address"),
        ({"phone": 447785856985}, "contacts[1].phone: must be a text."),
        ({"fone": "447785856985"}, "contacts[1].fone: is not a known field"),
        (
            {"email": "a@example.com", "custom_fields": {"a": "x" * 1001}},
            "contacts[1].custom_fields: 'a' has more than 1000 characters.",
        ),
        (
            {"email": "a@example.com", "custom_fields": {"a": 5}},
            "contacts[1].custom_fields.a: must be a text.",
        ),
        (
            {"email": "a@example.com", "custom_fields": {"a": "x\0y"}},
            "contacts[1].custom_fields.a: must not contain NUL characters.",
        ),
        (
            {"email": "a@example.com", "custom_fields": {"A b": "1", "a-b": "2"}},
            "contacts[1].custom_fields: has two names that both become 'a_b'.",
        ),
        (
            {"phone": "07785856985", "phone_number": "07785856986"},
            "contacts[1]: has both phone and phone_number",
        ),
        ("447785856985", "contacts[1]: must be an object of fields."),
    ],
)
def test_one_bad_contact_refuses_the_list_naming_index_and_rule_but_no_value(
    conn: Connection, team: Team, group: Group, bad: Any, sentence: str
) -> None:
    with pytest.raises(Invalid) as refused:
        contacts.add(conn, team, group.id, [ANN, bad, BOB])
    assert str(refused.value).startswith(sentence)
    for value in ("12345", "nobody", "@ann", "447785856985", "xxx"):
        assert value not in str(refused.value)
    assert stored(conn) == []


def test_contacts_go_by_what_their_address_looks_like(
    conn: Connection, team: Team, group: Group
) -> None:
    push = {"webpush": "https://push.example.com/a"}
    contacts.add(conn, team, group.id, [ANN, BOB, push])
    gone = ["+44 7785 856985", "BOB@example.com", "https://PUSH.example.com/a", "07785856999"]
    assert contacts.remove(conn, team, group.id, gone) == 3
    assert stored(conn) == []


def test_a_subscription_is_stored_as_endpoint_and_keys(
    conn: Connection, team: Team, group: Group
) -> None:
    """As the browser hands it over, as its JSON text, or as fields: all the same."""
    endpoint = "https://push.example.com/a"
    subscription = {"endpoint": endpoint, "expirationTime": None, "keys": KEYS}
    keys = {KEY_FIELDS[name]: value for name, value in KEYS.items()}
    contacts.add(conn, team, group.id, [{"webpush": subscription, "custom_fields": {"a": "b"}}])
    (first,) = stored(conn)
    assert (first["webpush"], first["fields"]) == (endpoint, {"a": "b", **keys})
    same = [{"webpush": json.dumps(subscription)}, {"webpush": endpoint, "custom_fields": keys}]
    for one in same:
        assert contacts.add(conn, team, group.id, [one]) == AddResult(0, 0, 1, 0)
    assert groups.find(conn, team.id, group.id).headers == ["a"]


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ({"webpush": {"endpoint": "https://push.example.com/a"}}, "webpush: must be an endpoint"),
        ({"webpush": ["x"]}, "webpush: must be a text."),
        (
            {
                "webpush": "https://push.example.com/a",
                "custom_fields": {"webpush_p256dh": "x", "webpush_auth": "y"},
            },
            "custom_fields: 'webpush_p256dh' must be an uncompressed point",
        ),
        ({"phone": "07785856985", "custom_fields": {"webpush_auth": "y"}}, "custom_fields: "),
    ],
)
def test_a_subscription_that_is_none_is_refused(
    conn: Connection, team: Team, group: Group, bad: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(Invalid) as refused:
        contacts.add(conn, team, group.id, [bad])
    assert str(refused.value).startswith(f"contacts[0].{sentence}")
    assert stored(conn) == []


def test_bad_address_to_remove_removes_nothing(conn: Connection, team: Team, group: Group) -> None:
    contacts.add(conn, team, group.id, [ANN])
    with pytest.raises(Invalid, match=r"contacts\[1\]: is not a valid number in GB") as refused:
        contacts.remove(conn, team, group.id, ["07785856985", "0999"])
    assert "0999" not in str(refused.value)
    assert len(stored(conn)) == 1


def test_flush_empties_the_group_and_forgets_its_headers(
    conn: Connection, team: Team, group: Group
) -> None:
    contacts.add(conn, team, group.id, [ANN, BOB])
    assert contacts.flush(conn, team, "customers") == 2
    assert groups.find(conn, team.id, group.id).headers == []
    assert stored(conn) == []


def test_opt_out_is_recorded_once_in_the_default_group(conn: Connection, team: Team) -> None:
    assert contacts.opt_out(conn, team, "07785 856985") is True
    assert contacts.opt_out(conn, team, "+447785856985") is False
    assert contacts.opt_out(conn, team, "Ann@Example.COM") is True
    assert contacts.opt_out(conn, team, "42", kind="telegram") is True
    page = contacts.list_page(conn, team, "default_optouts")
    assert [(one.phone, one.email, one.telegram) for one in page] == [
        ("447785856985", None, None),
        (None, "ann@example.com", None),
        (None, None, "42"),
    ]


def test_opt_out_does_not_wait_for_a_writer_of_the_group(
    conn: Connection, database: str, team: Team
) -> None:
    optouts = groups.find(conn, team.id, "default_optouts")
    with Connection.connect(database) as writer:
        writer.execute(groups.SQL["lock_group"], {"id": optouts.id})
        conn.execute("SET statement_timeout = '5s'")
        assert contacts.opt_out(conn, team, "07785856985") is True


def test_unreadable_opt_out_is_refused_without_its_value(conn: Connection, team: Team) -> None:
    with pytest.raises(Invalid, match=r"^address: is not an e-mail address\.$"):
        contacts.opt_out(conn, team, "ann@")


def test_pages_follow_each_other_without_gap_or_overlap(
    conn: Connection, team: Team, group: Group
) -> None:
    people = [{"email": f"a{n}@example.com"} for n in range(7)]
    contacts.add(conn, team, group.id, people)
    seen: list[str | None] = []
    after = 0
    while page := contacts.list_page(conn, team, group.id, after=after, limit=3):
        seen += [one.email for one in page]
        after = page[-1].id
    assert seen == [one["email"] for one in people]


def test_unknown_group_is_named(conn: Connection, team: Team) -> None:
    with pytest.raises(NotFound, match="group: there is no group 'nope' in this team"):
        contacts.add(conn, team, "nope", [ANN])

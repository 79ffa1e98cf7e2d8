"""Changes of groups that are asked for now and worked through afterwards."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from campaigns.audience import (
    changes,
    contacts,
    group_edit,
    groups,
    importing,
    jobs,
    pending,
)
from campaigns.audience.groups import Group
from campaigns.audience.importing import Progress
from campaigns.database import Connection, connect
from campaigns.errors import Conflict, Invalid, Locked, NotFound
from campaigns.messaging import TASK_CHANGE_GROUP
from campaigns.team import teams
from campaigns.team.teams import Team
from scheduler.duties import publishing

from .conftest import MakeCampaign

ANN, BOB, EVE = "447785856985", "447713252151", "447713252152"


def asked(*numbers: str, **fields: str) -> dict[str, Any]:
    """The body of a request that adds contacts."""
    return {"contacts": [{"phone_number": one, "custom_fields": fields} for one in numbers]}


def numbers_in(conn: Connection, group: Group) -> list[str]:
    rows = conn.execute("SELECT phone FROM contacts WHERE group_id = %s ORDER BY phone", [group.id])
    return [row["phone"] for row in rows]


def work(conn: Connection, change: changes.Change) -> bool | None:
    assert change.job is not None
    return jobs.work(conn, change.job)


def test_an_addition_is_answered_before_it_is_made(
    conn: Connection, team: Team, group: Group
) -> None:
    change = changes.add(conn, team, group.id, asked(ANN, BOB, first_name="Ann"))
    told = change.summary
    assert (told.status, told.scheduled_jobs_number) == ("Modifying", 1)
    assert (told.number_of_contacts, told.headers) == (0, ["first_name"])
    assert numbers_in(conn, group) == []
    assert work(conn, change)
    after = groups.summary(conn, group)
    assert (after.status, after.scheduled_jobs_number, after.number_of_contacts) == ("Ready", 0, 2)
    assert after.group.headers == ["first_name"]
    assert after.group.updated_at > group.updated_at
    assert numbers_in(conn, group) == sorted([ANN, BOB])


def test_removing_and_flushing_are_jobs_too(conn: Connection, team: Team, group: Group) -> None:
    contacts.add(conn, team, group.id, asked(ANN, BOB, EVE, first_name="x")["contacts"])
    change = changes.remove(conn, team, group.id, {"phone_numbers": ["07785 856985", "0800 111"]})
    assert change.summary.number_of_contacts == 3
    work(conn, change)
    assert numbers_in(conn, group) == sorted([BOB, EVE])
    work(conn, changes.flush(conn, team, group.id))
    after = groups.summary(conn, group)
    assert (after.number_of_contacts, after.status, after.headers) == (0, "Empty", [])
    flushed, removed = pending.latest(conn, group.id)
    assert (removed.removed, removed.invalid, flushed.removed) == (1, 1, 2)


def test_changes_of_a_group_happen_in_the_order_in_which_they_were_asked_for(
    conn: Connection, team: Team, group: Group
) -> None:
    changes.add(conn, team, group.id, asked(ANN))
    changes.flush(conn, team, group.id)
    changes.add(conn, team, group.id, asked(BOB, EVE))
    last = changes.remove(conn, team, group.id, {"phone_numbers": [EVE]})
    assert last.summary.scheduled_jobs_number == 4
    # The message of the last one is the one that arrives.
    assert work(conn, last)
    assert numbers_in(conn, group) == [BOB]
    assert not pending.any_in(conn, group.id)


def test_a_job_that_is_published_twice_is_done_once(
    conn: Connection, team: Team, group: Group
) -> None:
    change = changes.add(conn, team, group.id, asked(ANN))
    work(conn, change)
    assert work(conn, change) is None
    [job] = pending.latest(conn, group.id)
    assert (job.added, job.updated, job.unchanged) == (1, 0, 0)


def test_nobody_works_on_a_group_that_somebody_else_is_writing(
    conn: Connection, database: str, team: Team, group: Group
) -> None:
    change = changes.add(conn, team, group.id, asked(ANN))
    with connect(database) as other, other.transaction():
        groups.lock_for_writing(other, group, adding=True)
        assert work(conn, change) is False
    assert work(conn, change) is True
    assert numbers_in(conn, group) == [ANN]


@pytest.mark.parametrize(("point", "kept"), [("jobs.between", [ANN]), ("jobs.before_commit", [])])
def test_a_job_goes_on_where_its_worker_died(
    conn: Connection,
    team: Team,
    group: Group,
    monkeypatch: pytest.MonkeyPatch,
    point: str,
    kept: list[str],
) -> None:
    monkeypatch.setattr(jobs, "PORTION", 2)
    change = changes.add(conn, team, group.id, asked(ANN, "0800", BOB, EVE, "0800"))

    class Killed(BaseException):
        pass

    def die(name: str) -> None:
        if name == point:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(jobs.failpoints, "hit", die)
        with pytest.raises(Killed):
            work(conn, change)
    assert numbers_in(conn, group) == kept
    work(conn, change)
    assert numbers_in(conn, group) == sorted([ANN, BOB, EVE])
    [job] = pending.latest(conn, group.id)
    assert (job.entries, job.done, job.added, job.invalid) == (5, 5, 3, 2)
    assert [fault.entry for fault in job.faults] == [1, 4]


def test_a_flush_takes_portions(
    conn: Connection, team: Team, group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "PORTION", 2)
    contacts.add(conn, team, group.id, asked(ANN, BOB, EVE)["contacts"])
    work(conn, changes.flush(conn, team, group.id))
    assert numbers_in(conn, group) == []
    assert pending.latest(conn, group.id)[0].removed == 3


def test_numbers_that_are_none_are_left_out_counted_and_named_by_their_place(
    conn: Connection, team: Team, group: Group
) -> None:
    unknown = "+449999999999"
    work(conn, changes.add(conn, team, group.id, asked(ANN, unknown, BOB)))
    [job] = pending.latest(conn, group.id)
    assert (job.added, job.invalid) == (2, 1)
    [fault] = job.faults
    assert (fault.entry, fault.field) == (1, "phone_number")
    assert "not a valid number" in fault.rule
    assert "9999" not in str(job)


def test_no_more_than_a_hundred_faults_are_named_and_all_are_counted(
    conn: Connection, team: Team, group: Group
) -> None:
    work(conn, changes.add(conn, team, group.id, asked(*["0800"] * 130)))
    [job] = pending.latest(conn, group.id)
    assert (job.invalid, len(job.faults)) == (130, pending.MOST_FAULTS)


@pytest.mark.parametrize(
    ("contact", "message"),
    [
        ({"phone_number": "call me"}, "contacts[1].phone_number: must be a phone number"),
        ({"phone_number": 447}, "contacts[1].phone_number: must be a text."),
        ({"phone_number": None}, "contacts[1]: has no address"),
        ({}, "contacts[1]: has no address"),
        ("447785856985", "contacts[1]: must be an object of fields."),
        ({"phone_number": ANN, "nick": "x"}, "contacts[1].nick: is not a known field"),
        ({"phone_number": ANN, "custom_fields": {"": "x"}}, "contacts[1].custom_fields: a name"),
        ({"phone_number": ANN, "custom_fields": {"a": 1}}, "contacts[1].custom_fields.a: must be"),
        ({"email": "nobody"}, "contacts[1].email: is not an e-mail address."),
        ({"phone_number": ANN, "custom_fields": {"a": "\x00"}}, "contacts[1].custom_fields"),
    ],
)
def test_what_is_no_contact_by_its_form_is_refused_at_once(
    conn: Connection, team: Team, group: Group, contact: object, message: str
) -> None:
    with pytest.raises(Invalid) as refused:
        changes.add(conn, team, group.id, {"contacts": [asked(ANN)["contacts"][0], contact]})
    assert str(refused.value).startswith(message)
    assert ANN not in str(refused.value)
    assert not pending.any_in(conn, group.id)


@pytest.mark.parametrize("contacts_", [[], None, {}, "x"])
def test_an_addition_names_somebody(
    conn: Connection, team: Team, group: Group, contacts_: object
) -> None:
    with pytest.raises(Invalid, match=r"^contacts: must"):
        changes.add(conn, team, group.id, {"contacts": contacts_})


def test_a_group_and_its_contacts_are_created_together(conn: Connection, team: Team) -> None:
    body = {"name": "Bulk", "contacts": [ANN, BOB], "deletable": False}
    change = changes.create_with_contacts(conn, team, body)
    told = change.summary
    assert (told.status, told.number_of_contacts, told.group.deletable) == ("Modifying", 0, False)
    work(conn, change)
    assert numbers_in(conn, told.group) == sorted([ANN, BOB])
    with pytest.raises(Conflict):
        changes.create_with_contacts(conn, team, body)
    with pytest.raises(Invalid, match=r"contacts\[1\]: must be a phone number"):
        changes.create_with_contacts(conn, team, {"name": "Other", "contacts": [ANN, "x"]})
    with pytest.raises(NotFound):
        groups.find(conn, team.id, "Other")


def test_a_group_of_another_team_is_not_found(conn: Connection, group: Group) -> None:
    other = teams.create(conn, "other")
    for change in (
        lambda: changes.add(conn, other, group.id, asked(ANN)),
        lambda: changes.remove(conn, other, group.id, {"phone_numbers": [ANN]}),
        lambda: changes.flush(conn, other, group.id),
    ):
        with pytest.raises(NotFound):
            change()


class TestWhileSending:
    """A group that is being sent to, or left out, is not changed; opt-outs always count."""

    def test_no_change_is_asked_for(
        self, conn: Connection, team: Team, group: Group, make_campaign: MakeCampaign
    ) -> None:
        make_campaign("sending", include=[group.id])
        for change in (
            lambda: changes.add(conn, team, group.id, asked(ANN)),
            lambda: changes.remove(conn, team, group.id, {"phone_numbers": [ANN]}),
            lambda: changes.flush(conn, team, group.id),
            lambda: group_edit.edit(conn, team.id, group.id, name="other"),
            lambda: groups.delete(conn, team.id, group.id),
        ):
            with pytest.raises(Locked, match="Spring sale"):
                change()
        assert not pending.any_in(conn, group.id)

    def test_opt_outs_are_added_at_once(
        self, conn: Connection, team: Team, group: Group, make_campaign: MakeCampaign
    ) -> None:
        optouts = groups.find_default_optouts(conn, team.id)
        make_campaign("sending", include=[group.id], exclude=[optouts.id])
        change = changes.add(conn, team, optouts.id, asked(ANN, "0800"))
        assert change.job is None
        assert (change.summary.status, change.summary.number_of_contacts) == ("Ready", 1)
        assert numbers_in(conn, optouts) == [ANN]
        [job] = pending.latest(conn, optouts.id)
        assert (job.added, job.invalid, job.finished_at is not None) == (1, 1, True)
        with pytest.raises(Locked):
            changes.flush(conn, team, optouts.id)


class TestWhatComesInBetween:
    """A change that waits must not undo what was asked for after it."""

    def test_an_opt_out_survives_a_flush_that_waited(self, conn: Connection, team: Team) -> None:
        optouts = groups.find_default_optouts(conn, team.id)
        contacts.opt_out(conn, team, BOB)
        flush = changes.flush(conn, team, optouts.id)
        contacts.opt_out(conn, team, ANN)
        # Known already, and said once more after the flush was asked for.
        contacts.opt_out(conn, team, BOB)
        added = changes.add(conn, team, optouts.id, asked(EVE))
        assert numbers_in(conn, optouts) == sorted([ANN, BOB, EVE])
        assert added.summary.scheduled_jobs_number == 4
        work(conn, flush)
        assert numbers_in(conn, optouts) == sorted([ANN, BOB, EVE])

    def test_contacts_that_are_added_directly_survive_it(
        self, conn: Connection, team: Team, group: Group
    ) -> None:
        flush = changes.flush(conn, team, group.id)
        contacts.add(conn, team, group.id, asked(ANN, first_name="Ann")["contacts"])
        work(conn, flush)
        assert numbers_in(conn, group) == [ANN]
        assert groups.summary(conn, group).headers == ["first_name"]

    def test_contacts_that_are_removed_directly_stay_removed(
        self, conn: Connection, team: Team, group: Group
    ) -> None:
        addition = changes.add(conn, team, group.id, asked(ANN, BOB))
        contacts.remove(conn, team, group.id, [ANN])
        work(conn, addition)
        assert numbers_in(conn, group) == [BOB]
        addition = changes.add(conn, team, group.id, asked(ANN))
        contacts.flush(conn, team, group.id)
        work(conn, addition)
        assert numbers_in(conn, group) == []


class TestLostMessages:
    """The broker is a hint: what is stored is published until it is done."""

    def test_the_tick_publishes_a_job_whose_message_got_lost(
        self, conn: Connection, team: Team, group: Group
    ) -> None:
        change = changes.add(conn, team, group.id, asked(ANN))
        changes.add(conn, team, group.id, asked(BOB))
        row = conn.execute("SELECT max(created_at) AS at FROM group_jobs").fetchone()
        assert row is not None
        soon, late = (row["at"] + timedelta(seconds=s) for s in (5, 11))
        assert publishing.run_once(conn, soon) == []
        assert publishing.run_once(conn, late) == [(TASK_CHANGE_GROUP, change.job)]
        assert publishing.run_once(conn, late) == []
        work(conn, change)
        assert publishing.run_once(conn, late + timedelta(hours=1)) == []

    def test_a_job_that_fails_again_and_again_does_not_hold_up_the_others(
        self,
        conn: Connection,
        team: Team,
        group: Group,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        bad = changes.add(conn, team, group.id, asked(ANN))
        changes.add(conn, team, group.id, asked(BOB))
        sound = jobs.add_entries

        def fail(conn: Connection, group: Group, region: str, entries: Any, first: int) -> Any:
            if entries[0]["phone"] == ANN:
                raise RuntimeError(f"a row of {ANN}")
            return sound(conn, group, region, entries, first=first)

        monkeypatch.setattr(jobs, "add_entries", fail)
        with caplog.at_level(logging.ERROR):
            assert work(conn, bad)
        assert numbers_in(conn, group) == [BOB]
        _, given_up = pending.latest(conn, group.id)
        assert given_up.error == "it failed 5 times in a row (RuntimeError)"
        assert ANN not in caplog.text


def test_an_opt_out_that_is_made_once_more_is_of_the_same_number(conn: Connection) -> None:
    # In Singapore, and without its plus one of Alabama.
    american = teams.create(conn, "American", default_region="US")
    waiting = changes.flush(conn, american, "default_optouts")
    assert contacts.opt_out(conn, american, "+6592345678")
    work(conn, waiting)
    assert numbers_in(conn, waiting.summary.group) == ["6592345678"]


def test_jobs_that_were_done_long_ago_are_forgotten(
    conn: Connection, team: Team, group: Group
) -> None:
    work(conn, changes.add(conn, team, group.id, asked(ANN)))
    conn.execute("UPDATE group_jobs SET finished_at = now() - interval '8 days'")
    waiting = changes.flush(conn, team, group.id)
    row = conn.execute("SELECT now() AS now").fetchone()
    assert row is not None
    pending.forget(conn, row["now"], 10)
    assert [job.id for job in pending.latest(conn, group.id)] == [waiting.job]


def test_addresses_stand_nowhere_once_a_job_is_done(
    conn: Connection, team: Team, group: Group
) -> None:
    work(conn, changes.add(conn, team, group.id, asked(ANN)))
    row = conn.execute("SELECT payload, faults FROM group_jobs").fetchone()
    assert row == {"payload": None, "faults": []}


def test_an_import_waits_for_changes_that_were_asked_for_before_it(
    conn: Connection, team: Team, group: Group, tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    file.write_text(f"phone\n{ANN}\n")
    flush = changes.flush(conn, team, group.id)
    with pytest.raises(Locked, match="still being made"):
        importing.import_csv(conn, team, group.id, file)
    work(conn, flush)
    importing.import_csv(conn, team, group.id, file)
    assert numbers_in(conn, group) == [ANN]


def test_a_change_that_comes_while_a_file_is_read_holds_the_import_up(
    conn: Connection, database: str, team: Team, group: Group, tmp_path: Path
) -> None:
    """What was asked for later must not be undone by what is stored last."""
    file = tmp_path / "people.csv"
    file.write_text(f"phone\n{ANN}\n")

    def ask(progress: Progress) -> None:
        if progress.stage == "reading":
            with connect(database) as other:
                changes.flush(other, team, group.id)

    with pytest.raises(Locked, match="still being made"):
        importing.import_csv(conn, team, group.id, file, progress=ask)
    assert numbers_in(conn, group) == []

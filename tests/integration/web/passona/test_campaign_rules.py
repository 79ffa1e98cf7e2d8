"""What the documents say about campaigns beside their examples, and what goes beyond them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from campaigns.audience import contacts
from campaigns.campaign import store
from campaigns.team import teams
from tests.support import door as doors
from tests.support import passona
from tests.support.passona import shifted
from tests.support.passona_client import Client, refused


@pytest.fixture
def uuid(client: Client) -> str:
    return client.campaign(passona.THROTTLED)


class TestLocked:
    """HTTP 423, locked: in progress, or its send time is past."""

    def test_a_campaign_that_is_sending_is_not_edited(self, client: Client, uuid: str) -> None:
        client.sending(uuid)
        for body in (
            shifted(passona.THROTTLED),
            {"name": "Other"},
            {"pauses": []},
            {"expiry_date": "2090-01-01 00:00:00"},
            {"scheduled_finish_date": "2090-01-01 00:00:00", "manually_paused": True},
        ):
            refused(client("PUT", f"/campaigns/{uuid}", body), 423)
        refused(client("DELETE", f"/campaigns/{uuid}"), 423)
        assert client("GET", f"/campaigns/{uuid}").json()["data"]["name"] == "New Campaign"

    def test_a_campaign_whose_send_time_is_past_is_not_edited(
        self, client: Client, uuid: str
    ) -> None:
        client.conn.execute(
            "UPDATE campaigns SET scheduled_send_date = now() - interval '1 minute', "
            "next_dt = now() - interval '1 minute'"
        )
        refused(client("PUT", f"/campaigns/{uuid}", {"name": "Other"}), 423)
        refused(client("PUT", f"/campaigns/{uuid}", {"expiry_date": "2090-01-01 00:00:00"}), 423)

    @pytest.mark.parametrize("status", ["finished", "stopped", "failed"])
    def test_a_campaign_that_is_over_is_neither_edited_nor_paused(
        self, client: Client, uuid: str, status: str
    ) -> None:
        client.conn.execute("UPDATE campaigns SET status = %s", [status])
        refused(client("PUT", f"/campaigns/{uuid}", {"name": "Other"}), 423)
        refused(client("PUT", f"/campaigns/{uuid}/toggle-paused-status"), 423)

    def test_the_limits_that_go_beyond_the_documents_may_change(
        self, client: Client, uuid: str
    ) -> None:
        client.sending(uuid)
        answer = client("PUT", f"/campaigns/{uuid}", {"rate": "5/s"})
        assert (answer.status_code, answer.json()["data"]["rate"]) == (200, "5/s")


class TestManuallyPaused:
    """By editing or by the toggle, and in the middle of sending, too."""

    def test_by_editing_alone(self, client: Client, uuid: str) -> None:
        client.sending(uuid)
        for paused, told in ((True, True), (False, None), (True, True), (None, None)):
            answer = client("PUT", f"/campaigns/{uuid}", {"manually_paused": paused})
            assert answer.status_code == 200
            assert answer.json()["data"]["manually_paused"] is told

    def test_by_editing_the_campaign_as_a_whole(self, client: Client, uuid: str) -> None:
        client.sending(uuid)
        body = {**shifted(passona.THROTTLED), "manually_paused": True}
        answer = client("PUT", f"/campaigns/{uuid}", body)
        assert (answer.status_code, answer.json()["data"]["manually_paused"]) == (200, True)
        refused(client("PUT", f"/campaigns/{uuid}", {**body, "name": "x", "sender": "ACME"}), 423)

    def test_with_other_changes_before_it_is_sent(self, client: Client, uuid: str) -> None:
        answer = client("PUT", f"/campaigns/{uuid}", {"name": "Other", "manually_paused": True})
        told = answer.json()["data"]
        assert (told["name"], told["manually_paused"]) == ("Other", True)

    def test_a_campaign_that_is_not_throttled_may_be_paused_too(self, client: Client) -> None:
        uuid = client.campaign()
        paused = client("PUT", f"/campaigns/{uuid}/toggle-paused-status").json()["data"]
        assert paused["manually_paused"] is True
        resumed = client("PUT", f"/campaigns/{uuid}/toggle-paused-status").json()["data"]
        assert "manually_paused" not in resumed


class TestRefusals:
    """422, in Laravel's form, with the field's sentence; nothing is stored."""

    @pytest.mark.parametrize(
        ("changed", "field"),
        [
            ({"name": None}, "name"),
            ({"name": ""}, "name"),
            ({"sender": "ab"}, "sender"),
            ({"sender": "abcdefghijkl"}, "sender"),
            ({"scheduled_send_date": "tomorrow"}, "scheduled_send_date"),
            ({"scheduled_send_date": "2026-13-41 25:61:61"}, "scheduled_send_date"),
            ({"expiry_date": "2020-01-01 00:00:00"}, "expiry_date"),
            ({"included_contact_groups": []}, "included_contact_groups"),
            ({"included_contact_groups": ["x"]}, "included_contact_groups.0"),
            ({"included_contact_groups": [passona.CAMPAIGN]}, "included_contact_groups.0"),
            ({"included_contact_groups": [passona.OPTOUTS]}, "included_contact_groups.0"),
            ({"excluded_contact_groups": [passona.CAMPAIGN]}, "excluded_contact_groups.0"),
            ({"template_uuid": passona.CAMPAIGN}, "template_uuid"),
            ({"template_uuid": "x"}, "template_uuid"),
            ({"template_uuid": None}, "template"),
            ({"throttled": "true"}, "throttled"),
            ({"throttled": True}, "scheduled_finish_date"),
            ({"pauses": [{"start_at": "2090-01-01 00:00:00"}]}, "pauses.0.end_at"),
            ({"nick": "x"}, "nick"),
        ],
    )
    def test_a_bad_field(self, client: Client, changed: dict[str, Any], field: str) -> None:
        body = {**shifted(passona.CREATE), **changed}
        refused(client("POST", "/campaigns", body), 422, field)
        assert client("GET", "/campaigns").json()["meta"]["total"] == 0
        uuid = client.campaign()
        if field != "template":
            refused(client("PUT", f"/campaigns/{uuid}", changed), 422, field)

    def test_a_pause_that_ends_before_it_begins(self, client: Client) -> None:
        body = shifted(passona.THROTTLED)
        pause = body["pauses"][1]
        pause["end_at"] = pause["start_at"]
        refused(client("POST", "/campaigns", body), 422, "pauses.1.end_at")

    def test_a_uuid_that_is_used_for_something_else(self, client: Client) -> None:
        client.campaign(uuid=passona.CAMPAIGN)
        again = {**shifted(passona.CREATE), "uuid": passona.CAMPAIGN}
        assert client("POST", "/campaigns", again).status_code == 201, "the same campaign"
        refused(client("POST", "/campaigns", {**again, "name": "Other"}), 409)
        assert client("GET", "/campaigns").json()["meta"]["total"] == 1


class TestCallers:
    """A token, its scopes, and nothing of other teams."""

    OPERATIONS = (
        ("GET", "/campaigns", "read"),
        ("POST", "/campaigns", "send"),
        ("POST", "/campaigns/send-test", "send"),
        ("GET", "/campaigns/{}", "read"),
        ("PUT", "/campaigns/{}", "send"),
        ("PUT", "/campaigns/{}/toggle-paused-status", "send"),
        ("DELETE", "/campaigns/{}", "send"),
    )

    @pytest.mark.parametrize(("method", "path", "_"), OPERATIONS)
    def test_without_a_token(self, client: Client, method: str, path: str, _: str) -> None:
        for headers in ({"Authorization": "Bearer nonsense"}, {"Accept": "application/json"}):
            answer = client(method, path.format(passona.CAMPAIGN), headers=headers)
            refused(answer, 401)
            assert answer.headers["www-authenticate"].startswith("Bearer")

    @pytest.mark.parametrize(("method", "path", "scope"), OPERATIONS)
    def test_without_the_scope(
        self, client: Client, uuid: str, method: str, path: str, scope: str
    ) -> None:
        others = {"read", "write", "send"} - {scope}
        headers = client.door.token(client.team.id, *others)
        answer = client(method, path.format(uuid), shifted(passona.CREATE), headers=headers)
        assert scope in refused(answer, 403)

    def test_a_draft_needs_no_scope_to_send(self, client: Client) -> None:
        writer = client.door.token(client.team.id, "write")
        body = {**shifted(passona.CREATE), "status": "draft"}
        assert client("POST", "/campaigns", body, headers=writer).status_code == 201

    @pytest.mark.parametrize(("method", "path", "_"), OPERATIONS[3:])
    def test_a_campaign_of_another_team_is_as_none(
        self, client: Client, uuid: str, method: str, path: str, _: str
    ) -> None:
        other = client.door.token(teams.create(client.conn, "other").id)
        body = {"name": "Mine"} if method == "PUT" else None
        theirs = client(method, path.format(uuid), body, headers=other)
        none = client(method, path.format(passona.CAMPAIGN), body, headers=other)
        refused(theirs, 404)
        assert theirs.text == none.text.replace(passona.CAMPAIGN, uuid)

    def test_what_a_campaign_names_is_the_teams_own(self, client: Client) -> None:
        other = client.door.token(teams.create(client.conn, "other").id)
        answer = client("POST", "/campaigns", shifted(passona.CREATE), headers=other)
        refused(answer, 422, "included_contact_groups.0")


def test_too_many_requests(database: str, client: Client, tmp_path: Path) -> None:
    """429, with the seconds after which the next one is welcome."""
    folder = tmp_path / "slow"
    folder.mkdir()
    with doors.opened(database, client.conn, folder, SLUICE_WEB_RATE="1") as door:
        hasty = Client(door, client.team, client.headers)
        answers = [hasty("GET", "/campaigns") for _ in range(5)]
    assert answers[0].status_code == 200
    refused(answers[-1], 429)
    assert int(answers[-1].headers["retry-after"]) >= 1


class TestPages:
    """`page` and `per_page`, with links and numbers."""

    def test_pages(self, client: Client) -> None:
        uuids = [client.campaign(name=f"Campaign {n}") for n in range(5)]
        told = [client("GET", f"/campaigns?per_page=2&page={page}").json() for page in (1, 2, 3, 4)]
        seen = [one["uuid"] for page in told for one in page["data"]]
        assert seen == uuids[::-1]
        path = "http://testserver/api/2.0/campaigns"
        assert told[1]["links"] == {
            "first": f"{path}?per_page=2&page=1",
            "last": f"{path}?per_page=2&page=3",
            "prev": f"{path}?per_page=2&page=1",
            "next": f"{path}?per_page=2&page=3",
        }
        numbers = [
            [page["meta"][name] for name in ("current_page", "from", "to", "last_page", "total")]
            for page in told
        ]
        assert numbers == [[1, 1, 2, 3, 5], [2, 3, 4, 3, 5], [3, 5, 5, 3, 5], [4, None, None, 3, 5]]

    def test_as_the_document_writes_it(self, client: Client) -> None:
        client.campaign()
        assert client("GET", "/campaigns/?per_page=3").json()["meta"]["per_page"] == 3

    def test_tests_and_deleted_campaigns_are_not_listed(self, client: Client) -> None:
        client("POST", "/campaigns/send-test", shifted(passona.SEND_TEST))
        client("DELETE", f"/campaigns/{client.campaign()}")
        assert client("GET", "/campaigns").json()["data"] == []

    def test_the_number_is_right_whatever_becomes_of_campaigns(self, client: Client) -> None:
        """It is maintained: nobody counts a hundred thousand campaigns for a page of fifteen."""
        kept, deleted = client.campaign(), client.campaign()
        client("POST", "/campaigns", {**shifted(passona.CREATE), "sender": "x"})
        client("POST", "/campaigns/send-test", shifted(passona.SEND_TEST))
        client("DELETE", f"/campaigns/{deleted}")
        client("DELETE", f"/campaigns/{deleted}")
        client.conn.execute("UPDATE campaigns SET status = 'finished' WHERE id = %s", [kept])
        for _ in range(2):
            told = client("GET", "/campaigns").json()
            assert [one["uuid"] for one in told["data"]] == [kept]
            assert told["meta"]["total"] == 1
            store.fold_tallies(client.conn, 10)
        client.conn.execute("DELETE FROM campaigns")
        assert client("GET", "/campaigns").json()["meta"]["total"] == 0

    @pytest.mark.parametrize("query", ["per_page", "page"])
    @pytest.mark.parametrize("value", ["0", "-1", "9" * 30, "x", "1.5", "", "1;DROP", "%00"])
    def test_odd_sizes(self, client: Client, query: str, value: str) -> None:
        for path in ("/campaigns", "/contact-groups", "/templates"):
            refused(client("GET", f"{path}?{query}={value}"), 422, query)

    @pytest.mark.parametrize("value", ["1000000000", "1001"])
    def test_sizes_have_an_end(self, client: Client, value: str) -> None:
        assert "1000" in refused(client("GET", f"/campaigns?per_page={value}"), 422, "per_page")


class TestBeyond:
    """Fields that the documents lack: they come back where they were set, and only there."""

    def test_they_are_answered_where_they_were_set(self, client: Client) -> None:
        extra = {"rate": "50/s", "weight": 3, "timezone": "Europe/London", "leftover": "expire"}
        uuid = client.campaign(passona.THROTTLED, **extra)
        told = client("GET", f"/campaigns/{uuid}").json()["data"]
        assert {name: told[name] for name in extra} == extra
        plain = client("GET", f"/campaigns/{client.campaign()}").json()["data"]
        assert not plain.keys() & extra.keys()

    def test_a_text_instead_of_a_template(self, client: Client) -> None:
        uuid = client.campaign(template="Hi @first_name", template_uuid=None)
        told = client("GET", f"/campaigns/{uuid}").json()["data"]
        assert (told["template"], told["template_uuid"]) == ("Hi @first_name", None)

    def test_groups_as_one_text_with_commas(self, client: Client) -> None:
        """The document's table of fields has them as a string."""
        groups = f"{passona.OPTINS}, {passona.GROUP}"
        uuid = client.campaign(included_contact_groups=groups)
        told = client("GET", f"/campaigns/{uuid}").json()["data"]
        assert told["included_contact_groups"] == groups.split(", ")

    def test_times_are_utc_whatever_the_time_zone_is(self, client: Client) -> None:
        date = "2090-06-01T12:00:00+02:00"
        uuid = client.campaign(scheduled_send_date=date, expiry_date=None, timezone="Europe/Berlin")
        told = client("GET", f"/campaigns/{uuid}").json()["data"]
        assert told["scheduled_send_date"] == "2090-06-01 10:00:00"
        assert told["expiry_date"] == ""

    def test_numbers_in_custom_fields_of_a_test(self, client: Client) -> None:
        body = {**shifted(passona.SEND_TEST), "custom_fields": {"discount": 20}}
        assert client("POST", "/campaigns/send-test", body).status_code == 201


def test_a_campaign_goes_to_whom_it_should(client: Client) -> None:
    """The example's own groups: the included one without the excluded one."""
    contacts.add(client.conn, client.team, passona.OPTINS, [{"phone": "447713252151"}])
    contacts.add(client.conn, client.team, passona.OPTOUTS, [{"phone": "447785856985"}])
    body = {
        "included_contact_group_uuids": [passona.OPTINS],
        "excluded_contact_group_uuids": [passona.OPTOUTS],
    }
    told = client("POST", "/contact-groups/unique-contacts", body).json()
    assert [one["phone_number"] for one in told["data"]] == ["447713252151"]

"""What the documents say about contact groups beside their examples, and what goes beyond them."""

from __future__ import annotations

from typing import Any

import pytest

from campaigns.audience import contacts, groups, keywords
from campaigns.messaging import TASK_CHANGE_GROUP
from campaigns.team import teams
from tests.support import passona
from tests.support.passona import work
from tests.support.passona_client import Client, refused
from web import publishing

_GROUP = f"/contact-groups/{passona.OPTINS}"
_CHANGES = (
    ("PUT", "{}", passona.EDIT_GROUP),
    ("DELETE", "{}", None),
    ("PUT", "{}/add-contacts", passona.ADD),
    ("PUT", "{}/remove-contacts", passona.REMOVE),
    ("PUT", "{}/flush", None),
)
_READS = (("GET", "{}", None), ("GET", "{}/list-contacts", None), ("GET", "{}/jobs", None))
_OTHERS = (
    ("GET", "/contact-groups", None, "read"),
    ("POST", "/contact-groups", passona.CREATE_GROUP, "write"),
    ("POST", "/contact-groups/bulk-contacts", passona.BULK, "write"),
    ("POST", "/contact-groups/unique-contacts", passona.UNIQUE, "read"),
)


class TestLocked:
    """HTTP 423, locked: a campaign is sending with the group."""

    @pytest.mark.parametrize(("method", "path", "body"), _CHANGES)
    def test_while_a_campaign_is_sending(
        self, client: Client, method: str, path: str, body: Any
    ) -> None:
        uuid = client.campaign()
        client.sending(uuid)
        said = refused(client(method, path.format(_GROUP), body), 423)
        assert "New Campaign" in said
        client.conn.execute("UPDATE campaigns SET status = 'finished'")
        assert client(method, path.format(_GROUP), body).status_code in (200, 204)

    @pytest.mark.parametrize(("method", "path", "body"), [_CHANGES[0], *_CHANGES[3:]])
    def test_an_excluded_group_is_in_use_too(
        self, client: Client, method: str, path: str, body: Any
    ) -> None:
        client.sending(client.campaign())
        refused(client(method, path.format(f"/contact-groups/{passona.OPTOUTS}"), body), 423)

    def test_but_opt_outs_are_added_to_it(self, client: Client) -> None:
        client.sending(client.campaign())
        path = f"/contact-groups/{passona.OPTOUTS}/add-contacts"
        answer = client("PUT", path, passona.ADD)
        assert (answer.status_code, answer.json()["data"]["number_of_contacts"]) == (200, 2)

    def test_a_group_that_a_campaign_will_be_sent_to_is_changed_but_not_deleted(
        self, client: Client
    ) -> None:
        client.campaign()
        assert client("PUT", f"{_GROUP}/add-contacts", passona.ADD).status_code == 200
        refused(client("DELETE", _GROUP), 423)

    def test_default_optouts_keep_their_name_and_stay(self, client: Client) -> None:
        path = f"/contact-groups/{groups.find_default_optouts(client.conn, client.team.id).id}"
        refused(client("DELETE", path), 423)
        refused(client("PUT", path, {"name": "other"}), 423)
        refused(client("PUT", path, {"deletable": True}), 423)
        answer = client("PUT", path, {"description": "Who must not be asked"})
        assert answer.json()["data"]["description"] == "Who must not be asked"


def test_a_group_with_keywords_attached_is_in_conflict(client: Client) -> None:
    """409, until the keyword is gone."""
    now = client.door.context.now()
    keywords.create(client.conn, client.team.id, "sale", passona.GROUP, now=now)
    path = f"/contact-groups/{passona.GROUP}"
    assert "keyword 'sale'" in refused(client("DELETE", path), 409)
    assert client("GET", path).status_code == 200
    keywords.delete(client.conn, client.team.id, "sale")
    assert client("DELETE", path).status_code == 204


class TestRefusals:
    """422, in Laravel's form, with the field's sentence; nothing is stored."""

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "name"),
            ({"name": ""}, "name"),
            ({"name": 5}, "name"),
            ({"name": "x" * 101}, "name"),
            ({"name": "x", "description": "x" * 1001}, "description"),
            ({"name": "x", "deletable": "yes"}, "deletable"),
            ({"name": "x", "deleteable": True}, "deleteable"),
            ({"name": "Optins"}, "name"),
            ({"name": "x", "uuid": "y"}, "uuid"),
            ({"name": "x", "kind": "both"}, "kind"),
        ],
    )
    def test_a_bad_group(self, client: Client, body: dict[str, Any], field: str) -> None:
        refused(client("POST", "/contact-groups", body), 422, field)
        bulk = {"contacts": ["447787854121"], **body}
        refused(client("POST", "/contact-groups/bulk-contacts", bulk), 422, field)
        assert client("GET", "/contact-groups").json()["meta"]["total"] == 5
        if field in ("name", "description", "deletable") and body:
            answer = client("PUT", f"/contact-groups/{passona.GROUP}", body)
            refused(answer, 422, field)

    @pytest.mark.parametrize(
        ("contact", "field"),
        [
            ({"phone_number": "call me"}, "contacts.1.phone_number"),
            ({"phone_number": 447713252151}, "contacts.1.phone_number"),
            ({"custom_fields": {}}, "contacts.1"),
            ({"phone_number": "447713252151", "custom_fields": []}, "contacts.1.custom_fields"),
            ({"phone_number": "447713252151", "x": 1}, "contacts.1.x"),
            ("447713252151", "contacts.1"),
        ],
    )
    def test_a_bad_contact(self, client: Client, contact: Any, field: str) -> None:
        body = {"contacts": [passona.ADD["contacts"][0], contact]}
        said = refused(client("PUT", f"{_GROUP}/add-contacts", body), 422, field)
        assert "447713252151" not in said
        assert client("GET", _GROUP).json()["data"]["scheduled_jobs_number"] == 0

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "phone_numbers"),
            ({"phone_numbers": []}, "phone_numbers"),
            ({"phone_numbers": "447713252152"}, "phone_numbers"),
            ({"phone_numbers": ["447713252152", "Ann"]}, "phone_numbers.1"),
            ({"phone_numbers": [None]}, "phone_numbers.0"),
        ],
    )
    def test_bad_numbers(self, client: Client, body: dict[str, Any], field: str) -> None:
        refused(client("PUT", f"{_GROUP}/remove-contacts", body), 422, field)

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "included_contact_group_uuids"),
            ({"included_contact_group_uuids": []}, "included_contact_group_uuids"),
            ({"included_contact_group_uuids": ["x"]}, "included_contact_group_uuids.0"),
            (
                {"included_contact_group_uuids": [passona.CAMPAIGN]},
                "included_contact_group_uuids.0",
            ),
            (
                {
                    "included_contact_group_uuids": [passona.OPTINS],
                    "excluded_contact_group_uuids": [passona.OPTOUTS, passona.CAMPAIGN],
                },
                "excluded_contact_group_uuids.1",
            ),
        ],
    )
    def test_bad_groups_to_calculate_with(
        self, client: Client, body: dict[str, Any], field: str
    ) -> None:
        refused(client("POST", "/contact-groups/unique-contacts", body), 422, field)

    def test_numbers_that_no_plan_knows_are_left_out_and_named(self, client: Client) -> None:
        body = {"contacts": [*passona.ADD["contacts"], {"phone_number": "+449999999999"}]}
        assert client("PUT", f"{_GROUP}/add-contacts", body).status_code == 200
        work(client.conn)
        [job] = client("GET", f"{_GROUP}/jobs").json()["data"]
        assert (job["kind"], job["entries"], job["added"], job["invalid"]) == ("add", 3, 2, 1)
        [fault] = job["faults"]
        assert (fault["entry"], fault["field"]) == (2, "phone_number")
        assert "9999" not in str(job)


class TestCallers:
    """A token, its scopes, and nothing of other teams."""

    @pytest.mark.parametrize(("method", "path", "body"), [*_CHANGES, *_READS])
    def test_scopes_and_teams(self, client: Client, method: str, path: str, body: Any) -> None:
        here = path.format(_GROUP)
        refused(client(method, here, body, headers={"Accept": "*/*"}), 401)
        scope = "read" if method == "GET" else "write"
        others = {"read", "write", "send"} - {scope}
        lacking = client.door.token(client.team.id, *others)
        refused(client(method, here, body, headers=lacking), 403)
        stranger = client.door.token(teams.create(client.conn, "other").id)
        theirs = client(method, here, body, headers=stranger)
        none = path.format(f"/contact-groups/{passona.CAMPAIGN}")
        refused(theirs, 404)
        missing = client(method, none, body, headers=stranger)
        assert theirs.text == missing.text.replace(passona.CAMPAIGN, passona.OPTINS)
        assert client(method, here, body).status_code in (200, 204)

    @pytest.mark.parametrize(
        ("path", "body"),
        [("remove-contacts", {"phone_numbers": ["447713252152"]}), ("flush", None)],
    )
    def test_taking_opt_outs_back_lets_messages_go_out(
        self, client: Client, path: str, body: Any
    ) -> None:
        optouts = groups.create(client.conn, client.team.id, "no more", kind="optout").id
        writes = client.door.token(client.team.id, "write")
        sends = client.door.token(client.team.id, "write", "send")
        at = f"/contact-groups/{optouts}/{path}"
        refused(client("PUT", at, body, headers=writes), 403)
        assert client("PUT", at, body, headers=sends).status_code == 200
        optins = f"/contact-groups/{passona.OPTINS}/{path}"
        assert client("PUT", optins, body, headers=writes).status_code == 200

    @pytest.mark.parametrize(("method", "path", "body", "scope"), _OTHERS)
    def test_scopes_of_what_names_no_group(
        self, client: Client, method: str, path: str, body: Any, scope: str
    ) -> None:
        refused(client(method, path, body, headers={"Accept": "*/*"}), 401)
        others = {"read", "write", "send"} - {scope}
        lacking = client.door.token(client.team.id, *others)
        refused(client(method, path, body, headers=lacking), 403)

    def test_groups_of_other_teams_are_not_counted_with(self, client: Client) -> None:
        stranger = client.door.token(teams.create(client.conn, "other").id)
        answer = client("POST", "/contact-groups/unique-contacts", passona.UNIQUE, headers=stranger)
        refused(answer, 422, "included_contact_group_uuids.0")
        listed = client("GET", "/contact-groups", headers=stranger).json()
        assert [one["name"] for one in listed["data"]] == ["default_optouts"]


class TestContactPages:
    """Pages by number, and from page to page by their links."""

    @pytest.fixture
    def numbers(self, client: Client) -> list[str]:
        numbers = [f"4477132521{n}" for n in range(10, 17)]
        contacts.add(client.conn, client.team, passona.GROUP, [{"phone": one} for one in numbers])
        return numbers

    def test_by_number(self, client: Client, numbers: list[str]) -> None:
        path = f"/contact-groups/{passona.GROUP}/list-contacts?per_page=3&page="
        pages = [client("GET", f"{path}{page}").json() for page in (1, 2, 3, 4)]
        seen = [one["phone_number"] for page in pages for one in page["data"]]
        assert seen == numbers
        assert [page["meta"]["from"] for page in pages] == [1, 4, 7, None]
        assert [page["meta"]["to"] for page in pages] == [3, 6, 7, None]

    @pytest.mark.parametrize(("start", "follow"), [("1", "next"), ("3", "prev")])
    def test_by_following_the_links(
        self, client: Client, numbers: list[str], start: str, follow: str
    ) -> None:
        url = f"/api/2.0/contact-groups/{passona.GROUP}/list-contacts?per_page=3&page={start}"
        seen = []
        while url:
            page = client.door.client.get(url, headers=client.headers).json()
            seen.append([one["phone_number"] for one in page["data"]])
            url = page["links"][follow]
        assert seen[:: 1 if follow == "next" else -1] == [numbers[:3], numbers[3:6], numbers[6:]]

    @pytest.mark.parametrize("query", ["after=-1", "after=x", "before=9" + "9" * 20])
    def test_odd_positions(self, client: Client, query: str) -> None:
        path = f"/contact-groups/{passona.GROUP}/list-contacts"
        refused(client("GET", f"{path}?{query}"), 422, query.split("=")[0])
        refused(client("GET", f"{path}?after=1&before=2"), 422, "before")

    def test_contacts_without_a_number_have_an_empty_one(self, client: Client) -> None:
        contacts.add(client.conn, client.team, passona.GROUP, [{"email": "ann@example.com"}])
        told = client("GET", f"/contact-groups/{passona.GROUP}/list-contacts").json()
        assert told["data"][0]["phone_number"] == ""


def test_a_job_is_put_on_the_queue_once_it_is_stored(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[tuple[str, int]] = []

    def publish(_: object, task: str, row_id: int) -> None:
        found = client.conn.execute("SELECT FROM group_jobs WHERE id = %s", [row_id]).fetchone()
        assert found is not None, "committed"
        published.append((task, row_id))

    monkeypatch.setattr(publishing.Publisher, "__call__", publish)
    client("PUT", f"{_GROUP}/add-contacts", passona.ADD)
    client("PUT", f"{_GROUP}/remove-contacts", passona.REMOVE)
    client("PUT", f"{_GROUP}/flush")
    client("POST", "/contact-groups/bulk-contacts", passona.BULK)
    stored = client.conn.execute("SELECT id FROM group_jobs ORDER BY id").fetchall()
    assert published == [(TASK_CHANGE_GROUP, row["id"]) for row in stored]
    assert len(stored) == 4


def test_an_opt_out_group_is_created_by_its_kind(client: Client) -> None:
    body = {**passona.CREATE_GROUP, "name": "STOP", "kind": "optout"}
    uuid = client("POST", "/contact-groups", body).json()["data"]["uuid"]
    assert groups.find(client.conn, client.team.id, uuid).kind == "optout"
    campaign = {**passona.shifted(passona.CREATE), "included_contact_groups": [uuid]}
    refused(client("POST", "/campaigns", campaign), 422, "included_contact_groups.0")

"""CSV import: what is stored, and what is rejected and why."""

from __future__ import annotations

import json

import pytest

from campaigns.audience import contacts, groups
from campaigns.audience.csv_records import LONGEST_LINE
from campaigns.audience.importing import Progress
from tests.fakes.webpush import KEYS
from tests.support.importer import NAMED, Importer, counts

from .conftest import MakeCampaign


def test_addresses_are_normalised_and_other_columns_become_fields(importer: Importer) -> None:
    result = importer("Mobile,E-Mail,First Name,Last-name\n07785 856985,Ann@Example.COM, Ann ,\n")
    assert counts(result) == {"lines": 1, "added": 1}
    assert importer.stored() == [("447785856985", "ann@example.com", {"first_name": "Ann"})]
    assert importer.rejected() == []
    headers = groups.find(importer.conn, importer.team.id, "customers").headers
    assert headers == ["first_name", "last_name"]


def test_same_file_twice_changes_nothing(importer: Importer) -> None:
    assert counts(importer(NAMED)) == {"lines": 2, "added": 2}
    query = "SELECT xmin::text, ctid::text, * FROM contacts ORDER BY id"
    before = importer.conn.execute(query).fetchall()
    assert counts(importer(NAMED)) == {"lines": 2, "unchanged": 2}
    assert importer.conn.execute(query).fetchall() == before


def test_changed_lines_update_and_leave_the_rest_as_it_was(importer: Importer) -> None:
    importer("phone,email,name\n07785856985,a@example.com,Ann\n07785856986,,Bob\n")
    result = importer("phone,name,city\n07785856985,Anna,\n07785856986,,Bath\n07785856987,,\n")
    assert counts(result) == {"lines": 3, "added": 1, "updated": 2}
    assert importer.stored() == [
        ("447785856985", "a@example.com", {"name": "Anna"}),
        ("447785856986", None, {"name": "Bob", "city": "Bath"}),
        ("447785856987", None, {}),
    ]


def test_first_of_several_lines_with_one_address_wins(importer: Importer) -> None:
    result = importer("phone,name\n07785856985,Ann\n+447785856985,Other\n00447785856985,Third\n")
    assert counts(result) == {"lines": 3, "added": 1, "duplicates": 2}
    assert importer.stored() == [("447785856985", None, {"name": "Ann"})]
    assert importer.rejected() == [
        (3, "phone is the same as on line 2"),
        (4, "phone is the same as on line 2"),
    ]


def test_subscriptions_are_columns_or_the_browsers_json(importer: Importer) -> None:
    """With quoted cells, the JSON's own quotes are doubled (RFC 4180)."""
    endpoint = "https://push.example.com/"
    subscription = json.dumps({"endpoint": f"{endpoint}b", "keys": KEYS}).replace('"', '""')
    p256dh, auth = KEYS["p256dh"], KEYS["auth"]
    result = importer(
        "endpoint,webpush_p256dh,webpush_auth,phone\n"
        f"{endpoint}a,{p256dh},{auth},\n"
        f'"{subscription}",,,\n'
        f"{endpoint}c,{p256dh},,\n"
        f"{endpoint}d,{p256dh[:-4]},{auth},\n"
        f'"{{""endpoint"": ""{endpoint}e""}}",,,\n'
        f",{p256dh},{auth},07785856985\n"
    )
    assert counts(result) == {"lines": 6, "added": 2, "invalid": 4}
    page = contacts.list_page(importer.conn, importer.team, "customers")
    keys = {"webpush_p256dh": p256dh, "webpush_auth": auth}
    assert [(one.webpush, one.fields) for one in page] == [
        (f"{endpoint}a", keys),
        (f"{endpoint}b", keys),
    ]
    assert importer.rejected() == [
        (4, "custom_fields 'webpush_p256dh' needs the other key of its endpoint"),
        (
            5,
            "custom_fields 'webpush_p256dh' must be an uncompressed point of P-256, 65 bytes in "
            "base64url",
        ),
        (6, 'webpush must be an endpoint, or a subscription {"endpoint": .., "keys": ..} as JSON'),
        (7, "custom_fields 'webpush_p256dh' needs the address webpush"),
    ]
    assert groups.find(importer.conn, importer.team.id, "customers").headers == []


def test_rejected_lines_say_where_and_why_but_not_what(importer: Importer) -> None:
    result = importer(
        b"phone,email,note\n"
        b"12345,,too short\n"
        b"07785856985,nobody,bad mail\n"
        b",,no address\n"
        b"07785856985,a@example.com\n"
        b"07785856985,a@example.com,x,y\n"
        b"0778\x005856985,,nul\n"
        b"07785856985,," + b"x" * 1001 + b"\n"
        b'07785856985,,"a"b\n'
        b"\n"
        b"07785856985,,fine\n"
    )
    assert counts(result) == {"lines": 9, "added": 1, "invalid": 8}
    assert importer.rejected() == [
        (2, "phone is not a valid number in GB, nor an international one"),
        (3, "email is not an e-mail address"),
        (4, "the line has no address"),
        (5, "the line has 2 columns instead of 3"),
        (6, "the line has 4 columns instead of 3"),
        (7, "the line contains NUL bytes"),
        (8, "custom_fields 'note' has more than 1000 characters"),
        (9, "the line has text after a closing quotation mark"),
    ]
    assert importer.stored() == [("447785856985", None, {"note": "fine"})]


def test_line_of_ten_megabytes_is_rejected_and_the_next_one_read(importer: Importer) -> None:
    result = importer(
        b"phone,note\n07785856985," + b"x" * 10_000_000 + b"\n07785856986,short\n07785856987,"
        b"no line end"
    )
    assert counts(result) == {"lines": 3, "added": 2, "invalid": 1}
    assert importer.rejected() == [(2, f"the line is longer than {LONGEST_LINE} bytes")]


def test_quoted_cells_hold_delimiters_quotes_and_line_ends(importer: Importer) -> None:
    importer('phone,note\n07785856985,"one, ""two""\r\nthree"\n1,x\n')
    assert importer.stored() == [("447785856985", None, {"note": 'one, "two"\r\nthree'})]
    assert [line for line, _ in importer.rejected()] == [4]


def test_stray_quotation_mark_costs_one_line_and_no_other(importer: Importer) -> None:
    result = importer(
        'phone,note\n07785856985,"open\n07785856986,"quoted"\n07785856987,x\n07785856988,"end\n'
    )
    assert counts(result) == {"lines": 4, "added": 2, "invalid": 2}
    assert [line for line, _ in importer.rejected()] == [2, 5]
    assert [phone for phone, _, _ in importer.stored()] == ["447785856986", "447785856987"]


def test_unclosed_quotation_mark_in_a_long_file_costs_one_line(importer: Importer) -> None:
    many = "".join(f"a{n}@example.com,{'x' * 500}\n" for n in range(3000))
    result = importer('email,note\nfirst@example.com,"open\n' + many)
    assert counts(result) == {"lines": 3001, "added": 3000, "invalid": 1}
    assert importer.rejected() == [
        (2, "the line opens a quotation mark that is not closed properly")
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_taken_from_the_header(importer: Importer, delimiter: str) -> None:
    result = importer(NAMED.replace(",", delimiter))
    assert (result.delimiter, result.added) == (delimiter, 2)


def test_delimiter_by_name_goes_before_what_the_header_suggests(importer: Importer) -> None:
    result = importer("phone;a,b\n07785856985;x,y\n", delimiter="semicolon")
    assert result.added == 1
    assert importer.stored()[0][2] == {"a_b": "x,y"}


def test_single_column_of_addresses_is_a_list(importer: Importer) -> None:
    assert importer("msisdn\r\n447785856985\r\n447785856986").added == 2


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("utf-8", "phone,name\n07785856985,Zoë\n".encode("utf-8-sig")),
        ("utf-8", "phone,name\n07785856985,Zoë\n".encode()),
        ("cp1252", "phone,name\n07785856985,Zoë\n".encode("cp1252")),
        ("latin-1", "phone,name\n07785856985,Zoë\n".encode("latin-1")),
    ],
)
def test_encodings_and_byte_order_mark(importer: Importer, encoding: str, content: bytes) -> None:
    importer(content, encoding=encoding)
    assert importer.stored() == [("447785856985", None, {"name": "Zoë"})]


def test_mapping_goes_before_recognition(importer: Importer) -> None:
    importer(
        "Handset,Mobile,Town,Junk\n07785856985,first,Bath,x\n",
        mapping={"handset": "phone", "Mobile": "nickname", "Town": "City", "Junk": "-"},
    )
    assert importer.stored() == [("447785856985", None, {"nickname": "first", "city": "Bath"})]


def test_region_of_the_call_goes_before_the_teams(importer: Importer) -> None:
    importer("phone\n0170 1234567\n", region="DE")
    assert importer.stored()[0][0] == "491701234567"


def test_header_alone_is_an_empty_list(importer: Importer) -> None:
    assert counts(importer("phone,name\n")) == {}


def test_opt_outs_are_imported_while_a_campaign_is_sending_each_address_for_itself(
    importer: Importer, make_campaign: MakeCampaign
) -> None:
    optouts = groups.find(importer.conn, importer.team.id, "default_optouts")
    make_campaign("sending", include=[], exclude=[optouts.id])
    result = importer(
        "phone,email\n07785856985,a@example.com\n07785856985,b@example.com\n",
        group="default_optouts",
    )
    assert counts(result) == {"lines": 2, "added": 3, "duplicates": 1}
    page = contacts.list_page(importer.conn, importer.team, "default_optouts")
    assert {one.phone or one.email for one in page} == {
        "447785856985",
        "a@example.com",
        "b@example.com",
    }


def test_progress_counts_bytes_and_lines_up_to_the_whole(importer: Importer) -> None:
    seen: list[Progress] = []
    body = "".join(f"a{n}@example.com\n" for n in range(12_000))
    importer("email\nnobody\n" + body, progress=seen.append)
    assert [one.stage for one in seen] == ["reading", "reading", "reading", "storing"]
    assert [one.bytes_read for one in seen] == sorted(one.bytes_read for one in seen)
    last = seen[-1]
    assert last.bytes_read == last.bytes_total == importer.file.stat().st_size
    assert (last.lines, last.invalid) == (12_001, 1)

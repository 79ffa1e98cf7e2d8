"""CSV import: what is stored, what is rejected and why, and what refuses the whole file."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from campaigns.audience import contacts, groups
from campaigns.audience.csv_records import LONGEST_LINE
from campaigns.audience.groups import Group
from campaigns.audience.importing import ImportResult, Progress, import_csv
from campaigns.database import Connection
from campaigns.errors import Invalid, Locked
from campaigns.team.teams import Team

from .conftest import MakeCampaign

NAMED = "phone,First Name\n07785856985,Ann\n07785856986,Bob\n"


class Importer:
    """Imports a text as a file into the group ``customers``."""

    def __init__(self, conn: Connection, team: Team, folder: Path) -> None:
        self.conn = conn
        self.team = team
        self.file = folder / "list.csv"
        self.rejects = folder / "rejects.csv"

    def __call__(
        self, content: str | bytes, group: str = "customers", **options: Any
    ) -> ImportResult:
        raw = content if isinstance(content, bytes) else content.encode()
        self.file.write_bytes(raw)
        return import_csv(self.conn, self.team, group, self.file, rejects=self.rejects, **options)

    def stored(self) -> list[tuple[str | None, str | None, dict[str, str]]]:
        page = contacts.list_page(self.conn, self.team, "customers", limit=1000)
        return [(one.phone, one.email, one.fields) for one in page]

    def rejected(self) -> list[tuple[int, str]]:
        with self.rejects.open(newline="") as file:
            return [(int(row["line"]), row["reason"]) for row in csv.DictReader(file)]

    def refused(self, content: str | bytes, **options: Any) -> str:
        with pytest.raises(Invalid) as refusal:
            self(content, **options)
        assert self.stored() == []
        assert not self.rejects.exists()
        assert list(self.rejects.parent.iterdir()) == [self.file]
        return str(refusal.value)


@pytest.fixture
def importer(conn: Connection, team: Team, group: Group, tmp_path: Path) -> Importer:
    return Importer(conn, team, tmp_path)


def counts(result: ImportResult) -> dict[str, int]:
    names = ("lines", "added", "updated", "unchanged", "duplicates", "invalid")
    return {name: value for name in names if (value := getattr(result, name))}


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


@pytest.mark.parametrize(
    ("content", "options", "sentence"),
    [
        (b"", {}, "file: 'list.csv' is empty."),
        (b"\n \n", {}, "file: 'list.csv' is empty."),
        (
            "phone,name\n07785856985,Ann\n07785856986,Zoë\n".encode("latin-1"),
            {},
            "file: 'list.csv' is not utf-8: line 3 cannot be decoded at byte 41 of the file; "
            "name its encoding, for example cp1252.",
        ),
        ("phone\n07785856985\n".encode("utf-16"), {}, "file: 'list.csv' is UTF-16; save it as"),
        (NAMED, {"encoding": "klingon"}, "encoding: 'klingon' is not a known text encoding."),
        (NAMED, {"encoding": "utf-16"}, "encoding: 'utf-16' is not supported; save the file"),
        (NAMED, {"encoding": "utf-7"}, "encoding: 'utf-7' is not supported; save the file"),
        (NAMED, {"encoding": "idna"}, "encoding: 'idna' is not supported; save the file"),
        (NAMED, {"encoding": "unicode_escape"}, "encoding: 'unicode_escape' is not supported"),
        (
            NAMED,
            {"delimiter": ";"},
            "file: has one column with delimiter semicolon; try comma.",
        ),
        (NAMED, {"delimiter": "x"}, "delimiter: 'x' must be one of comma, semicolon, tab"),
        (
            "name,town\nAnn,Bath\n",
            {},
            "file: has no column for an address (phone, email, telegram, viber, webpush); "
            "found are 'name', 'town'; map one of them, for example 'Handset=phone'.",
        ),
        ("447785856985,Ann\n", {}, "file: begins with a contact; its first line must name"),
        ("ann@example.com\n", {}, "file: begins with a contact; its first line must name"),
        ("phone,mobile\n", {}, "file: columns 1 and 2 both mean 'phone'; map one of them"),
        ("phone,A b,a-b\n", {}, "file: columns 2 and 3 both mean 'a_b'; map one of them"),
        ("phone,姓名\n", {}, "file: column 2: a name needs at least one letter a-z or digit; map"),
        (NAMED, {"mapping": {"Town": "city"}}, "map: 'Town' is not a column of the file; found"),
        (NAMED, {"mapping": {"First Name": ""}}, "map: 'First Name' needs a target; '-' leaves"),
        (
            "phone," + ",".join(f"c{n}" for n in range(30_000)) + "\n",
            {},
            "file: has more than 100 columns of custom fields.",
        ),
        ("phone\r07785856985\r", {}, "file: has lines that end in CR alone; save it with LF"),
        (b"pho\0ne\n", {}, "file: line 1, the header, contains NUL bytes."),
        (b"x" * (LONGEST_LINE + 1), {}, f"file: line 1, the header, is longer than {LONGEST_LINE}"),
        ('"phone\n07785856985\n', {}, "file: 'list.csv' line 1, the header, opens a quotation"),
        (NAMED, {"region": "XX"}, "default_region: 'XX' is not an ISO 3166 code such as GB."),
    ],
)
def test_file_that_cannot_be_understood_is_refused_in_one_sentence(
    importer: Importer, content: str | bytes, options: dict[str, Any], sentence: str
) -> None:
    said = importer.refused(content, **options)
    assert said.startswith(sentence)
    assert "\n" not in said
    for address in ("447785856985", "07785856985", "ann@example.com"):
        assert address not in said


def test_header_alone_is_an_empty_list(importer: Importer) -> None:
    assert counts(importer("phone,name\n")) == {}


def test_wrong_encoding_late_in_the_file_stores_nothing(importer: Importer) -> None:
    many = "".join(f"a{n}@example.com\n" for n in range(12_000)).encode()
    assert "line 12002 cannot be decoded" in importer.refused(
        b"email\n" + many + b"\xff\xfe@b.com\n"
    )


def test_missing_file_folder_and_unwritable_rejects_are_named(
    importer: Importer, tmp_path: Path
) -> None:
    conn, team = importer.conn, importer.team
    with pytest.raises(Invalid, match=r"'none\.csv' cannot be read: no such file or directory"):
        import_csv(conn, team, "customers", tmp_path / "none.csv")
    with pytest.raises(Invalid, match="is not a regular file"):
        import_csv(conn, team, "customers", tmp_path)
    importer.file.write_text(NAMED)
    with pytest.raises(Invalid, match="cannot be written"):
        import_csv(conn, team, "customers", importer.file, rejects=tmp_path / "no" / "r.csv")
    with pytest.raises(Invalid, match="is the file that is to be imported"):
        import_csv(conn, team, "customers", importer.file, rejects=importer.file)
    with pytest.raises(Invalid, match=r"rejects: '.* is not a regular file"):
        import_csv(conn, team, "customers", importer.file, rejects=tmp_path)
    assert importer.file.read_text() == NAMED
    assert importer.stored() == []


def test_refused_import_keeps_the_reject_file_of_the_one_before(importer: Importer) -> None:
    importer("phone\n123\n")
    before = importer.rejects.read_bytes()
    with pytest.raises(Invalid):
        importer(b"phone\n\xff\n")
    assert importer.rejects.read_bytes() == before


def test_group_in_use_is_refused(
    importer: Importer, group: Group, make_campaign: MakeCampaign
) -> None:
    make_campaign("sending", include=[group.id])
    with pytest.raises(Locked, match="sending"):
        importer(NAMED)
    assert importer.stored() == []


def test_campaign_that_starts_while_the_file_is_read_locks_it_out(
    importer: Importer, group: Group, make_campaign: MakeCampaign
) -> None:
    def start(progress: Progress) -> None:
        if progress.stage == "storing":
            make_campaign("sending", include=[group.id])

    with pytest.raises(Locked, match="sending"):
        importer(NAMED, progress=start)
    assert importer.stored() == []


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


def test_interrupted_import_stores_nothing_and_can_be_repeated(importer: Importer) -> None:
    def interrupt(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        importer(NAMED, progress=interrupt)
    assert importer.stored() == []
    assert not importer.rejects.exists()
    assert importer(NAMED).added == 2

"""CSV import: what refuses the whole file, and what is left then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from campaigns.audience.csv_records import LONGEST_LINE
from campaigns.audience.groups import Group
from campaigns.audience.importing import Progress, import_csv
from campaigns.errors import Invalid, Locked
from tests.support.importer import NAMED, Importer

from .conftest import MakeCampaign


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


def test_interrupted_import_stores_nothing_and_can_be_repeated(importer: Importer) -> None:
    def interrupt(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        importer(NAMED, progress=interrupt)
    assert importer.stored() == []
    assert not importer.rejects.exists()
    assert importer(NAMED).added == 2

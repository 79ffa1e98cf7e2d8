"""What people and programs see."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from rich.console import Console

from cli import output
from cli.output import Column

ID = UUID("dc8a7564-fb1e-11e9-abb5-0242ac120008")


def printed(part: object, width: int = 80) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width, markup=False).print(part)
    return stream.getvalue()


def test_times_are_utc_whatever_zone_they_came_in() -> None:
    moment = datetime(2030, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    assert output.cell(moment) == "2029-12-31 23:00:00"
    assert output.plain(moment) == "2029-12-31 23:00:00"


def test_control_characters_never_reach_the_terminal() -> None:
    assert output.cell("a\x1b[2Jb") == "a\N{REPLACEMENT CHARACTER}[2Jb"
    assert "\x1b" not in output.text("one\ntwo\x1b").plain


def test_an_id_is_never_cut_or_broken_at_80_columns() -> None:
    columns = (Column("uuid", whole=True), Column("n", "right", whole=True), Column("name"))
    shown = printed(output.table(columns, [(ID, 1_500_000, "x" * 200)]))
    assert str(ID) in shown
    assert "1,500,000" in shown
    assert all(len(line) <= 80 for line in shown.splitlines())


def test_numbers_stand_below_each_other() -> None:
    columns = (Column("what"), Column("count", "right", whole=True))
    lines = printed(output.table(columns, [("a", 1), ("b", 1000)])).splitlines()
    assert len({line.rstrip()[-1:] and len(line.rstrip()) for line in lines}) == 1


def test_brackets_in_a_name_are_no_markup() -> None:
    assert "[red]x[/red]" in printed(output.facts([("name", "[red]x[/red]")]))


def test_everything_that_is_shown_has_one_json_form() -> None:
    value = {"id": ID, "at": datetime(2030, 1, 1, tzinfo=UTC), "t": (1, None), "s": timedelta(1)}
    assert output.plain(value) == {
        "id": str(ID),
        "at": "2030-01-01 00:00:00",
        "t": [1, None],
        "s": 86400.0,
    }
    with pytest.raises(TypeError):
        output.plain(object())


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:secret@host:5432/db?password=x", "postgresql://host:5432/db"),
        ("redis://:secret@[::1]:6379/0", "redis://[::1]:6379/0"),
        ("https://user:secret@example.org/send?key=secret", "https://example.org/send"),
        ("http://host:notaport/", "(not a URL)"),
    ],
)
def test_urls_are_shown_without_their_secrets(url: str, shown: str) -> None:
    assert output.without_secrets(url) == shown

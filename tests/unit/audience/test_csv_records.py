"""Reading CSV: every record once, right line numbers, and little memory whatever comes."""

from __future__ import annotations

import csv
import io
import tracemalloc

from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.audience.csv_records import LONGEST_LINE, BadLine, Lines, Record, records

cells = st.text("ab ,;\"'\n\r\té", max_size=6)
rows = st.lists(st.lists(cells, min_size=1, max_size=4), max_size=8)


def read(raw: bytes) -> list[Record | BadLine]:
    return list(records(Lines(io.BytesIO(raw), "list.csv", "utf-8"), ","))


@given(table=rows, end=st.sampled_from(["\n", "\r\n"]))
def test_what_a_csv_writer_wrote_is_read_back(table: list[list[str]], end: str) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(table)
    found = read(text.getvalue().encode())
    assert [list(record.cells) for record in found if isinstance(record, Record)] == table
    lines = 1
    for record, row in zip(found, table, strict=True):
        assert record.line == lines
        lines += 1 + sum(cell.count("\n") for cell in row)


@settings(max_examples=200)
@given(text=st.text('a,"\n\r\0', max_size=60))
def test_whatever_comes_each_line_is_reported_once_at_most_and_in_order(text: str) -> None:
    found = read(text.encode())
    numbers = [one.line for one in found]
    assert numbers == sorted(set(numbers))
    assert all(1 <= number <= text.count("\n") + 1 for number in numbers)


@settings(max_examples=150)
@given(junk=st.text('a,"', min_size=1, max_size=10))
def test_good_lines_after_a_bad_one_are_read(junk: str) -> None:
    found = read(f'{junk}\n"x",y\n"z",w\n'.encode())
    assert [record.cells for record in found if isinstance(record, Record)][-2:] == [
        ["x", "y"],
        ["z", "w"],
    ]


def test_lines_of_ten_megabytes_and_an_open_quotation_mark_take_bounded_memory() -> None:
    long = b"x" * 10_000_000 + b"\n"
    file = io.BytesIO(long + b'"open\n' + long + b'x,"' + long)
    tracemalloc.start()
    try:
        found = list(records(Lines(file, "list.csv", "utf-8"), ","))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [(one.line, type(one)) for one in found] == [(n, BadLine) for n in (1, 2, 3, 4)]
    assert peak < 5 * LONGEST_LINE


def test_quoted_field_over_too_many_lines_costs_its_first_line_only() -> None:
    many = b"".join(b"%d,y\n" % n for n in range(50_000))
    found = read(b'a,"open\n' + many)
    assert found[0] == BadLine(1, "opens a quotation mark that is not closed properly")
    assert len(found) == 50_001
    assert found[-1] == Record(50_001, ["49999", "y"])


def test_record_of_many_lines_is_bounded_as_a_whole() -> None:
    cell = b'"' + b"x" * 100_000 + b"\n" + b'"'
    found = read(b",".join([cell] * 20) + b"\n")
    assert found[0] == BadLine(1, f"begins a record of more than {LONGEST_LINE} characters")

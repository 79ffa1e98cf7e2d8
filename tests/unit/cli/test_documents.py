"""JSON documents are read without mercy: what two readers could read differently is refused."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from cli import documents
from cli.documents import DocumentError, read_object


@pytest.fixture
def written(tmp_path: Path):
    def write(content: bytes) -> str:
        file = tmp_path / "campaign.json"
        file.write_bytes(content)
        return str(file)

    return write


def test_an_object_is_read_as_it_stands(written) -> None:
    assert read_object(written('{"name": "Frühling", "n": 1, "l": [{"a": null}]}'.encode())) == {
        "name": "Frühling",
        "n": 1,
        "l": [{"a": None}],
    }


def test_a_byte_order_mark_is_no_content(written) -> None:
    assert read_object(written(b'\xef\xbb\xbf{"a": 1}')) == {"a": 1}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"a": 1,\n  "b" 2}', "line 2, column 7"),
        (b"", "line 1, column 1"),
        (b"[1, 2]", "must hold one JSON object"),
        (b'"text"', "must hold one JSON object"),
        (b'{"a": 1, "a": 2}', "'a' twice"),
        (b'{"x": {"a": 1, "a": 1}}', "'a' twice"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": "\xff"}', "not UTF-8 (byte 7)"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": ' + b"9" * 5000 + b"}", "a number of too many digits"),
        (b'{"a": 1} {"b": 2}', "line 1, column 10"),
    ],
)
def test_anything_else_is_one_sentence(written, content: bytes, words: str) -> None:
    with pytest.raises(DocumentError) as refused:
        read_object(written(content))
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_name_that_steers_terminals_is_shown_harmlessly(written) -> None:
    with pytest.raises(DocumentError) as refused:
        read_object(written(b'{"\\u001b[2J": 1, "\\u001b[2J": 2}'))
    assert "\x1b" not in str(refused.value)


def test_a_file_that_is_not_there_or_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="No such file"):
        read_object(str(tmp_path / "none.json"))
    with pytest.raises(DocumentError, match="cannot be read"):
        read_object(str(tmp_path))


def test_a_file_beyond_all_measure_is_refused(written, monkeypatch) -> None:
    monkeypatch.setattr(documents, "LARGEST", 10)
    assert read_object(written(b'{"a": 123}')) == {"a": 123}
    with pytest.raises(DocumentError, match="larger than 10 bytes"):
        read_object(written(b'{"a": 1234}'))


def test_a_dash_is_standard_input(monkeypatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"a": 1}')))
    assert read_object("-") == {"a": 1}

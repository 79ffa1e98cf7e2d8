"""A compiled template gives the JSON that filling in its texts one by one would give."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.adapters.body_template import BodyTemplate

KNOWN = frozenset({"name", "left"})
OPTIONAL = frozenset({"left"})


def render(template: Any, name: str, left: int | None = None) -> Any:
    compiled = BodyTemplate(template, known=KNOWN, optional=OPTIONAL)
    return json.loads(compiled.render({"name": name, "left": left}))


@given(st.text(), st.text(), st.text())
def test_any_value_between_any_texts(before: str, value: str, after: str) -> None:
    def plain(text: str) -> str:
        return text.replace("{", "{{").replace("}", "}}")

    template = {"whole": "{name}", "inside": plain(before) + "{name}" + plain(after)}
    assert render(template, value) == {"whole": value, "inside": before + value + after}


@given(
    st.recursive(
        st.booleans() | st.integers() | st.text(alphabet="abc \"'\\\n\0é😀"),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_what_holds_no_placeholder_stays_as_it_is(value: Any) -> None:
    assert render({"x": value}, "") == {"x": value}


def test_a_number_stays_one_where_it_is_the_whole_value() -> None:
    assert render({"a": "{left}", "b": "{left}s"}, "", 5) == {"a": 5, "b": "5s"}


def test_what_needs_a_missing_value_is_left_out_at_any_depth() -> None:
    template = {"a": {"b": ["{left}", {"c": "x{left}", "d": "{name}"}]}, "e": "{left}"}
    assert render(template, "n") == {"a": {"b": [{"d": "n"}]}}
    assert render(template, "n", 1) == {"a": {"b": [1, {"c": "x1", "d": "n"}]}, "e": 1}


@pytest.mark.parametrize("text", ["{", "}", "{}", "{other}", "{name.x}", "{name!s}", "{name:x}"])
def test_a_mistake_is_found_when_compiling(text: str) -> None:
    with pytest.raises(ValueError):
        BodyTemplate({"a": [{"b": text}]}, known=KNOWN, optional=OPTIONAL)

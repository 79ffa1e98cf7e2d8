"""The rules of templates, as campaigns.template.render states them."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.template import render

FIELDS = {"first_name": "Ann", "title": "Ms"}
VARIABLES = {"city": "Bath", "City": "Wells"}

names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)


def text_of(template: str) -> str:
    return render.compile(template).render(FIELDS, VARIABLES)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("Hello @first_name!", "Hello Ann!"),
        ("@FIRST_NAME @First_Name", "Ann Ann"),
        ("@title.@first_name", "Ms.@first_name"),
        ("(@first_name)", "(Ann)"),
        ("こんにちは@first_nameさん", "こんにちはAnnさん"),
        ("Sun in {city}, {City}", "Sun in Bath, Wells"),
        ("{city}{city}", "BathBath"),
    ],
)
def test_fields_and_variables_are_put_in(template: str, text: str) -> None:
    assert text_of(template) == text


@pytest.mark.parametrize(
    "template",
    [
        "",
        "Write to info@example.com or a.b-c_d@first_name",
        "5 @ 3",
        "@",
        "@1st",
        "@é",
        "{ city } {} {1} {a-b} } {",
        '{"messages":[{"body":{"textMessage":{"content":"Hi"}}}]}',
    ],
)
def test_every_other_sign_stands_for_itself(template: str) -> None:
    assert text_of(template) == template


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("@@first_name", "@first_name"),
        ("@@@first_name", "@Ann"),
        ("a@@b", "a@b"),
        ("{{city}}", "{city}"),
        ("{{{city}}}", "{{city}}"),
        ('{"t":{"c":"{city}"}}', '{"t":{"c":"Bath"}}'),
    ],
)
def test_doubling_makes_a_sign_literal(template: str, text: str) -> None:
    assert text_of(template) == text


def test_a_missing_field_is_empty_text_and_nothing_around_it_changes() -> None:
    assert text_of("Dear @surname, hello") == "Dear , hello"


def test_what_was_put_in_is_not_looked_at_again() -> None:
    template = render.compile("@a {b}")
    assert template.render({"a": "{b} @@"}, {"b": "@a {{x}}"}) == "{b} @@ @a {{x}}"


def test_a_variable_that_is_not_given_is_never_dropped_silently() -> None:
    with pytest.raises(KeyError, match="city"):
        render.compile("{city}").render(FIELDS)
    with pytest.raises(KeyError, match="city"):
        render.compile("{city}").bind({})


def test_a_template_knows_what_it_asks_for() -> None:
    template = render.compile("@A @a @@b {C} {{d}}")
    assert (template.fields, template.variables) == ({"a"}, {"C"})


@given(st.text())
def test_an_escaped_text_comes_out_as_it_was(text: str) -> None:
    escaped = re.sub(r"\{[A-Za-z_][A-Za-z0-9_]*\}", r"{\g<0>}", text.replace("@", "@@"))
    assert render.compile(escaped).render({}) == text


@given(
    st.lists(
        st.tuples(st.sampled_from(["field", "variable", "text"]), names, st.text()), max_size=8
    )
)
def test_a_text_is_the_sum_of_its_parts(parts: list[tuple[str, str, str]]) -> None:
    fields = {name.lower(): value for kind, name, value in parts if kind == "field"}
    variables = {name: value for kind, name, value in parts if kind == "variable"}
    spelled = {"field": "@{}", "variable": "{{{}}}", "text": "{}"}
    template = " ".join(spelled[kind].format(name) for kind, name, _ in parts)
    expected = " ".join(
        {"field": fields.get(name.lower(), ""), "variable": variables.get(name, ""), "text": name}[
            kind
        ]
        for kind, name, _ in parts
    )
    compiled = render.compile(template)
    assert compiled.render(fields, variables) == expected
    assert compiled.bind(variables).render(fields) == expected


@given(st.text(alphabet="@{}aA1_. é", max_size=40))
def test_any_text_is_a_template_and_its_literals_lose_nothing(text: str) -> None:
    template = render.compile(text)
    bound = template.bind(dict.fromkeys(template.variables, "v"))
    assert bound.variables == frozenset()
    assert bound.fields == template.fields
    assert bound.render(dict.fromkeys(template.fields, "f")) == template.render(
        dict.fromkeys(template.fields, "f"), dict.fromkeys(template.variables, "v")
    )


def test_rendering_brings_in_no_io_library() -> None:
    code = (
        "import sys, campaigns.template.render; "
        "print(sorted({'psycopg', 'pydantic', 'socket', 'asyncio'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


#: Texts that are full of what templates are made of.
telling = st.from_regex(r"(@{1,4}|\{{1,4}|\}{1,4}|first_name|_|\.| ){0,12}", fullmatch=True)


@given(st.text() | telling)
def test_escaped_text_says_itself(text: str) -> None:
    assert text_of(render.escaped(text)) == text


@given(st.dictionaries(names, telling, max_size=3), st.lists(names, max_size=4))
def test_filled_template_says_what_it_said_with_its_values(
    values: dict[str, str], asked: list[str]
) -> None:
    template = " ".join([*(f"{{{name}}}" for name in values), "@first_name {{city}}"])
    filled = render.filled(template, values)
    assert render.compile(filled).render(FIELDS) == render.compile(template).render(FIELDS, values)
    unknown = " ".join(f"{{{name}}}" for name in asked if name not in values)
    assert render.filled(unknown, values) == unknown

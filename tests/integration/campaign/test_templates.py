"""Stored templates."""

from __future__ import annotations

from uuid import uuid4

import pytest

from campaigns.errors import Conflict, Invalid, NotFound
from campaigns.team import teams
from campaigns.template import templates
from tests.support.campaigns import NOW, World


def create(world: World, body: object) -> templates.StoredTemplate:
    return templates.create(world.conn, world.team.id, body, now=NOW)


def test_a_template_is_kept_as_it_was_written(world: World) -> None:
    template = create(world, {"name": " Sale ", "body": " @x\n{y} 🎉 "})
    found = templates.get(world.conn, world.team.id, template.id)
    assert (found.name, found.body, found.created_at) == ("Sale", " @x\n{y} 🎉 ", NOW)
    assert found in templates.list_all(world.conn, world.team.id)
    assert "🎉" not in repr(found)


def test_a_repeated_creation_is_the_same_template(world: World) -> None:
    body = {"uuid": str(uuid4()), "name": "Sale", "body": "Hello"}
    assert create(world, body) == create(world, body)
    with pytest.raises(Conflict, match="already, with other content"):
        create(world, {**body, "body": "Good bye"})
    other = teams.create(world.conn, "Other")
    with pytest.raises(Conflict, match="cannot be used"):
        templates.create(world.conn, other.id, body, now=NOW)


def test_a_deleted_template_is_gone(world: World) -> None:
    template = create(world, {"name": "Sale", "body": "Hello"})
    templates.delete(world.conn, world.team.id, template.id)
    with pytest.raises(NotFound):
        templates.get(world.conn, world.team.id, template.id)
    with pytest.raises(NotFound):
        templates.delete(world.conn, world.team.id, template.id)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"name": "Sale"}, "body: is required."),
        ({"name": "Sale", "body": ""}, "body: must not be blank."),
        ({"name": "Sale", "body": "x\x00"}, "body: must not contain NUL characters."),
        ({"name": "Sale", "body": "x" * 100_001}, "body: must have at most 100000 characters."),
        ({"name": "Sale", "text": "x"}, "text: is not a known field."),
    ],
)
def test_a_bad_template_gets_one_sentence(
    world: World, body: dict[str, str], sentence: str
) -> None:
    before = world.rows("templates")
    with pytest.raises(Invalid) as refused:
        create(world, body)
    assert str(refused.value) == sentence
    assert world.rows("templates") == before

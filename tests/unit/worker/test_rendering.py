"""From claimed rows to messages: what each says and costs, and that one never stops the others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from campaigns.template.content import Mail, Text
from worker.ledger import Claimed
from worker.rendering import Renderer
from worker.run_context import RunContext


def run(template: object, **more: Any) -> RunContext:
    text = template if isinstance(template, str) else json.dumps(template)
    return RunContext("carrier", text, {"v": "1"}, "Sluice", None, b"k" * 32, **more)


def rows(*values: str, run_id: int = 1) -> list[Claimed]:
    return [
        Claimed(run_id, seq, "447785856985", {"x": value}, 0, 0.0)
        for seq, value in enumerate(values)
    ]


def test_each_run_of_a_batch_has_its_own_template_of_the_accounts_channel() -> None:
    contexts = {1: run({"subject": "a @x", "text": "{v}"}), 2: run({"subject": "b", "text": "@x"})}
    claimed = rows("p") + rows("q", run_id=2)
    rendered, broken = Renderer(contexts, "email").render(claimed, by_segment=False)
    assert [one.message.content for one in rendered] == [Mail("a p", "1"), Mail("b", "q")]
    assert [one.row for one in rendered] == claimed
    assert broken == []


def test_a_message_says_whether_an_earlier_request_with_it_may_have_arrived() -> None:
    """The adapter of a provider that recognises a repetition has to know that it is one."""
    first, second = rows("p", "q")
    claimed = [first._replace(in_doubt=True), second]
    rendered, _ = Renderer({1: run("@x")}, "sms").render(claimed, by_segment=False)
    assert [one.message.in_doubt for one in rendered] == [True, False]


@pytest.mark.parametrize("template", ["Hello", "{unknown}", {"subject": "x", "text": "{unknown}"}])
def test_a_template_that_this_version_does_not_take_breaks_its_own_run_only(
    template: object, caplog: pytest.LogCaptureFixture
) -> None:
    contexts = {1: run(template), 2: run({"subject": "b", "text": "x"})}
    renderer = Renderer(contexts, "email")
    rendered, broken = renderer.render(rows("p", "q") + rows("r", run_id=2), by_segment=False)
    assert [one.row.run_id for one in rendered] == [2]
    assert [(one.row.seq, one.code) for one in broken] == [(0, "render_error"), (1, "render_error")]
    assert [line for line in caplog.text.splitlines() if "cannot be used" in line] != []
    assert "unknown" not in caplog.text


@pytest.mark.parametrize("by_segment", [True, False])
def test_a_message_that_takes_too_many_parts_is_none(by_segment: bool) -> None:
    """Nothing is cut off: the others are sent as they are."""
    renderer = Renderer({1: run("@x", segments=1, max_parts=2)}, "sms")
    claimed = rows("a" * 306, "a" * 307, "a" * 160, "я" * 135)
    rendered, broken = renderer.render(claimed, by_segment=by_segment)
    assert [one.message.content for one in rendered] == [Text("a" * 306), Text("a" * 160)]
    assert [one.cost for one in rendered] == ([2, 1] if by_segment else [1, 1])
    assert [(one.row.seq, one.code) for one in broken] == [
        (1, "too_many_parts"),
        (3, "too_many_parts"),
    ]


def test_what_is_transliterated_costs_and_counts_as_it_leaves() -> None:
    claimed = rows("“" + "a" * 100 + "”", "я" * 71)
    for transliterate, costs in ((False, [2, 2]), (True, [1, 2])):
        context = run("@x", transliterate=transliterate)
        rendered, _ = Renderer({1: context}, "sms").render(claimed, by_segment=True)
        assert [one.cost for one in rendered] == costs
    assert rendered[0].message.text == '"' + "a" * 100 + '"'
    assert rendered[1].message.text == "я" * 71
    one_part = run("@x", transliterate=True, max_parts=1)
    rendered, broken = Renderer({1: one_part}, "sms").render(claimed, by_segment=True)
    assert ([one.row.seq for one in rendered], [one.row.seq for one in broken]) == ([0], [1])

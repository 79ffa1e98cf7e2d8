"""From what somebody sent to a checked query, or to one sentence that says what is wrong with it.

A query comes as an object, or as that object serialised to a text (HORISEN). Values of rules never
stand in a sentence: they may be addresses.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Sequence
from typing import Any, NoReturn, TypeVar

from campaigns.errors import Invalid
from campaigns.names import as_uuid, may_be_address
from campaigns.segmentation import values
from campaigns.segmentation.query import (
    CONDITIONS,
    FIELDS,
    GROUP_OPERATORS,
    MEMBERSHIP,
    OF_A_LIST,
    PHONES,
    RULE_OPERATORS,
    WITHOUT_VALUE,
    Condition,
    Group,
    Query,
    Rule,
    RuleOperator,
)
from campaigns.validation import path_of, storable

MOST_GROUPS = 20
#: In all groups of a query together.
MOST_RULES = 100
#: In the list of one rule.
MOST_VALUES = 1_000
#: Of one value; no custom field is longer.
LONGEST_VALUE = 1_000
#: Of a serialised query, and of all values of a query together.
MOST_CHARACTERS = 200_000
#: How far ahead or back an anniversary can lie.
MOST_DAYS = 366

_DAYS = re.compile(r"[+-]?[0-9]{1,3}")

Place = tuple[str | int, ...]
Word = TypeVar("Word", bound=str)


def parse(sent: object, field: str = "query") -> Query:
    """The query in ``sent``, which stands in the field of that name.

    Raises:
        Invalid: it breaks a rule; the sentence names the place, such as
            ``query.segmentation[1].rules[0].condition``.
    """
    body = _deserialised(sent, field) if isinstance(sent, str) else sent
    found = _object((field,), body, ("segmentation",))
    place: Place = (field, "segmentation")
    groups = _list(place, found["segmentation"], MOST_GROUPS)
    count = sum(_rules_in(group) for group in groups)
    if count > MOST_RULES:
        raise _invalid(place, None, f"has {count} rules; {MOST_RULES} are the most in one query")
    query = Query(tuple(_group((*place, i), group) for i, group in enumerate(groups)))
    _check_amount(place, query)
    return query


def _deserialised(text: str, field: str) -> Any:
    if len(text) > MOST_CHARACTERS:
        raise Invalid(field, None, f"must have at most {MOST_CHARACTERS} characters")
    try:
        storable(text)
    except ValueError as error:
        raise Invalid(field, None, str(error)) from None
    try:
        return json.loads(
            text,
            object_pairs_hook=lambda pairs: _unrepeated(pairs, field),
            parse_constant=lambda _: _no_json(field),
        )
    except RecursionError:
        raise Invalid(field, None, "is nested too deeply") from None
    except ValueError:
        # Not JSON, or an integer of thousands of digits, which Python refuses to read.
        _no_json(field)


def _no_json(field: str) -> NoReturn:
    raise Invalid(field, None, 'must be JSON such as {"segmentation": [...]}')


def _unrepeated(pairs: list[tuple[str, Any]], field: str) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Invalid(field, None, "has the same name twice in one object")
    return found


def _group(place: Place, body: object) -> Group:
    found = _object(place, body, ("operator", "rules"))
    operator = _word((*place, "operator"), found["operator"], GROUP_OPERATORS)
    rules = _list((*place, "rules"), found["rules"], MOST_RULES)
    read = [_rule((*place, "rules", i), rule) for i, rule in enumerate(rules)]
    joined_by = read[0][1]
    for index, (_, other) in enumerate(read):
        if other != joined_by:
            rule = f"must be {joined_by!r}, as in the first rule of its group"
            raise _invalid((*place, "rules", index, "operator"), other, rule)
    return Group(operator, joined_by, tuple(rule for rule, _ in read))


def _rule(place: Place, body: object) -> tuple[Rule, RuleOperator]:
    found = _object(place, body, ("field", "condition", "operator"), ("value",))
    name = _word((*place, "field"), found["field"], FIELDS)
    condition = _word((*place, "condition"), found["condition"], CONDITIONS)
    operator = _word((*place, "operator"), found["operator"], RULE_OPERATORS)
    if name in MEMBERSHIP and condition not in OF_A_LIST:
        raise _invalid((*place, "condition"), condition, f"must be 'in' or 'notin' with {name}")
    if "value" not in found and condition not in WITHOUT_VALUE:
        raise _invalid((*place, "value"), None, "is required")
    given = _values((*place, "value"), found.get("value"), name, condition)
    return Rule(name, condition, given), operator


def _values(place: Place, value: object, name: str, condition: Condition) -> tuple[str, ...]:
    if condition in WITHOUT_VALUE:
        if value not in (None, "", []):
            raise _invalid(place, None, f"must be empty with {condition}")
        return ()
    listed = isinstance(value, list | tuple)
    entries = _list(place, value, MOST_VALUES) if listed else [value]
    if len(entries) > 1 and condition not in OF_A_LIST:
        raise _invalid(place, None, f"must be one text with {condition}; 'in' takes a list")
    return tuple(
        _one_value((*place, i) if listed else place, entry, name, condition)
        for i, entry in enumerate(entries)
    )


def _one_value(place: Place, value: object, name: str, condition: Condition) -> str:
    if not isinstance(value, str):
        raise _invalid(place, None, "must be a text, or a list of texts")
    if len(value) > LONGEST_VALUE:
        raise _invalid(place, None, f"must have at most {LONGEST_VALUE} characters")
    try:
        storable(value)
    except ValueError as error:
        raise _invalid(place, None, str(error)) from None
    if name in MEMBERSHIP:
        group = as_uuid(value)
        if group is None:
            raise _invalid(place, None, "must be the uuid of a contact group")
        return str(group)
    bare = values.trimmed(values.digits(value) if name in PHONES else value)
    if not bare:
        raise _invalid(
            place, None, f"must not be empty with {condition}; 'isnull' asks for no value"
        )
    if condition == "ann_in_days":
        if not _DAYS.fullmatch(bare) or abs(int(bare)) > MOST_DAYS:
            raise _invalid(
                place, None, f"must be a number of days from -{MOST_DAYS} to {MOST_DAYS}"
            )
        return str(int(bare))
    return value


def _object(
    place: Place, body: object, required: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise _invalid(place, None, "must be an object of fields")
    for name in body:
        if not isinstance(name, str):
            raise _invalid(place, None, "must be an object of fields")
        if name not in required and name not in optional:
            raise _invalid((*place, name), None, "is not a known field")
    for name in required:
        if name not in body:
            raise _invalid((*place, name), None, "is required")
    return body


def _list(place: Place, value: object, most: int) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise _invalid(place, None, "must be a list")
    if not value:
        raise _invalid(place, None, "must have at least 1 entry")
    if len(value) > most:
        raise _invalid(place, None, f"must have at most {most} entries")
    return value


def _word(place: Place, value: object, known: Sequence[Word]) -> Word:
    for word in known:
        if value == word:
            return word
    if not isinstance(value, str):
        raise _invalid(place, None, "must be a text")
    near = difflib.get_close_matches(value.lower()[:60], [word.lower() for word in known], n=1)
    if len(known) > len(CONDITIONS):
        rule = "is not a field of contacts" + (f"; the nearest one is {near[0]!r}" if near else "")
    else:
        rule = f"must be one of {', '.join(known)}"
    raise _invalid(place, None if may_be_address(value) else value, rule)


def _rules_in(group: object) -> int:
    rules = group.get("rules") if isinstance(group, dict) else None
    return len(rules) if isinstance(rules, list | tuple) else 0


def _check_amount(place: Place, query: Query) -> None:
    amount = sum(len(text) for _, rule in query.places() for text in rule.values)
    if amount > MOST_CHARACTERS:
        rule = f"must have values of at most {MOST_CHARACTERS} characters in all"
        raise _invalid(place, None, rule)


def _invalid(place: Place, value: object, rule: str) -> Invalid:
    return Invalid(path_of(place), value, rule)

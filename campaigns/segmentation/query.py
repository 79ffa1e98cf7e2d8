"""A segmentation query: groups of rules about a contact's fields.

Names and words are those of HORISEN's Campaign API v1.0.0 (SegmentationQuery, SegmentationGroup,
SegmentationRule). What they mean is decided in :mod:`campaigns.segmentation.evaluator`. Pure.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args
from uuid import UUID

Condition = Literal[
    "eq", "neq", "isnull", "isnotnull", "in", "notin", "startswith", "endswith", "contains",
    "lt", "lte", "gt", "gte", "ann_in_days",
]  # fmt: skip
#: How a group is joined to all that stands before it, and the rules of a group to each other.
GroupOperator = Literal["OR", "AND NOT", "OR NOT"]
RuleOperator = Literal["AND", "OR"]

CONDITIONS: tuple[Condition, ...] = get_args(Condition)
GROUP_OPERATORS: tuple[GroupOperator, ...] = get_args(GroupOperator)
RULE_OPERATORS: tuple[RuleOperator, ...] = get_args(RuleOperator)

#: Ask whether there is a value at all.
WITHOUT_VALUE = frozenset({"isnull", "isnotnull"})
#: Take a list of values.
OF_A_LIST = frozenset({"in", "notin"})
#: Compare by order.
ORDERING = frozenset({"lt", "lte", "gt", "gte"})

#: Phone numbers: compared without what people write between the digits. Those that may stand in
#: the address column as well are in :data:`ADDRESS_FIELDS`.
PHONES = frozenset({"mobile", "phone", "b_mobile", "b_phone"})
#: The address that stands in for a custom field of that name which the contact has not.
ADDRESS_FIELDS: dict[str, Literal["phone", "email"]] = {
    "mobile": "phone",
    "phone": "phone",
    "email": "email",
}
#: Membership in contact groups, and the kind of these groups.
MEMBERSHIP: dict[str, Literal["optin", "optout"]] = {
    "subscription_options_in": "optin",
    "subscription_options_out": "optout",
}
#: Custom fields, under the names that imports give them (``campaigns.audience.fields.field_name``).
CUSTOM_FIELDS = (
    "first_name", "last_name", "second_name", "nick_name", "gender", "birthday", "salutation",
    "title", "language", "nationality", "mobile", "email", "phone", "address", "zip", "city",
    "region", "country", "b_company", "b_mobile", "b_email", "b_phone", "b_reception_code",
    "b_address", "b_zip", "b_city", "b_region", "b_country", "b_job_title", "b_department",
    "column_1", "column_2",
)  # fmt: skip
FIELDS = (*CUSTOM_FIELDS, *MEMBERSHIP)


@dataclass(frozen=True, slots=True)
class Rule:
    """One question about a contact. Values may be somebody's address: they are not shown."""

    field: str
    condition: Condition
    #: As they were written; none for :data:`WITHOUT_VALUE`, one for all but :data:`OF_A_LIST`.
    values: tuple[str, ...] = dataclasses.field(default=(), repr=False)

    @property
    def groups(self) -> tuple[UUID, ...]:
        """The contact groups that a rule about membership names."""
        return tuple(map(UUID, self.values)) if self.field in MEMBERSHIP else ()


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are all joined by the same operator, at least one."""

    operator: GroupOperator
    joined_by: RuleOperator
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """Groups of rules, at least one, read from left to right."""

    groups: tuple[Group, ...]

    def places(self) -> Iterator[tuple[str, Rule]]:
        """Each rule, with the path at which a request has it."""
        for i, group in enumerate(self.groups):
            for j, rule in enumerate(group.rules):
                yield f"segmentation[{i}].rules[{j}]", rule

    def as_json(self) -> dict[str, Any]:
        """The normal form: the same query is always written like this, and is stored so."""
        return {
            "segmentation": [
                {
                    "operator": group.operator,
                    "rules": [
                        {
                            "field": rule.field,
                            "condition": rule.condition,
                            "value": _value(rule),
                            "operator": group.joined_by,
                        }
                        for rule in group.rules
                    ],
                }
                for group in self.groups
            ]
        }


def _value(rule: Rule) -> str | list[str]:
    if rule.condition in OF_A_LIST:
        return list(rule.values)
    return rule.values[0] if rule.values else ""

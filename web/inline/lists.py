"""What the lists of the Inline-contacts API can be sorted and filtered by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

from campaigns.audience.given import Chosen
from campaigns.audience.given import Order as ContactOrder
from campaigns.campaign import times
from campaigns.campaign.browsing import EVERYTHING, Filter
from campaigns.campaign.browsing import Order as CampaignOrder
from web.inline.asking import Term
from web.inline.shapes import STATUS

CAMPAIGN_ORDERS: Mapping[str, CampaignOrder] = {
    "startDateTime": "start",
    "-startDateTime": "-start",
    "sender": "sender",
    "-sender": "-sender",
}
CAMPAIGN_FIELDS = {
    "startDateTime": ("==", ">", ">=", "<", "<="),
    "sender": ("==", "!=", "@=", "_="),
    "status": ("==", "!="),
}
CONTACT_ORDERS: Mapping[str, ContactOrder] = {
    "id": "id",
    "phoneNumber": "phone",
    "-phoneNumber": "-phone",
}
CONTACT_FIELDS = {"phoneNumber": ("==", "@=", "_="), "name": ("==", "@=", "_=")}

#: Campaigns are planned in whole seconds.
_SECOND = timedelta(seconds=1)


def campaign_filter(terms: Iterable[Term]) -> Filter:
    """The campaigns that all ``terms`` hold for; raises ``Invalid`` for a value that is none."""
    chosen = EVERYTHING
    for term in terms:
        if term.field == "startDateTime":
            chosen = _started(chosen, term)
        elif term.field == "status":
            chosen = replace(chosen, statuses=_both(chosen.statuses, _statuses(term)))
        elif term.operator == "!=":
            chosen = replace(chosen, other_senders=(*chosen.other_senders, term.value))
        else:
            chosen = replace(chosen, senders=(*chosen.senders, term.pattern()))
    return chosen


def contact_filter(terms: Iterable[Term]) -> Chosen:
    """The contacts that all ``terms`` hold for."""
    phones, names = [], []
    for term in terms:
        if term.field == "name":
            names.append(term.pattern())
        else:
            digits = term.value.removeprefix("+")
            phones.append(replace(term, value=digits).pattern())
    return Chosen(tuple(phones), tuple(names))


def _started(chosen: Filter, term: Term) -> Filter:
    try:
        moment = times.parse(term.value)
    except ValueError as error:
        raise term.refused(str(error)) from None
    begin, end = chosen.starts_from, chosen.starts_until
    after = moment + _SECOND
    if term.operator in ("==", ">", ">="):
        lower = after if term.operator == ">" else moment
        begin = lower if begin is None else max(begin, lower)
    if term.operator in ("==", "<", "<="):
        upper = moment if term.operator == "<" else after
        end = upper if end is None else min(end, upper)
    return replace(chosen, starts_from=begin, starts_until=end)


def _both(known: frozenset[str] | None, more: frozenset[str]) -> frozenset[str]:
    return more if known is None else known & more


def _statuses(term: Term) -> frozenset[str]:
    known = {str(number) for number in STATUS.values()}
    if term.value not in known:
        raise term.refused(f"must be one of {', '.join(sorted(known))}")
    same = frozenset(name for name, number in STATUS.items() if str(number) == term.value)
    return same if term.operator == "==" else frozenset(STATUS) - same

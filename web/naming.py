"""A dialect's names for the fields of the engine, in its sentences too."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from campaigns.errors import Invalid, InvalidEntries, Locked, NotFound

_PART = re.compile(r"[A-Za-z_]\w*")


@contextmanager
def told_as(names: Mapping[str, str], kinds: Mapping[str, str]) -> Iterator[None]:
    """What the engine refuses in the block is refused under the names of the dialect.

    ``names`` has them by those of the engine, which are the words of :class:`Invalid`'s paths. The
    value is left out: the caller may never have written it so. ``kinds`` has the fields that refer
    to things, by the kinds of these: what is not there is a wrong field then.
    """
    try:
        yield
    except InvalidEntries as error:
        faults = [_renamed(fault, names) for fault in error.faults]
        raise InvalidEntries(faults, more=error.more) from None
    except Invalid as error:
        raise _renamed(error, names) from None
    except Locked as error:
        field, colon, rule = str(error).partition(": ")
        raise Locked(names.get(field, field) + colon + rule) from None
    except NotFound as error:
        if error.kind not in kinds:
            raise
        _, _, rule = str(error).partition(": ")
        raise Invalid(kinds[error.kind], None, rule.removesuffix(".")) from None


def _renamed(error: Invalid, names: Mapping[str, str]) -> Invalid:
    path = _PART.sub(lambda part: names.get(part[0], part[0]), error.field)
    return error if path == error.field else Invalid(path, None, error.rule)

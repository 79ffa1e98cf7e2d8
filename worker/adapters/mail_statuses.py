"""Enhanced mail system status codes (RFC 3463) that say that nobody will ever read mail there."""

from __future__ import annotations

#: The mailbox does not exist, its domain does not, it cannot be one, it has moved, its domain
#: takes no mail (RFC 3463, section 3.2; RFC 7505, section 4.2). Not X.2.1: a mailbox that is
#: disabled may come back.
DEAD = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"})

"""What becomes of messages, told to others: callbacks of campaigns and webhooks of teams.

gathering    events in the outbox become messages to receivers
delivering   a receiver is leased, told what waits for it, and released
endpoints    what a team does with its webhook endpoints; :mod:`health`: how it goes with them
replaying    telling a receiver once more
forms        the body of a campaign's callback
webhooks     the body of a webhook; :mod:`signature` signs it
windows, retries    the arithmetic: when events go out together, when an attempt is repeated
"""

from __future__ import annotations

#: The kinds of events that anybody can be told of.
KINDS = ("submitted", "delivered", "bounced", "opened", "clicked")

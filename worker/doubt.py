"""What becomes of a message whose request may have arrived, where its account sends such again.

Decision apart from effect: pure, no I/O. An account that recognises a repetition may be asked once
more; no other may, because it would not know the message. So a message in doubt stays at its
account until the doubt is over, or its attempts there are, and then a person decides. A refusal
that passes does not end the doubt: it says nothing about the request before it. A refusal for good
does, for it is the provider's answer to the message that it recognises.
"""

from __future__ import annotations

from worker.outcomes import Settlement

#: ``deliveries.error_class`` of what is in doubt, pending or held.
IN_DOUBT = "in_doubt"


def settle(
    found: Settlement, *, attempts: int, was_in_doubt: bool, last_attempt: int
) -> Settlement:
    """What is written to a row instead of ``found``, once doubt is reckoned with.

    ``attempts`` counts this one, ``was_in_doubt`` says whether an earlier one may have arrived, and
    ``last_attempt`` up to how many the account sends again what is in doubt; 0: never.
    """
    if found.status in ("accepted", "rejected"):
        return found
    if found.status != "unknown" and not was_in_doubt:
        return found
    status = "pending" if not found.charged or attempts < last_attempt else "unknown"
    return found._replace(status=status, error_class=IN_DOUBT)

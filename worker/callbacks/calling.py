"""One receiver's turn: what waits for it is posted, one message after the other."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from campaigns import failpoints
from campaigns.callbacks import delivering
from campaigns.callbacks.delivering import Outgoing
from campaigns.database import Pool

#: Posts one message and waits for the answer: ``None``, or a word that says why it failed.
Post = Callable[[Outgoing, datetime], str | None]

#: How long one turn goes on while messages are due, in seconds. The next tick gives another one.
LONGEST_TURN = 20.0


def call(
    pool: Pool, receiver_id: int, post: Post, *, is_over: Callable[[], bool] = lambda: False
) -> int | None:
    """Tell a receiver what is due; ``None`` if somebody else has its turn, or nothing is due.

    No connection is held while the receiver is waited for. The turn ends with the first failure:
    the receiver rests then, and so does this thread.

    Returns:
        how many messages it took.
    """
    with pool.connection() as conn:
        turn = delivering.lease(conn, receiver_id)
    if turn is None:
        return None
    told, end = 0, time.monotonic() + LONGEST_TURN
    while time.monotonic() < end and not is_over():
        with pool.connection() as conn:
            message = turn.next(conn)
        if message is None:
            break
        failpoints.hit("call.before")
        code = post(message, datetime.now(UTC))
        failpoints.hit("call.answered")
        with pool.connection() as conn:
            if code is not None:
                turn.failed(conn, message, code)
                break
            turn.delivered(conn, message)
        told += 1
    with pool.connection() as conn:
        turn.release(conn)
    return told

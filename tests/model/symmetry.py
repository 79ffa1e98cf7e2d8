"""States that differ by nothing but names are one state.

Ids of batches and tokens of leases are only ever compared, so any names do; which worker or beat it
is does not matter either. What can have no effect any more is left out: a message or a statement
that names a batch which is gone, a token that matches no row and no batch.
"""

from __future__ import annotations

from tests.model.state import Beat, Journal, Row, State, Statement, Worker

#: The token of a worker whose lease is gone and of whose claims nothing is left.
_DEAD = 99


def canonical(state: State) -> State:
    """The one state that stands for all that are the same but for names."""
    batches = sorted(state.batches, key=lambda one: (one.slices, one.token == 0, one.ran_out))
    ids = {batch.id: number for number, batch in enumerate(batches, 1)}
    tokens = _tokens(state, [batch.token for batch in batches])
    rows = tuple(_row(row, tokens) for row in state.rows)
    return state._replace(
        rows=rows,
        waiting=tuple(sorted(state.waiting)),
        batches=tuple(
            one._replace(id=ids[one.id], token=tokens.get(one.token, 0)) for one in batches
        ),
        workers=tuple(sorted(_worker(one, ids, tokens) for one in state.workers)),
        beats=tuple(sorted(_beat(one, ids) for one in state.beats)),
        queue=tuple(sorted(ids[one] for one in state.queue if one in ids)),
        wire=tuple(sorted(_statement(one, ids, tokens) for one in state.wire)),
        journals=tuple(sorted(_journal(one, ids, tokens) for one in state.journals)),
    )


def _tokens(state: State, in_batches: list[int]) -> dict[int, int]:
    """New names for the tokens that somebody still holds and that match something."""
    holders = {one.token for one in (*state.batches, *state.workers, *state.wire, *state.journals)}
    tokens: dict[int, int] = {}
    for token in (*in_batches, *(row.token for row in state.rows)):
        if token and token in holders:
            tokens.setdefault(token, len(tokens) + 1)
    return tokens


def _row(row: Row, tokens: dict[int, int]) -> Row:
    token = tokens.get(row.token, 0)
    return row if token == row.token else row._replace(token=token)


def _worker(worker: Worker, ids: dict[int, int], tokens: dict[int, int]) -> Worker:
    if not worker.token:
        return worker
    return worker._replace(batch=ids.get(worker.batch, 0), token=tokens.get(worker.token, _DEAD))


def _beat(beat: Beat, ids: dict[int, int]) -> Beat:
    if not beat.at:
        return beat
    publish = tuple(sorted(ids[one] for one in beat.publish if one in ids))
    expired = tuple(sorted(ids[one] for one in beat.expired if one in ids))
    if beat.at == "publishing" and not publish:
        return Beat()
    return beat._replace(waiting=tuple(sorted(beat.waiting)), publish=publish, expired=expired)


def _statement(one: Statement, ids: dict[int, int], tokens: dict[int, int]) -> Statement:
    return one._replace(batch=ids.get(one.batch, 0), token=tokens.get(one.token, _DEAD))


def _journal(one: Journal, ids: dict[int, int], tokens: dict[int, int]) -> Journal:
    return one._replace(batch=ids.get(one.batch, 0), token=tokens.get(one.token, _DEAD))

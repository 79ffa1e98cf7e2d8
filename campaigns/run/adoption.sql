-- What a process left that died on this machine, as its journal tells (worker/adoption.py). Locks are
-- taken in the order of everybody else: batches, deliveries, touches, runs, campaigns.
-- uses: ledger.sql

-- name: clock
SELECT coalesce(%(now)s::timestamptz, clock_timestamp()) AS now;

-- name: left_batch
-- Locks the batch, if nobody has taken it back yet. Whoever is at it is waited for.
WITH ours AS (
    SELECT id FROM batches
    WHERE id = %(batch_id)s AND lease_token = %(token)s
    FOR UPDATE
)
SELECT EXISTS (SELECT FROM ours) AS is_ours, coalesce(%(now)s::timestamptz, clock_timestamp()) AS now;

-- name: lock_left
-- All of its rows that somebody may still have to settle, before anything else is locked.
SELECT count(*) FROM (
    SELECT FROM unnest(%(run_ids)s::bigint[], %(seqs)s::integer[]) AS x (run_id, seq)
    JOIN deliveries d ON d.run_id = x.run_id AND d.seq = x.seq
    WHERE d.lease_token = %(token)s AND d.status IN ('sending', 'unknown')
    ORDER BY d.run_id, d.seq
    FOR UPDATE OF d
) held;

-- name: release_undeparted
-- Rows that were claimed under the token and never left. They are pending again and were not tried,
-- whether the tick has held them as unknown meanwhile or not; or they fail, where this one row has
-- killed its worker often enough. What had an outcome, or was given to somebody else, is not touched.
-- An earlier attempt may be in doubt, because its account recognises the repetition: such a row stays
-- in doubt whatever becomes of this attempt, and once it is held it is left to the operator.
-- Planner: unnest as the outer side of a nested loop into the deliveries primary key.
WITH lost AS (
    SELECT d.run_id, d.seq, d.status AS was, d.claimed_at, d.provider, d.error_class AS class,
           CASE WHEN NOT %(condemned)s THEN 'pending'
                WHEN d.status = 'sending' AND d.error_class = 'in_doubt' THEN 'unknown'
                ELSE 'failed' END AS status,
           greatest(%(now)s, d.settled_at + interval '1 microsecond') AS at
    FROM unnest(%(run_ids)s::bigint[], %(seqs)s::integer[]) AS x (run_id, seq)
    JOIN deliveries d ON d.run_id = x.run_id AND d.seq = x.seq
    WHERE d.lease_token = %(token)s
      AND (d.status = 'sending'
           OR (d.status = 'unknown'
               AND NOT EXISTS (SELECT FROM delivery_events e
                               WHERE e.run_id = d.run_id AND e.seq = d.seq
                                 AND e.kind = 'unknown' AND e.retried)))
    ORDER BY d.run_id, d.seq
    FOR UPDATE OF d
), unsent AS (
    UPDATE deliveries d
    SET status = l.status,
        attempts = d.attempts - 1,
        error_class = CASE WHEN l.status = 'failed' THEN 'poisoned' WHEN l.was = 'sending' THEN l.class END,
        error_code = CASE WHEN l.status <> 'pending' THEN 'poisoned' WHEN l.was = 'sending' THEN d.error_code END,
        settled_at = CASE WHEN l.status = 'pending' AND l.was = 'sending' THEN d.settled_at ELSE l.at END
    FROM lost l
    WHERE d.run_id = l.run_id AND d.seq = l.seq
    RETURNING d.run_id, d.seq, d.address, d.status, d.error_class, d.error_code, l.claimed_at, l.provider,
              l.was, l.at
), noted AS (
    -- What was never in doubt and goes back leaves no trace.
    INSERT INTO delivery_events (run_id, seq, kind, key, at, provider, error_class, code)
    SELECT run_id, seq, CASE status WHEN 'pending' THEN 'resent' ELSE status END,
           (date_part('epoch', claimed_at) * 1e6)::bigint::text, at, provider, error_class,
           coalesce(error_code, 'never_left')
    FROM unsent
    WHERE status <> 'pending' OR was = 'unknown'
    ON CONFLICT DO NOTHING
), {give_touches_back}, changes AS (
    SELECT run_id,
           (count(*) FILTER (WHERE status = 'unknown') - count(*) FILTER (WHERE was = 'unknown'))::int AS unknown,
           (count(*) FILTER (WHERE status = 'failed'))::int AS failed
    FROM unsent GROUP BY run_id
), locked AS (
    SELECT id FROM runs
    WHERE id IN (SELECT run_id FROM changes WHERE unknown <> 0 OR failed > 0)
    ORDER BY id FOR NO KEY UPDATE
), counted AS (
    UPDATE runs r SET unknown = r.unknown + c.unknown, failed = r.failed + c.failed
    FROM changes c JOIN locked l ON l.id = c.run_id
    WHERE r.id = c.run_id
)
SELECT run_id, seq FROM unsent;

-- name: return_suspects
-- Waiting slices of rows that were released: in halves where one of them may have killed its worker,
-- each of which gets a batch of its own. What is in doubt is bound to its account, as by hand_back.
INSERT INTO slices (run_id, lane, batch_id, kind, attempts, bound_to, losses, lo, hi, seqs, messages,
                    not_before)
SELECT run_id, lane, NULL, CASE WHEN attempts > 0 THEN 'retry' ELSE 'returned' END, attempts,
       bound_to, %(losses)s, min(seq), max(seq) + 1,
       CASE WHEN count(*) < max(seq) - min(seq) + 1 THEN array_agg(seq ORDER BY seq) END,
       count(*), %(now)s
FROM (
    SELECT d.run_id, d.seq, l.lane, d.attempts, b.bound_to,
           ntile(CASE WHEN %(losses)s > 0 THEN 2 ELSE 1 END) OVER (
               PARTITION BY d.run_id, l.lane, d.attempts, b.bound_to ORDER BY d.seq) AS half
    FROM unnest(%(run_ids)s::bigint[], %(seqs)s::integer[]) AS x (run_id, seq)
    JOIN deliveries d ON d.run_id = x.run_id AND d.seq = x.seq
    JOIN lanes l ON l.run_id = d.run_id AND d.seq >= l.lo AND d.seq < l.hi
    CROSS JOIN LATERAL (SELECT CASE WHEN d.error_class = 'in_doubt' THEN d.provider END AS bound_to) b
) suspects
GROUP BY run_id, lane, attempts, bound_to, half;

-- name: lock_finished
-- Which of these runs are finished, all of them locked so that none is finished now.
WITH locked AS (
    SELECT id, status FROM runs WHERE id = ANY (%(run_ids)s) ORDER BY id FOR NO KEY UPDATE
)
SELECT id FROM locked WHERE status = 'finished';

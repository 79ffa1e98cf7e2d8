-- What may have arrived and is to be sent again at its own account (deliveries: pending, of the class
-- 'in_doubt'; slices: bound to that account). Locks are taken as in ledger.sql.
-- uses: ledger.sql

-- name: send_again
-- Rows whose intent was committed by a worker that is gone go back to pending, where the batch was
-- sent so that its account recognises a repetition, that account still is to send again, and has
-- attempts left: `turns` says up to how many, for runs on each first account of a chain.
WITH turns AS (
    SELECT * FROM jsonb_to_recordset(%(turns)s::jsonb) AS t (first text, account text, attempts integer)
), doubtful AS (
    UPDATE deliveries d
    SET status = 'pending', error_class = 'in_doubt', error_code = 'worker_lost',
        settled_at = greatest(%(now)s, d.settled_at + interval '1 microsecond')
    FROM batches b
    JOIN slices s ON s.batch_id = b.id
    JOIN runs r ON r.id = s.run_id
    JOIN turns t ON t.first = r.provider AND t.account = b.provider
    WHERE b.id = ANY (%(batch_ids)s) AND b.resends
      AND d.run_id = s.run_id
      AND d.seq = ANY (coalesce(s.seqs, ARRAY(SELECT generate_series(s.lo, s.hi - 1))))
      AND d.status = 'sending' AND d.lease_token = b.lease_token AND d.attempts < t.attempts
    RETURNING d.run_id, d.seq, d.address, d.provider, d.claimed_at, d.settled_at
), noted AS (
    INSERT INTO delivery_events (run_id, seq, kind, key, at, retried, provider, error_class, code)
    SELECT run_id, seq, 'unknown', (date_part('epoch', claimed_at) * 1e6)::bigint::text, settled_at,
           true, provider, 'in_doubt', 'worker_lost'
    FROM doubtful
    ON CONFLICT DO NOTHING
), unsent AS (
    -- Or their touches would keep their own repetition from being sent.
    SELECT run_id, address, claimed_at FROM doubtful
), {give_touches_back}
SELECT count(*)::int AS n FROM doubtful;

-- name: give_up_bound
-- What waits for an account that sends nothing again any more, or is gone, is held for a person.
-- Planner: slices_bound, which is empty nearly always; then the deliveries' key.
WITH given_up AS (
    DELETE FROM slices
    WHERE bound_to IS NOT NULL AND bound_to <> ALL (%(resending)s::text[]) AND batch_id IS NULL
    RETURNING run_id, lo, hi, seqs
), held AS (
    UPDATE deliveries d
    SET status = 'unknown', settled_at = greatest(%(now)s, d.settled_at + interval '1 microsecond')
    FROM given_up s
    WHERE d.run_id = s.run_id
      AND d.seq = ANY (coalesce(s.seqs, ARRAY(SELECT generate_series(s.lo, s.hi - 1))))
      AND d.status = 'pending' AND d.error_class = 'in_doubt'
    RETURNING d.run_id, d.seq, d.claimed_at, d.settled_at, d.provider, d.error_code
), noted AS (
    INSERT INTO delivery_events (run_id, seq, kind, key, at, provider, error_class, code)
    SELECT run_id, seq, 'unknown',
           coalesce((date_part('epoch', claimed_at) * 1e6)::bigint::text, '') || ':given_up',
           settled_at, provider, 'in_doubt', error_code
    FROM held
    ON CONFLICT DO NOTHING
), changes AS (
    SELECT run_id, count(*)::int AS n FROM held GROUP BY run_id
), locked AS (
    SELECT id FROM runs WHERE id IN (SELECT run_id FROM changes) ORDER BY id FOR NO KEY UPDATE
), counted AS (
    UPDATE runs r SET unknown = r.unknown + c.n
    FROM changes c JOIN locked l ON l.id = c.run_id
    WHERE r.id = c.run_id
)
SELECT coalesce(sum(n), 0)::int AS held FROM changes;

-- What may have arrived: it is sent again by its own account, where that recognises a repetition, and
-- held as unknown everywhere else. What is sent again is pending, of the class 'in_doubt', and its
-- slices are bound to that account. Locks are taken as in ledger.sql.
-- uses: ledger.sql

-- part: turns
-- Up to how many attempts an account sends again what is in doubt, for runs on each first account of
-- a chain; `since`: and how long it has been known to.
turns AS (
    SELECT * FROM jsonb_to_recordset(%(turns)s::jsonb)
        AS t (first text, account text, attempts integer, since timestamptz)
)

-- part: doubtful
-- The rows in `lost` (run_id, seq, status, code), which their statement has locked, and a second time
-- what is to be given back of their touches: those would keep their own repetition from being sent.
doubtful AS (
    UPDATE deliveries d
    SET status = l.status, error_class = 'in_doubt', error_code = l.code,
        settled_at = greatest(%(now)s, d.settled_at + interval '1 microsecond')
    FROM lost l
    WHERE d.run_id = l.run_id AND d.seq = l.seq
    RETURNING d.run_id, d.seq, d.address, d.status, d.provider, d.error_code, d.claimed_at, d.settled_at,
              '' AS suffix
), unsent AS (
    SELECT run_id, address, claimed_at FROM doubtful WHERE status = 'pending'
)

-- part: note_doubt
-- What became of the rows in `doubtful` is noted, and those that are held count as unknown.
noted AS (
    INSERT INTO delivery_events (run_id, seq, kind, key, at, retried, provider, error_class, code)
    SELECT run_id, seq, 'unknown', coalesce((date_part('epoch', claimed_at) * 1e6)::bigint::text, '') || suffix,
           settled_at, status = 'pending', provider, 'in_doubt', error_code
    FROM doubtful
    ON CONFLICT DO NOTHING
), changes AS (
    SELECT run_id, count(*)::int AS n FROM doubtful WHERE status = 'unknown' GROUP BY run_id
), locked AS (
    SELECT id FROM runs WHERE id IN (SELECT run_id FROM changes) ORDER BY id FOR NO KEY UPDATE
), counted AS (
    UPDATE runs r SET unknown = r.unknown + c.n
    FROM changes c JOIN locked l ON l.id = c.run_id
    WHERE r.id = c.run_id
)
SELECT (count(*) FILTER (WHERE status = 'unknown'))::int AS held,
       (count(*) FILTER (WHERE status = 'pending'))::int AS again
FROM doubtful

-- name: settle_lost
-- Rows whose intent was committed by a worker that is gone. They are sent again where their batch was
-- sent so that its account recognises a repetition, that account still is to send again, and has
-- attempts left.
WITH {turns}, lost AS (
    SELECT d.run_id, d.seq, 'worker_lost' AS code,
           CASE WHEN t.account IS NULL THEN 'unknown' ELSE 'pending' END AS status
    FROM batches b
    JOIN slices s ON s.batch_id = b.id
    JOIN runs r ON r.id = s.run_id
    JOIN deliveries d ON d.run_id = s.run_id
     AND d.seq = ANY (coalesce(s.seqs, ARRAY(SELECT generate_series(s.lo, s.hi - 1))))
    LEFT JOIN turns t ON b.resends AND t.first = r.provider AND t.account = b.provider
                     AND d.attempts < t.attempts
    WHERE b.id = ANY (%(batch_ids)s) AND d.status = 'sending' AND d.lease_token = b.lease_token
    ORDER BY d.run_id, d.seq
    FOR UPDATE OF d
), {doubtful}, {give_touches_back}, {note_doubt};

-- name: settle_forsaken
-- Rows of a run whose request may have left and whose batch is gone without a trace. No batch holds a
-- slice of the run, so nobody can still be sending them; a late outcome settles a row that is held.
-- How their batch was sent nobody can tell any more: as their account has been sending `since` then.
WITH {turns}, lost AS (
    SELECT d.run_id, d.seq, 'forsaken' AS code,
           CASE WHEN t.account IS NULL THEN 'unknown' ELSE 'pending' END AS status
    FROM runs r
    JOIN deliveries d ON d.run_id = r.id
    LEFT JOIN turns t ON r.status = 'sending' AND t.first = r.provider AND t.account = d.provider
                     AND d.attempts < t.attempts AND t.since <= d.claimed_at
    WHERE r.id = %(run_id)s AND d.status = 'sending'
    ORDER BY d.seq
    FOR UPDATE OF d
), {doubtful}, {give_touches_back}, {note_doubt};

-- name: give_up_bound
-- What waits for an account that sends nothing again any more, or is gone, is held for a person.
-- Planner: slices_bound, which is empty nearly always; then the deliveries' key.
WITH given_up AS (
    DELETE FROM slices
    WHERE bound_to IS NOT NULL AND bound_to <> ALL (%(resending)s::text[]) AND batch_id IS NULL
    RETURNING run_id, lo, hi, seqs
), doubtful AS (
    UPDATE deliveries d
    SET status = 'unknown', settled_at = greatest(%(now)s, d.settled_at + interval '1 microsecond')
    FROM given_up s
    WHERE d.run_id = s.run_id
      AND d.seq = ANY (coalesce(s.seqs, ARRAY(SELECT generate_series(s.lo, s.hi - 1))))
      AND d.status = 'pending' AND d.error_class = 'in_doubt'
    RETURNING d.run_id, d.seq, d.status, d.provider, d.error_code, d.claimed_at, d.settled_at,
              ':given_up' AS suffix
), {note_doubt};

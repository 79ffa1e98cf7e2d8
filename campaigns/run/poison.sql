-- Batches that kill their worker before anything of them is claimed (worker/poison.py). Locks are
-- taken in the order of everybody else: batches, deliveries, runs, and slices last of all.

-- name: batch_rows
-- Whose rows a batch has, as slices (run id, from, to, list).
SELECT json_agg(json_build_array(run_id, lo, hi, seqs)) AS slices FROM slices WHERE batch_id = %(batch_id)s;

-- name: suspected_batch
-- Its rows one by one, and how often they were lost before.
SELECT run_id, unnest(coalesce(seqs, ARRAY(SELECT generate_series(lo, hi - 1)))) AS seq, losses
FROM slices WHERE batch_id = %(batch_id)s;

-- name: count_loss
-- One more for a row that was alone, unless it was claimed meanwhile, which took the suspicion away.
-- Planner: slices of one run, which are few.
UPDATE slices s SET losses = greatest(s.losses, %(losses)s + 1)
FROM unnest(%(run_ids)s::bigint[], %(seqs)s::integer[]) AS x (run_id, seq)
WHERE s.run_id = x.run_id AND s.messages = 1 AND coalesce(s.seqs[1], s.lo) = x.seq AND s.losses > 0;

-- name: condemn_unclaimed
-- The same row fails, if it is still suspected. What is in doubt may have arrived: it is held.
WITH lost AS (
    SELECT d.run_id, d.seq, d.claimed_at, d.provider,
           CASE WHEN d.error_class = 'in_doubt' THEN 'unknown' ELSE 'failed' END AS status,
           CASE WHEN d.error_class = 'in_doubt' THEN 'in_doubt' ELSE 'poisoned' END AS class,
           greatest(%(now)s, d.settled_at + interval '1 microsecond') AS at
    FROM unnest(%(run_ids)s::bigint[], %(seqs)s::integer[]) AS x (run_id, seq)
    JOIN deliveries d ON d.run_id = x.run_id AND d.seq = x.seq
    WHERE d.status = 'pending'
      AND EXISTS (SELECT FROM slices s WHERE s.run_id = d.run_id AND s.messages = 1
                  AND coalesce(s.seqs[1], s.lo) = d.seq AND s.losses >= %(losses)s)
    FOR UPDATE OF d
), settled AS (
    UPDATE deliveries d
    SET status = l.status, error_class = l.class, error_code = 'poisoned', settled_at = l.at
    FROM lost l
    WHERE d.run_id = l.run_id AND d.seq = l.seq
), noted AS (
    -- A claim may fail so twice, if somebody has it sent again.
    INSERT INTO delivery_events (run_id, seq, kind, key, at, provider, error_class, code)
    SELECT run_id, seq, status,
           coalesce((date_part('epoch', claimed_at) * 1e6)::bigint::text, '')
           || ':' || (date_part('epoch', at) * 1e6)::bigint::text,
           at, provider, class, 'poisoned'
    FROM lost
    ON CONFLICT DO NOTHING
), changes AS (
    SELECT run_id, (count(*) FILTER (WHERE status = 'unknown'))::int AS unknown,
           (count(*) FILTER (WHERE status = 'failed'))::int AS failed
    FROM lost GROUP BY run_id
), locked AS (
    SELECT id FROM runs WHERE id IN (SELECT run_id FROM changes) ORDER BY id FOR NO KEY UPDATE
), counted AS (
    UPDATE runs r SET unknown = r.unknown + c.unknown, failed = r.failed + c.failed
    FROM changes c JOIN locked l ON l.id = c.run_id
    WHERE r.id = c.run_id
)
SELECT run_id, seq FROM lost;

-- name: give_up_runs
-- One death more for each of these runs. One that has had enough of them is closed, as long as nobody
-- ever came so far as to claim a row of it.
-- Planner: the second look reads all rows of a run, once it has had that many deaths.
WITH locked AS (
    SELECT id FROM runs WHERE id = ANY (%(run_ids)s) AND status = 'sending' ORDER BY id FOR NO KEY UPDATE
)
UPDATE runs r
SET deaths = r.deaths + 1,
    status = CASE WHEN x.over THEN 'closing' ELSE r.status END,
    reason = CASE WHEN x.over THEN 'poisoned' ELSE r.reason END,
    published_at = CASE WHEN x.over THEN NULL ELSE r.published_at END
FROM locked l
JOIN runs o ON o.id = l.id
CROSS JOIN LATERAL (
    SELECT CASE WHEN o.deaths + 1 >= %(deaths)s
                THEN NOT EXISTS (SELECT FROM deliveries d WHERE d.run_id = o.id AND d.claimed_at IS NOT NULL)
                ELSE false END AS over
) x
WHERE r.id = l.id
RETURNING r.id, x.over;

-- name: drop_condemned
-- Whoever leases a batch reads what the messages of its runs share, whether or not a row is pending.
DELETE FROM slices s
USING unnest(%(run_ids)s::bigint[], %(seqs)s::integer[]) AS x (run_id, seq)
WHERE s.run_id = x.run_id AND s.messages = 1 AND coalesce(s.seqs[1], s.lo) = x.seq AND s.losses > 0
  AND NOT EXISTS (SELECT FROM batches b WHERE b.id = s.batch_id AND b.status = 'leased');

-- name: drop_slices
-- The same of whole runs.
DELETE FROM slices s
WHERE s.run_id = ANY (%(run_ids)s)
  AND NOT EXISTS (SELECT FROM batches b WHERE b.id = s.batch_id AND b.status = 'leased');

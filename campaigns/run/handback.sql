-- Batches that end before all of their rows were claimed: a worker hands back its rest, and the tick
-- takes back what belonged to a worker that is gone.
--
-- Runs are locked as in ledger.sql.

-- name: expired_batches
-- Batches whose worker is gone, locked so that a late claim or hand-back waits and then loses.
SELECT id, provider FROM batches
WHERE status = 'leased' AND lease_until <= %(now)s
ORDER BY id
FOR UPDATE SKIP LOCKED;

-- name: hand_back
-- Turns what is still pending in these batches into waiting slices, and forgets the batches. Rows
-- that were tried before wait for their backoff, and for as long as the provider keeps their recipient
-- waiting, the others until `not_before`. What waits for a recipient's own sake goes apart from the rest, by
-- steps of ten seconds, so that it keeps nobody else waiting. Those of the slices
-- that killed a worker go on being suspected, unless this lease had them and came to an end with
-- them. What is in doubt is bound to the account where it is. Rows named `apart` get slices of their
-- own (campaigns/run/adoption.sql).
-- Where a worker is gone that had claimed nothing, what it had read may be what killed it: its rows
-- are `suspected` so often from now on, and go back in halves. The rows of two suspected batches
-- never get into one slice.
WITH held AS (
    SELECT s.run_id, s.lane, s.losses, b.id AS batch_id, d.seq, d.attempts, d.status,
           d.lease_token IS NOT DISTINCT FROM b.lease_token AS claimed,
           bool_or(d.lease_token IS NOT DISTINCT FROM b.lease_token) OVER (PARTITION BY b.id) AS any_claimed,
           CASE WHEN d.error_class = 'in_doubt' THEN d.provider END AS bound_to,
           CASE WHEN d.attempts > 0
                THEN greatest(d.retry_at, coalesce(d.settled_at, %(now)s) + make_interval(secs =>
                         least(%(backoff_base)s * power(2, d.attempts - 1), %(backoff_cap)s)))
                ELSE %(not_before)s END AS not_before,
           CASE WHEN d.retry_at > %(now)s THEN ceil(extract(epoch FROM d.retry_at) / 10) END AS held_until
    FROM slices s
    JOIN batches b ON b.id = s.batch_id
    JOIN deliveries d ON d.run_id = s.run_id
     AND d.seq = ANY (coalesce(s.seqs, ARRAY(SELECT generate_series(s.lo, s.hi - 1))))
    WHERE b.id = ANY (%(batch_ids)s)
), pending AS (
    SELECT run_id, lane, batch_id, seq, attempts, bound_to, not_before, held_until, any_claimed,
           CASE WHEN claimed THEN 0
                WHEN any_claimed THEN losses
                ELSE greatest(losses, %(suspected)s::smallint) END AS losses
    FROM held
    WHERE status = 'pending'
      AND (run_id, seq) NOT IN (
          SELECT * FROM unnest(%(apart_run_ids)s::bigint[], %(apart_seqs)s::integer[]))
), parts AS (
    SELECT *, CASE WHEN losses > 0 THEN batch_id END AS alone,
           CASE WHEN %(suspected)s > 0 AND NOT any_claimed
                THEN ntile(2) OVER (PARTITION BY run_id, lane, attempts, bound_to, held_until, losses, batch_id ORDER BY seq)
                END AS half
    FROM pending
), gone AS (
    -- The foreign key takes the slices along.
    DELETE FROM batches WHERE id = ANY (%(batch_ids)s)
)
INSERT INTO slices (run_id, lane, batch_id, kind, attempts, bound_to, losses, lo, hi, seqs, messages, not_before)
SELECT run_id, lane, NULL, CASE WHEN attempts > 0 THEN 'retry' ELSE 'returned' END, attempts, bound_to, losses,
       min(seq), max(seq) + 1,
       CASE WHEN count(*) < max(seq) - min(seq) + 1 THEN array_agg(seq ORDER BY seq) END,
       count(*), greatest(max(not_before), %(not_before)s)
FROM parts
GROUP BY run_id, lane, attempts, bound_to, held_until, losses, alone, half;

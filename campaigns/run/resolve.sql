-- The operator's decision about rows that are held as unknown. Locks are taken in the order in
-- which workers and the tick take them: deliveries, runs, campaigns.

-- name: fail_unknown
-- A worker that was thought lost finds the row no longer unknown, and cannot overrule the decision.
WITH failed AS (
    UPDATE deliveries
    SET status = 'failed', error_code = 'failed_by_operator', settled_at = %(now)s
    WHERE run_id = %(run_id)s AND status = 'unknown'
      AND (%(seqs)s::integer[] IS NULL OR seq = ANY (%(seqs)s))
    RETURNING 1
), counts AS (
    SELECT count(*)::int AS n FROM failed
), counted AS (
    UPDATE runs SET unknown = unknown - n, failed = failed + n
    FROM counts WHERE id = %(run_id)s AND n > 0
)
SELECT n FROM counts;

-- name: give_touches_back
-- What is sent again has not counted yet for a recipient's frequency caps: its claim's touch is taken
-- off, or it would keep its own repetition from being sent. An update by key as in ledger.sql.
WITH unsent AS (
    SELECT address, claimed_at
    FROM deliveries
    WHERE run_id = %(run_id)s AND status = 'unknown' AND report IS DISTINCT FROM 'delivered'
      AND (%(seqs)s::integer[] IS NULL OR seq = ANY (%(seqs)s))
    ORDER BY seq
    FOR UPDATE
), capped AS (
    SELECT c.team_id FROM runs r JOIN campaigns c ON c.id = r.campaign_id
    WHERE r.id = %(run_id)s AND NOT c.is_test
)
INSERT INTO recipient_touches AS t (team_id, address, sent_at)
SELECT c.team_id, u.address, ARRAY[u.claimed_at]
FROM unsent u, capped c
WHERE (SELECT true FROM recipient_touches x WHERE x.team_id = c.team_id AND x.address = u.address)
ORDER BY u.address
ON CONFLICT (team_id, address) DO UPDATE
SET sent_at = ARRAY(SELECT unnest(t.sent_at) EXCEPT ALL SELECT unnest(excluded.sent_at) ORDER BY 1);

-- name: resend_unknown
-- Back to pending, as waiting slices of at most `size` rows that the next tick cuts again. A row
-- whose delivery the provider has reported did arrive, and is left alone.
WITH pending AS (
    UPDATE deliveries
    SET status = 'pending', attempts = 0, error_code = NULL, settled_at = NULL, claimed_at = NULL,
        provider_message_id = NULL
    WHERE run_id = %(run_id)s AND status = 'unknown' AND report IS DISTINCT FROM 'delivered'
      AND (%(seqs)s::integer[] IS NULL OR seq = ANY (%(seqs)s))
    RETURNING seq
), numbered AS (
    SELECT l.lane, p.seq,
           (row_number() OVER (PARTITION BY l.lane ORDER BY p.seq) - 1) / %(size)s AS part
    FROM pending p
    JOIN lanes l ON l.run_id = %(run_id)s AND p.seq >= l.lo AND p.seq < l.hi
), cut AS (
    INSERT INTO slices (run_id, lane, batch_id, kind, lo, hi, seqs, messages, not_before)
    SELECT %(run_id)s, lane, NULL, 'returned', min(seq), max(seq) + 1, array_agg(seq ORDER BY seq),
           count(*), %(now)s
    FROM numbered GROUP BY lane, part
), counts AS (
    SELECT count(*)::int AS n FROM pending
), counted AS (
    UPDATE runs SET unknown = unknown - n
    FROM counts WHERE id = %(run_id)s AND n > 0
)
SELECT n FROM counts;

-- name: lock_run
SELECT r.status, r.reason, r.finishes_at, r.expires_at, r.campaign_id, c.leftover,
       c.status AS campaign_status
FROM runs r JOIN campaigns c ON c.id = r.campaign_id
WHERE r.id = %(run_id)s
FOR NO KEY UPDATE OF r;

-- name: reopen_run
-- The gates and the lines are drawn again by the next tick.
WITH reopened AS (
    UPDATE runs SET status = 'sending', reason = NULL, finished_at = NULL
    WHERE id = %(run_id)s AND status = 'finished'
    RETURNING id
)
UPDATE lanes SET pace_remaining = NULL, pace_until = NULL
WHERE run_id IN (SELECT id FROM reopened);

-- name: campaign_reopened
UPDATE campaigns SET finished_sending_at = NULL WHERE id = %(campaign_id)s;

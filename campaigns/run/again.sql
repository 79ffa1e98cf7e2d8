-- Sending once more to rows that are settled. Locks are taken in the order in which workers and the
-- tick take them: deliveries, touches, runs, campaigns.

-- part: chosen
-- Planner: the primary key of the run, filtered; the status is in no index on purpose.
d.run_id = %(run_id)s AND d.status = ANY (%(statuses)s)
      AND (%(error_class)s::text IS NULL OR d.error_class = %(error_class)s)
      AND (%(code)s::text IS NULL OR d.error_code = %(code)s)
      AND (%(seqs)s::integer[] IS NULL OR d.seq = ANY (%(seqs)s))
      -- What the provider says was delivered did arrive.
      AND d.report IS DISTINCT FROM 'delivered'

-- name: count_chosen
SELECT count(*)::int AS n FROM deliveries d WHERE {chosen};

-- name: give_touches_back
-- What is sent again has not counted yet for a recipient's frequency caps: its claim's touch is taken
-- off, or it would keep its own repetition from being sent. An update by key as in ledger.sql.
WITH unsent AS (
    SELECT d.address, d.claimed_at
    FROM deliveries d
    WHERE {chosen}
    ORDER BY d.seq
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

-- name: send_again
-- Back to pending, as waiting slices of at most `size` rows that the next tick cuts again. The event
-- is later than all that was done before, which it outweighs; the row keeps that moment, so that what
-- comes of it is later still, whosever clock this was.
WITH chosen AS (
    SELECT d.seq, d.status, d.error_class, d.provider, d.claimed_at,
           greatest(%(now)s, d.settled_at + interval '1 microsecond') AS at
    FROM deliveries d
    WHERE {chosen}
    ORDER BY d.seq
    FOR UPDATE
), pending AS (
    UPDATE deliveries d
    SET status = 'pending', attempts = 0, error_class = NULL, error_code = NULL, settled_at = c.at,
        claimed_at = NULL, provider_message_ids = NULL, awaits_report = false
    FROM chosen c
    WHERE d.run_id = %(run_id)s AND d.seq = c.seq
    RETURNING d.seq
), noted AS (
    INSERT INTO delivery_events (run_id, seq, kind, key, at, provider)
    SELECT %(run_id)s, seq, 'resent', coalesce((date_part('epoch', claimed_at) * 1e6)::bigint::text, ''),
           at, provider
    FROM chosen
    ON CONFLICT DO NOTHING
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
    SELECT count(*)::int AS n,
           (count(*) FILTER (WHERE status = 'unknown'))::int AS unknown,
           (count(*) FILTER (WHERE status = 'failed'))::int AS failed,
           (count(*) FILTER (WHERE status = 'rejected'))::int AS rejected,
           (count(*) FILTER (WHERE error_class = 'unreported'))::int AS unreported
    FROM chosen
), counted AS (
    UPDATE runs r
    SET unknown = r.unknown - c.unknown, failed = r.failed - c.failed, rejected = r.rejected - c.rejected,
        unreported = r.unreported - c.unreported
    FROM counts c WHERE r.id = %(run_id)s AND c.n > 0
)
SELECT n FROM counts;

-- name: uncover
-- The batch in which a row was settled may still be under way, and the row has a slice of its own
-- now. The batch's slices cover it no more: of two that cover one row, two workers would claim it in
-- turns, and the words of each would be taken for the other's. Such a row is pending under the
-- batch's own token without a claim, as no other is. Last of all, because whoever ends a batch takes
-- its slices along when it has locked all else.
-- Planner: the batches of one run, which are few; then the deliveries' key.
WITH covered AS (
    SELECT s.id, array_agg(x.seq ORDER BY x.seq) FILTER (WHERE d.seq IS NULL) AS seqs
    FROM slices s
    JOIN batches b ON b.id = s.batch_id
    CROSS JOIN LATERAL unnest(coalesce(s.seqs, ARRAY(SELECT generate_series(s.lo, s.hi - 1)))) AS x (seq)
    LEFT JOIN deliveries d ON d.run_id = s.run_id AND d.seq = x.seq AND d.status = 'pending'
                          AND d.claimed_at IS NULL AND d.lease_token = b.lease_token
    WHERE s.run_id = %(run_id)s AND b.status = 'leased'
    GROUP BY s.id
    HAVING count(d.seq) > 0
), narrowed AS (
    UPDATE slices s SET seqs = c.seqs, messages = cardinality(c.seqs)
    FROM covered c WHERE s.id = c.id AND c.seqs IS NOT NULL
)
DELETE FROM slices s USING covered c WHERE s.id = c.id AND c.seqs IS NULL;

-- name: lock_run
-- Waiting slices of a finished run are those that were made in this transaction.
SELECT r.status, r.reason, r.finishes_at, r.expires_at, r.campaign_id, c.leftover,
       c.status AS campaign_status,
       EXISTS (SELECT FROM slices s WHERE s.run_id = r.id AND s.batch_id IS NULL) AS pending
FROM runs r JOIN campaigns c ON c.id = r.campaign_id
WHERE r.id = %(run_id)s
FOR NO KEY UPDATE OF r;

-- name: reopen_run
-- The gates and the lines are drawn again by the next tick.
WITH reopened AS (
    UPDATE runs SET status = 'sending', reason = NULL, finished_at = NULL, reports_closed_at = NULL
    WHERE id = %(run_id)s AND status = 'finished'
    RETURNING id
)
UPDATE lanes SET pace_remaining = NULL, pace_until = NULL
WHERE run_id IN (SELECT id FROM reopened);

-- name: campaign_reopened
UPDATE campaigns SET finished_sending_at = NULL WHERE id = %(campaign_id)s;

-- The two long statements of a run's life, run by the audience worker: its recipients are written
-- when it begins, and what nobody sent is settled when it ends.

-- name: lock_resolving_run
-- A run whose recipients are not written yet. A second resolver of the same run finds it locked.
SELECT r.id, r.campaign_id, r.occurrence, c.team_id, c.sending_type, c.recipient_local, c.timezone,
       c.status AS campaign_status, c.segmentation,
       ARRAY(SELECT segment_id FROM campaign_segments
             WHERE campaign_id = c.id ORDER BY position) AS contact_segments
FROM runs r
JOIN campaigns c ON c.id = r.campaign_id
WHERE r.id = %(run_id)s AND r.status = 'resolving'
FOR NO KEY UPDATE OF r SKIP LOCKED;

-- name: campaign_group_ids
SELECT role, group_id FROM campaign_groups WHERE campaign_id = %(campaign_id)s ORDER BY role, position;

-- name: insert_lanes
-- Stretches of `recipients` rows one after the other, in the order of the lists.
INSERT INTO lanes (run_id, lane, timezone, lo, hi, next_seq)
SELECT %(run_id)s, n - 1, timezone, hi - recipients, hi, hi - recipients
FROM (
    SELECT n, timezone, recipients, sum(recipients) OVER (ORDER BY n) AS hi
    FROM unnest(%(timezones)s::text[], %(recipients)s::integer[])
         WITH ORDINALITY AS l (timezone, recipients, n)
) stretches;

-- name: run_resolved
UPDATE runs
SET status = 'sending', total = %(total)s, timezone_fallbacks = %(timezone_fallbacks)s,
    suppression_groups = %(suppression_groups)s, published_at = NULL
WHERE id = %(run_id)s AND status = 'resolving';

-- name: closing_run
-- No lock: two workers at the same run settle each row once, by its status.
SELECT id, reason, total FROM runs WHERE id = %(run_id)s AND status = 'closing';

-- name: drop_waiting_slices
DELETE FROM slices WHERE run_id = %(run_id)s AND batch_id IS NULL;

-- name: close_rows
-- Settles the untouched rows of a closing run, one stretch of the primary key per statement, so
-- that no transaction grows with the size of the run. What is in doubt may have arrived: it is held.
WITH closed AS (
    UPDATE deliveries
    SET status = CASE WHEN error_class = 'in_doubt' THEN 'unknown' ELSE %(status)s END,
        error_class = CASE WHEN error_class = 'in_doubt' OR %(status)s <> 'failed' THEN error_class ELSE 'poisoned' END,
        error_code = CASE WHEN error_class = 'in_doubt' OR %(status)s <> 'failed' THEN error_code ELSE 'poisoned' END,
        settled_at = greatest(coalesce(%(now)s::timestamptz, clock_timestamp()),
                              settled_at + interval '1 microsecond')
    WHERE run_id = %(run_id)s AND seq >= %(lo)s AND seq < %(hi)s AND status = 'pending'
    RETURNING seq, status, claimed_at, settled_at, error_class, error_code
), noted AS (
    INSERT INTO delivery_events (run_id, seq, kind, key, at, error_class, code)
    -- A claim may be closed twice, if somebody has what was closed sent after all.
    SELECT %(run_id)s, seq, status,
           coalesce((date_part('epoch', claimed_at) * 1e6)::bigint::text, '')
           || ':' || (date_part('epoch', settled_at) * 1e6)::bigint::text,
           settled_at, error_class, error_code
    FROM closed
    ON CONFLICT DO NOTHING
), counts AS (
    SELECT (count(*) FILTER (WHERE status = 'expired'))::int AS expired,
           (count(*) FILTER (WHERE status = 'cancelled'))::int AS cancelled,
           (count(*) FILTER (WHERE status = 'failed'))::int AS failed,
           (count(*) FILTER (WHERE status = 'unknown'))::int AS unknown, count(*)::int AS n
    FROM closed
), counted AS (
    UPDATE runs r
    SET expired = r.expired + c.expired, cancelled = r.cancelled + c.cancelled,
        failed = r.failed + c.failed, unknown = r.unknown + c.unknown
    FROM counts c
    WHERE r.id = %(run_id)s
)
SELECT n AS closed FROM counts;

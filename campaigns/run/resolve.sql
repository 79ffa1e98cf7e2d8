-- The operator's decision about rows that are held as unknown; to send them again is in again.sql.
-- Locks are taken in the order in which workers and the tick take them: deliveries, runs.
-- uses: again.sql

-- name: fail_unknown
-- A worker that was thought lost finds the row no longer unknown, and cannot overrule the decision.
WITH failed AS (
    UPDATE deliveries d
    SET status = 'failed', error_class = 'operator', error_code = 'failed_by_operator',
        settled_at = greatest(%(now)s, settled_at + interval '1 microsecond')
    WHERE {chosen} AND d.status = 'unknown'
    RETURNING seq, claimed_at, settled_at, provider
), noted AS (
    INSERT INTO delivery_events (run_id, seq, kind, key, at, provider, error_class, code)
    SELECT %(run_id)s, seq, 'failed', coalesce((date_part('epoch', claimed_at) * 1e6)::bigint::text, ''),
           settled_at, provider, 'operator', 'failed_by_operator'
    FROM failed
    ON CONFLICT DO NOTHING
), counts AS (
    SELECT count(*)::int AS n FROM failed
), counted AS (
    UPDATE runs SET unknown = unknown - n, failed = failed + n
    FROM counts WHERE id = %(run_id)s AND n > 0
)
SELECT n FROM counts;

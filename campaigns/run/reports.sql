-- Delivery reports.

-- name: report
-- What providers said afterwards, found by (run, seq). Kept beside the dispatch status, so that a
-- report may come before the response was stored, twice, or out of order; delivered is final.
WITH reports AS (
    SELECT DISTINCT ON (run_id, seq) *
    FROM unnest(%(run_ids)s::bigint[], %(seqs)s::integer[], %(states)s::text[],
                %(codes)s::text[], %(ats)s::timestamptz[]) AS x (run_id, seq, state, code, at)
    ORDER BY run_id, seq, (state = 'delivered') DESC, at DESC
), previous AS (
    SELECT d.run_id, d.seq, d.report AS was, x.state, x.code, x.at
    FROM reports x
    JOIN deliveries d ON d.run_id = x.run_id AND d.seq = x.seq
    WHERE d.report IS NULL OR (d.report = 'undelivered' AND x.state = 'delivered')
    ORDER BY d.run_id, d.seq
    FOR UPDATE OF d
), noted AS (
    UPDATE deliveries d
    SET report = p.state, reported_at = p.at,
        error_code = CASE WHEN p.state = 'delivered' THEN NULL ELSE coalesce(p.code, d.error_code) END
    FROM previous p
    WHERE d.run_id = p.run_id AND d.seq = p.seq
    RETURNING d.run_id, p.was, p.state
), changes AS (
    SELECT run_id,
           (count(*) FILTER (WHERE state = 'delivered'))::int AS delivered,
           (count(*) FILTER (WHERE state = 'undelivered') - count(*) FILTER (WHERE was = 'undelivered'))::int AS undelivered,
           count(*)::int AS n
    FROM noted GROUP BY run_id
), locked AS (
    SELECT id FROM runs WHERE id IN (SELECT run_id FROM changes) ORDER BY id FOR NO KEY UPDATE
), counted AS (
    UPDATE runs r SET delivered = r.delivered + c.delivered, undelivered = r.undelivered + c.undelivered
    FROM changes c JOIN locked l ON l.id = c.run_id
    WHERE r.id = c.run_id
)
SELECT coalesce(sum(n), 0)::int AS noted FROM changes;

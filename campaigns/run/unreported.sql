-- What providers accepted, and never reported on until the run had expired.

-- name: publish_silent
-- Runs whose reports are to be closed: those that waited longest first, not more at once than the
-- audience worker can take up, and those whose message seems lost again.
-- Planner: the partial index runs_unreported, which a run leaves when its reports are closed.
UPDATE runs
SET published_at = %(now)s
WHERE id IN (
    SELECT id FROM runs
    WHERE status = 'finished' AND reports_closed_at IS NULL
      AND expires_at <= %(now)s::timestamptz - make_interval(secs => %(grace)s)
      AND (published_at IS NULL OR published_at < %(now)s::timestamptz - make_interval(secs => %(again_after)s))
    ORDER BY expires_at
    LIMIT %(amount)s
    FOR NO KEY UPDATE SKIP LOCKED)
RETURNING id;

-- name: silent_run
-- Whether its reports are to be closed, which a message that is days old does not tell. No lock: two
-- workers at the same run settle each row once, by its status.
SELECT id, total FROM runs
WHERE id = %(run_id)s AND status = 'finished' AND reports_closed_at IS NULL
  AND expires_at <= coalesce(%(now)s::timestamptz, clock_timestamp()) - make_interval(secs => %(grace)s);

-- name: settle_silent_rows
-- One stretch of the primary key per statement, so that no transaction grows with the size of the
-- run. Locks are taken in the order in which reports take them: deliveries by their key, then the run.
-- A row that told its submission itself tells something else from now on.
WITH silent AS (
    SELECT seq, submitted, claimed_at, settled_at, provider, provider_message_ids FROM deliveries
    WHERE run_id = %(run_id)s AND seq >= %(lo)s AND seq < %(hi)s
      AND status = 'accepted' AND awaits_report AND report IS NULL
    ORDER BY seq
    FOR UPDATE
), settled AS (
    UPDATE deliveries d
    SET status = 'failed', error_class = 'unreported', error_code = %(code)s, submitted = false,
        settled_at = greatest(coalesce(%(now)s::timestamptz, clock_timestamp()),
                              d.settled_at + interval '1 microsecond')
    FROM silent s
    WHERE d.run_id = %(run_id)s AND d.seq = s.seq
    RETURNING d.seq, d.claimed_at, d.settled_at, d.provider
), noted AS (
    INSERT INTO delivery_events (run_id, seq, kind, key, at, provider, message_ids, code)
    SELECT %(run_id)s, seq, kind, coalesce((date_part('epoch', claimed_at) * 1e6)::bigint::text, ''),
           at, provider, message_ids, code
    FROM (
        SELECT seq, 'submitted' AS kind, claimed_at, settled_at AS at, provider,
               provider_message_ids AS message_ids, NULL AS code
        FROM silent WHERE submitted
        UNION ALL
        SELECT seq, 'expired', claimed_at, settled_at, provider, NULL, %(code)s
        FROM settled
    ) events
    ON CONFLICT DO NOTHING
), counts AS (
    SELECT count(*)::int AS n FROM settled
), counted AS (
    UPDATE runs r
    SET accepted = r.accepted - c.n, failed = r.failed + c.n, unreported = r.unreported + c.n
    FROM counts c
    WHERE r.id = %(run_id)s AND c.n > 0
)
SELECT n AS settled FROM counts;

-- name: reports_closed
UPDATE runs SET reports_closed_at = coalesce(%(now)s::timestamptz, clock_timestamp())
WHERE id = %(run_id)s AND status = 'finished' AND reports_closed_at IS NULL;

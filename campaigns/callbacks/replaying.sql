-- Telling a receiver once more what it was told, or was not.

-- name: replay
-- Once more, from the first attempt: what was given up, or all of a time. The receiver is due at once.
-- Planner: callbacks_receiver.
WITH chosen AS (
    SELECT k.id, v.id AS receiver_id
    FROM receivers v
    LEFT JOIN webhook_endpoints e ON e.id = v.endpoint_id
    LEFT JOIN campaigns c ON c.id = v.campaign_id
    JOIN callbacks k ON k.receiver_id = v.id
    WHERE coalesce(e.team_id, c.team_id) = %(team_id)s
      AND (v.endpoint_id = %(endpoint_id)s OR v.campaign_id = %(campaign_id)s)
      AND (k.state = 'dead' OR (%(all)s AND k.state = 'delivered'))
      AND (%(since)s::timestamptz IS NULL OR k.created_at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR k.created_at < %(until)s)
    ORDER BY k.id
    FOR UPDATE OF k
), replayed AS (
    UPDATE callbacks k
    SET state = 'waiting', attempts = 0, code = NULL, settled_at = NULL, since = %(now)s, next_at = %(now)s
    FROM chosen c WHERE k.id = c.id
    RETURNING k.receiver_id
), due AS (
    UPDATE receivers v SET next_at = %(now)s, resting_until = NULL
    WHERE v.id IN (SELECT receiver_id FROM replayed) AND v.disabled_reason IS NULL
)
SELECT count(*)::int AS n FROM replayed;

-- name: revive
-- A person who has a campaign's events replayed knows that its receiver is back.
UPDATE receivers
SET disabled_reason = NULL, failures = 0, failing_since = NULL, last_code = NULL, resting_until = NULL,
    next_at = %(now)s
WHERE campaign_id = %(campaign_id)s AND disabled_reason IS NOT NULL;

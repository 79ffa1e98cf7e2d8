-- A team's webhook endpoints.

-- name: insert_endpoint
WITH made AS (
    INSERT INTO webhook_endpoints (id, team_id, url, secret, events, created_at, updated_at)
    VALUES (%(id)s, %(team_id)s, %(url)s, %(secret)s, %(events)s, %(now)s, %(now)s)
    RETURNING id
)
INSERT INTO receivers (endpoint_id) SELECT id FROM made;

-- name: list_endpoints
-- With how it goes with them. Planner: the endpoints of a team are few; of each, the messages that are
-- kept, by callbacks_receiver.
SELECT e.id, e.team_id, e.url, e.events, e.created_at, e.updated_at, e.previous_until, v.disabled_reason,
       v.failures, v.failing_since, v.last_code, v.last_attempt_at, v.last_success_at,
       m.waiting, m.delivered, m.dead
FROM webhook_endpoints e
JOIN receivers v ON v.endpoint_id = e.id
CROSS JOIN LATERAL (
    SELECT (count(*) FILTER (WHERE state = 'waiting'))::int AS waiting,
           (count(*) FILTER (WHERE state = 'delivered'))::int AS delivered,
           (count(*) FILTER (WHERE state = 'dead'))::int AS dead
    FROM callbacks k WHERE k.receiver_id = v.id
) m
WHERE e.team_id = %(team_id)s AND (%(id)s::uuid IS NULL OR e.id = %(id)s)
ORDER BY e.created_at, e.id;

-- name: count_endpoints
SELECT count(*)::int AS n FROM webhook_endpoints WHERE team_id = %(team_id)s;

-- name: rotate_secret
UPDATE webhook_endpoints
SET previous_secret = secret, previous_until = %(previous_until)s, secret = %(secret)s, updated_at = %(now)s
WHERE team_id = %(team_id)s AND id = %(id)s;

-- name: disable
-- What waits goes on waiting, until it is given up.
UPDATE receivers v
SET disabled_reason = coalesce(v.disabled_reason, 'operator'), next_at = NULL
FROM webhook_endpoints e
WHERE e.id = v.endpoint_id AND e.team_id = %(team_id)s AND e.id = %(id)s;

-- name: enable
-- What waited meanwhile is due at once.
WITH enabled AS (
    UPDATE receivers v
    SET disabled_reason = NULL, failures = 0, failing_since = NULL, last_code = NULL,
        resting_until = NULL, next_at = %(now)s
    FROM webhook_endpoints e
    WHERE e.id = v.endpoint_id AND e.team_id = %(team_id)s AND e.id = %(id)s
      AND v.disabled_reason IS NOT NULL
    RETURNING v.id
)
UPDATE callbacks k SET next_at = %(now)s
FROM enabled WHERE k.receiver_id = enabled.id AND k.state = 'waiting';

-- name: delete_endpoint
-- With all that was kept for it.
DELETE FROM webhook_endpoints WHERE team_id = %(team_id)s AND id = %(id)s;

-- name: announce
-- Which kinds the next runs of a team behind `after` announce from now on: those under way, and those of
-- the last month, of which reports may still come. Locked in the order of everybody else, and few at a
-- time, because the tick waits for them. Answers with the last one looked at; no row means the end.
-- Planner: the primary key of the runs, from `after` on; a campaign by its own.
WITH looked_at AS (
    SELECT r.id, r.announces, r.campaign_id
    FROM runs r JOIN campaigns c ON c.id = r.campaign_id
    WHERE r.id > %(after)s AND c.team_id = %(team_id)s
      AND (r.status <> 'finished' OR r.created_at > %(now)s::timestamptz - interval '30 days')
    ORDER BY r.id
    LIMIT %(amount)s
), changed AS (
    SELECT r.id, k.kinds
    FROM looked_at l
    CROSS JOIN LATERAL (SELECT announced_kinds(l.campaign_id) AS kinds) k
    JOIN runs r ON r.id = l.id
    WHERE l.announces <> k.kinds
    ORDER BY r.id
    FOR NO KEY UPDATE OF r
), done AS (
    UPDATE runs r SET announces = c.kinds FROM changed c WHERE r.id = c.id
)
SELECT max(id) AS last FROM looked_at HAVING count(*) > 0;

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

-- name: campaign
SELECT id FROM campaigns WHERE team_id = %(team_id)s AND id = %(id)s;

-- A team's webhook endpoints.

-- name: insert_endpoint
WITH made AS (
    INSERT INTO webhook_endpoints (id, team_id, url, secret, events, created_at, updated_at)
    VALUES (%(id)s, %(team_id)s, %(url)s, %(secret)s, %(events)s, %(now)s, %(now)s)
    RETURNING id
)
INSERT INTO receivers (endpoint_id) SELECT id FROM made;

-- part: health
-- How it goes with a receiver. Planner: the messages that are kept for it, by callbacks_receiver.
v.disabled_reason, v.failures, v.failing_since, v.last_code, v.last_attempt_at, v.last_success_at,
       (SELECT json_build_object(
            'waiting', count(*) FILTER (WHERE state = 'waiting'),
            'delivered', count(*) FILTER (WHERE state = 'delivered'),
            'dead', count(*) FILTER (WHERE state = 'dead'))
        FROM callbacks k WHERE k.receiver_id = v.id) AS counts

-- name: list_endpoints
SELECT e.id, e.team_id, e.url, e.events, e.created_at, e.updated_at, e.previous_until, {health}
FROM webhook_endpoints e
JOIN receivers v ON v.endpoint_id = e.id
WHERE e.team_id = %(team_id)s AND (%(id)s::uuid IS NULL OR e.id = %(id)s)
ORDER BY e.created_at, e.id;

-- name: campaign_receiver
-- No failures where it was never told anything.
SELECT c.id, c.event_callback AS url, {health}
FROM campaigns c
LEFT JOIN receivers v ON v.campaign_id = c.id
WHERE c.team_id = %(team_id)s AND c.id = %(id)s;

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

-- name: await_tick
-- Returns when the tick that is under way, if any, is committed (lock_tick in scheduler/tick.sql).
SELECT pg_advisory_xact_lock(hashtext('sluice.tick'));

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

-- Who is to be told something. While nobody is, these look at two empty places.

-- name: outbox
-- The newest event that nobody has been told, and whether messages are kept at all.
-- Planner: the end of the primary key, and the first page of the other table.
SELECT (SELECT max(id) FROM event_outbox) AS last, EXISTS (SELECT FROM callbacks) AS keeps;

-- name: publish_receivers
-- Receivers that are due and that nobody is telling: those that answered last time before the others,
-- which have a quarter of the places between them, and not more than a few at one host. So one that
-- hangs, or a thousand that do, leave room for the rest. Each repetition waits longer, so that a long
-- queue is not filled with copies.
-- Planner: receivers_due.
WITH due AS (
    SELECT v.id, v.next_at, v.failures > 0 AS failing,
           coalesce(v.lease_until > %(now)s, false)
           OR coalesce(v.published_at > %(now)s::timestamptz
                       - make_interval(secs => least(%(again_after)s * v.publications, 60)), false) AS busy,
           lower(substring(coalesce(e.url, c.event_callback) FROM '^[a-zA-Z]+://(?:[^/?#]*@)?([^/?#]*)')) AS host
    FROM receivers v
    LEFT JOIN webhook_endpoints e ON e.id = v.endpoint_id
    LEFT JOIN campaigns c ON c.id = v.campaign_id
    WHERE v.next_at <= %(now)s AND v.disabled_reason IS NULL
    ORDER BY v.next_at
    LIMIT 2000
), at_hosts AS (
    SELECT *, row_number() OVER (PARTITION BY host ORDER BY busy DESC, failing, next_at, id) AS at_host
    FROM due
), placed AS (
    SELECT id, busy, failing,
           row_number() OVER (PARTITION BY failing ORDER BY busy DESC, next_at, id) AS among,
           row_number() OVER (ORDER BY busy DESC, failing, next_at, id) AS place
    FROM at_hosts
    WHERE busy OR at_host <= %(per_host)s
), chosen AS (
    SELECT v.id
    FROM receivers v
    WHERE v.id IN (SELECT id FROM placed
                   WHERE NOT busy AND place <= %(places)s
                     AND (NOT failing OR among <= %(failing_places)s))
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE receivers v
SET published_at = %(now)s, publications = v.publications + 1
FROM chosen WHERE v.id = chosen.id
RETURNING v.id;

-- name: take_back_receivers
UPDATE receivers SET published_at = NULL, publications = greatest(publications - 1, 0)
WHERE id = ANY (%(ids)s);

-- name: dead_receivers
-- Receivers that failed just now and have been failing for a while, and those that said that they are
-- gone. What is kept for one of them may be a million messages, so no more than `most` are counted.
-- Planner: few receivers; callbacks_due and callbacks_dead, of each `most` entries.
SELECT v.id, v.endpoint_id, v.campaign_id, v.disabled_reason, v.failing_since, v.last_code,
       (SELECT count(*)::int FROM (SELECT FROM callbacks k WHERE k.receiver_id = v.id AND k.state = 'waiting'
                                   LIMIT %(most)s) k) AS waiting,
       (SELECT count(*)::int FROM (SELECT FROM callbacks k WHERE k.receiver_id = v.id AND k.state = 'dead'
                                   LIMIT %(most)s) k) AS dead
FROM receivers v
WHERE v.failures > 0
  AND v.last_attempt_at > %(now)s::timestamptz - make_interval(secs => %(since)s)
  AND (v.disabled_reason = 'gone'
       OR v.failing_since < %(now)s::timestamptz - make_interval(secs => %(patience)s))
ORDER BY v.id
LIMIT 20;

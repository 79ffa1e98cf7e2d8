-- Telling one receiver what waits for it. All of it is fenced by the receiver's lease: whoever was thought
-- lost changes nothing any more. A message that was sent and not noted is sent again, with its id.

-- name: lease_receiver
UPDATE receivers
SET lease_token = %(token)s, publications = 0,
    lease_until = coalesce(%(now)s::timestamptz, clock_timestamp()) + make_interval(secs => %(lease_seconds)s)
WHERE id = %(receiver_id)s AND disabled_reason IS NULL
  AND next_at <= coalesce(%(now)s::timestamptz, clock_timestamp())
  AND (lease_until IS NULL OR lease_until <= coalesce(%(now)s::timestamptz, clock_timestamp()))
RETURNING id;

-- name: next_callback
-- Renews the lease and names the message that has waited longest for its turn, with what it takes to
-- build it. The URL is null where the campaign names none any more.
-- Planner: callbacks_due, from its beginning.
WITH clock AS (
    SELECT coalesce(%(now)s::timestamptz, clock_timestamp()) AS now
), mine AS (
    UPDATE receivers v
    SET lease_until = clock.now + make_interval(secs => %(lease_seconds)s)
    FROM clock
    WHERE v.id = %(receiver_id)s AND v.lease_token = %(token)s AND v.lease_until > clock.now
      AND v.disabled_reason IS NULL
    RETURNING v.id, v.campaign_id, v.endpoint_id, v.failures, clock.now
)
SELECT k.id, k.message_id, k.run_id, k.kind, k.seqs, k.ats, k.codes, k.attempts, m.failures, m.endpoint_id,
       CASE WHEN m.endpoint_id IS NULL THEN c.event_callback ELSE e.url END AS url,
       e.secret, CASE WHEN e.previous_until > m.now THEN e.previous_secret END AS previous_secret,
       r.occurrence, c.id AS campaign_id, c.sending_type
FROM mine m
CROSS JOIN LATERAL (
    SELECT * FROM callbacks k
    WHERE k.receiver_id = m.id AND k.state = 'waiting' AND k.next_at <= m.now
    ORDER BY k.next_at, k.id
    LIMIT 1
) k
LEFT JOIN webhook_endpoints e ON e.id = m.endpoint_id
LEFT JOIN runs r ON r.id = k.run_id
LEFT JOIN campaigns c ON c.id = r.campaign_id;

-- name: addresses
SELECT seq, address FROM deliveries WHERE run_id = %(run_id)s AND seq = ANY (%(seqs)s);

-- name: delivered
-- A receiver that was down is told the rest at once: `catch_up`.
WITH clock AS (
    SELECT coalesce(%(now)s::timestamptz, clock_timestamp()) AS now
), well AS (
    UPDATE receivers v
    SET failures = 0, failing_since = NULL, last_code = NULL, last_attempt_at = clock.now,
        last_success_at = clock.now
    FROM clock
    WHERE v.id = %(receiver_id)s AND v.lease_token = %(token)s
    RETURNING v.id, clock.now
)
UPDATE callbacks k
SET state = 'delivered', attempts = k.attempts + 1, code = NULL, settled_at = well.now
FROM well
WHERE k.id = %(id)s AND k.receiver_id = well.id AND k.state = 'waiting';

-- name: catch_up
UPDATE callbacks SET next_at = coalesce(%(now)s::timestamptz, clock_timestamp())
WHERE receiver_id = %(receiver_id)s AND state = 'waiting'
  AND next_at > coalesce(%(now)s::timestamptz, clock_timestamp());

-- name: failed
-- `pause` in seconds is null after the last attempt.
WITH clock AS (
    SELECT coalesce(%(now)s::timestamptz, clock_timestamp()) AS now
), ill AS (
    UPDATE receivers v
    SET failures = v.failures + 1, failing_since = coalesce(v.failing_since, clock.now),
        last_code = %(code)s, last_attempt_at = clock.now,
        disabled_reason = CASE WHEN %(gone)s THEN 'gone' ELSE v.disabled_reason END
    FROM clock
    WHERE v.id = %(receiver_id)s AND v.lease_token = %(token)s
    RETURNING v.id, clock.now
)
UPDATE callbacks k
SET attempts = k.attempts + 1, code = %(code)s,
    state = CASE WHEN %(pause)s::float8 IS NULL THEN 'dead' ELSE 'waiting' END,
    settled_at = CASE WHEN %(pause)s::float8 IS NULL THEN ill.now END,
    next_at = ill.now + make_interval(secs => coalesce(%(pause)s::float8, 0))
FROM ill
WHERE k.id = %(id)s AND k.receiver_id = ill.id AND k.state = 'waiting';

-- name: drop
-- There is nothing left to tell, or nobody to tell it to.
DELETE FROM callbacks k
USING receivers v
WHERE k.id = %(id)s AND v.id = k.receiver_id AND v.id = %(receiver_id)s AND v.lease_token = %(token)s;

-- name: lock_receiver
-- Before `release`, in the same transaction: a message that is made meanwhile is waited for and seen.
SELECT id FROM receivers WHERE id = %(receiver_id)s AND lease_token = %(token)s FOR NO KEY UPDATE;

-- name: release
-- Nobody's again, and due when the next of its messages is, but not before its rest is over.
-- Planner: callbacks_due, its first entry.
UPDATE receivers v
SET lease_token = NULL, lease_until = NULL, published_at = NULL, publications = 0,
    resting_until = clock.rested_at,
    next_at = CASE WHEN v.disabled_reason IS NULL AND w.next_at IS NOT NULL
                   THEN greatest(w.next_at, clock.rested_at) END
FROM (SELECT coalesce(%(now)s::timestamptz, clock_timestamp())
             + make_interval(secs => nullif(%(rest)s::float8, 0)) AS rested_at) clock,
     (SELECT min(next_at) AS next_at FROM callbacks
      WHERE receiver_id = %(receiver_id)s AND state = 'waiting') w
WHERE v.id = %(receiver_id)s AND v.lease_token = %(token)s;

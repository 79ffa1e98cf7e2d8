-- Signs of life, for the tick and for people: who was seen, and how each account fares.

-- name: provider_states
-- What a send process asks for twice a second, so that all of them go by the same.
SELECT provider, failures, circuit, rate_factor,
       greatest(extract(epoch FROM cooling_until - clock_timestamp()), 0)::float8 AS rest,
       extract(epoch FROM clock_timestamp() - factor_at)::float8 AS factor_age
FROM provider_states;

-- name: add_provider_state
INSERT INTO provider_states (provider, updated_at) VALUES (%(provider)s, clock_timestamp())
ON CONFLICT (provider) DO NOTHING;

-- name: lock_provider_state
-- Whoever saw something waits here for the others: what the state becomes depends on what it is.
SELECT failures, circuit, cooling_until, cooling_reason, refusals, refusal, rate_factor, factor_at,
       clock_timestamp() AS now
FROM provider_states WHERE provider = %(provider)s
FOR NO KEY UPDATE;

-- name: write_provider_state
-- For the tick and for people; the limiter in Redis is what holds the account.
UPDATE provider_states
SET failures = %(failures)s, circuit = %(circuit)s,
    cooling_until = %(cooling_until)s, cooling_reason = %(cooling_reason)s,
    refusals = %(refusals)s, refusal = %(refusal)s,
    rate_factor = %(rate_factor)s, factor_at = %(factor_at)s, updated_at = %(now)s
WHERE provider = %(provider)s;

-- name: account_states
-- How the accounts fare, for people.
SELECT provider, circuit, failures, refusal, cooling_reason,
       CASE WHEN cooling_until > clock_timestamp() THEN cooling_until END AS rests_until
FROM provider_states
ORDER BY provider;

-- name: other_batches
-- Whether anybody else sends for the account of this batch right now.
SELECT EXISTS (
    SELECT FROM batches o JOIN batches b ON b.provider = o.provider
    WHERE b.id = %(batch_id)s AND o.id <> b.id
      AND o.status = 'leased' AND o.lease_until > clock_timestamp()) AS others;

-- name: beat_heart
INSERT INTO heartbeats (name, kind, seen_at)
VALUES (%(name)s, %(kind)s, coalesce(%(now)s::timestamptz, clock_timestamp()))
ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, seen_at = excluded.seen_at;

-- name: silence_of_beats
-- Seconds since the last tick, if there is anything to tick for.
SELECT extract(epoch FROM clock_timestamp() - max(h.seen_at))::float8 AS seconds
FROM heartbeats h
WHERE h.kind = 'beat'
  AND (EXISTS (SELECT FROM runs WHERE status <> 'finished')
       OR EXISTS (SELECT FROM campaigns WHERE status IN ('scheduled', 'sending') AND next_dt < clock_timestamp()));

-- name: findings
-- What the watchdog found in the last day (scheduler/watch.sql).
SELECT kind, subject, detail, repaired, times, last_seen_at
FROM findings
WHERE last_seen_at > clock_timestamp() - interval '1 day'
ORDER BY last_seen_at DESC, kind, subject
LIMIT 20;

-- name: forget_touches
-- Removes recipients whom their team wrote to more than eight days ago, the longest that a cap looks
-- back and a day more. Walks the primary key in portions: `amount` keys after (after_team,
-- after_address), which are null at the beginning; the answer names the last key looked at, and no
-- row means that the end is reached. A row that a claim holds is left for the next round.
WITH looked_at AS (
    SELECT team_id, address, sent_at
    FROM recipient_touches
    WHERE %(after_team)s::uuid IS NULL OR (team_id, address) > (%(after_team)s::uuid, %(after_address)s::text)
    ORDER BY team_id, address
    LIMIT %(amount)s
), stale AS (
    SELECT t.team_id, t.address
    FROM looked_at l
    JOIN recipient_touches t ON t.team_id = l.team_id AND t.address = l.address
    WHERE NOT EXISTS (SELECT FROM unnest(t.sent_at) x
                      WHERE x >= coalesce(%(now)s::timestamptz, clock_timestamp()) - interval '192 hours')
    ORDER BY t.team_id, t.address
    FOR UPDATE OF t SKIP LOCKED
), forgotten AS (
    DELETE FROM recipient_touches t
    USING stale s
    WHERE t.team_id = s.team_id AND t.address = s.address
    RETURNING 1
)
SELECT team_id AS after_team, address AS after_address,
       (SELECT count(*) FROM forgotten)::int AS forgotten
FROM looked_at
ORDER BY team_id DESC, address DESC
LIMIT 1;

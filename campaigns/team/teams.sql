-- name: insert_team
-- One new team; the UNIQUE name refuses a second one.
INSERT INTO teams (id, name, default_region)
VALUES (%(id)s, %(name)s, %(default_region)s)
RETURNING id, name, default_region, timezone, sending_hours, quiet_hours, holidays, rate,
          frequency_cap_day, frequency_cap_week, retention_days, created_at, updated_at;

-- name: find_team
-- A team by uuid or by name, the uuid first. Two unique indexes, combined with a bitmap OR.
SELECT id, name, default_region, timezone, sending_hours, quiet_hours, holidays, rate,
       frequency_cap_day, frequency_cap_week, retention_days, created_at, updated_at
FROM teams
WHERE id = %(id)s OR name = %(name)s
ORDER BY id = %(id)s DESC NULLS LAST
LIMIT 1;

-- name: list_teams
-- All teams; there are few of them.
SELECT id, name, default_region, timezone, sending_hours, quiet_hours, holidays, rate,
       frequency_cap_day, frequency_cap_week, retention_days, created_at, updated_at
FROM teams
ORDER BY name;

-- name: lock_team
-- The settings as they are, so that two edits of different fields at once both count.
SELECT id, name, default_region, timezone, sending_hours, quiet_hours, holidays, rate,
       frequency_cap_day, frequency_cap_week, retention_days, created_at, updated_at
FROM teams
WHERE id = %(id)s
FOR NO KEY UPDATE;

-- name: update_team
-- updated_at is what caches of a team's calendar go by: it moves even if the clock does not.
UPDATE teams
SET default_region = %(default_region)s, timezone = %(timezone)s,
    sending_hours = %(sending_hours)s, quiet_hours = %(quiet_hours)s, holidays = %(holidays)s,
    rate = %(rate)s, frequency_cap_day = %(frequency_cap_day)s,
    frequency_cap_week = %(frequency_cap_week)s, retention_days = %(retention_days)s,
    updated_at = greatest(clock_timestamp(), updated_at + interval '1 microsecond')
WHERE id = %(id)s
RETURNING id, name, default_region, timezone, sending_hours, quiet_hours, holidays, rate,
          frequency_cap_day, frequency_cap_week, retention_days, created_at, updated_at;

-- name: cap_batches
-- A team that sets a cap takes the batches that were leased without one away from their claims: the
-- next one grants nothing, and what is left is handed out again.
UPDATE batches
SET capped = true
WHERE id IN (
    SELECT b.id
    FROM batches b
    WHERE NOT b.capped AND EXISTS (
        SELECT FROM slices s
        JOIN runs r ON r.id = s.run_id
        JOIN campaigns c ON c.id = r.campaign_id
        WHERE s.batch_id = b.id AND c.team_id = %(id)s)
    ORDER BY b.id
    FOR NO KEY UPDATE OF b);

-- name: hold_tick
-- Waits for a tick that is under way and keeps the next one away until this transaction is over
-- (lock_tick in scheduler/tick.sql). Taken before any row is locked, because the tick waits for rows
-- while it holds this.
SELECT pg_advisory_xact_lock(hashtext('sluice.tick'));

-- name: close_gates
-- Nothing is granted by the hours from before: the next tick opens the gates again. Locked in the
-- order of their keys, as the tick locks them too.
WITH locked AS (
    SELECT l.run_id, l.lane
    FROM lanes l
    JOIN runs r ON r.id = l.run_id AND r.status <> 'finished'
    JOIN campaigns c ON c.id = r.campaign_id
    WHERE c.team_id = %(id)s
    ORDER BY l.run_id, l.lane
    FOR NO KEY UPDATE OF l
)
UPDATE lanes l
SET gate_closes_at = least(l.gate_closes_at, clock_timestamp()),
    pace_remaining = NULL, pace_until = NULL
FROM locked k
WHERE l.run_id = k.run_id AND l.lane = k.lane;

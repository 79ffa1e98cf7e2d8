-- Finding a run by what people have at hand: its number, or its campaign's uuid.

-- name: run_by_id
-- Deleted campaigns are gone from every list, their runs stay on record and can be named.
SELECT r.id FROM runs r JOIN campaigns c ON c.id = r.campaign_id
WHERE r.id = %(run_id)s AND c.team_id = %(team_id)s;

-- name: latest_run
-- The latest one that is not over, or else the latest one that took place. The unique key on
-- (campaign, occurrence).
SELECT c.id AS campaign_id, r.id
FROM campaigns c
LEFT JOIN LATERAL (
    SELECT id FROM runs
    WHERE campaign_id = c.id
    ORDER BY status = 'finished', coalesce(reason IN ('skipped', 'missed'), false), occurrence DESC
    LIMIT 1
) r ON true
WHERE c.id = %(campaign_id)s AND c.team_id = %(team_id)s;

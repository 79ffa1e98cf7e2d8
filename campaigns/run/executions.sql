-- The runs of campaigns that were found through their team. Planner: the unique index on
-- (campaign_id, occurrence) for each campaign.

-- part: fresh
-- What workers counted since the last tick, and no run has been told yet.
LEFT JOIN LATERAL (
    SELECT sum(accepted) AS accepted, sum(rejected) AS rejected, sum(failed) AS failed,
           sum(unknown) AS unknown
    FROM run_tallies WHERE run_id = r.id
) f ON true

-- name: last_runs
-- The latest occurrence of each that was neither skipped nor missed.
SELECT c.id AS campaign_id, r.occurrence
FROM unnest(%(ids)s::uuid[]) AS c (id)
JOIN LATERAL (
    SELECT occurrence FROM runs
    WHERE campaign_id = c.id AND (reason IS NULL OR reason NOT IN ('skipped', 'missed'))
    ORDER BY occurrence DESC
    LIMIT 1
) r ON true;

-- name: runs
-- The latest ones of each campaign, newest first.
SELECT r.campaign_id, r.id, r.occurrence, r.status, r.reason, r.total,
       r.accepted + coalesce(f.accepted, 0) AS accepted,
       r.rejected + coalesce(f.rejected, 0) AS rejected,
       r.failed + coalesce(f.failed, 0) AS failed,
       r.unknown + coalesce(f.unknown, 0) AS unknown,
       r.suppressed, r.expired, r.cancelled, r.delivered, r.undelivered
FROM unnest(%(ids)s::uuid[]) AS c (id)
JOIN LATERAL (
    SELECT * FROM runs WHERE campaign_id = c.id ORDER BY occurrence DESC LIMIT %(most)s
) r ON true
{fresh}
ORDER BY r.campaign_id, r.occurrence DESC;

-- name: messages
-- All runs of each campaign together.
SELECT r.campaign_id, sum(r.total) AS total,
       sum(r.accepted + coalesce(f.accepted, 0)) AS accepted,
       sum(r.rejected + coalesce(f.rejected, 0)) AS rejected,
       sum(r.failed + coalesce(f.failed, 0)) AS failed,
       sum(r.unknown + coalesce(f.unknown, 0)) AS unknown,
       sum(r.suppressed) AS suppressed, sum(r.expired) AS expired,
       sum(r.cancelled) AS cancelled, sum(r.delivered) AS delivered,
       sum(r.undelivered) AS undelivered
FROM runs r
{fresh}
WHERE r.campaign_id = ANY (%(ids)s)
GROUP BY r.campaign_id;

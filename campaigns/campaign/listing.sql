-- Pages by number of a team's campaigns. Another order takes the place of the one in here
-- (campaigns/campaign/listing.py).

-- part: criteria
team_id = %(team_id)s AND status <> 'deleted' AND NOT is_test
AND sending_type = ANY (%(sending_types)s) AND schedule_type = ANY (%(schedule_types)s)
AND CASE WHEN manually_paused THEN status = ANY (%(held)s) ELSE status = ANY (%(going)s) END

-- name: tallies
-- How many there are of each kind: a few hundred rows at most. Planner: the primary key.
SELECT sending_type, schedule_type, status, manually_paused, sum(campaigns) AS campaigns
FROM campaign_tallies
WHERE team_id = %(team_id)s
GROUP BY sending_type, schedule_type, status, manually_paused;

-- name: many_in_order
-- Planner: the index of the first column, index-only, of which no more is read than what lies before
-- the page; what else the list is sorted by is sorted among neighbours that are equal.
SELECT id FROM campaigns
WHERE {criteria}
ORDER BY created_at DESC, id DESC
LIMIT %(limit)s OFFSET %(offset)s;

-- name: few_in_order
-- Planner: campaigns_by_kind, which has those of a status; in the order of another index all campaigns
-- of the team would be looked at for them.
WITH few AS MATERIALIZED (
    SELECT id, created_at, updated_at, next_dt, name, status, manually_paused, sending_type,
           schedule_type
    FROM campaigns
    WHERE {criteria} AND status = ANY (%(statuses)s)
)
SELECT id FROM few
ORDER BY created_at DESC, id DESC
LIMIT %(limit)s OFFSET %(offset)s;

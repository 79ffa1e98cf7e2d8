-- Campaigns by their numbers, which are unique in the installation and looked up with the team all the
-- same, and those that have no message yet.

-- name: find_number
-- Which campaign a number is, and what the engine's own columns do not say. Planner: the unique key on
-- campaigns (number), runs_campaign.
SELECT c.id, c.number, c.is_ready,
       (SELECT min(r.starts_at) FROM runs r
        WHERE r.campaign_id = c.id AND r.status IN ('resolving', 'sending')) AS run_starts_at,
       (SELECT g.number FROM campaign_groups u JOIN contact_groups g ON g.id = u.group_id
        WHERE u.campaign_id = c.id AND u.role = 'include'
        ORDER BY u.position LIMIT 1) AS group_number,
       ARRAY(SELECT s.number FROM campaign_segments u JOIN segments s ON s.id = u.segment_id
             WHERE u.campaign_id = c.id ORDER BY u.position) AS segment_numbers,
       (SELECT d.number FROM domains d WHERE d.id = c.domain_id) AS domain_number
FROM campaigns c
WHERE c.number = %(number)s AND c.team_id = %(team_id)s
  AND c.status <> 'deleted' AND NOT c.is_test;

-- name: lock_number
-- Whoever moves a campaign or changes a draft holds one of these two until that is stored.
SELECT id FROM campaigns
WHERE number = %(number)s AND team_id = %(team_id)s AND status <> 'deleted' AND NOT is_test
FOR UPDATE;

-- name: lock_draft
SELECT id FROM callback_drafts WHERE number = %(number)s AND team_id = %(team_id)s FOR UPDATE;

-- name: set_ready
UPDATE campaigns SET is_ready = %(is_ready)s WHERE id = %(id)s AND is_ready <> %(is_ready)s;

-- name: set_number
UPDATE campaigns SET number = %(number)s WHERE id = %(id)s;

-- name: insert_draft
INSERT INTO callback_drafts (id, team_id, request, created_at, updated_at)
VALUES (%(id)s, %(team_id)s, %(request)s, %(now)s, %(now)s)
RETURNING number;

-- name: find_draft
SELECT id, number, request FROM callback_drafts
WHERE number = %(number)s AND team_id = %(team_id)s;

-- name: update_draft
UPDATE callback_drafts SET request = %(request)s, updated_at = %(now)s WHERE id = %(id)s;

-- name: delete_draft
DELETE FROM callback_drafts WHERE id = %(id)s;

-- name: number_of
SELECT number FROM campaigns WHERE id = %(id)s;

-- name: group_by_number
-- The contacts that came with another campaign are no list.
SELECT id, kind FROM contact_groups
WHERE number = %(number)s AND team_id = %(team_id)s AND campaign_id IS NULL;

-- name: number_of_group
SELECT number FROM contact_groups WHERE id = %(id)s AND team_id = %(team_id)s;

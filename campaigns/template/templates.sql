-- name: insert_template
-- No row comes back when the uuid is taken; the caller compares what is there.
INSERT INTO templates (id, team_id, name, body, created_at, updated_at)
VALUES (%(id)s, %(team_id)s, %(name)s, %(body)s, %(now)s, %(now)s)
ON CONFLICT (id) DO NOTHING
RETURNING id, team_id, name, body, created_at, updated_at;

-- name: find_template_anywhere
-- The template behind a uuid, whichever team it belongs to: uuids are chosen by those who submit.
SELECT id, team_id, name, body, created_at, updated_at FROM templates WHERE id = %(id)s;

-- name: find_template
-- KEY SHARE keeps it from being deleted until the campaign that is being saved names it.
SELECT id, team_id, name, body, created_at, updated_at
FROM templates
WHERE id = %(id)s AND team_id = %(team_id)s
FOR KEY SHARE;

-- name: list_templates
-- By name. A team has tens of templates, not thousands: a scan of a small table.
SELECT id, team_id, name, body, created_at, updated_at
FROM templates
WHERE team_id = %(team_id)s
ORDER BY name, id;

-- name: count_templates
SELECT count(*) AS templates FROM templates WHERE team_id = %(team_id)s;

-- name: page_of_templates
SELECT id, team_id, name, body, created_at, updated_at
FROM templates
WHERE team_id = %(team_id)s
ORDER BY created_at DESC, id DESC
OFFSET %(offset)s LIMIT %(limit)s;

-- name: update_template
-- For campaigns that are saved from now on: the others keep the text they were saved with.
UPDATE templates
SET name = coalesce(%(name)s, name), body = coalesce(%(body)s, body), updated_at = %(now)s
WHERE id = %(id)s AND team_id = %(team_id)s
RETURNING id, team_id, name, body, created_at, updated_at;

-- name: delete_template
-- Campaigns keep the text they were saved with; their template_uuid becomes NULL.
DELETE FROM templates WHERE id = %(id)s AND team_id = %(team_id)s RETURNING id;

-- name: insert_team
-- One new team; the UNIQUE name refuses a second one.
INSERT INTO teams (id, name, default_region)
VALUES (%(id)s, %(name)s, %(default_region)s)
RETURNING id, name, default_region, created_at;

-- name: find_team
-- A team by uuid or by name, the uuid first. Two unique indexes, combined with a bitmap OR.
SELECT id, name, default_region, created_at
FROM teams
WHERE id = %(id)s OR name = %(name)s
ORDER BY id = %(id)s DESC NULLS LAST
LIMIT 1;

-- name: list_teams
-- All teams; there are few of them.
SELECT id, name, default_region, created_at
FROM teams
ORDER BY name;

-- Segments: stored queries about the contacts of one group.

-- name: insert_segment
-- No row comes back when the uuid is taken; the caller compares what is there. A name that the team
-- uses already is refused by UNIQUE (team_id, name).
INSERT INTO segments (id, team_id, group_id, name, query, created_at, updated_at)
VALUES (%(id)s, %(team_id)s, %(group_id)s, %(name)s, %(query)s, %(now)s, %(now)s)
ON CONFLICT (id) DO NOTHING
RETURNING id, number, team_id, group_id, name, query, created_at, updated_at;

-- name: find_segment_anywhere
-- The segment behind a uuid, whichever team it belongs to: uuids are chosen by those who create.
SELECT id, number, team_id, group_id, name, query, created_at, updated_at
FROM segments
WHERE id = %(id)s;

-- name: find_segment
-- A team's segment by uuid, by number or by name, in this order. Three unique indexes, bitmap OR.
SELECT id, number, team_id, group_id, name, query, created_at, updated_at
FROM segments
WHERE team_id = %(team_id)s AND (id = %(id)s OR number = %(number)s OR name = %(name)s)
ORDER BY id = %(id)s DESC NULLS LAST, number = %(number)s DESC NULLS LAST
LIMIT 1;

-- name: list_segments
-- The team's segments by name, or those of one group. A team has tens of them, not thousands.
SELECT id, number, team_id, group_id, name, query, created_at, updated_at
FROM segments
WHERE team_id = %(team_id)s AND (%(group_id)s::uuid IS NULL OR group_id = %(group_id)s)
ORDER BY name, id;

-- name: chosen_segments
-- Those of the team behind uuids and numbers. KEY SHARE keeps them from being deleted until the
-- campaign that is being saved names them.
SELECT id, number, group_id
FROM segments
WHERE team_id = %(team_id)s AND (id = ANY (%(ids)s::uuid[]) OR number = ANY (%(numbers)s::bigint[]))
FOR KEY SHARE;

-- name: queries_of_segments
SELECT group_id, query
FROM segments
WHERE team_id = %(team_id)s AND id = ANY (%(ids)s::uuid[])
ORDER BY number;

-- name: lock_segment
-- Waits for every campaign that is being saved with it.
SELECT id FROM segments WHERE id = %(id)s FOR UPDATE;

-- name: update_segment
UPDATE segments
SET name = %(name)s, query = %(query)s, updated_at = %(now)s
WHERE id = %(id)s
RETURNING id, number, team_id, group_id, name, query, created_at, updated_at;

-- name: campaign_using_segment
-- One campaign in one of these states that is for the segment, the first by name. Index
-- campaign_segments_segment, then the campaigns' primary key.
SELECT c.id, c.name, c.status
FROM campaign_segments u
JOIN campaigns c ON c.id = u.campaign_id
WHERE u.segment_id = %(id)s AND c.status = ANY(%(statuses)s)
ORDER BY c.name, c.id
LIMIT 1;

-- name: delete_segment
DELETE FROM segments WHERE id = %(id)s;

-- name: kinds_of_groups
-- The kinds of those of the groups that the team has. KEY SHARE keeps them from being deleted until
-- the query that names them is stored.
SELECT id, kind
FROM contact_groups
WHERE team_id = %(team_id)s AND id = ANY (%(ids)s::uuid[]) AND campaign_id IS NULL
FOR KEY SHARE;

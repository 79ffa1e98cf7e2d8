-- name: insert_group
-- One new group. A repeated uuid is left to the caller, who compares it; a repeated name is
-- refused by UNIQUE (team_id, name).
INSERT INTO contact_groups (id, team_id, name, description, kind, is_default_optouts, deletable)
VALUES (%(id)s, %(team_id)s, %(name)s, %(description)s, %(kind)s, %(is_default_optouts)s,
        %(deletable)s)
ON CONFLICT (id) DO NOTHING
RETURNING id, team_id, name, description, kind, is_default_optouts, deletable, headers,
          created_at, updated_at;

-- name: find_group
-- A group of a team by uuid or by name, the uuid first. Two unique indexes, bitmap OR. The contacts
-- that came with a campaign are none of the team's groups (given.sql).
SELECT id, team_id, name, description, kind, is_default_optouts, deletable, headers,
       created_at, updated_at
FROM contact_groups
WHERE team_id = %(team_id)s AND (id = %(id)s OR name = %(name)s) AND campaign_id IS NULL
ORDER BY id = %(id)s DESC NULLS LAST
LIMIT 1;

-- name: find_default_optouts
-- Unique partial index contact_groups_default_optouts.
SELECT id, team_id, name, description, kind, is_default_optouts, deletable, headers,
       created_at, updated_at
FROM contact_groups
WHERE team_id = %(team_id)s AND is_default_optouts;

-- name: find_group_anywhere
-- The group behind a uuid, whichever team it belongs to: a uuid names one group in the system.
SELECT id, team_id, name, description, kind, is_default_optouts, deletable, headers,
       created_at, updated_at
FROM contact_groups
WHERE id = %(id)s;

-- part: summary
-- A group, how many contacts it has, and what is still to be worked through. The tallies are a few rows
-- per group, whatever its size; the jobs are found by their index of those that are pending.
SELECT g.id, g.team_id, g.name, g.description, g.kind, g.is_default_optouts, g.deletable,
       g.headers, g.created_at, g.updated_at, t.contacts, j.jobs, j.coming_headers
FROM contact_groups g
CROSS JOIN LATERAL (
    SELECT coalesce(sum(contacts), 0)::bigint AS contacts FROM group_tallies WHERE group_id = g.id
) t
CROSS JOIN LATERAL (
    SELECT count(DISTINCT p.id)::int AS jobs,
           coalesce(array_agg(n.name ORDER BY p.id, n.position) FILTER (WHERE n.name IS NOT NULL), '{}')
               AS coming_headers
    FROM group_jobs p LEFT JOIN LATERAL unnest(p.headers) WITH ORDINALITY AS n (name, position) ON true
    WHERE p.group_id = g.id AND p.finished_at IS NULL
) j

-- name: list_groups
{summary}
WHERE g.team_id = %(team_id)s AND g.campaign_id IS NULL
ORDER BY g.is_default_optouts DESC, g.name;

-- name: summary
{summary}
WHERE g.id = %(id)s;

-- name: count_groups
-- Index-only on contact_groups_team.
SELECT count(*) AS groups FROM contact_groups
WHERE team_id = %(team_id)s AND campaign_id IS NULL;

-- name: newest_groups
-- A page of a team's groups, newest first, counted from there. Planner: contact_groups_team, of which
-- the offset passes over index entries alone; the numbers are asked for on this page only.
{summary}
WHERE g.id IN (
    SELECT id FROM contact_groups WHERE team_id = %(team_id)s AND campaign_id IS NULL
    ORDER BY created_at DESC, id DESC OFFSET %(offset)s LIMIT %(limit)s)
ORDER BY g.created_at DESC, g.id DESC;

-- name: oldest_groups
-- The same page counted from the other end, for one that lies nearer to it.
{summary}
WHERE g.id IN (
    SELECT id FROM contact_groups WHERE team_id = %(team_id)s AND campaign_id IS NULL
    ORDER BY created_at, id OFFSET %(offset)s LIMIT %(limit)s)
ORDER BY g.created_at DESC, g.id DESC;

-- name: update_group
UPDATE contact_groups
SET name = coalesce(%(name)s, name), description = coalesce(%(description)s, description),
    deletable = coalesce(%(deletable)s, deletable), updated_at = now()
WHERE id = %(id)s
RETURNING id, team_id, name, description, kind, is_default_optouts, deletable, headers,
          created_at, updated_at;

-- name: wait_longer
-- The end of an import of a million lines holds a group for several seconds; who comes meanwhile
-- waits rather than being refused. Below the statement timeout, which ends the wait otherwise.
SELECT set_config('lock_timeout', '25s', true);

-- name: lock_group
-- Writers of one group take turns. NO KEY UPDATE, so that the foreign key's KEY SHARE of a single
-- opt-out is not held up by an import.
SELECT id FROM contact_groups WHERE id = %(id)s FOR NO KEY UPDATE;

-- name: lock_group_for_delete
-- Waits for every writer of the group and for every submission that has just checked it.
SELECT id FROM contact_groups WHERE id = %(id)s FOR UPDATE;

-- name: campaign_using
-- One campaign in one of these states that includes or excludes the group, the first by name.
-- Index campaign_groups (group_id), then the campaigns' primary key.
SELECT c.id, c.name, c.status
FROM campaign_groups u
JOIN campaigns c ON c.id = u.campaign_id
WHERE u.group_id = %(id)s AND c.status = ANY(%(statuses)s)
ORDER BY c.name, c.id
LIMIT 1;

-- name: query_naming
-- A segment of another group, or a campaign in one of these states, whose query asks for members of
-- the group: without it, "not in it" would suddenly be everybody. Queries are stored with uuids in
-- one form, so their text tells. Planner: the team's segments, and campaigns_segmented.
SELECT 'segment' AS what, name, id
FROM segments
WHERE team_id = %(team_id)s AND group_id <> %(id)s AND strpos(query::text, %(id)s::text) > 0
UNION ALL
SELECT 'campaign', name, id
FROM campaigns
WHERE team_id = %(team_id)s AND status = ANY(%(statuses)s) AND segmentation IS NOT NULL
  AND strpos(segmentation::text, %(id)s::text) > 0
ORDER BY what, name, id
LIMIT 1;

-- name: attached
-- A word and an opt-out link that lead into the group. Planner: keywords_group, links_group.
SELECT (SELECT min(word) FROM keywords WHERE group_id = %(id)s) AS keyword,
       (SELECT min(d.name || '/' || l.path) FROM links l JOIN domains d ON d.id = l.domain_id
        WHERE l.group_id = %(id)s) AS link;

-- part: asked_for
-- The same of a group g.
(EXISTS (SELECT FROM segments s
         WHERE s.team_id = g.team_id AND s.group_id <> g.id
           AND strpos(s.query::text, g.id::text) > 0)
 OR EXISTS (SELECT FROM campaigns c
            WHERE c.team_id = g.team_id AND c.segmentation IS NOT NULL
              AND c.status IN ('draft', 'scheduled', 'sending')
              AND strpos(c.segmentation::text, g.id::text) > 0))

-- name: delete_group
-- Its contacts go with it (ON DELETE CASCADE), by the index on contacts (group_id, identity).
DELETE FROM contact_groups WHERE id = %(id)s;

-- name: add_headers
-- The union of the custom field names seen so far. Touches the row only for a new name, so that
-- adding contacts to a group with known fields takes no lock on it.
UPDATE contact_groups
SET headers = headers || ARRAY(
        SELECT name FROM unnest(%(headers)s::text[]) WITH ORDINALITY AS n (name, position)
        WHERE name <> ALL (headers)
        ORDER BY position),
    updated_at = now()
WHERE id = %(id)s AND NOT headers @> %(headers)s::text[];

-- name: clear_headers
-- After a flush no custom field is known.
UPDATE contact_groups SET headers = '{}', updated_at = now() WHERE id = %(id)s;

-- name: touch_group
UPDATE contact_groups SET updated_at = now() WHERE id = %(id)s;

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
-- A group of a team by uuid or by name, the uuid first. Two unique indexes, bitmap OR.
SELECT id, team_id, name, description, kind, is_default_optouts, deletable, headers,
       created_at, updated_at
FROM contact_groups
WHERE team_id = %(team_id)s AND (id = %(id)s OR name = %(name)s)
ORDER BY id = %(id)s DESC NULLS LAST
LIMIT 1;

-- name: find_group_anywhere
-- The group behind a uuid, whichever team it belongs to: a uuid names one group in the system.
SELECT id, team_id, name, description, kind, is_default_optouts, deletable, headers,
       created_at, updated_at
FROM contact_groups
WHERE id = %(id)s;

-- name: list_groups
-- The groups of a team with the number of their contacts. One index-only scan per group over
-- contacts (group_id, identity): cheap for a page of groups, linear in their contacts.
SELECT g.id, g.team_id, g.name, g.description, g.kind, g.is_default_optouts, g.deletable,
       g.headers, g.created_at, g.updated_at, c.contacts
FROM contact_groups g
CROSS JOIN LATERAL (SELECT count(*) AS contacts FROM contacts WHERE group_id = g.id) c
WHERE g.team_id = %(team_id)s
ORDER BY g.is_default_optouts DESC, g.name;

-- name: count_contacts
-- How many contacts a group has; index-only on contacts (group_id, identity).
SELECT count(*) AS contacts FROM contacts WHERE group_id = %(id)s;

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

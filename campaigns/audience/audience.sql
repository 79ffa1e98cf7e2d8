-- name: find_groups
-- The groups behind a list of uuids, in its order; a missing one has no kind. KEY SHARE keeps them
-- from being deleted until the transaction that stores the campaign has ended.
SELECT n.position - 1 AS index, g.id, g.kind
FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS n (id, position)
JOIN contact_groups g ON g.id = n.id AND g.team_id = %(team_id)s
ORDER BY n.position
FOR KEY SHARE OF g;

-- name: suppression_groups
-- The opt-out groups that count for a campaign: the team's default one, and those it excludes.
SELECT id
FROM contact_groups
WHERE team_id = %(team_id)s
  AND (is_default_optouts OR (kind = 'optout' AND id = ANY(%(excluded)s::uuid[])))
ORDER BY is_default_optouts DESC, id;

-- name: headers
-- Custom field names seen in these groups.
SELECT DISTINCT h.name
FROM contact_groups g
CROSS JOIN LATERAL unnest(g.headers) AS h (name)
WHERE g.team_id = %(team_id)s AND g.id = ANY(%(ids)s::uuid[]);

-- name: has_contacts
-- Whether any of these groups has a contact; stops at the first, by contacts (group_id, id).
SELECT EXISTS (
    SELECT FROM contacts c
    JOIN contact_groups g ON g.id = c.group_id
    WHERE g.team_id = %(team_id)s AND c.group_id = ANY(%(ids)s::uuid[])
) AS found;

-- name: work_memory
-- A sort of a million narrow rows stays in memory instead of spilling to disk; the two that run at
-- once may take twice this. Local to the transaction.
SET LOCAL work_mem = '128MB';

-- name: count_audience
-- How many recipients materialise_audience would write; the two must keep the same conditions.
SELECT count(DISTINCT c.{address} COLLATE "C") AS recipients
FROM contacts c
JOIN contact_groups g ON g.id = c.group_id AND g.team_id = %(team_id)s
WHERE c.group_id = ANY(%(included)s::uuid[])
  AND c.{address} IS NOT NULL
  AND NOT EXISTS (
      SELECT FROM contacts x
      WHERE x.{address} = c.{address}
        AND x.group_id IN (
            SELECT e.id FROM contact_groups e
            WHERE e.team_id = %(team_id)s
              AND (e.is_default_optouts OR e.id = ANY(%(excluded)s::uuid[]))));

-- name: materialise_audience
-- The run's recipients: union of the included groups minus the excluded ones minus the team's
-- opt-outs, one row per address. Of several contacts with one address the first included group
-- counts, then the contact added first. seq runs without gaps in that same order.
-- NOT EXISTS becomes a hash anti join and is NULL-safe, unlike NOT IN. COLLATE "C" sorts by bytes,
-- which is several times faster than a locale's order and decides nothing but who meets whom.
INSERT INTO deliveries (run_id, seq, address, fields)
SELECT %(run_id)s, row_number() OVER (ORDER BY position, id) - 1, address, fields
FROM (
    SELECT DISTINCT ON (c.{address} COLLATE "C") c.{address} AS address, n.position, c.id, c.fields
    FROM unnest(%(included)s::uuid[]) WITH ORDINALITY AS n (id, position)
    JOIN contact_groups g ON g.id = n.id AND g.team_id = %(team_id)s
    JOIN contacts c ON c.group_id = g.id
    WHERE c.{address} IS NOT NULL
      AND NOT EXISTS (
          SELECT FROM contacts x
          WHERE x.{address} = c.{address}
            AND x.group_id IN (
                SELECT e.id FROM contact_groups e
                WHERE e.team_id = %(team_id)s
                  AND (e.is_default_optouts OR e.id = ANY(%(excluded)s::uuid[]))))
    ORDER BY c.{address} COLLATE "C", n.position, c.id
) AS recipients;

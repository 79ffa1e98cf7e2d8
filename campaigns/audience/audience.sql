-- name: find_groups
-- The groups behind a list of uuids, in its order; a missing one has no kind. KEY SHARE keeps them
-- from being deleted until the transaction that stores the campaign has ended. The contacts that came
-- with a campaign are for that one only.
SELECT n.position - 1 AS index, g.id, g.kind
FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS n (id, position)
JOIN contact_groups g ON g.id = n.id AND g.team_id = %(team_id)s
    AND (g.campaign_id IS NULL OR g.campaign_id = %(campaign_id)s)
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

-- name: team_groups
-- Those of the included groups that are the team's, in their order, and all groups whose members
-- are left out. Looked up beforehand, so that the planner sees how large exactly these groups are
-- instead of guessing through a join: that guess was 4,000 rows for 1.5 million.
SELECT ARRAY(
           SELECT g.id
           FROM unnest(%(included)s::uuid[]) WITH ORDINALITY AS n (id, position)
           JOIN contact_groups g ON g.id = n.id AND g.team_id = %(team_id)s
           ORDER BY n.position
       ) AS included,
       ARRAY(
           SELECT id
           FROM contact_groups
           WHERE team_id = %(team_id)s
             AND (is_default_optouts OR id = ANY(%(excluded)s::uuid[]))
       ) AS excluded;

-- name: plan_for_millions
-- A sort of a million rows stays in memory, and with nested loops out of the way the exclusion is
-- a hash anti join whatever the statistics say. Right after an import they may say nothing yet, and
-- an index look-up per member took 25 s where the hash takes one. Local to the transaction.
SELECT set_config('work_mem', '128MB', true), set_config('enable_nestloop', 'off', true),
       set_config('statement_timeout', '15min', true);

-- part: wanted
-- NOT EXISTS is NULL-safe, unlike NOT IN. {selected} is the condition of a segmentation
-- (campaigns/segmentation/condition.py), and nothing for a campaign without one.
    FROM contacts c
    WHERE c.group_id = ANY(%(included)s::uuid[])
      AND c.{address} IS NOT NULL
      AND NOT EXISTS (
          SELECT FROM contacts x
          WHERE x.group_id = ANY(%(excluded)s::uuid[]) AND x.{address} = c.{address}){selected}

-- part: alive
-- A run writes the addresses that are known to be dead too, and settles them at once (gone.sql).
      AND NOT EXISTS (
          SELECT FROM gone_addresses g
          WHERE g.team_id = %(team_id)s AND g.channel = %(channel)s AND g.address = c.{address})

-- name: count_audience
-- How many would get a message: what materialise_audience would write, without the dead.
SELECT count(DISTINCT c.{address} COLLATE "C") AS recipients
{wanted}
{alive};

-- part: unique
-- One row per address. Of several contacts with one address the first included group counts, then
-- the contact added first. COLLATE "C" sorts by bytes, several times faster than a locale, and
-- decides nothing but who stands next to whom.
    SELECT DISTINCT ON (c.{address} COLLATE "C")
           c.{address} AS address, c.id, c.fields,
           array_position(%(included)s::uuid[], c.group_id) AS position

-- part: in_order
    ORDER BY c.{address} COLLATE "C", position, c.id

-- name: materialise_audience
-- The run's recipients; seq runs without gaps by the included groups, then as contacts were added.
-- One scan, two sorts, one index-only scan of the excluded. Half of the time goes into the two
-- indexes of deliveries.
INSERT INTO deliveries (run_id, seq, address, fields)
SELECT %(run_id)s, row_number() OVER (ORDER BY position, id) - 1, address, fields
FROM (
{unique}
{wanted}
{in_order}
) AS recipients;

-- part: placed
-- What contacts say about their zone is strangers' data: it is only compared with the zones that
-- exist, so there are never more of them, and whoever names none of them gets the fallback.
    SELECT r.address, r.fields, r.position, r.id,
           coalesce(z.zone, %(fallback)s) AS zone, z.zone IS NULL AS fell_back
    FROM recipients r
    LEFT JOIN unnest(%(spellings)s::text[], %(zones)s::text[]) AS z (spelling, zone)
      ON z.spelling = lower(btrim(r.fields ->> 'timezone'))

-- part: by_zone
SELECT zone, count(*)::int AS recipients, (count(*) FILTER (WHERE fell_back))::int AS fallbacks
FROM placed
GROUP BY zone
ORDER BY zone COLLATE "C"

-- name: materialise_by_zone
-- The same, but the recipients of one time zone stand together, zones by name.
WITH recipients AS (
{unique}
{wanted}
{in_order}
), placed AS MATERIALIZED (
{placed}
), written AS (
    INSERT INTO deliveries (run_id, seq, address, fields)
    SELECT %(run_id)s, row_number() OVER (ORDER BY zone COLLATE "C", position, id) - 1, address, fields
    FROM placed
)
{by_zone};

-- name: count_by_zone
-- What materialise_by_zone would answer without the dead; writes nothing.
WITH recipients AS (
{unique}
{wanted}
{alive}
{in_order}
), placed AS (
{placed}
)
{by_zone};

-- name: sample_audience
-- The fields of a part of the recipients, the same part as long as they are the same people: those
-- whose addresses have the lowest hashes. The sort keeps no more rows than are wanted.
SELECT fields
FROM (
{unique}
{wanted}
{alive}
{in_order}
) AS recipients
ORDER BY hashtextextended(address, 0), address
LIMIT %(most)s;


-- name: unique_contacts
-- The recipients by address, as one page of them and their number. All of them are told apart first:
-- a second or so for a million contacts, whichever page it is.
WITH everybody AS MATERIALIZED (
    SELECT DISTINCT ON (c.{address} COLLATE "C") c.{address} AS address, c.created_at
    FROM contacts c
    WHERE c.group_id = ANY(%(included)s::uuid[])
      AND c.{address} IS NOT NULL
      AND NOT EXISTS (
          SELECT FROM contacts x
          WHERE x.group_id = ANY(%(excluded)s::uuid[]) AND x.{address} = c.{address})
    ORDER BY c.{address} COLLATE "C", array_position(%(included)s::uuid[], c.group_id), c.id
)
SELECT counted.total, page.address, page.created_at
FROM (SELECT count(*) AS total FROM everybody) counted
LEFT JOIN LATERAL (
    SELECT address, created_at FROM everybody
    ORDER BY address COLLATE "C" OFFSET %(offset)s LIMIT %(limit)s
) page ON true;
